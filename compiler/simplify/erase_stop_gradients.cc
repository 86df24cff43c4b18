#include "compiler/simplify/passes.h"
#include "dialect/graph/ir/graph.h"

namespace graven::simplify {

#define GEN_PASS_DEF_ERASESTOPGRADIENTSPASS
#include "compiler/simplify/passes.h.inc"

namespace {

struct EraseStopGradients : impl::EraseStopGradientsPassBase<EraseStopGradients> {
  void runOnOperation() override {
    getOperation().walk([](graph::StopGradientOp op) {
      op.replaceAllUsesWith(op.getX());
      op.erase();
    });
  }
};

}  // namespace
}  // namespace graven::simplify
