#include "compiler/codegen/backend.h"
#include "compiler/codegen/cpu/codegen.h"
#include "compiler/codegen/gpu/codegen.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace graven::codegen {
namespace {

std::vector<const Backend *> &table() {
  static std::vector<const Backend *> table = {&cpu::kBackend, &gpu::kBackend};
  return table;
}

}  // namespace

ArrayRef<const Backend *> backends() { return table(); }

const Backend *findBackend(StringRef name) {
  for (const Backend *each : table())
    if (each->name == name) return each;
  return nullptr;
}

llvm::Expected<const Backend *> requireBackend(StringRef wish) {
  if (wish == "auto")
    for (const Backend *each : llvm::reverse(table()))
      if (each->answers()) return each;
  auto [name, number] = wish.split(':');
  uint32_t ordinal = 0;
  bool spelled = name.size() == wish.size() || !number.getAsInteger(10, ordinal);
  if (const Backend *found = findBackend(name); found && spelled) return found;
  auto names = llvm::map_range(table(), [](const Backend *each) { return each->name; });
  return llvm::createStringError(
      std::make_error_code(std::errc::invalid_argument),
      "unknown device '" + wish + "'; this compiler knows: " + llvm::join(names, ", ") + ", auto");
}

void registerBackend(const Backend &backend) { table().push_back(&backend); }

}  // namespace graven::codegen
