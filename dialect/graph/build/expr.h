// Writing graph IR as mathematics: `Expr` wraps a typed value, operators and functions build ops.
//
//   Expr y = 1.0 / (1.0 + exp(-x));
//   Expr d = sum(g * y, {1}, /*keepDims=*/true);
//
// Operands are broadcast to one another as numpy does; numbers take the element type of what they
// meet. Compositions of ops, gradient rules, layers, losses and optimizers are all written with it.
#ifndef GRAVEN_DIALECT_GRAPH_BUILD_EXPR_H_
#define GRAVEN_DIALECT_GRAPH_BUILD_EXPR_H_

#include "dialect/graph/ir/graph.h"

namespace graven::graph {

using mlir::RankedTensorType;

// Where ops are created, and the location they get.
class GraphBuilder {
 public:
  GraphBuilder(mlir::OpBuilder &builder, mlir::Location loc) : builder_(builder), loc_(loc) {}

  mlir::OpBuilder &builder() { return builder_; }
  mlir::Location loc() const { return loc_; }
  void setLoc(mlir::Location loc) { loc_ = loc; }

  // Creates the op `name` on typed operands with the type its shape rule gives. Operands of
  // elementwise ops are broadcast first. A misfit is reported as an error at `loc()`.
  mlir::FailureOr<mlir::Value> tryCreate(mlir::OperationName name, mlir::ValueRange operands,
                                         llvm::ArrayRef<mlir::NamedAttribute> attributes = {});
  // The same where a misfit is a defect of the compiler.
  template <typename OpTy>
  mlir::Value create(mlir::ValueRange operands,
                     llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
    return *tryCreate(mlir::OperationName(OpTy::getOperationName(), builder_.getContext()),
                      operands, attributes);
  }
  mlir::NamedAttribute option(llvm::StringRef name, mlir::Attribute value) {
    return builder_.getNamedAttr(name, value);
  }
  mlir::NamedAttribute ints(llvm::StringRef name, llvm::ArrayRef<int64_t> values) {
    return option(name, builder_.getDenseI64ArrayAttr(values));
  }
  mlir::NamedAttribute integer(llvm::StringRef name, int64_t value) {
    return option(name, builder_.getI64IntegerAttr(value));
  }
  mlir::NamedAttribute type(llvm::StringRef name, mlir::Type value) {
    return option(name, mlir::TypeAttr::get(value));
  }

  // `value` in every element of `type`.
  mlir::Value constant(double value, RankedTensorType type);
  // A scalar.
  mlir::Value constant(double value, mlir::Type element);
  // Repeats `x` so that it has `shape`, by numpy's rules; `x` itself where it has it already.
  mlir::Value broadcastTo(mlir::Value x, llvm::ArrayRef<int64_t> shape);

 private:
  mlir::OpBuilder &builder_;
  mlir::Location loc_;
};

// A typed tensor value in a formula. Copyable; refers to the builder that made it.
class Expr {
 public:
  Expr() = default;
  Expr(GraphBuilder &g, mlir::Value value) : g_(&g), value_(value) {}

  mlir::Value value() const { return value_; }
  operator mlir::Value() const { return value_; }
  GraphBuilder &g() const { return *g_; }
  RankedTensorType type() const { return llvm::cast<RankedTensorType>(value_.getType()); }
  llvm::ArrayRef<int64_t> shape() const { return type().getShape(); }
  int64_t dim(int64_t axis) const { return type().getDimSize(axis); }
  int64_t rank() const { return type().getRank(); }
  mlir::Type element() const { return type().getElementType(); }
  // A number of this expression's shape and element type.
  Expr like(double number) const { return {*g_, g_->constant(number, type())}; }

