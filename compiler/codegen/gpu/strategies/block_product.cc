#include "compiler/codegen/gpu/strategies/block_product.h"

#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/gpu/matrix_instructions.h"
#include "compiler/codegen/loops/product_kernel.h"
#include "compiler/codegen/loops/rules.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

// Steps of k that are unrolled where copies are under way: more only make the assembler read ahead
// until registers run out.
constexpr int64_t kStepsTogether = 16;

}  // namespace

BlockProduct::BlockProduct(KernelFunction &function, const BlockTiling &tiling, Value shared)
    : f_(function),
      e_(function.emitter()),
      t_(tiling),
      shared_(shared),
      element_(elementOf(soleProduct(function.body()).getLhs())),
      left_(function, tiling, true, shared),
      right_(function, tiling, false, shared) {
  // The threads of a warp form a rectangle of 4 x 8 where they can: it reads the fewest different
  // words of shared memory, without two in one bank.
  Index thread = f_.thread();
  if (t_.threadsN() % 8 == 0 && t_.threadsM() % 4 == 0) {
    Index lane = e_.modulo(thread, kWarp), warp = e_.divide(thread, kWarp);
    int64_t across = t_.threadsN() / 8;
    thread_n_ = e_.add(e_.scale(e_.modulo(warp, across), 8), e_.modulo(lane, 8));
    thread_m_ = e_.add(e_.scale(e_.divide(warp, across), 4), e_.divide(lane, 8));
  } else {
    thread_n_ = e_.modulo(thread, t_.threadsN());
    thread_m_ = e_.divide(thread, t_.threadsN());
  }
}

Index BlockProduct::rowOf(int64_t i) {
  int64_t quad = t_.quad();
  return e_.add(e_.scale(thread_m_, quad), i / quad * t_.resultRows() + i % quad);
}

Index BlockProduct::columnOf(int64_t group) {
  return e_.add(e_.scale(thread_n_, t_.lanes()), group * t_.block_n / groups());
}

SmallVector<Value> BlockProduct::read(OperandStage &stage, const Index &slot, const Index &k,
                                      int64_t count, function_ref<Index(int64_t)> first,
                                      int64_t width) {
  e_.setLanes(width);
  SmallVector<Value> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(e_.load(shared_, element_, e_.lanesFrom(stage.place(slot, k, first(i)))));
  return values;
}

// The outer product of one column of the left tile and one row of the right one.
Emitter::Carry BlockProduct::step(const Index &slot, const Index &k, ValueRange sums) {
  OpBuilder &b = e_.builder();
  int64_t quad = t_.quad();
  SmallVector<Value> lefts = read(
      left_, slot, k, t_.thread_m / quad, [&](int64_t i) { return rowOf(i * quad); }, quad);
  SmallVector<Value> rights = read(
      right_, slot, k, groups(), [&](int64_t group) { return columnOf(group); }, t_.lanes());
  e_.setLanes(t_.lanes());
  Emitter::Carry next(sums.begin(), sums.end());
  for (int64_t i = 0; i < t_.thread_m; ++i) {
    Value left = lefts[i / quad];
    if (quad > 1) left = vector::ExtractOp::create(b, e_.loc(), left, i % quad);
    left = e_.splat(left);
    for (int64_t group = 0; group < groups(); ++group) {
      Value &sum = next[i * groups() + group];
      sum = math::FmaOp::create(b, e_.loc(), left, rights[group], sum);
    }
  }
  return next;
}

Emitter::Carry BlockProduct::steps(const Index &slot, int64_t count, int64_t together,
                                   ValueRange sums) {
  auto some = [&](const Index &k, ValueRange carried) {
    Emitter::Carry next(carried.begin(), carried.end());
    for (int64_t i = 0; i < together; ++i) next = step(slot, e_.add(k, i), next);
    return next;
  };
  if (count == together) return some(Index::constant(0), sums);
  Emitter::Carry last = e_.loop(Index::constant(0), Index::constant(count), together, sums, some);
  keepRolled(last[0]);
  return last;
}

SmallVector<Value> BlockProduct::multiply(const Index &row, const Index &column,
                                          const Index &matrix, const Index &k_begin, int64_t k) {
  OpBuilder &b = e_.builder();
  Location loc = e_.loc();
  int64_t stages = t_.stages, tiles = llvm::divideCeil(k, t_.block_k);
  int64_t ahead = std::min(stages - 1, tiles), steady = tiles - ahead;
  left_.begin(row, matrix, k_begin, k);
  right_.begin(column, matrix, k_begin, k);
  auto start = [&](const Index &tile, const Index &slot) {
    left_.start(tile, slot);
    right_.start(tile, slot);
    commitCopies(b, loc);
  };
  auto finish = [&](const Index &slot) {
    left_.finish(slot);
    right_.finish(slot);
  };
  for (int64_t tile = 0; tile < ahead; ++tile) {
    start(Index::constant(tile), Index::constant(tile));
    finish(Index::constant(tile));
  }
  Value zero = graph::scalarConstant(b, loc, e_.vectorType(element_, t_.lanes()), 0.0);
  Emitter::Carry sums(t_.thread_m * groups(), zero);
  auto turn = [&](Index tile, ValueRange carried) {
    waitForCopies(b, loc, stages - 2);
    barrier(b, loc);
    Index coming = e_.add(tile, stages - 1);
    Index from = e_.modulo(tile, stages), to = e_.modulo(coming, stages);
    start(coming, to);
    Emitter::Carry next = steps(from, t_.block_k, std::min(t_.block_k, kStepsTogether), carried);
    finish(to);
    return next;
  };
  if (steady) sums = e_.loop(Index::constant(0), Index::constant(steady), 1, sums, turn);
  // What was copied ahead. Few steps at a time, as there is nothing to overlap them with.
  waitForCopies(b, loc, 0);
  barrier(b, loc);
  for (int64_t tile = steady; tile < tiles; ++tile) {
    int64_t left = std::min(k - tile * t_.block_k, t_.block_k);
    sums = steps(Index::constant(tile % stages), left, left % 4 ? 1 : 4, sums);
  }
  return SmallVector<Value>(sums);
}

}  // namespace graven::codegen::gpu
