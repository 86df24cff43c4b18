#include "compiler/expand/passes.h"
#include "dialect/graph/build/expr.h"

using namespace mlir;

namespace graven::expand {

#define GEN_PASS_DEF_DECOMPOSECOMPOSITES
#include "compiler/expand/passes.h.inc"

namespace {

Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

// A definition on f16 or bf16 is computed in f32 as a whole, so that its result is rounded once;
// unless it says that nothing in it needs that.
void widenOperands(Operation *op, graph::GraphBuilder &g) {
  Value result = op->getResult(0);
  if (op->hasTrait<graph::AnyPrecision>() || !graph::isNarrowFloat(elementOf(result))) return;
  for (OpOperand &operand : op->getOpOperands())
    operand.set(graph::widen(graph::Expr(g, operand.get())));
  auto type = cast<RankedTensorType>(result.getType());
  result.setType(type.clone(graph::widen(type.getElementType())));
}

class DecomposeCompositesPass : public impl::DecomposeCompositesBase<DecomposeCompositesPass> {
 public:
  using DecomposeCompositesBase::DecomposeCompositesBase;

 private:
  void runOnOperation() override {
    Block &body = getOperation().getEntryBlock();
    // A definition may use other composites; they stand in front of the op and are met again.
    for (Operation *op = body.empty() ? nullptr : &body.front(); op;) {
      auto composite = dyn_cast<graph::CompositeOpInterface>(op);
      if (!composite || (keepMeans && isa<graph::MeanOp>(op))) {
        op = op->getNextNode();
        continue;
      }
      Operation *before = op->getPrevNode();
      OpBuilder builder(op);
      graph::GraphBuilder g(builder, op->getLoc());
      Type element = elementOf(op->getResult(0));
      widenOperands(op, g);
      Value value = composite.decompose(g);
      value = graph::convert(graph::Expr(g, value), element);
      op->getResult(0).replaceAllUsesWith(value);
      op->erase();
      op = before ? before->getNextNode() : &body.front();
    }
  }
};

}  // namespace
}  // namespace graven::expand
