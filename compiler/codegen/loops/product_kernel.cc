#include "compiler/codegen/loops/product_kernel.h"

#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/cost.h"

using namespace mlir;

namespace graven::codegen {

graph::DotGeneralOp soleProduct(Block &body) {
  graph::DotGeneralOp found;
  for (auto dot : body.getOps<graph::DotGeneralOp>()) {
    if (found) return {};
    found = dot;
  }
  return found;
}

bool isProductKernel(kernel::FusedOp fused) {
  Block &body = fused.getBody().front();
  graph::DotGeneralOp dot = soleProduct(body);
  if (!dot || !isa<BlockArgument>(dot.getLhs()) || !isa<BlockArgument>(dot.getRhs())) return false;
  for (Operation &op : body.without_terminator())
    if (!rules().find(&op) ||
        isa<graph::ReductionOpInterface, graph::ArgmaxOp, graph::ScatterAddOp>(op))
      return false;
  for (Value output : body.getTerminator()->getOperands())
    if (shapeOf(output) != shapeOf(dot.getResult())) return false;
  return gemmShapeOf(dot).has_value();
}

int64_t epilogueOf(Block &body) {
  graph::DotGeneralOp dot = soleProduct(body);
  int64_t count = 0;
  for (Operation &op : body.without_terminator())
    if (&op != dot && shapeOf(op.getResult(0)) == shapeOf(dot.getResult()))
      count += strategy::operationsPerElement(&op);
  return count;
}

void storeOutputs(Emitter &e, Block &body, ArrayRef<Value> pointers, const GemmShape &gemm,
                  const Index &outer, const Index &m, const Index &n, Value sum) {
  graph::DotGeneralOp dot = soleProduct(body);
  ValueRange outputs = body.getTerminator()->getOperands();
  Point point;
  ArrayRef<int64_t> shape = shapeOf(dot.getResult());
  point.shape.assign(shape.begin(), shape.end());
  int64_t row_axes = gemm.is_turned ? gemm.n_axes : gemm.m_axes;
  int64_t column_axes = gemm.is_turned ? gemm.m_axes : gemm.n_axes;
  int64_t columns = gemm.is_turned ? gemm.m : gemm.n;
  if (gemm.outer_axes) point.groups.push_back({gemm.outer_axes, outer});
  if (row_axes) point.groups.push_back({row_axes, m});
  if (column_axes) point.groups.push_back({column_axes, columns > 1 ? e.lanesFrom(n) : n});
  e.give(dot.getResult(), e.depth(), [&](const Point &) { return sum; });
  SmallVector<Value> values;
  for (Value output : outputs) values.push_back(e.at(output, point));
  e.forget(dot.getResult());
  Index place = e.linear(point);
  for (auto [number, value] : llvm::enumerate(values))
    e.store(pointers[number], elementOf(outputs[number]), place, value);
}

Index outerOffset(Emitter &e, const GemmShape &gemm, const Index &outer, bool of_rhs) {
  Index sum = Index::constant(0);
  int64_t inner = gemm.outerCount();
  for (auto [number, axis] : llvm::enumerate(gemm.outer)) {
    inner /= std::max<int64_t>(axis.length, 1);
    int64_t stride = of_rhs ? axis.rhs_stride : axis.lhs_stride;
    if (!stride || axis.length == 1) continue;
    Index index = e.divide(outer, inner);
    if (number) index = e.modulo(index, axis.length);
    sum = e.add(sum, e.scale(index, stride));
  }
  return sum;
}

}  // namespace graven::codegen
