#include "compiler/codegen/cpu/lower.h"

#include "compiler/codegen/math/passes.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Module.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"

namespace graven::codegen::cpu {

void buildLowerToLlvmPipeline(mlir::OpPassManager &passes, const strategy::Target &target) {
  passes.addPass(createExpandMathPass({!target.strict(), target.has_estimates}));
  // Expansion repeats constants per function; hoisting and CSE here keep LLVM's input small.
  passes.addPass(mlir::createCSEPass());
  passes.addPass(mlir::createLoopInvariantCodeMotionPass());
  passes.addPass(mlir::createSCFToControlFlowPass());
  passes.addPass(mlir::createConvertVectorToLLVMPass());
  passes.addPass(mlir::createConvertMathToLLVMPass());
  passes.addPass(mlir::createConvertFuncToLLVMPass());
  passes.addPass(mlir::createArithToLLVMConversionPass());
  passes.addPass(mlir::createConvertIndexToLLVMPass());
  passes.addPass(mlir::createConvertControlFlowToLLVMPass());
  passes.addPass(mlir::createUBToLLVMConversionPass());
  passes.addPass(mlir::createReconcileUnrealizedCastsPass());
}

void registerLowerToLlvm(mlir::DialectRegistry &registry) {
  registry.insert<mlir::arith::ArithDialect, mlir::cf::ControlFlowDialect, mlir::func::FuncDialect,
                  mlir::index::IndexDialect, mlir::LLVM::LLVMDialect, mlir::math::MathDialect,
                  mlir::scf::SCFDialect, mlir::ub::UBDialect, mlir::vector::VectorDialect>();
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
}

std::unique_ptr<llvm::Module> lowerToLlvm(mlir::ModuleOp kernels, const strategy::Target &target,
                                          llvm::LLVMContext &context) {
  mlir::PassManager passes(kernels.getContext(), mlir::ModuleOp::getOperationName());
  passes.enableVerifier(false);
  buildLowerToLlvmPipeline(passes, target);
  if (mlir::failed(passes.run(kernels))) return nullptr;
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
    function.setDoesNotThrow();
  }
  return module;
}

}  // namespace graven::codegen::cpu