 private:
  GraphBuilder *g_ = nullptr;
  mlir::Value value_;
};

Expr operator+(Expr x, Expr y);
Expr operator-(Expr x, Expr y);
Expr operator*(Expr x, Expr y);
Expr operator/(Expr x, Expr y);
Expr operator-(Expr x);
Expr operator+(Expr x, double y);
Expr operator+(double x, Expr y);
Expr operator-(Expr x, double y);
Expr operator-(double x, Expr y);
Expr operator*(Expr x, double y);
Expr operator*(double x, Expr y);
Expr operator/(Expr x, double y);
Expr operator/(double x, Expr y);
Expr operator>(Expr x, Expr y);
Expr operator<(Expr x, Expr y);
Expr operator>=(Expr x, Expr y);
Expr operator<=(Expr x, Expr y);
Expr operator>(Expr x, double y);
Expr operator<(Expr x, double y);
Expr operator>=(Expr x, double y);
Expr operator<=(Expr x, double y);
// Not operator==, which C++ readers take for a bool.
Expr equal(Expr x, Expr y);
Expr notEqual(Expr x, Expr y);
Expr logicalAnd(Expr x, Expr y);
Expr logicalOr(Expr x, Expr y);
Expr logicalNot(Expr x);

Expr exp(Expr x);
Expr expm1(Expr x);
Expr log(Expr x);
Expr log1p(Expr x);
Expr tanh(Expr x);
Expr logistic(Expr x);
Expr erf(Expr x);
Expr erfc(Expr x);
Expr sqrt(Expr x);
Expr rsqrt(Expr x);
Expr sin(Expr x);
Expr cos(Expr x);
Expr abs(Expr x);
Expr sign(Expr x);
Expr floor(Expr x);
Expr power(Expr x, Expr y);
Expr maximum(Expr x, Expr y);
Expr minimum(Expr x, Expr y);
Expr select(Expr condition, Expr onTrue, Expr onFalse);
Expr convert(Expr x, mlir::Type element);
// x, or as f32 where its elements are f16 or bf16.
Expr widen(Expr x);
mlir::Type widen(mlir::Type element);
Expr stopGradient(Expr x);

Expr reshape(Expr x, llvm::ArrayRef<int64_t> shape);
// Axis i of x becomes axis axes[i] of the result.
Expr broadcast(Expr x, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> axes);
// By numpy's rules.
Expr broadcastTo(Expr x, llvm::ArrayRef<int64_t> shape);
Expr transpose(Expr x, llvm::ArrayRef<int64_t> permutation);
Expr slice(Expr x, llvm::ArrayRef<int64_t> start, llvm::ArrayRef<int64_t> limit,
           llvm::ArrayRef<int64_t> stride = {});
Expr pad(Expr x, llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
         llvm::ArrayRef<int64_t> interior = {});
Expr concatenate(llvm::ArrayRef<Expr> parts, int64_t axis);
Expr iota(GraphBuilder &g, llvm::ArrayRef<int64_t> shape, int64_t axis, mlir::Type element);

// Over `axes`; with keepDims the axes stay, with length 1. `max` of an `Expr` is the reduction.
Expr sum(Expr x, llvm::ArrayRef<int64_t> axes, bool keepDims = false);
Expr prod(Expr x, llvm::ArrayRef<int64_t> axes, bool keepDims = false);
Expr max(Expr x, llvm::ArrayRef<int64_t> axes, bool keepDims = false);
Expr min(Expr x, llvm::ArrayRef<int64_t> axes, bool keepDims = false);
Expr sumAll(Expr x);
Expr argmax(Expr x, int64_t axis);

struct DotAxes {
  llvm::SmallVector<int64_t> lhsBatch, rhsBatch, lhsContract, rhsContract;
};
// `element`: of the result; null, or the operands', where it is theirs.
Expr dotGeneral(Expr lhs, Expr rhs, const DotAxes &axes, mlir::Type element = {});
Expr gather(Expr x, Expr indices, int64_t axis);
Expr scatterAdd(Expr x, Expr indices, Expr updates, int64_t axis);
// `key`: 2xi32; `counter`: scalar i64 or an empty Expr.
Expr randomUniform(Expr key, Expr counter, llvm::ArrayRef<int64_t> shape, mlir::Type element,
                   uint32_t site);

}  // namespace graven::graph

#endif  // GRAVEN_DIALECT_GRAPH_BUILD_EXPR_H_
