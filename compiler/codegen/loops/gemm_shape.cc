#include "compiler/codegen/loops/gemm_shape.h"

#include "compiler/codegen/loops/point.h"
#include "compiler/codegen/loops/rules.h"

using namespace mlir;

namespace graven::codegen {
namespace {

// An axis by its length and its stride in each operand.
struct Axis {
  int64_t length, lhs, rhs;
};

SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

// Joins axes that one stride can walk through; `keep` tells how many of the last result axes the
// last joined axis stands for.
SmallVector<Axis> joined(ArrayRef<Axis> axes, int64_t *last_axes = nullptr) {
  SmallVector<Axis> result;
  int64_t count = 0;
  for (const Axis &axis : axes) {
    bool fits = !result.empty() && (result.back().length == 1 || axis.length == 1 ||
                                    (result.back().lhs == axis.lhs * axis.length &&
                                     result.back().rhs == axis.rhs * axis.length));
    if (!fits) {
      result.push_back(axis);
      count = 1;
      continue;
    }
    ++count;
    Axis &last = result.back();
    if (axis.length != 1) {
      last.lhs = axis.lhs;
      last.rhs = axis.rhs;
    }
    last.length *= axis.length;
  }
  if (last_axes) *last_axes = count;
  return result;
}

}  // namespace

GemmShape GemmShape::turned() const {
  GemmShape shape = *this;
  std::swap(shape.m, shape.n);
  std::swap(shape.m_axes, shape.n_axes);
  shape.lhs_m = rhs_n;
  shape.lhs_k = rhs_k;
  shape.rhs_n = lhs_m;
  shape.rhs_k = lhs_k;
  for (Outer &axis : shape.outer) std::swap(axis.lhs_stride, axis.rhs_stride);
  shape.swapped = !swapped;
  shape.is_turned = !is_turned;
  return shape;
}

std::optional<GemmShape> gemmShapeOf(graph::DotGeneralOp dot) {
  ArrayRef<int64_t> lhs = shapeOf(dot.getLhs()), rhs = shapeOf(dot.getRhs());
  SmallVector<int64_t> lhs_strides = stridesOf(lhs), rhs_strides = stridesOf(rhs);
  SmallVector<Axis> batch, m, n, k;
  for (auto [l, r] : llvm::zip(dot.getLhsBatch(), dot.getRhsBatch()))
    batch.push_back({lhs[l], lhs_strides[l], rhs_strides[r]});
  for (auto [l, r] : llvm::zip(dot.getLhsContract(), dot.getRhsContract()))
    k.push_back({lhs[l], lhs_strides[l], rhs_strides[r]});
  for (int64_t axis = 0; axis < static_cast<int64_t>(lhs.size()); ++axis)
    if (!llvm::is_contained(dot.getLhsBatch(), axis) &&
        !llvm::is_contained(dot.getLhsContract(), axis))
      m.push_back({lhs[axis], lhs_strides[axis], 0});
  for (int64_t axis = 0; axis < static_cast<int64_t>(rhs.size()); ++axis)
    if (!llvm::is_contained(dot.getRhsBatch(), axis) &&
        !llvm::is_contained(dot.getRhsContract(), axis))
      n.push_back({rhs[axis], 0, rhs_strides[axis]});

  GemmShape shape;
  int64_t m_axes = 0;
  SmallVector<Axis> m_joined = joined(m, &m_axes), n_joined = joined(n), k_joined = joined(k);
  if (n_joined.size() > 1 || k_joined.size() > 1) return std::nullopt;
  shape.outer_axes = batch.size() + m.size() - m_axes;
  shape.m_axes = m_axes;
  shape.n_axes = n.size();
  for (const Axis &axis : batch) shape.outer.push_back({axis.length, axis.lhs, axis.rhs});
  if (!m_joined.empty()) {
    // Leading free axes that do not join the last one are walked through like batch axes.
    for (const Axis &axis : ArrayRef<Axis>(m).drop_back(m_axes))
      shape.outer.push_back({axis.length, axis.lhs, 0});
    shape.m = m_joined.back().length;
    shape.lhs_m = m_joined.back().lhs;
  }
  if (!n_joined.empty()) {
    shape.n = n_joined[0].length;
    shape.rhs_n = n_joined[0].rhs;
  }
  if (!k_joined.empty()) {
    shape.k = k_joined[0].length;
    shape.lhs_k = k_joined[0].lhs;
    shape.rhs_k = k_joined[0].rhs;
  }
  // A single column: its rows become the columns, so that lanes lie along them.
  if (shape.n == 1 && shape.m > 1) {
    shape = shape.turned();
    shape.n_axes += shape.m_axes;
    shape.m_axes = 0;
    shape.is_turned = false;  // a single row and a single column lie alike
  }
  return shape;
}

}  // namespace graven::codegen
