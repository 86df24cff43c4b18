#include "compiler/strategy/force_strategy.h"

#include <system_error>

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"

namespace graven::strategy {

llvm::Error forceStrategy(llvm::StringRef text, Target &target) {
  target.forced = {};
  auto [name, list] = text.split(':');
  target.forced.strategy = name.str();
  llvm::SmallVector<llvm::StringRef> params;
  list.split(params, ',', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef param : params) {
    auto [key, number] = param.split('=');
    int64_t value = 0;
    if (key.empty() || number.getAsInteger(10, value))
      return llvm::createStringError(
          std::make_error_code(std::errc::invalid_argument),
          llvm::Twine("cannot read '") + param + "' in the strategy '" + text +
              "': expected NAME or NAME:PARAM=NUMBER,..., such as contraction:pack_rhs=1,rows=6");
    target.forced.params.push_back({key.str(), value});
  }
  return llvm::Error::success();
}

}  // namespace graven::strategy
