// Maps that read some of their inputs transposed.
//
// The result's last axis is not the transposed input's last one. Both axes are cut into squares as
// wide as a vector: a square is read along the input's last axis, transposed in registers, and
// serves as the input's elements while the map is computed along the result's last axis.
#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/cpu/strategies/transpose_square.h"
#include "compiler/codegen/loops/kernel_spaces.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

// Elements of the two axes that a workgroup takes.
constexpr int64_t kBlockRows = 64, kBlockColumns = 256;

struct TransposePlan : TransposeSpace {
  int64_t lanes = 1;

  int64_t rowBlocks() const { return llvm::divideCeil(rows(), kBlockRows); }
  int64_t columnBlocks() const { return llvm::divideCeil(columns(), kBlockColumns); }
};

std::optional<TransposePlan> planOf(Block &body, const strategy::Target &target) {
  std::optional<TransposeSpace> space = transposeSpaceOf(body);
  if (!space) return std::nullopt;
  TransposePlan plan;
  static_cast<TransposeSpace &>(plan) = *std::move(space);
  plan.lanes = target.lanes(plan.bytes);
  // Narrow axes would leave most of a square empty.
  if (plan.lanes < 2 || plan.rows() < plan.lanes || plan.columns() < plan.lanes)
    return std::nullopt;
  return plan;
}

bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  return !fused.getSegments() && planOf(fused.getBody().front(), target).has_value();
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  TransposePlan transpose = *planOf(fused.getBody().front(), target);
  strategy::Plan plan;
  plan.params = {{"lanes", transpose.lanes}};
  plan.stages = {{"", transpose.outer() * transpose.rowBlocks() * transpose.columnBlocks()}};
  plan.shape = strategy::shapeName(transpose.shape);
  plan.config = "t" + std::to_string(transpose.lanes);
  return plan;
}

class TransposeEmitter {
 public:
  TransposeEmitter(KernelFunction &function, const TransposePlan &plan)
      : f_(function), e_(function.emitter()), p_(plan) {
    e_.setLanes(p_.lanes);
  }

  void emit(const Index &workgroup) {
    Index columns = e_.modulo(workgroup, p_.columnBlocks());
    Index rest = e_.divide(workgroup, p_.columnBlocks());
    Index rows = e_.modulo(rest, p_.rowBlocks());
    rest = e_.divide(rest, p_.rowBlocks());
    // Coordinates of the other axes.
    outer_.assign(p_.shape.size(), Index());
    for (int64_t axis = static_cast<int64_t>(p_.shape.size()) - 2; axis >= 0; --axis) {
      if (axis == p_.axis) continue;
      outer_[axis] = e_.modulo(rest, p_.shape[axis]);
      rest = e_.divide(rest, p_.shape[axis]);
    }
    along(columns, kBlockColumns, p_.columns(), [&](const Index &column, int64_t width) {
      along(rows, kBlockRows, p_.rows(),
            [&](const Index &row, int64_t height) { square(row, height, column, width); });
    });
  }

 private:
  // Cuts block `block` of an axis into pieces as long as a vector; `body` gets the first element of
  // a piece and how many there are.
  void along(const Index &block, int64_t size, int64_t length,
             function_ref<void(const Index &, int64_t)> body) {
    int64_t left = length % p_.lanes;
    Index from = e_.scale(block, size);
    Index end = e_.minimum(e_.add(from, size), Index::constant(length));
    Index whole = e_.minimum(end, Index::constant(length - left));
    e_.loop(from, whole, p_.lanes, [&](Index at) { body(at, p_.lanes); }, p_.lanes);
    if (left)
      e_.when(e_.inside(end, length, length + 1),
              [&] { body(Index::constant(length - left), left); });
  }

  Point pointAt(const Index &row, const Index &column) {
    Point point;
    point.shape.assign(p_.shape.begin(), p_.shape.end());
    for (int64_t axis = 0; axis < static_cast<int64_t>(p_.shape.size()); ++axis)
      point.groups.push_back({1, axis == p_.axis ? row
                                 : axis + 1 == static_cast<int64_t>(p_.shape.size())
                                     ? column
                                     : outer_[axis]});
    return point;
  }

  void masked(int64_t count, function_ref<void()> body) {
    if (count == p_.lanes) return body();
    e_.masked(e_.firstLanes(Index::constant(count)), e_.depth(), body);
  }

  Value resultOf(size_t number) {
    Operation *transpose = p_.transposed[number];
    return transpose->getResult(0);
  }

  void square(const Index &row, int64_t height, const Index &column, int64_t width) {
    SmallVector<SmallVector<Value>> squares;
    for (graph::TransposeOp transpose : p_.transposed) {
      Value x = transpose.getX();
      Value pointer = f_.inputPointer(cast<BlockArgument>(x).getArgNumber());
      SmallVector<Value> vectors;
      masked(height, [&] {
        for (int64_t i = 0; i < width; ++i) {
          Point to = pointAt(e_.lanesFrom(row), e_.add(column, i)), from;
          from.shape.assign(shapeOf(x).begin(), shapeOf(x).end());
          from.groups.resize(to.groups.size());
          for (auto [axis, source] : llvm::enumerate(p_.permutation))
            from.groups[source] = to.groups[axis];
          vectors.push_back(e_.load(pointer, elementOf(x), e_.linear(from)));
        }
      });
      vectors.resize(p_.lanes, vectors[0]);
      transposeSquare(e_, vectors);
      squares.push_back(vectors);
    }
    masked(width, [&] {
      for (int64_t i = 0; i < height; ++i) {
        for (auto [number, vectors] : llvm::enumerate(squares)) {
          Value vector = vectors[i];
          e_.give(resultOf(number), e_.depth(), [vector](const Point &) { return vector; });
        }
        Point point = pointAt(e_.add(row, i), e_.lanesFrom(column));
        SmallVector<Value> values;
        for (Value output : f_.outputs()) values.push_back(e_.at(output, point));
        for (size_t number = 0; number < squares.size(); ++number) e_.forget(resultOf(number));
        Index place = e_.linear(point);
        for (auto [number, value] : llvm::enumerate(values))
          e_.store(f_.outputPointer(number), elementOf(f_.outputs()[number]), place, value);
      }
    });
  }

  KernelFunction &f_;
  Emitter &e_;
  const TransposePlan &p_;
  SmallVector<Index> outer_;
};

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  KernelFunction function(kernel, "", out);
  TransposePlan plan = *planOf(function.body(), target);
  TransposeEmitter transpose(function, plan);
  function.streaming(streamedOutputs(function.body(), target), target, [&] {
    function.forEachWorkgroup([&](Index workgroup) { transpose.emit(workgroup); });
  });
  return success();
}

}  // namespace

const strategy::Strategy kTransposeStrategy = {"transpose", matches, plan, emit};

}  // namespace graven::codegen::cpu
