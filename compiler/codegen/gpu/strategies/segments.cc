// One formula over many tensors: the update of all parameters as a single kernel.
//
// The code exists once, for the ops of the first segment. A workgroup finds its segment by the
// number of workgroups that each segment takes, and its buffers by the segment's number.
#include "compiler/codegen/gpu/kernel_function.h"
#include "compiler/codegen/gpu/strategies/map_threads.h"
#include "compiler/codegen/gpu/strategies/strategies.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/codegen/loops/segment_layout.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

constexpr int64_t kThreads = 256;

int64_t lanesOf(Block &body, const strategy::Target &target) {
  return lanesOfThread(body, target, kThreads);
}

bool matches(kernel::FusedOp fused, const strategy::Target &target) { return isOneFormula(fused); }

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  int64_t lanes = lanesOf(body, target);
  SegmentLayout layout =
      segmentLayout(body, *fused.getSegments(), *fused.getShared(), lanes * kThreads);
  strategy::Plan plan;
  plan.params = {{"lanes", lanes}};
  plan.stages = {{"", layout.grid, kThreads}};
  plan.same_index = segmentPairs(body, layout);
  plan.shape = strategy::shapeName(layout.elements());
  plan.config = "v" + std::to_string(lanes);
  return plan;
}

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  KernelFunction function(kernel, "", out);
  Emitter &e = function.emitter();
  Block &body = function.body();
  int64_t lanes = lanesOf(body, target);
  SegmentLayout layout =
      segmentLayout(body, *kernel.getSegments(), *kernel.getShared(), lanes * kThreads);

  // The last segment that begins at or before this workgroup; its extent, its first workgroup.
  Value found = e.integer(0), first_block = e.integer(0), extent = e.integer(layout.extents[0]);
  for (int64_t segment = 1; segment < layout.segments; ++segment) {
    Value here = arith::CmpIOp::create(e.builder(), e.loc(), arith::CmpIPredicate::sge,
                                       e.materialize(function.workgroup()),
                                       e.integer(layout.first_blocks[segment]));
    auto choose = [&](Value &value, int64_t number) {
      value = arith::SelectOp::create(e.builder(), e.loc(), here, e.integer(number), value);
    };
    choose(found, segment);
    choose(first_block, layout.first_blocks[segment]);
    choose(extent, layout.extents[segment]);
  }
  Index segment = e.wrap(found, 0), end = e.wrap(extent, 0);
  Index block = e.subtract(function.workgroup(), e.wrap(first_block, 0));
  Index first = e.scale(e.add(e.scale(block, kThreads), function.thread()), lanes);

  SmallVector<Value> inputs;
  for (int64_t number = 0; number < layout.inputs; ++number) {
    Value pointer =
        function.bufferPointer(layout.shared + number, layout.inputs, layout.segments, segment);
    Value input = body.getArgument(layout.shared + number);
    inputs.push_back(input);
    e.give(input, 0, [&e, pointer, input](const Point &point) {
      return e.load(pointer, elementOf(input), e.linear(point));
    });
  }
  int64_t first_output = layout.shared + layout.segments * layout.inputs;
  SmallVector<std::pair<Value, Value>> outputs;  // value, pointer
  for (int64_t number = 0; number < layout.outputs; ++number)
    outputs.push_back(
        {function.outputs()[number],
         function.bufferPointer(first_output + number, layout.outputs, layout.segments, segment)});
  auto step = [&](const Index &at) {
    Index index = e.lanesFrom(at);
    Point point = Point::flat(shapeOf(outputs[0].first), index);
    SmallVector<Value> values;
    for (auto [value, pointer] : outputs) values.push_back(e.at(value, point));
    for (auto [output, value] : llvm::zip(outputs, values))
      e.store(output.second, elementOf(output.first), index, value);
  };
  auto isLess = [&](const Index &a, const Index &b) -> Value {
    return arith::CmpIOp::create(e.builder(), e.loc(), arith::CmpIPredicate::slt, e.materialize(a),
                                 e.materialize(b));
  };
  e.setLanes(lanes);
  Index last = e.add(first, lanes - 1);
  e.when(isLess(last, end), [&] { step(first); });
  if (lanes > 1) {
    e.setLanes(1);
    // The thread that reaches beyond the end takes what is left one by one.
    Value cut = arith::CmpIOp::create(e.builder(), e.loc(), arith::CmpIPredicate::sge,
                                      e.materialize(last), e.materialize(end));
    e.when(cut, [&] { e.loop(first, end, 1, [&](Index element) { step(element); }); });
  }
  for (Value input : inputs) e.forget(input);
  return success();
}

}  // namespace

const strategy::Strategy kSegmentsStrategy = {"segments", matches, plan, emit};

}  // namespace graven::codegen::gpu
