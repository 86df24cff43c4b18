#include "compiler/codegen/gpu/ptx.h"

#include "compiler/codegen/gpu/target.h"
#include "compiler/codegen/host/emit_object.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/Module.h"

namespace graven::codegen::gpu {
namespace {

// What the code generator is asked for: LLVM's own names of the device.
strategy::Target codeTarget(const strategy::Target &target) {
  strategy::Target code = target;
  code.triple = "nvptx64-nvidia-cuda";
  code.instruction_set = chipOf(target);
  code.llvm_features = "+ptx80";
  return code;
}

constexpr llvm::StringLiteral kEntry = ".visible .entry ";

// `text` with each entry's note in front of it.
std::string annotate(llvm::StringRef text, llvm::ArrayRef<EntryNote> notes) {
  llvm::StringMap<const EntryNote *> by_symbol;
  for (const EntryNote &note : notes) by_symbol[note.symbol] = &note;
  std::string result;
  while (!text.empty()) {
    auto [line, rest] = text.split('\n');
    if (line.starts_with(kEntry)) {
      llvm::StringRef symbol = line.drop_front(kEntry.size()).take_until([](char c) {
        return c == '(';
      });
      if (const EntryNote *note = by_symbol.lookup(symbol))
        for (const std::string &each : note->lines) result += "// " + each + "\n";
    }
    result += line.str() + "\n";
    text = rest;
  }
  return result;
}

}  // namespace

llvm::Expected<std::string> printPtx(llvm::Module &module, const strategy::Target &target,
                                     llvm::ArrayRef<EntryNote> notes) {
  strategy::Target code = codeTarget(target);
  if (llvm::Error error = host::optimizeModule(module, code)) return error;
  for (const llvm::Function &function : module)
    if (function.isDeclaration() && !function.isIntrinsic() && !function.use_empty())
      return llvm::createStringError(
          std::make_error_code(std::errc::invalid_argument),
          "the generated code calls '" + function.getName() +
              "', but kernels of a GPU call nothing; this is a defect of the compiler: please "
              "report it with the model");
  llvm::Expected<std::string> text = host::emitAssembly(module, code);
  if (!text) return text.takeError();
  return annotate(*text, notes);
}

}  // namespace graven::codegen::gpu
