// Products of few rows with both operands along k, as a row times a transposed matrix: dot
// products.
//
// Lanes lie along k. The rows of the right operand are read as they lie, some at a time, and an
// element is the sum of its lanes' sums: k ascends within a lane, then lanes are added pair by
// pair, neighbours first. Where the machine multiplies pairs of bf16 (bf16_pairs.h), a lane takes
// two neighbouring k at a time. That order follows the number of lanes alone; strict code keeps k
// ascending and uses the contraction strategy.
#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/bf16_pairs.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/loops/product_kernel.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

constexpr llvm::StringLiteral kName = "dot";
// Rows of the left operand with vectors of k from which on they are better served so than by
// transposing: the more rows, the more costs the addition of lanes beside what reading saves.
constexpr struct {
  int64_t rows, vectors;
} kLeast[] = {{4, 4}, {6, 8}, {8, 16}};
// Floating-point operations that are worth a workgroup: the right operand comes from memory.
constexpr int64_t kLeastWork = 1 << 17;

bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  if (target.strict() || !isProductKernel(fused)) return false;
  graph::DotGeneralOp dot = soleProduct(fused.getBody().front());
  GemmShape gemm = *gemmShapeOf(dot);
  int64_t lanes = target.lanes(heldBytes(elementOf(dot.getLhs())));
  if (gemm.lhs_k != 1 || gemm.rhs_k != 1 || lanes == 1) return false;
  if (target.forced.strategy == kName) return true;
  // Two columns at a time at least, or operands are loaded more often than multiplied.
  if (gemm.n == 0 || 3 * gemm.m + 1 > target.vector_registers) return false;
  return llvm::any_of(
      kLeast, [&](auto least) { return gemm.m <= least.rows && gemm.k >= least.vectors * lanes; });
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  graph::DotGeneralOp dot = soleProduct(body);
  GemmShape gemm = *gemmShapeOf(dot);
  int64_t lanes = target.lanes(heldBytes(elementOf(dot.getLhs())));
  // Sums of `together` columns are in registers, with the left operand's vectors.
  int64_t m = std::max<int64_t>(gemm.m, 1), together = 1;
  while (together < std::min<int64_t>(lanes, 8) &&
         m * (2 * together + 1) + 1 <= target.vector_registers)
    together *= 2;
  together = target.forcedOr(kName, "together", together);
  int64_t block = lanes, work = 2 * m * std::max<int64_t>(gemm.k, 1);
  while (block * work < kLeastWork && block < gemm.n) block += lanes;
  block = target.forcedOr(kName, "block_columns", block);
  strategy::Plan plan;
  bool pairs = hasPairs(elementOf(dot.getLhs()), target) && target.forcedOr(kName, "pairs", 1);
  plan.params = {
      {"lanes", lanes}, {"together", together}, {"block_columns", block}, {"pairs", pairs}};
  int64_t blocks = llvm::divideCeil(gemm.n, block);
  plan.stages.push_back({"", gemm.m ? gemm.outerCount() * blocks : 0});
  plan.same_index = strategy::sameIndexPairs(body);
  SmallVector<int64_t> shape;
  if (gemm.outerCount() != 1) shape.push_back(gemm.outerCount());
  shape.append({gemm.m, gemm.n, gemm.k});
  plan.shape = strategy::shapeName(shape);
  plan.config = "d" + std::to_string(together) + "x" + std::to_string(lanes) + (pairs ? "b" : "");
  return plan;
}

class DotProducts {
 public:
  DotProducts(KernelFunction &function, GemmShape gemm, DictionaryAttr params)
      : f_(function), e_(function.emitter()), g_(std::move(gemm)) {
    auto param = [&](StringRef name) { return params.getAs<IntegerAttr>(name).getInt(); };
    lanes_ = param("lanes");
    together_ = param("together");
    block_ = param("block_columns");
    pairs_ = param("pairs");
    graph::DotGeneralOp dot = soleProduct(f_.body());
    element_ = elementOf(dot.getLhs());
    Value lhs = g_.swapped ? dot.getRhs() : dot.getLhs();
    Value rhs = g_.swapped ? dot.getLhs() : dot.getRhs();
    lhs_ = f_.inputPointer(cast<BlockArgument>(lhs).getArgNumber());
    rhs_ = f_.inputPointer(cast<BlockArgument>(rhs).getArgNumber());
  }

  void emit() {
    f_.forEachWorkgroup([&](Index workgroup) {
      int64_t blocks = std::max<int64_t>(llvm::divideCeil(g_.n, block_), 1);
      outer_ = e_.divide(workgroup, blocks);
      Index block = e_.modulo(workgroup, blocks);
      int64_t whole = g_.n / lanes_ * lanes_, left = g_.n - whole;
      Index from = e_.scale(block, block_);
      Index to = e_.minimum(e_.add(from, block_), Index::constant(whole));
      if (whole) e_.loop(from, to, lanes_, [&](Index n) { columns(n, lanes_); }, lanes_);
      if (!left) return;
      auto last = [&] { columns(Index::constant(whole), left); };
      if (blocks == 1) return last();
      e_.when(e_.inside(block, blocks - 1, blocks), last);
    });
  }

