#include "compiler/codegen/cpu/codegen.h"

#include "compiler/codegen/cpu/lower.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/cpu/target.h"
#include "compiler/codegen/loops/lower.h"
#include "llvm/IR/Module.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

FailureOr<Code> emit(ModuleOp module, const strategy::Target &target, llvm::LLVMContext &context) {
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(module.getLoc());
  if (failed(emitKernels(module, target, *kernels))) return failure();
  Code code;
  code.host = lowerToLlvm(*kernels, target, context);
  if (!code.host) return failure();
  if (usesBf16Products(*code.host)) code.host_features.push_back(target.bf16_products);
  return code;
}

}  // namespace

const Backend kBackend = {"cpu",
                          "this machine's processor, or that of --target",
                          resolveTarget,
                          strategies,
                          registerLowerToLlvm,
                          emit,
                          /*answers=*/[] { return true; }};

LogicalResult emitKernels(ModuleOp kernels, const strategy::Target &target, ModuleOp out) {
  return codegen::emitKernels(kernels, strategies(), target, out);
}

}  // namespace graven::codegen::cpu
