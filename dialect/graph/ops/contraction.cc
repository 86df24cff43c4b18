#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::graph {

FailureOr<RankedTensorType> DotGeneralOp::inferType(ArrayRef<RankedTensorType> operands,
                                                    Error error) {
  RankedTensorType lhs = operands[0], rhs = operands[1];
  if (lhs.getElementType() != rhs.getElementType() || !isa<FloatType>(lhs.getElementType()))
    return error() << "expects floats of one type, got " << describe(lhs) << " and "
                   << describe(rhs);
  struct Pairs {
    ArrayRef<int64_t> lhs, rhs;
    StringRef what;
  };
  SmallVector<int64_t> shape;
  SmallVector<bool> lhsUsed(lhs.getRank()), rhsUsed(rhs.getRank());
  for (Pairs pairs : {Pairs{getLhsBatch(), getRhsBatch(), "batch"},
                      Pairs{getLhsContract(), getRhsContract(), "contracting"}}) {
    if (pairs.lhs.size() != pairs.rhs.size())
      return error() << "pairs " << pairs.lhs.size() << " with " << pairs.rhs.size() << " "
                     << pairs.what << " axes";
    for (auto [l, r] : llvm::zip(pairs.lhs, pairs.rhs)) {
      if (l < 0 || l >= lhs.getRank() || r < 0 || r >= rhs.getRank() || lhsUsed[l] || rhsUsed[r])
        return error() << "has a " << pairs.what << " axis out of range or used twice";
      lhsUsed[l] = rhsUsed[r] = true;
      if (lhs.getDimSize(l) != rhs.getDimSize(r))
        return error() << "cannot pair axis " << l << " of " << describe(lhs) << " with axis " << r
                       << " of " << describe(rhs) << ": lengths " << lhs.getDimSize(l) << " and "
                       << rhs.getDimSize(r) << " differ";
      if (pairs.what == "batch") shape.push_back(lhs.getDimSize(l));
    }
  }
  for (int64_t axis = 0; axis < lhs.getRank(); ++axis)
    if (!lhsUsed[axis]) shape.push_back(lhs.getDimSize(axis));
  for (int64_t axis = 0; axis < rhs.getRank(); ++axis)
    if (!rhsUsed[axis]) shape.push_back(rhs.getDimSize(axis));
  FailureOr<Type> element = inferProduct(lhs.getElementType(), getDtypeAttr(), error);
  if (failed(element)) return failure();
  return RankedTensorType::get(shape, *element);
}

}  // namespace graven::graph

using namespace graven::graph;
#define GET_OP_CLASSES
#include "dialect/graph/ops/contraction.cpp.inc"
