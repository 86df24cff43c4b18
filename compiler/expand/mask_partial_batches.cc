#include "compiler/expand/batch_axis.h"
#include "compiler/expand/passes.h"
#include "dialect/graph/build/expr.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace graven::expand {

#define GEN_PASS_DEF_MASKPARTIALBATCHES
#include "compiler/expand/passes.h.inc"

namespace {

using graph::Expr;
using graph::GraphBuilder;

class MaskPartialBatchesPass : public impl::MaskPartialBatchesBase<MaskPartialBatchesPass> {
  void runOnOperation() override;

  LogicalResult follow(Operation *op);
  void takeWholeBatches(Operation *culprit);
  void mask(Operation *op, BatchAxis axis);

  // The value an empty reduction has: 0 for a sum; the least number for a search of the largest.
  static double neutralOf(Operation *op);

  llvm::DenseMap<Value, int64_t> axes_;
  SmallVector<std::pair<Operation *, BatchAxis>> reductions_;  // over the batch axis of operand 0
  BlockArgument rows_;
};

double MaskPartialBatchesPass::neutralOf(Operation *op) {
  auto reduction = dyn_cast<graph::ReductionOpInterface>(op);
  if (!reduction) return isa<graph::ArgmaxOp>(op) ? -std::numeric_limits<double>::infinity() : 0;
  OpBuilder builder(op);
  Type element = cast<RankedTensorType>(op->getOperand(0).getType()).getElementType();
  Value neutral = reduction.emitNeutral(builder, op->getLoc(), element);
  Attribute value;
  matchPattern(neutral, m_Constant(&value));
  neutral.getDefiningOp()->erase();
  return graph::numberOf(value);
}

LogicalResult MaskPartialBatchesPass::follow(Operation *op) {
  auto axisOf = [&](Value value) -> BatchAxis {
    auto found = axes_.find(value);
    return found == axes_.end() ? BatchAxis() : BatchAxis(found->second);
  };
  SmallVector<BatchAxis> operands = llvm::map_to_vector(op->getOperands(), axisOf);
  if (isa<graph::ReturnOp>(op))  // rows are handed out row by row; state has none
    return success(llvm::all_of(operands, [](BatchAxis axis) { return !axis || *axis == 0; }));
  if (auto request = dyn_cast<graph::GradientOp>(op)) {
    // A gradient has the shape of what it is taken by.
    for (auto [by, result] : llvm::zip(request.getBy(), request.getGradients()))
      if (BatchAxis axis = axisOf(by)) axes_[result] = *axis;
    return success(!operands.front());
  }
  if (llvm::none_of(operands, [](BatchAxis axis) { return axis.has_value(); })) return success();
  FailureOr<BatchFlow> flow = followBatch(op, operands);
  if (failed(flow)) return failure();
  if (flow->result) axes_[op->getResult(0)] = *flow->result;
  if (flow->reduces) reductions_.push_back({op, operands[0]});
  return success();
}

void MaskPartialBatchesPass::takeWholeBatches(Operation *culprit) {
  graph::EntryOp entry = getOperation();
  culprit->emitRemark() << "'" << culprit->getName() << "' mixes the rows of the batch, so @"
                        << entry.getSymName() << " takes exactly " << entry.getBatch()
                        << " rows, never fewer";
  OpBuilder builder = OpBuilder::atBlockBegin(&entry.getEntryBlock());
  GraphBuilder g(builder, entry.getLoc());
  rows_.replaceAllUsesWith(g.constant(static_cast<double>(entry.getBatch()), builder.getI32Type()));
  unsigned index = rows_.getArgNumber();
  entry.getEntryBlock().eraseArgument(index);
  entry.setArgNamesAttr(builder.getArrayAttr(entry.getArgNames().getValue().take_front(index)));
  if (ArrayAttr ranges = entry.getArgRangesAttr())
    entry.setArgRangesAttr(builder.getArrayAttr(ranges.getValue().take_front(index)));
}

void MaskPartialBatchesPass::mask(Operation *op, BatchAxis axis) {
  OpBuilder builder(op);
  GraphBuilder g(builder, op->getLoc());
  // A contraction is masked on one side: 0 times what repeats row 0 adds nothing.
  unsigned side = axis ? 0 : 1;
  Expr x(g, op->getOperand(side)), rows(g, rows_);
  int64_t along = axes_[x];
  Expr there = iota(g, x.shape(), along, builder.getI32Type()) < rows;
  Expr masked = select(there, x, x.like(neutralOf(op)));
  if (!isa<graph::MeanOp>(op)) {
    op->setOperand(side, masked);
    return;
  }
  // A mean divides by the number of elements that are there.
  int64_t perRow = x.type().getNumElements() / x.dim(along);
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  perRow /= result.getNumElements();
  Value total = *g.tryCreate(OperationName(graph::SumOp::getOperationName(), &getContext()),
                             {masked.value()}, op->getAttrs());
  Expr count = convert(rows, x.element());
  if (perRow != 1) count = count * static_cast<double>(perRow);
  op->getResult(0).replaceAllUsesWith(Expr(g, total) / count);
  op->erase();
}

void MaskPartialBatchesPass::runOnOperation() {
  graph::EntryOp entry = getOperation();
  auto batched = entry->getAttrOfType<DenseI64ArrayAttr>("batched_args");
  if (!batched || entry.getPartial()) return;
  Block &body = entry.getEntryBlock();
  axes_.clear();
  reductions_.clear();
  rows_ = body.getArguments().back();
  for (int64_t index : batched.asArrayRef()) axes_[body.getArgument(index)] = 0;
  SmallVector<int64_t> batchedResults;
  for (Operation &op : body)
    if (failed(follow(&op))) return takeWholeBatches(&op);
  for (auto [index, value] : llvm::enumerate(body.getTerminator()->getOperands()))
    if (axes_.contains(value)) batchedResults.push_back(index);
  for (auto [op, axis] : reductions_) mask(op, axis);
  entry.setPartial(true);
  entry->setAttr("batched_results", DenseI64ArrayAttr::get(&getContext(), batchedResults));
}

}  // namespace
}  // namespace graven::expand
