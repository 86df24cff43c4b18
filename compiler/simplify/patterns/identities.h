// Identities: an op whose value another expression has as well, and more cheaply.
//
//   // x · 1 = x
//   identities.add<MultiplyOp>([](MultiplyOp op, GraphBuilder &g) -> Value {
//     return isNumber(op.getY(), 1) ? op.getX() : Value();
//   });
//
// A formula returns nothing, and has built nothing, where the identity does not apply.
#ifndef GRAVEN_COMPILER_SIMPLIFY_PATTERNS_IDENTITIES_H_
#define GRAVEN_COMPILER_SIMPLIFY_PATTERNS_IDENTITIES_H_

#include <optional>

#include "dialect/graph/build/expr.h"
#include "mlir/IR/PatternMatch.h"

namespace graven::simplify {

using graph::Expr;
using graph::GraphBuilder;
using mlir::Value;

// The pattern set of the phase, filled by families.
class Identities {
 public:
  explicit Identities(mlir::RewritePatternSet &set) : set_(set) {}

  // For one op.
  template <typename OpTy>
  void add(Value (*formula)(OpTy, GraphBuilder &)) {
    set_.add<Pattern<mlir::OpRewritePattern, OpTy>>(set_.getContext(), formula);
  }
  // For every op that has an interface.
  template <typename InterfaceTy>
  void addForAll(Value (*formula)(InterfaceTy, GraphBuilder &)) {
    set_.add<Pattern<mlir::OpInterfaceRewritePattern, InterfaceTy>>(set_.getContext(), formula);
  }

 private:
  template <template <typename> class Base, typename OpTy>
  struct Pattern : Base<OpTy> {
    using Formula = Value (*)(OpTy, GraphBuilder &);
    Pattern(mlir::MLIRContext *context, Formula formula) : Base<OpTy>(context), formula(formula) {}
    llvm::LogicalResult matchAndRewrite(OpTy op, mlir::PatternRewriter &rewriter) const override {
      GraphBuilder g(rewriter, op->getLoc());
      Value replacement = formula(op, g);
      if (!replacement) return rewriter.notifyMatchFailure(op, "the identity does not apply");
      rewriter.replaceOp(op, replacement);
      return llvm::success();
    }
    Formula formula;
  };

  mlir::RewritePatternSet &set_;
};

// The value, of the tensor's element type, that every element of a constant has; null if `value` is
// no constant or has different elements. Unsigned elements come as signless ones.
mlir::TypedAttr splatOf(Value value);
// The same as a number, as exact as a double can be.
std::optional<double> numberIn(Value value);
bool isNumber(Value value, double number);
// A constant of `type` with `element` (of `splatOf`'s kind) in every place.
Value splat(GraphBuilder &g, mlir::TypedAttr element, graph::RankedTensorType type);

graph::RankedTensorType typeOf(Value value);
// The axes of the result that the operand's are.
llvm::SmallVector<int64_t> axesOf(graph::BroadcastOp op);

// One function for each family, in the file of the family's name.
void addConstantIdentities(Identities &identities);
void addAlgebraIdentities(Identities &identities);
void addConversionIdentities(Identities &identities);
void addMovementIdentities(Identities &identities);
void addContractionIdentities(Identities &identities);
void addOneHotIdentities(Identities &identities);

}  // namespace graven::simplify

#endif  // GRAVEN_COMPILER_SIMPLIFY_PATTERNS_IDENTITIES_H_
