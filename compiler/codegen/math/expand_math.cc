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
    llvm::StringMap<const ElementaryFunction *> functions;
    for (auto family :
         {exponentialFunctions(), logarithmFunctions(), hyperbolicFunctions(), errorFunctions(),
          trigonometricFunctions(), powerFunctions(), rootFunctions()})
      for (const ElementaryFunction &each : family) functions[each.op] = &each;

    llvm::SmallVector<std::pair<mlir::Operation *, const ElementaryFunction *>> work;
    getOperation()->walk([&](mlir::Operation *op) {
      if (const auto *function = functions.lookup(op->getName().getStringRef()))
        work.emplace_back(op, function);
    });
    for (auto [op, function] : work)
      if (mlir::failed(expand(op, *function))) return signalPassFailure();
  }

 private:
  // The formula for elements of this type; null: the op is an instruction and stays.
  Formula choose(const ElementaryFunction &function, mlir::Type element) {
    if (fast_ && element.isF32()) {
      if (estimates_ && function.fast_on_avx512) return function.fast_on_avx512;
      if (function.fast) return function.fast;
    }
    return function.precise;
  }

  llvm::LogicalResult expand(mlir::Operation *op, const ElementaryFunction &function) {
    mlir::Type type = op->getResult(0).getType();
    mlir::Type element = mlir::getElementTypeOrSelf(type);
    Formula formula = choose(function, element);
    if (!formula) return mlir::success();
    if (!element.isF32() && !element.isF64())
      return op->emitOpError() << "has no expansion for " << element << ": expected f32 or f64";
    mlir::OpBuilder builder(op);
    Scope scope(builder, op->getLoc(), type, estimates_);
    llvm::SmallVector<Real> operands;
    for (mlir::Value operand : op->getOperands()) operands.push_back(scope.wrap(operand));
    op->getResult(0).replaceAllUsesWith(formula(scope, operands).value);
    op->erase();
    return mlir::success();
  }

  Option<bool> fast_{*this, "fast", llvm::cl::desc("errors up to 3.5 ULP where that saves time"),
                     llvm::cl::init(false)};
  Option<bool> estimates_{*this, "estimates",
                          llvm::cl::desc("the machine has vrsqrt14ps and vscalefps"),
                          llvm::cl::init(false)};
};

}  // namespace

Real patch(Mask rare, Real quick, llvm::function_ref<Real()> slow) {
  const Scope &scope = *quick.scope;
  mlir::OpBuilder &builder = scope.builder();
  auto branch = mlir::scf::IfOp::create(builder, scope.loc(), mlir::TypeRange{scope.realType()},
                                        any(rare).value, /*withElseRegion=*/true);
  mlir::OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  mlir::scf::YieldOp::create(builder, scope.loc(), select(rare, slow(), quick).value);
  builder.setInsertionPointToStart(branch.elseBlock());
  mlir::scf::YieldOp::create(builder, scope.loc(), quick.value);
  return scope.wrap(branch.getResult(0));
}

std::unique_ptr<mlir::Pass> createExpandMathPass(MathOptions options) {
  return std::make_unique<ExpandMathPass>(options);
}

void registerPasses() {
  mlir::PassRegistration<ExpandMathPass>();
  mlir::registerPass(createCanonicalNanPass);
  registerExpandNarrowFloatsPass();
}

}  // namespace graven::codegen
