#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/gpu/matrix_instructions.h"
#include "compiler/codegen/gpu/strategies/block_product.h"
#include "compiler/codegen/loops/keep_rolled.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

// Steps of k that are unrolled where copies are under way: more only make the assembler read ahead
// until registers run out.
constexpr int64_t kStepsTogether = 16;

class FmaProduct : public BlockProduct {
 public:
  FmaProduct(KernelFunction &function, const BlockTiling &tiling, Value shared)
      : BlockProduct(function, tiling, shared) {
    // The threads of a warp form a rectangle of 4 x 8 where they can: it reads the fewest different
    // words of shared memory, without two in one bank.
    Index thread = f_.thread(), thread_m, thread_n;
    if (t_.threadsN() % 8 == 0 && t_.threadsM() % 4 == 0) {
      Index lane = e_.modulo(thread, kWarp), warp = e_.divide(thread, kWarp);
      int64_t across = t_.threadsN() / 8;
      thread_n = e_.add(e_.scale(e_.modulo(warp, across), 8), e_.modulo(lane, 8));
      thread_m = e_.add(e_.scale(e_.divide(warp, across), 4), e_.divide(lane, 8));
    } else {
      thread_n = e_.modulo(thread, t_.threadsN());
      thread_m = e_.divide(thread, t_.threadsN());
    }
    row_ = e_.scale(thread_m, t_.quad());
    column_ = e_.scale(thread_n, t_.lanes());
  }

 protected:
  Emitter::Carry begin() override {
    Type type = e_.vectorType(element_, t_.lanes());
    Value zero = graph::scalarConstant(e_.builder(), e_.loc(), type, 0.0);
    return Emitter::Carry(t_.thread_m * t_.groups(), zero);
  }

  Emitter::Carry tile(const Index &slot, int64_t count, bool overlapped, ValueRange sums) override {
    // Few steps at a time where there is nothing to overlap them with.
    int64_t together = overlapped ? std::min(count, kStepsTogether) : count % 4 ? 1 : 4;
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

  SmallVector<Value> end(ValueRange sums) override { return SmallVector<Value>(sums); }

 private:
  SmallVector<Value> read(OperandStage &stage, const Index &slot, const Index &k, int64_t count,
                          function_ref<Index(int64_t)> first, int64_t width) {
    e_.setLanes(width);
    SmallVector<Value> values;
    for (int64_t i = 0; i < count; ++i)
      values.push_back(e_.load(shared_, element_, e_.lanesFrom(stage.place(slot, k, first(i)))));
    return values;
  }

  // The outer product of one column of the left tile and one row of the right one.
  Emitter::Carry step(const Index &slot, const Index &k, ValueRange sums) {
    OpBuilder &b = e_.builder();
    int64_t quad = t_.quad(), groups = t_.groups();
    SmallVector<Value> lefts =
        read(left_, slot, k, t_.thread_m / quad, [&](int64_t i) { return rowOf(i * quad); }, quad);
    SmallVector<Value> rights =
        read(right_, slot, k, groups, [&](int64_t group) { return columnOf(group); }, t_.lanes());
    e_.setLanes(t_.lanes());
    Emitter::Carry next(sums.begin(), sums.end());
    for (int64_t i = 0; i < t_.thread_m; ++i) {
      Value left = lefts[i / quad];
      if (quad > 1) left = vector::ExtractOp::create(b, e_.loc(), left, i % quad);
      left = e_.splat(left);
      for (int64_t group = 0; group < groups; ++group) {
        Value &sum = next[i * groups + group];
        sum = math::FmaOp::create(b, e_.loc(), left, rights[group], sum);
      }
    }
    return next;
  }
};

}  // namespace

std::unique_ptr<BlockProduct> fmaProduct(KernelFunction &function, const BlockTiling &tiling,
                                         Value shared) {
  return std::make_unique<FmaProduct>(function, tiling, shared);
}

}  // namespace graven::codegen::gpu
