#include "compiler/codegen/cpu/strategies/map_loops.h"

#include "compiler/codegen/loops/rules.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

// Finds between which axes of a shape an index must be cut, so that no op on the way asks for one
// axis out of a group.
class Boundaries {
 public:
  Boundaries(ArrayRef<int64_t> shape, function_ref<bool(Value)> stored)
      : shape_(shape), stored_(stored), cut_(shape.size(), false) {}

  void visit(Value value) {
    if (!seen_.insert(value).second) return;
    Operation *op = value.getDefiningOp();
    if (!op || (stored_ && stored_(value))) return;
    if (isa<graph::ElementwiseOpInterface>(op)) {
      for (Value operand : op->getOperands()) visit(operand);
    } else if (auto broadcast = dyn_cast<graph::BroadcastOp>(op)) {
      cutBroadcast(broadcast);
    } else if (!wantsNumberOnly(value)) {
      cutAll();
    }
  }
  bool cutBefore(int64_t axis) const { return cut_[axis]; }

 private:
  // Whether the value can be had from the row-major number of the element alone.
  bool wantsNumberOnly(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || (stored_ && stored_(value))) return true;
    if (isa<graph::ConstantOp, graph::RandomBitsOp, graph::RandomUniformOp>(op)) return true;
    if (isa<graph::ElementwiseOpInterface, graph::ReshapeOp>(op))
      return llvm::all_of(op->getOperands(), [&](Value each) { return wantsNumberOnly(each); });
    if (isa<graph::BroadcastOp>(op)) return productOf(shapeOf(op->getOperand(0))) == 1;
    return false;
  }
  void cutBroadcast(graph::BroadcastOp broadcast) {
    ArrayRef<int64_t> from = shapeOf(broadcast.getX());
    if (productOf(from) == 1) return;
    if (!wantsNumberOnly(broadcast.getX())) return cutAll();
    SmallVector<bool> varies(shape_.size(), false);
    int64_t added = static_cast<int64_t>(shape_.size() - from.size());
    for (auto [number, length] : llvm::enumerate(from)) {
      int64_t axis = broadcast.getAxes() ? (*broadcast.getAxes())[number] : added + number;
      varies[axis] = length != 1;
    }
    for (size_t axis = 1; axis < shape_.size(); ++axis)
      if (varies[axis] != varies[axis - 1]) cut_[axis] = true;
    // Axes between which operand's axes of length 1 stand are still neighbours in memory, but not
    // in its index: they stay apart.
    for (size_t axis = 1; axis < from.size(); ++axis)
      if (from[axis] == 1 || from[axis - 1] == 1) return cutAll();
  }
  void cutAll() { cut_.assign(cut_.size(), true); }

  ArrayRef<int64_t> shape_;
  function_ref<bool(Value)> stored_;
  SmallVector<bool> cut_;
  llvm::DenseSet<Value> seen_;
};

}  // namespace

int64_t lanesFor(Block &body, const strategy::Target &target, int64_t length) {
  int64_t widest = 1;
  auto widen = [&](Value value) {
    if (productOf(shapeOf(value)) > 1) widest = std::max(widest, bytesOf(elementOf(value)));
  };
  for (Value argument : body.getArguments()) widen(argument);
  for (Operation &op : body.without_terminator()) widen(op.getResult(0));
  int64_t lanes = target.lanes(std::max<int64_t>(widest, 4));
  int64_t enough = llvm::PowerOf2Ceil(std::max<int64_t>(length, 1));
  return std::min(lanes, enough);
}

