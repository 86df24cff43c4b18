#include "compiler/codegen/math/expand_math.h"

#include "compiler/codegen/math/passes.h"
#include "llvm/ADT/StringMap.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Pass/PassRegistry.h"

namespace graven::codegen {
namespace {

class ExpandMathPass : public mlir::PassWrapper<ExpandMathPass, mlir::OperationPass<>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExpandMathPass)

  llvm::StringRef getArgument() const override { return "codegen-expand-math"; }
  llvm::StringRef getDescription() const override {
    return "Rewrite elementary functions into arithmetic; afterwards nothing needs libm";
  }
  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    registry.insert<mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::scf::SCFDialect,
                    mlir::vector::VectorDialect>();
  }

  void runOnOperation() override {
    llvm::StringMap<const ElementaryFunction *> functions;
    for (auto family : {exponentialFunctions(), logarithmFunctions(), hyperbolicFunctions(),
                        errorFunctions(), trigonometricFunctions(), powerFunctions()})
      for (const ElementaryFunction &each : family) functions[each.op] = &each;

    llvm::SmallVector<mlir::Operation *> work;
    getOperation()->walk([&](mlir::Operation *op) {
      if (functions.contains(op->getName().getStringRef())) work.push_back(op);
    });
    for (mlir::Operation *op : work) {
      mlir::Type type = op->getResult(0).getType();
      mlir::Type element = mlir::getElementTypeOrSelf(type);
      if (!element.isF32() && !element.isF64()) {
        op->emitOpError() << "has no expansion for " << element << ": expected f32 or f64";
        return signalPassFailure();
      }
      mlir::OpBuilder builder(op);
      Scope scope(builder, op->getLoc(), type);
      llvm::SmallVector<Real> operands;
      for (mlir::Value operand : op->getOperands()) operands.push_back(scope.wrap(operand));
      Real result = functions[op->getName().getStringRef()]->expand(scope, operands);
      op->getResult(0).replaceAllUsesWith(result.value);
      op->erase();
    }
  }
};

}  // namespace

std::unique_ptr<mlir::Pass> createExpandMathPass() { return std::make_unique<ExpandMathPass>(); }

void registerPasses() { mlir::PassRegistration<ExpandMathPass>(); }

}  // namespace graven::codegen
