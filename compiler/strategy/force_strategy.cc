#include "compiler/strategy/force_strategy.h"

#include <system_error>

#include "dialect/kernel/kernel.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

namespace graven::strategy {

namespace {

llvm::Error unreadable(const llvm::Twine &message) {
  return llvm::createStringError(std::make_error_code(std::errc::invalid_argument), message);
}

// NAME or NAME:PARAM=NUMBER,...
llvm::Expected<Target::Forced> readChoice(llvm::StringRef text) {
  Target::Forced choice;
  auto [name, list] = text.split(':');
  choice.strategy = name.str();
  llvm::SmallVector<llvm::StringRef> params;
  list.split(params, ',', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef param : params) {
    auto [key, number] = param.split('=');
    int64_t value = 0;
    if (key.empty() || number.getAsInteger(10, value))
      return unreadable(llvm::Twine("cannot read '") + param + "' in the strategy '" + text +
                        "': expected NAME or NAME:PARAM=NUMBER,..., such as "
                        "contraction:pack_rhs=1,rows=6");
    choice.params.push_back({key.str(), value});
  }
  return choice;
}

}  // namespace

llvm::Error forceStrategy(llvm::StringRef text, Target &target) {
  target.forced = {};
  llvm::Expected<Target::Forced> choice = readChoice(text);
  if (!choice) return choice.takeError();
  target.forced = std::move(*choice);
  return llvm::Error::success();
}

llvm::Error forceStrategyOfKind(llvm::StringRef text, StrategyTable table, Target &target) {
  auto [kind, rest] = text.split(':');
  if (!llvm::is_contained(kernel::kinds(), kind))
    return unreadable(llvm::Twine("there is no kind of kernels '") + kind + "' in the strategy '" +
                      text + "': expected KIND:NAME, such as row:reference; the kinds are " +
                      llvm::join(kernel::kinds(), ", "));
  llvm::Expected<Target::Forced> choice = readChoice(rest);
  if (!choice) return choice.takeError();
  auto names = llvm::map_range(table, [](const Strategy &each) { return each.name; });
  if (!llvm::is_contained(names, choice->strategy))
    return unreadable(llvm::Twine("device '") + target.device + "' has no strategy '" +
                      choice->strategy + "' for kernels of kind '" + kind +
                      "'; its strategies are " + llvm::join(names, ", "));
  for (const auto &[name, other] : target.forced_by_kind)
    if (name == kind)
      return unreadable(llvm::Twine("kernels of kind '") + kind +
                        "' have been given the strategy '" + other.strategy +
                        "' already; leave out '" + text + "'");
  target.forced_by_kind.push_back({kind.str(), std::move(*choice)});
  return llvm::Error::success();
}

}  // namespace graven::strategy