MapTiling tileMap(ValueRange values, const strategy::Target &target, int64_t block,
                  function_ref<bool(Value)> stored) {
  MapTiling tiling;
  tiling.shape.assign(shapeOf(values[0]).begin(), shapeOf(values[0]).end());
  Boundaries boundaries(tiling.shape, stored);
  for (Value value : values) boundaries.visit(value);
  SmallVector<int64_t> lengths;
  for (auto [axis, length] : llvm::enumerate(tiling.shape)) {
    if (axis == 0 || boundaries.cutBefore(axis)) {
      tiling.groups.push_back(0);
      lengths.push_back(1);
    }
    ++tiling.groups.back();
    lengths.back() *= length;
  }
  // Trailing axes of length 1 would leave a single lane.
  while (lengths.size() > 1 && lengths.back() == 1) {
    int64_t axes = tiling.groups.pop_back_val();
    tiling.groups.back() += axes;
    lengths.pop_back();
  }
  if (!lengths.empty()) tiling.inner = lengths.back();
  int64_t elements = productOf(tiling.shape);
  tiling.outer = tiling.inner ? elements / tiling.inner : 0;
  tiling.lanes = lanesFor(*values[0].getParentBlock(), target, tiling.inner);
  tiling.columns = tiling.inner;
  if (tiling.inner >= 2 * block) {
    tiling.columns = llvm::alignTo(block, tiling.lanes);
    tiling.grid = tiling.outer * llvm::divideCeil(tiling.inner, tiling.columns);
  } else {
    tiling.rows = std::max<int64_t>(block / std::max<int64_t>(tiling.inner, 1), 1);
    tiling.grid = llvm::divideCeil(tiling.outer, tiling.rows);
  }
  return tiling;
}

void emitMap(Emitter &e, const MapTiling &tiling, ArrayRef<MapOutput> outputs,
             const Index &workgroup) {
  e.setLanes(tiling.lanes);
  auto point = [&](const Index &row, const Index &column) {
    Point result;
    result.shape.assign(tiling.shape.begin(), tiling.shape.end());
    if (tiling.groups.empty()) return result;
    // Coordinates of the outer groups, from the row's number.
    SmallVector<int64_t> lengths;
    int64_t axis = 0;
    for (int64_t axes : ArrayRef<int64_t>(tiling.groups).drop_back()) {
      lengths.push_back(productOf(ArrayRef<int64_t>(tiling.shape).slice(axis, axes)));
      axis += axes;
    }
    for (size_t group = 0; group < lengths.size(); ++group) {
      int64_t stride = productOf(ArrayRef<int64_t>(lengths).drop_front(group + 1));
      Index index = e.divide(row, stride);
      if (group) index = e.modulo(index, lengths[group]);
      result.groups.push_back({tiling.groups[group], index});
    }
    result.groups.push_back({tiling.groups.back(), column});
    return result;
  };
  auto body = [&](const Index &row, const Index &first) {
    Index column = e.lanesFrom(first);
    Point at = point(row, column);
    SmallVector<Value> values;
    for (const MapOutput &output : outputs) values.push_back(e.at(output.value, at));
    Index place = e.linear(at);
    for (auto [output, value] : llvm::zip(outputs, values))
      e.store(output.pointer, elementOf(output.value), place, value);
  };
  int64_t lanes = tiling.lanes, whole = tiling.inner / lanes * lanes, rest = tiling.inner - whole;
  Index end = Index::constant(whole);
  auto tail = [&](const Index &row) {
    e.masked(e.firstLanes(Index::constant(rest)), e.depth(),
             [&] { body(row, Index::constant(whole)); });
  };
  if (tiling.columns < tiling.inner) {
    int64_t blocks = llvm::divideCeil(tiling.inner, tiling.columns);
    Index row = e.divide(workgroup, blocks), number = e.modulo(workgroup, blocks);
    Index from = e.scale(number, tiling.columns);
    Index to = e.minimum(e.add(from, tiling.columns), end);
    e.loop(
        from, to, lanes, [&](Index first) { body(row, first); }, lanes);
    if (rest) e.when(e.inside(number, blocks - 1, blocks), [&] { tail(row); });
    return;
  }
  Index from = e.scale(workgroup, tiling.rows);
  Index to = e.minimum(e.add(from, tiling.rows), Index::constant(tiling.outer));
  e.loop(from, to, 1, [&](Index row) {
    if (whole == lanes)
      body(row, Index::constant(0));
    else if (whole)
      e.loop(Index::constant(0), end, lanes, [&](Index first) { body(row, first); });
    if (rest) tail(row);
  });
}

}  // namespace graven::codegen::cpu