 private:
  // All rows of the columns [n, n + count), at most as many as there are lanes.
  void columns(const Index &n, int64_t count) {
    e_.setLanes(lanes_);
    Index lhs_start = outerOffset(e_, g_, outer_, false);
    Index rhs_start = e_.add(outerOffset(e_, g_, outer_, true), e_.scale(n, g_.rhs_n));
    Value lhs = e_.pointerTo(lhs_, element_, lhs_start);
    SmallVector<SmallVector<Value>> sums(g_.m);  // for each row, for each column
    for (int64_t first = 0; first < count; first += together_) {
      int64_t columns = std::min(together_, count - first);
      Value rhs = e_.pointerTo(rhs_, element_, e_.add(rhs_start, first * g_.rhs_n));
      Emitter::Carry products = multiply(lhs, rhs, columns);
      for (int64_t row = 0; row < g_.m; ++row) {
        auto begin = products.begin() + row * columns;
        SmallVector<Value> part(begin, begin + columns);
        addPairs(part, 1, together_);
        sums[row].push_back(part[0]);
      }
    }
    for (int64_t row = 0; row < g_.m; ++row) {
      addPairs(sums[row], together_, lanes_);
      store(Index::constant(row), n, count, sums[row][0]);
    }
  }

  // Lane by lane sums of all rows times `columns` columns.
  Emitter::Carry multiply(Value lhs, Value rhs, int64_t columns) {
    Value zero =
        graph::scalarConstant(e_.builder(), e_.loc(), e_.vectorType(element_, lanes_), 0.0);
    Emitter::Carry sums(g_.m * columns, zero);
    // Elements of k that a vector takes.
    int64_t taken = pairs_ ? 2 * lanes_ : lanes_;
    // `valid`: those there are.
    auto step = [&](const Index &k, ValueRange carried, int64_t valid) {
      auto load = [&](Value from, int64_t start) {
        Index first = e_.add(k, start);
        return pairs_ ? loadPairsAlongK(e_, from, first, Index::constant(valid))
                      : e_.load(from, element_, e_.lanesFrom(first));
      };
      Emitter::Carry next(carried.begin(), carried.end());
      SmallVector<Value> left(g_.m);
      for (int64_t row = 0; row < g_.m; ++row) left[row] = load(lhs, row * g_.lhs_m);
      for (int64_t column = 0; column < columns; ++column) {
        Value right = load(rhs, column * g_.rhs_n);
        for (int64_t row = 0; row < g_.m; ++row) {
          Value &sum = next[row * columns + column];
          sum =
              pairs_
                  ? multiplyPairs(e_, left[row], right, sum)
                  : math::FmaOp::create(e_.builder(), e_.loc(), left[row], right, sum).getResult();
        }
      }
      return next;
    };
    int64_t whole = g_.k / taken * taken, left = g_.k - whole;
    sums = e_.loop(Index::constant(0), Index::constant(whole), taken, sums,
                   [&](Index k, ValueRange carried) { return step(k, carried, taken); });
    if (!left) return sums;
    auto last = [&] { sums = step(Index::constant(whole), sums, left); };
    if (pairs_)
      last();
    else
      e_.masked(e_.firstLanes(Index::constant(left)), e_.depth(), last);
    return sums;
  }

  // Adds lanes whose numbers differ in one bit, for the bits from `bit` to below `end`, while the
  // vectors' numbers lose the same bit: in the end lane i of vectors[0] holds the sum of number i.
  // Lanes of numbers that are missing hold nothing of use.
  void addPairs(SmallVector<Value> &vectors, int64_t bit, int64_t end) {
    for (; bit < end; bit *= 2) {
      SmallVector<int64_t> low(lanes_), high(lanes_);
      for (int64_t lane = 0; lane < lanes_; ++lane) {
        bool second = lane & bit;
        low[lane] = second ? lanes_ + lane - bit : lane;
        high[lane] = second ? lanes_ + lane : lane + bit;
      }
      SmallVector<Value> sums;
      for (size_t i = 0; i < vectors.size(); i += 2) {
        Value a = vectors[i], b = i + 1 < vectors.size() ? vectors[i + 1] : a;
        Value lower = vector::ShuffleOp::create(e_.builder(), e_.loc(), a, b, low);
        Value upper = vector::ShuffleOp::create(e_.builder(), e_.loc(), a, b, high);
        sums.push_back(arith::AddFOp::create(e_.builder(), e_.loc(), lower, upper));
      }
      vectors = std::move(sums);
    }
  }

  void store(const Index &row, const Index &n, int64_t count, Value sums) {
    if (g_.n == 1) {
      Value sum = vector::ExtractOp::create(e_.builder(), e_.loc(), sums, ArrayRef<int64_t>{0});
      e_.setLanes(1);
      storeOutputs(f_.emitter(), f_.body(), f_.outputPointers(), g_, outer_, row, n, sum);
      return e_.setLanes(lanes_);
    }
    auto body = [&] {
      storeOutputs(f_.emitter(), f_.body(), f_.outputPointers(), g_, outer_, row, n, sums);
    };
    if (count == lanes_) return body();
    e_.masked(e_.firstLanes(Index::constant(count)), e_.depth(), body);
  }

  KernelFunction &f_;
  Emitter &e_;
  GemmShape g_;
  int64_t lanes_, together_, block_;
  bool pairs_;  // elements are bf16, multiplied in pairs along k
  Type element_;
  Value lhs_, rhs_;
  Index outer_;
};

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &, ModuleOp out) {
  KernelFunction function(kernel, "", out);
  GemmShape gemm = *gemmShapeOf(soleProduct(function.body()));
  DotProducts(function, gemm, kernel.getStrategy().getParams()).emit();
  return success();
}

}  // namespace

const strategy::Strategy kDotStrategy = {kName, matches, plan, emit};

}  // namespace graven::codegen::cpu
