#include "compiler/codegen/loops/lower.h"

#include "compiler/codegen/math/passes.h"
#include "dialect/element/element.h"
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
#include "mlir/Transforms/Passes.h"

namespace graven::codegen {

void buildLowerToLlvmPipeline(mlir::OpPassManager &passes, const strategy::Target &target) {
  passes.addPass(createExpandMathPass({!target.strict(), target.has_estimates}));
  if (target.strict()) passes.addPass(createCanonicalNanPass());
  passes.addPass(createExpandNarrowFloatsPass(
      {target.has_f16_conversions, target.has_bf16_conversions, target.strict()}));
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
  registry.insert<element::ElementDialect, mlir::arith::ArithDialect, mlir::cf::ControlFlowDialect,
                  mlir::func::FuncDialect, mlir::index::IndexDialect, mlir::LLVM::LLVMDialect,
                  mlir::math::MathDialect, mlir::scf::SCFDialect, mlir::ub::UBDialect,
                  mlir::vector::VectorDialect>();
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
}

llvm::LogicalResult lowerToLlvmDialect(mlir::ModuleOp kernels, const strategy::Target &target) {
  mlir::PassManager passes(kernels.getContext(), mlir::ModuleOp::getOperationName());
  passes.enableVerifier(false);
  buildLowerToLlvmPipeline(passes, target);
  return passes.run(kernels);
}

}  // namespace graven::codegen
