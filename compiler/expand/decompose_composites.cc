#include "compiler/expand/passes.h"
#include "dialect/graph/build/expr.h"

using namespace mlir;

namespace graven::expand {

#define GEN_PASS_DEF_DECOMPOSECOMPOSITES
#include "compiler/expand/passes.h.inc"

namespace {

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
      Value value = composite.decompose(g);
      op->getResult(0).replaceAllUsesWith(value);
      op->erase();
      op = before ? before->getNextNode() : &body.front();
    }
  }
};

}  // namespace
}  // namespace graven::expand
