// A dot_general as matrix products: out[o, m, n] = sum over k of lhs[o, m, k] rhs[o, k, n].
#ifndef GRAVEN_COMPILER_CODEGEN_LOOPS_GEMM_SHAPE_H_
#define GRAVEN_COMPILER_CODEGEN_LOOPS_GEMM_SHAPE_H_

#include <optional>

#include "dialect/graph/ir/graph.h"

namespace graven::codegen {

// Strides are in elements. The result is row-major in (outer, m, n).
struct GemmShape {
  // An axis that is neither m, n nor k; stride 0 where an operand does not have it.
  struct Outer {
    int64_t length, lhs_stride, rhs_stride;
  };
  int64_t m = 1, n = 1, k = 1;
  int64_t lhs_m = 0, lhs_k = 0;
  int64_t rhs_k = 0, rhs_n = 0;
  llvm::SmallVector<Outer> outer;
  // Axes of the result that o, m and n stand for: the first, the next, the rest.
  int64_t outer_axes = 0, m_axes = 0, n_axes = 0;
  // With `swapped` the op's right operand is called lhs here.
  bool swapped = false;
  // With `is_turned` the result is row-major in (outer, n, m).
  bool is_turned = false;

  // The same products with the operands exchanged.
  GemmShape turned() const;

  int64_t outerCount() const {
    int64_t count = 1;
    for (const Outer &axis : outer) count *= axis.length;
    return count;
  }
  // Matrices of an operand in memory: one for each of outerCount(), or one that serves all.
  int64_t lhsMatrices() const { return matrices(&Outer::lhs_stride); }
  int64_t rhsMatrices() const { return matrices(&Outer::rhs_stride); }
  int64_t matrices(int64_t Outer::*stride) const {
    for (const Outer &axis : outer)
      if (axis.*stride && axis.length > 1) return outerCount();
    return 1;
  }
};

// The products that `dot` stands for; nothing where its axes cannot be seen that way.
std::optional<GemmShape> gemmShapeOf(graph::DotGeneralOp dot);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_LOOPS_GEMM_SHAPE_H_
