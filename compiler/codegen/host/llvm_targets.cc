#include "compiler/codegen/host/llvm_targets.h"

#include <mutex>

#include "llvm/Support/TargetSelect.h"

namespace graven::codegen::host {

void initializeLlvmTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
  });
}

}  // namespace graven::codegen::host
