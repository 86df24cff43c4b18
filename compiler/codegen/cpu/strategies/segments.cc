// One formula over many tensors: the update of all parameters as a single flat kernel.
//
// The code exists once, for the ops of the first segment. A workgroup finds its segment by the
// number of workgroups that each segment takes, and its buffers by the segment's number.
#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/map_loops.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/codegen/loops/segment_layout.h"
#include "compiler/strategy/kernel_name.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

constexpr int64_t kBlock = 4096;  // elements a workgroup

bool matches(kernel::FusedOp fused, const strategy::Target &target) { return isOneFormula(fused); }

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  SegmentLayout layout = segmentLayout(body, *fused.getSegments(), *fused.getShared(), kBlock);
  strategy::Plan plan;
  int64_t lanes = lanesFor(body, target, kBlock);
  plan.params = {{"lanes", lanes}, {"block", kBlock}};
  plan.stages = {{"", layout.grid}};
  plan.same_index = segmentPairs(body, layout);
  plan.shape = strategy::shapeName(layout.elements());
  plan.config = "v" + std::to_string(lanes);
  return plan;
}

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  KernelFunction function(kernel, "", out);
  Emitter &e = function.emitter();
  Block &body = function.body();
  SegmentLayout layout = segmentLayout(body, *kernel.getSegments(), *kernel.getShared(), kBlock);
  int64_t lanes = lanesFor(body, target, kBlock);
  e.setLanes(lanes);
  Type i64 = e.builder().getI64Type();
  auto tableOf = [&](ArrayRef<int64_t> numbers) {
    return e.table(DenseElementsAttr::get(
        RankedTensorType::get({static_cast<int64_t>(numbers.size())}, i64), numbers));
  };
  Value first_table = tableOf(layout.first_blocks), extent_table = tableOf(layout.extents);

  function.forEachWorkgroup([&](Index workgroup) {
    // The last segment that begins at or before this workgroup.
    Value found =
        e.loop(Index::constant(1), Index::constant(layout.segments), 1, e.integer(0),
               [&](Index segment, ValueRange carried) -> Emitter::Carry {
                 Value first = e.load(first_table, i64, segment);
                 Value here = arith::CmpIOp::create(e.builder(), e.loc(), arith::CmpIPredicate::sle,
                                                    first, e.materialize(workgroup));
                 return {arith::SelectOp::create(e.builder(), e.loc(), here, e.materialize(segment),
                                                 carried[0])};
               })[0];
    int depth = e.depth();
    Index segment = e.wrap(found, depth);
    Index first = e.wrap(e.load(first_table, i64, segment), depth);
    Index extent = e.wrap(e.load(extent_table, i64, segment), depth);
    Index from = e.scale(e.subtract(workgroup, first), kBlock);
    Index to = e.minimum(e.add(from, kBlock), extent);

    SmallVector<Value> inputs;
    for (int64_t number = 0; number < layout.inputs; ++number) {
      Value pointer =
          function.bufferPointer(e.add(e.scale(segment, layout.inputs), layout.shared + number));
      Value input = body.getArgument(layout.shared + number);
      inputs.push_back(input);
      e.give(input, depth, [&e, pointer, input](const Point &point) {
        return e.load(pointer, elementOf(input), e.linear(point));
      });
    }
    int64_t first_output = layout.shared + layout.segments * layout.inputs;
    SmallVector<MapOutput> outputs;
    for (int64_t number = 0; number < layout.outputs; ++number)
      outputs.push_back(
          {function.outputs()[number],
           function.bufferPointer(e.add(e.scale(segment, layout.outputs), first_output + number))});
    auto step = [&](const Index &at) {
      Index index = e.lanesFrom(at);
      Point point = Point::flat(shapeOf(outputs[0].value), index);
      SmallVector<Value> values;
      for (const MapOutput &output : outputs) values.push_back(e.at(output.value, point));
      for (auto [output, value] : llvm::zip(outputs, values))
        e.store(output.pointer, elementOf(output.value), index, value);
    };
    Index whole = e.scale(e.divide(to, lanes), lanes);
    e.loop(from, whole, lanes, step, lanes);
    if (lanes > 1) {
      Index left = e.subtract(to, whole);
      Value some = arith::CmpIOp::create(e.builder(), e.loc(), arith::CmpIPredicate::ne,
                                         e.materialize(left), e.integer(0));
      e.when(some, [&] { e.masked(e.firstLanes(left), e.depth(), [&] { step(whole); }); });
    }
    for (Value input : inputs) e.forget(input);
  });
  return success();
}

}  // namespace

const strategy::Strategy kSegmentsStrategy = {"segments", matches, plan, emit};

}  // namespace graven::codegen::cpu
