// Maps that read some of their inputs transposed.
//
// The result's last axis is not the transposed input's last one. Both axes are cut into squares of
// 32: a workgroup reads a square of each such input along the input's last axis into shared memory,
// and takes it from there while it computes the map along the result's last axis, so that both
// accesses to memory are of whole lines. Rows of a square are 33 elements long, so that neither a
// row nor a column of it meets a bank of shared memory twice.
#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/gpu/kernel_function.h"
#include "compiler/codegen/gpu/strategies/strategies.h"
#include "compiler/codegen/loops/kernel_spaces.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

constexpr int64_t kSquare = 32;       // elements of each axis
constexpr int64_t kPitch = 33;        // elements between rows of a square
constexpr int64_t kThreads = 256;     // of a workgroup; each takes 4 elements of a square
constexpr int64_t kLeastLength = 16;  // of an axis; narrower ones would leave a square empty
constexpr size_t kMostInputs = 4;     // that are transposed

struct TransposePlan : TransposeSpace {
  int64_t rowBlocks() const { return llvm::divideCeil(rows(), kSquare); }
  int64_t columnBlocks() const { return llvm::divideCeil(columns(), kSquare); }
};

std::optional<TransposePlan> planOf(Block &body) {
  std::optional<TransposeSpace> space = transposeSpaceOf(body);
  if (!space) return std::nullopt;
  TransposePlan plan;
  static_cast<TransposeSpace &>(plan) = *std::move(space);
  if (plan.rows() < kLeastLength || plan.columns() < kLeastLength ||
      plan.transposed.size() > kMostInputs)
    return std::nullopt;
  return plan;
}

bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  return !fused.getSegments() && planOf(fused.getBody().front()).has_value();
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  TransposePlan transpose = *planOf(fused.getBody().front());
  strategy::Plan plan;
  plan.params = {{"square", kSquare}};
  int64_t squares = transpose.outer() * transpose.rowBlocks() * transpose.columnBlocks();
  plan.stages = {{"", squares, kThreads}};
  plan.shape = strategy::shapeName(transpose.shape);
  plan.config = "t" + std::to_string(kSquare);
  return plan;
}

class TransposeEmitter {
 public:
  TransposeEmitter(KernelFunction &function, const TransposePlan &plan)
      : f_(function), e_(function.emitter()), p_(plan) {
    Index columns = e_.modulo(f_.workgroup(), p_.columnBlocks());
    Index rest = e_.divide(f_.workgroup(), p_.columnBlocks());
    row_ = e_.scale(e_.modulo(rest, p_.rowBlocks()), kSquare);
    column_ = e_.scale(columns, kSquare);
    rest = e_.divide(rest, p_.rowBlocks());
    // Coordinates of the other axes.
    outer_.assign(p_.shape.size(), Index());
    for (int64_t axis = static_cast<int64_t>(p_.shape.size()) - 2; axis >= 0; --axis) {
      if (axis == p_.axis) continue;
      outer_[axis] = e_.modulo(rest, p_.shape[axis]);
      rest = e_.divide(rest, p_.shape[axis]);
    }
  }

  void emit() {
    SmallVector<Value> squares;
    for (size_t number = 0; number < p_.transposed.size(); ++number)
      squares.push_back(f_.shared(kSquare * kPitch * p_.bytes));
    forElements([&](const Index &along, const Index &across) {
      // Neighbouring threads at neighbours of the input's last axis, the square's rows.
      at(along, across, [&](const Point &point) {
        Index place = e_.add(e_.scale(across, kPitch), along);
        for (auto [transpose, square] : llvm::zip(p_.transposed, squares)) {
          Value result = transpose.getResult();
          e_.store(square, elementOf(result), place, e_.at(result, point));
        }
      });
    });
    barrier(e_.builder(), e_.loc());
    forElements([&](const Index &along, const Index &across) {
      at(across, along, [&](const Point &point) {
        Index place = e_.add(e_.scale(along, kPitch), across);
        for (auto [transpose, square] : llvm::zip(p_.transposed, squares)) {
          Value result = transpose.getResult(), from = square;
          e_.give(result, e_.depth(),
                  [this, from, place, element = elementOf(result)](const Point &) {
                    return e_.load(from, element, place);
                  });
        }
        SmallVector<Value> values;
        for (Value output : f_.outputs()) values.push_back(e_.at(output, point));
        Index number = e_.linear(point);
        for (auto [output, value] : llvm::enumerate(values))
          e_.store(f_.outputPointer(output), elementOf(f_.outputs()[output]), number, value);
        for (graph::TransposeOp transpose : p_.transposed) e_.forget(transpose.getResult());
      });
    });
  }

 private:
  // Runs `body` for each element that this thread takes of a square: its place along the axis on
  // which neighbouring threads are neighbours, and along the other.
  void forElements(function_ref<void(const Index &, const Index &)> body) {
    Index along = e_.modulo(f_.thread(), kSquare), across = e_.divide(f_.thread(), kSquare);
    for (int64_t first = 0; first < kSquare; first += kThreads / kSquare)
      body(along, e_.add(across, first));
  }
  // Runs `body` at a place of the square, if it is there.
  void at(const Index &row, const Index &column, function_ref<void(const Point &)> body) {
    Index coordinates[2] = {e_.add(row_, row), e_.add(column_, column)};
    Point point;
    point.shape.assign(p_.shape.begin(), p_.shape.end());
    int64_t rank = p_.shape.size();
    for (int64_t axis = 0; axis < rank; ++axis)
      point.groups.push_back({1, axis == p_.axis    ? coordinates[0]
                                 : axis + 1 == rank ? coordinates[1]
                                                    : outer_[axis]});
    Value inside;
    int64_t lengths[2] = {p_.rows(), p_.columns()};
    for (int i = 0; i < 2; ++i) {
      if (lengths[i] % kSquare == 0) continue;
      Value here = e_.inside(coordinates[i], 0, lengths[i]);
      inside = inside ? arith::AndIOp::create(e_.builder(), e_.loc(), inside, here) : here;
    }
    inside ? e_.when(inside, [&] { body(point); }) : body(point);
  }

  KernelFunction &f_;
  Emitter &e_;
  TransposePlan p_;
  Index row_, column_;
  SmallVector<Index> outer_;
};

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  KernelFunction function(kernel, "", out);
  TransposePlan plan = *planOf(function.body());
  TransposeEmitter(function, plan).emit();
  return success();
}

}  // namespace

const strategy::Strategy kTransposeStrategy = {"transpose", matches, plan, emit};

}  // namespace graven::codegen::gpu
