// How the batch axis passes through each op. Elementwise ops and reductions are told by their
// interfaces; other ops have a rule here; an op without one mixes rows.
#include "compiler/expand/batch_axis.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace graven::expand {
namespace {

using Flow = FailureOr<BatchFlow>;
using Axes = ArrayRef<BatchAxis>;

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

// The one axis that all operands with a batch axis agree on.
FailureOr<int64_t> commonAxis(Axes operands) {
  BatchAxis common;
  for (BatchAxis axis : operands) {
    if (!axis) continue;
    if (common && *common != *axis) return failure();
    common = axis;
  }
  return *common;
}

Flow through(Operation *, Axes operands) {
  FailureOr<int64_t> axis = commonAxis(operands);
  if (failed(axis)) return failure();
  return BatchFlow{*axis};
}

// The axis after those in `removed` are gone; its reduction where it is among them.
Flow without(int64_t axis, ArrayRef<int64_t> removed, bool keepDims = false) {
  if (llvm::is_contained(removed, axis)) return BatchFlow{BatchAxis(), true};
  if (keepDims) return BatchFlow{axis};
  return BatchFlow{axis - llvm::count_if(removed, [&](int64_t other) { return other < axis; })};
}

Flow reduction(Operation *op, Axes operands) {
  int64_t rank = typeOf(op->getOperand(0)).getRank();
  auto axes = graph::normalizeAxes(op->getAttr("axis"), rank, [&] { return op->emitOpError(); });
  auto keep = op->getAttrOfType<BoolAttr>("keep_dims");
  return without(*operands[0], *axes, keep && keep.getValue());
}

Flow argmax(graph::ArgmaxOp op, Axes operands) {
  int64_t rank = typeOf(op.getX()).getRank();
  return without(*operands[0], {op.getAxis() < 0 ? op.getAxis() + rank : op.getAxis()});
}

Flow broadcast(graph::BroadcastOp op, Axes operands) {
  int64_t axis = *operands[0];
  if (auto axes = op.getAxes()) return BatchFlow{(*axes)[axis]};
  return BatchFlow{axis + typeOf(op.getResult()).getRank() - typeOf(op.getX()).getRank()};
}

// The axis stays whole where as many elements lie before it as did.
Flow reshape(graph::ReshapeOp op, Axes operands) {
  auto before = [](ArrayRef<int64_t> shape, int64_t axis) {
    int64_t product = 1;
    for (int64_t length : shape.take_front(axis)) product *= length;
    return product;
  };
  ArrayRef<int64_t> from = typeOf(op.getX()).getShape(), to = typeOf(op.getResult()).getShape();
  for (int64_t axis = 0; axis < static_cast<int64_t>(to.size()); ++axis)
    if (to[axis] == from[*operands[0]] && before(to, axis) == before(from, *operands[0]))
      return BatchFlow{axis};
  return failure();
}

Flow transpose(graph::TransposeOp op, Axes operands) {
  int64_t rank = typeOf(op.getX()).getRank();
  if (!op.getPermutation()) return BatchFlow{rank - 1 - *operands[0]};
  return BatchFlow{llvm::find(*op.getPermutation(), *operands[0]) - op.getPermutation()->begin()};
}

Flow slice(graph::SliceOp op, Axes operands) {
  int64_t axis = *operands[0];
  bool whole = op.getStart()[axis] == 0 &&
               op.getLimit()[axis] == typeOf(op.getX()).getDimSize(axis) &&
               (!op.getStride() || (*op.getStride())[axis] == 1);
  if (!whole) return failure();
  return BatchFlow{axis};
}

Flow pad(graph::PadOp op, Axes operands) {
  int64_t axis = *operands[0];
  if (op.getLow()[axis] || op.getHigh()[axis] || (op.getInterior() && (*op.getInterior())[axis]))
    return failure();
  return BatchFlow{axis};
}

Flow concatenate(graph::ConcatenateOp op, Axes operands) {
  FailureOr<int64_t> axis = commonAxis(operands);
  int64_t rank = typeOf(op.getResult()).getRank();
  int64_t joined = op.getAxis() < 0 ? op.getAxis() + rank : op.getAxis();
  if (failed(axis) || *axis == joined) return failure();
  return BatchFlow{*axis};
}

Flow dotGeneral(graph::DotGeneralOp op, Axes operands) {
  BatchAxis lhs = operands[0], rhs = operands[1];
  auto position = [](ArrayRef<int64_t> axes, BatchAxis axis) -> BatchAxis {
    if (!axis || !llvm::is_contained(axes, *axis)) return std::nullopt;
    return llvm::find(axes, *axis) - axes.begin();
  };
  // Contracted: on both sides, and as a pair.
  BatchAxis l = position(op.getLhsContract(), lhs), r = position(op.getRhsContract(), rhs);
  if (l || r) {
    if (l && r && *l != *r) return failure();
    if ((lhs && !l) || (rhs && !r)) return failure();
    return BatchFlow{BatchAxis(), true};
  }
  l = position(op.getLhsBatch(), lhs), r = position(op.getRhsBatch(), rhs);
  if (l || r) {
    if ((lhs && !l) || (rhs && !r) || (l && r && *l != *r)) return failure();
    return BatchFlow{l ? l : r};
  }
  // Free: a row on one side only, or each row would meet each.
  if (lhs && rhs) return failure();
  auto isFree = [](int64_t axis, ArrayRef<int64_t> batch, ArrayRef<int64_t> contract) {
    return !llvm::is_contained(batch, axis) && !llvm::is_contained(contract, axis);
  };
  int64_t place = op.getLhsBatch().size();
  int64_t lhsEnd = lhs ? *lhs : typeOf(op.getLhs()).getRank();
  for (int64_t axis = 0; axis < lhsEnd; ++axis)
    place += isFree(axis, op.getLhsBatch(), op.getLhsContract());
  if (rhs)
    for (int64_t axis = 0; axis < *rhs; ++axis)
      place += isFree(axis, op.getRhsBatch(), op.getRhsContract());
  return BatchFlow{place};
}

Flow gather(graph::GatherOp op, Axes operands) {
  int64_t rank = typeOf(op.getX()).getRank(), indices = typeOf(op.getIndices()).getRank();
  int64_t axis = op.getAxis() < 0 ? op.getAxis() + rank : op.getAxis();
  if (operands[0] && (operands[1] || *operands[0] == axis)) return failure();
  if (operands[1]) return BatchFlow{axis + *operands[1]};
  return BatchFlow{*operands[0] < axis ? *operands[0] : *operands[0] + indices - 1};
}

using Rule = std::function<Flow(Operation *, Axes)>;

const llvm::StringMap<Rule> &rules() {
  static const llvm::StringMap<Rule> table = [] {
    llvm::StringMap<Rule> rules;
    auto add = [&]<typename OpTy>(Flow (*rule)(OpTy, Axes)) {
      rules[OpTy::getOperationName()] = [rule](Operation *op, Axes axes) {
        return rule(cast<OpTy>(op), axes);
      };
    };
    add(argmax);
    add(broadcast);
    add(reshape);
    add(transpose);
    add(slice);
    add(pad);
    add(concatenate);
    add(dotGeneral);
    add(gather);
    rules[graph::MeanOp::getOperationName()] = reduction;
    return rules;
  }();
  return table;
}

}  // namespace

FailureOr<BatchFlow> followBatch(Operation *op, ArrayRef<BatchAxis> operands) {
  if (auto rule = rules().find(op->getName().getStringRef()); rule != rules().end())
    return rule->second(op, operands);
  if (isa<graph::ElementwiseOpInterface>(op)) return through(op, operands);
  if (isa<graph::ReductionOpInterface>(op)) return reduction(op, operands);
  return failure();
}

}  // namespace graven::expand
