#include "compiler/codegen/loops/segment_layout.h"

#include "compiler/codegen/loops/point.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/same_index.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen {

int64_t SegmentLayout::elements() const {
  int64_t sum = 0;
  for (int64_t extent : extents) sum += extent;
  return sum;
}

SegmentLayout segmentLayout(Block &body, int64_t segments, int64_t shared, int64_t block) {
  SegmentLayout layout;
  layout.segments = segments;
  layout.shared = shared;
  layout.inputs = (body.getNumArguments() - shared) / segments;
  layout.outputs = body.getTerminator()->getNumOperands() / segments;
  for (int64_t segment = 0; segment < segments; ++segment) {
    Value first = body.getTerminator()->getOperand(segment * layout.outputs);
    layout.extents.push_back(productOf(shapeOf(first)));
    layout.first_blocks.push_back(layout.grid);
    layout.grid += llvm::divideCeil(layout.extents.back(), block);
  }
  return layout;
}

bool isOneFormula(kernel::FusedOp fused) {
  if (!fused.getSegments()) return false;
  for (Operation &op : fused.getBody().front().without_terminator()) {
    if (isa<graph::ElementwiseOpInterface>(op)) continue;
    if (isa<graph::BroadcastOp>(op) && shapeOf(op.getOperand(0)).empty()) continue;
    auto constant = dyn_cast<graph::ConstantOp>(op);
    if (!constant || isa<ArrayAttr, DenseI64ArrayAttr, DenseElementsAttr>(constant.getValue()))
      return false;
  }
  return true;
}

SmallVector<std::pair<int64_t, int64_t>> segmentPairs(Block &body, const SegmentLayout &layout) {
  SmallVector<std::pair<int64_t, int64_t>> pairs;
  for (auto [input, output] : strategy::sameIndexPairs(body))
    if (input >= layout.shared &&
        (input - layout.shared) / layout.inputs == output / layout.outputs)
      pairs.push_back({input, output});
  return pairs;
}

}  // namespace graven::codegen
