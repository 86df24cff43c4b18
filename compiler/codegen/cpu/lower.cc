#include "compiler/codegen/cpu/lower.h"

#include "compiler/codegen/backend.h"
#include "compiler/codegen/loops/lower.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
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

// Whether `function` multiplies pairs of bf16.
bool multipliesPairs(const llvm::Function &function) {
  for (const llvm::Instruction &each : llvm::instructions(function))
    if (auto *call = llvm::dyn_cast<llvm::IntrinsicInst>(&each)) switch (call->getIntrinsicID()) {
        case llvm::Intrinsic::x86_avx512bf16_dpbf16ps_128:
        case llvm::Intrinsic::x86_avx512bf16_dpbf16ps_256:
        case llvm::Intrinsic::x86_avx512bf16_dpbf16ps_512:
          return true;
        default:
          break;
      }
  return false;
}

}  // namespace

bool usesBf16Products(const llvm::Module &module) { return llvm::any_of(module, multipliesPairs); }

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
    std::string features = target.llvm_features;
    if (multipliesPairs(function))
      features += (features.empty() ? "+" : ",+") + target.bf16_products;
    if (!features.empty()) function.addFnAttr("target-features", features);
    if (wide) function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr("no-trapping-math", "true");
    if (function.hasFnAttribute(kFlush)) flushSubnormals(function);
    function.setDoesNotThrow();
  }
  return module;
}

}  // namespace graven::codegen::cpu
