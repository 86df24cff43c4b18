#include "compiler/codegen/math/expand_math.h"

#include "compiler/codegen/math/passes.h"
#include "llvm/ADT/StringMap.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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

  ExpandMathPass() = default;
  ExpandMathPass(const ExpandMathPass &other) : PassWrapper(other) {}
  explicit ExpandMathPass(MathOptions options) {
    fast_ = options.fast;
    estimates_ = options.estimates;
  }

  llvm::StringRef getArgument() const override { return "codegen-expand-math"; }
  llvm::StringRef getDescription() const override {
    return "Rewrite elementary functions into arithmetic; afterwards nothing needs libm";
  }
  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    registry.insert<mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::scf::SCFDialect,
                    mlir::vector::VectorDialect, mlir::LLVM::LLVMDialect>();
  }

  void runOnOperation() override {
    Table functions, estimated;
    for (auto family : {exponentialFunctions(), logarithmFunctions(), hyperbolicFunctions(),
                        errorFunctions(), trigonometricFunctions(), powerFunctions()})
      for (const ElementaryFunction &each : family) functions[each.op] = &each;
    if (fast_ && estimates_)
      for (const ElementaryFunction &each : estimatedFunctions()) estimated[each.op] = &each;

    expand([&](llvm::StringRef op, mlir::Type element) {
      const ElementaryFunction *function = functions.lookup(op);
      const ElementaryFunction *quicker = element.isF32() ? estimated.lookup(op) : nullptr;
      return function && quicker ? quicker : function;
    });
    // Instructions, those that the functions were expanded to among them.
    expand([&](llvm::StringRef op, mlir::Type element) {
      return element.isF32() ? estimated.lookup(op) : nullptr;
    });
  }

 private:
  using Table = llvm::StringMap<const ElementaryFunction *>;
  using Choice = llvm::function_ref<const ElementaryFunction *(llvm::StringRef op, mlir::Type)>;

  // Replaces the ops for which there is a choice.
  void expand(Choice choose) {
    llvm::SmallVector<std::pair<mlir::Operation *, const ElementaryFunction *>> work;
    getOperation()->walk([&](mlir::Operation *op) {
      if (op->getNumResults() != 1) return;
      mlir::Type element = mlir::getElementTypeOrSelf(op->getResult(0).getType());
      if (auto function = choose(op->getName().getStringRef(), element))
        work.emplace_back(op, function);
    });
    for (auto [op, function] : work) {
      mlir::Type type = op->getResult(0).getType();
      mlir::Type element = mlir::getElementTypeOrSelf(type);
      if (!element.isF32() && !element.isF64()) {
        op->emitOpError() << "has no expansion for " << element << ": expected f32 or f64";
        return signalPassFailure();
      }
      mlir::OpBuilder builder(op);
      Scope scope(builder, op->getLoc(), type, estimates_);
      llvm::SmallVector<Real> operands;
      for (mlir::Value operand : op->getOperands()) operands.push_back(scope.wrap(operand));
      Real result = function->expand(scope, operands);
      op->getResult(0).replaceAllUsesWith(result.value);
      op->erase();
    }
  }

  Option<bool> fast_{*this, "fast", llvm::cl::desc("errors up to 3.5 ULP where that saves time"),
                     llvm::cl::init(false)};
  Option<bool> estimates_{*this, "estimates",
                          llvm::cl::desc("the machine has vrsqrt14ps and vscalefps"),
                          llvm::cl::init(false)};
};

}  // namespace

std::unique_ptr<mlir::Pass> createExpandMathPass(MathOptions options) {
  return std::make_unique<ExpandMathPass>(options);
}

void registerPasses() {
  mlir::PassRegistration<ExpandMathPass>();
  mlir::registerPass(createCanonicalNanPass);
  registerExpandNarrowFloatsPass();
}

}  // namespace graven::codegen
