#include "compiler/codegen/cpu/lower.h"

#include "compiler/codegen/backend.h"
#include "compiler/codegen/loops/lower.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicsX86.h"
#include "llvm/IR/Module.h"
#include "mlir/Target/LLVMIR/Export.h"

namespace graven::codegen::cpu {
namespace {

// Sets flush-to-zero and denormals-are-zero while `function` runs. What it computes hangs on what
// it loads behind the one instruction and stores before the other, so no order is lost.
void flushSubnormals(llvm::Function &function) {
  constexpr uint32_t kFlushBits = 0x8040;
  llvm::IRBuilder<> b(&*function.getEntryBlock().getFirstInsertionPt());
  llvm::Value *callers = b.CreateAlloca(b.getInt32Ty()), *ours = b.CreateAlloca(b.getInt32Ty());
  b.CreateIntrinsic(b.getVoidTy(), llvm::Intrinsic::x86_sse_stmxcsr, {callers});
  b.CreateStore(b.CreateOr(b.CreateLoad(b.getInt32Ty(), callers), kFlushBits), ours);
  b.CreateIntrinsic(b.getVoidTy(), llvm::Intrinsic::x86_sse_ldmxcsr, {ours});
  for (llvm::BasicBlock &block : function)
    if (auto *end = llvm::dyn_cast<llvm::ReturnInst>(block.getTerminator())) {
      b.SetInsertPoint(end);
      b.CreateIntrinsic(b.getVoidTy(), llvm::Intrinsic::x86_sse_ldmxcsr, {callers});
    }
  // Constants are folded as the instructions compute.
  function.addFnAttr("denormal-fp-math", "preserve-sign,preserve-sign");
}

}  // namespace

std::unique_ptr<llvm::Module> lowerToLlvm(mlir::ModuleOp kernels, const strategy::Target &target,
                                          llvm::LLVMContext &context) {
  if (mlir::failed(lowerToLlvmDialect(kernels, target))) return nullptr;
  std::unique_ptr<llvm::Module> module =
      mlir::translateModuleToLLVMIR(kernels, context, "graven_kernels");
  if (!module) return nullptr;
  bool wide = target.vector_bytes >= 64;
  for (llvm::Function &function : *module) {
    if (function.isDeclaration()) continue;
    function.setVisibility(llvm::GlobalValue::HiddenVisibility);
    function.setDSOLocal(true);
    function.addFnAttr("target-cpu", target.instruction_set);
    if (target.cpu != target.instruction_set) function.addFnAttr("tune-cpu", target.cpu);
    if (!target.llvm_features.empty()) function.addFnAttr("target-features", target.llvm_features);
    if (wide) function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr("no-trapping-math", "true");
    if (function.hasFnAttribute(kFlush)) flushSubnormals(function);
    function.setDoesNotThrow();
  }
  return module;
}

}  // namespace graven::codegen::cpu
