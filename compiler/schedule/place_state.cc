// One layout of state for all entries, so that any of them runs on the same memory.
#include "compiler/schedule/passes.h"

using namespace mlir;

namespace graven::schedule {
#define GEN_PASS_DEF_PLACESTATEPASS
#include "compiler/schedule/passes.h.inc"

namespace {

using plan::Segment;

struct PlaceStatePass : impl::PlaceStatePassBase<PlaceStatePass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    Builder b(module.getContext());
    auto place = [&](StringRef role, Segment segment, int64_t &end) {
      for (auto state : module.getOps<graph::StateOp>()) {
        if (state.getRole() != role) continue;
        int64_t bytes = plan::bytesOf(state.getType());
        state->setAttr(plan::kPlace,
                       plan::RangeAttr::get(&getContext(), segment, 0, end, bytes, 0));
        end += plan::aligned(bytes);
      }
    };
    int64_t stateBytes = 0, metricBytes = 0;
    for (StringRef role : {"parameter", "slot", "statistic", "control"})
      place(role, Segment::State, stateBytes);
    place("metric", Segment::Metric, metricBytes);
    module->setAttr(plan::kStateBytes, b.getI64IntegerAttr(stateBytes));
    module->setAttr(plan::kMetricBytes, b.getI64IntegerAttr(metricBytes));
  }
};

}  // namespace
}  // namespace graven::schedule
