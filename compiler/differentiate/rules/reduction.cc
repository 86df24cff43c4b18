// Gradients of reductions.
#include "compiler/differentiate/rules/rule.h"

namespace graven::differentiate {
namespace {

using namespace graph;
using llvm::ArrayRef;
using llvm::SmallVector;

SmallVector<int64_t> reducedAxes(Backward &b) {
  return llvm::cast<ReductionOpInterface>(b.op()).getReducedAxes();
}

// A value of the reduction's result type, repeated over the operand's shape.
Expr spread(Backward &b, Expr reduced) {
  ArrayRef<int64_t> shape = b.operand(0).shape();
  SmallVector<int64_t> axes, reducedOver = reducedAxes(b);
  for (int64_t axis = 0; axis < b.operand(0).rank(); ++axis)
    if (b.operand(0).rank() == reduced.rank() || !llvm::is_contained(reducedOver, axis))
      axes.push_back(axis);
  return broadcast(reduced, shape, axes);
}

// y = Σ x:  dx = g
void sumRule(Backward &b) { b.give(0, spread(b, b.gradient())); }

// y = max x (min alike):  dx = g / n at the n elements that equal y, else 0
void extremeRule(Backward &b) {
  Expr x = b.operand(0), g = b.gradient();
  Expr hit = equal(x, spread(b, b.result()));
  Expr ties = sum(convert(hit, x.element()), reducedAxes(b), g.rank() == x.rank());
  b.give(0, select(hit, spread(b, g / ties), x.like(0.0)));
}

// For x of shape n x ..., the product over axis 0 of all rows but the one at the index. With the
// halves a and b of x and e of the pairwise product a b, it is (e b, e a): n multiplications on
// log2 n levels, no division, hence exact where factors are 0 and differentiable again.
Expr productsOfOthers(Expr x) {
  int64_t count = x.dim(0), half = (count + 1) / 2;
  if (count <= 1) return x.like(1.0);
  SmallVector<int64_t> start(x.rank(), 0), limit(x.shape()), row(x.shape());
  limit[0] = half;
  Expr first = slice(x, start, limit);
  start[0] = half;
  limit[0] = count;
  Expr second = slice(x, start, limit);
  row[0] = 1;
  if (count % 2) {
    Expr one(x.g(), x.g().constant(1.0, RankedTensorType::get(row, x.element())));
    second = concatenate({second, one}, 0);
  }
  Expr others = productsOfOthers(first * second);
  Expr joined = concatenate({others * second, others * first}, 0);
  start[0] = 0;
  return count % 2 ? slice(joined, start, limit) : joined;
}

// y = Π x:  dx_i = g Π over j ≠ i of x_j
void prodRule(Backward &b) {
  Expr x = b.operand(0), g = b.gradient();
  if (x.type().getNumElements() == 0) return;
  SmallVector<int64_t> order = reducedAxes(b), kept, shape, inverse(x.rank());
  int64_t factors = 1;
  for (int64_t axis : order) factors *= x.dim(axis);
  shape.push_back(factors);
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    if (!llvm::is_contained(order, axis)) {
      kept.push_back(axis);
      shape.push_back(x.dim(axis));
    }
  order.append(kept);
  for (auto [place, axis] : llvm::enumerate(order)) inverse[axis] = place;
  Expr moved = transpose(x, order);
  Expr others = reshape(productsOfOthers(reshape(moved, shape)), moved.shape());
  b.give(0, spread(b, g) * transpose(others, inverse));
}

}  // namespace

void addReductionRules(RuleTable &rules) {
  rules.add<SumOp>(sumRule);
  rules.add<ProdOp>(prodRule);
  rules.add<MaxOp>(extremeRule);
  rules.add<MinOp>(extremeRule);
}

}  // namespace graven::differentiate
