#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/gpu/matrix_instructions.h"
#include "compiler/codegen/gpu/strategies/block_product.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

// Rows and columns of one instruction's result; rows of what ldmatrix calls a matrix.
constexpr int64_t kRows = 16, kColumns = 8, kMatrix = 8;

class TensorProduct : public BlockProduct {
 public:
  // A warp has `kRows` rows of each resultRows() and `kColumns` columns of each group of the block.
  TensorProduct(KernelFunction &function, const BlockTiling &tiling, Value shared)
      : BlockProduct(function, tiling, shared) {
    lane_ = e_.modulo(f_.thread(), kWarp);
    Index warp = e_.divide(f_.thread(), kWarp);
    int64_t across = t_.block_n / t_.groups() / kColumns;
    warp_row_ = e_.scale(e_.divide(warp, across), kRows);
    warp_column_ = e_.scale(e_.modulo(warp, across), kColumns);
    row_ = e_.add(warp_row_, e_.divide(lane_, 4));
    column_ = e_.add(warp_column_, e_.scale(e_.modulo(lane_, 4), 2));
  }

 protected:
  Emitter::Carry begin() override {
    Value zero = graph::scalarConstant(e_.builder(), e_.loc(), e_.builder().getF32Type(), 0.0);
    return Emitter::Carry(t_.thread_m * t_.thread_n, zero);
  }

  Emitter::Carry tile(const Index &slot, int64_t count, bool, ValueRange sums) override {
    Emitter::Carry next(sums.begin(), sums.end());
    for (int64_t k = 0; k < count; k += t_.step_k) next = step(slot, k, next);
    return next;
  }

  SmallVector<Value> end(ValueRange sums) override {
    OpBuilder &b = e_.builder();
    SmallVector<Value> pairs;
    auto type = VectorType::get(2, b.getF32Type());
    for (int64_t i = 0; i < t_.thread_m; ++i)
      for (int64_t group = 0; group < t_.groups(); ++group) {
        size_t at = first(i / 2, group) + i % 2 * 2;
        pairs.push_back(
            vector::FromElementsOp::create(b, e_.loc(), type, ValueRange{sums[at], sums[at + 1]}));
      }
    return pairs;
  }

 private:
  // Number of the first sum of product (i, group).
  size_t first(int64_t i, int64_t group) const { return (i * t_.groups() + group) * 4; }

  // Four matrices of a tile: 8 x's from `x` on or from x + `apart`, and half a step of k's from `k`
  // on or the half behind. Their order is (x, k), (x + apart, k), and the same for the other k's on
  // the left; (x, k), the other k's, and the same for x + apart on the right.
  SmallVector<Value> load(OperandStage &stage, bool left, const Index &slot, const Index &x,
                          int64_t apart, int64_t k) {
    // Rows of matrices in shared memory follow k where k's are not neighbours there.
    bool rows_of_k = t_.layout(left).rows_of_k;
    if (!rows_of_k && t_.bytes == 4) return loadWords(stage, left, slot, x, apart, k);
    Index low = e_.modulo(e_.divide(lane_, kMatrix), 2), high = e_.divide(lane_, 2 * kMatrix);
    Index first_x = e_.add(x, e_.scale(left ? low : high, apart));
    Index first_k = e_.add(e_.scale(left ? high : low, t_.step_k / 2), k);
    Index within = e_.modulo(lane_, kMatrix);
    Index place = rows_of_k ? stage.place(slot, first_k, e_.add(first_x, within))
                            : stage.place(slot, e_.add(first_k, within), first_x);
    Value address = e_.pointerTo(shared_, element_, place);
    SmallVector<Value> words = loadMatrices(e_.builder(), e_.loc(), address, 4, !rows_of_k);
    if (t_.bytes == 4)
      for (Value &word : words)
        word = rounded(arith::BitcastOp::create(e_.builder(), e_.loc(), element_, word));
    return words;
  }

  // The same of f32 elements, one by one: ldmatrix turns none of 32 bits.
  SmallVector<Value> loadWords(OperandStage &stage, bool left, const Index &slot, const Index &x,
                               int64_t apart, int64_t k) {
    e_.setLanes(1);
    Index near = e_.add(x, e_.divide(lane_, 4)), steps = e_.modulo(lane_, 4);
    SmallVector<Value> words;
    for (int64_t i = 0; i < 4; ++i) {
      int64_t second_x = left ? i % 2 : i / 2, second_k = left ? i / 2 : i % 2;
      Index place = stage.place(slot, e_.add(steps, k + second_k * t_.step_k / 2),
                                e_.add(near, second_x * apart));
      words.push_back(rounded(e_.load(shared_, element_, e_.lanesFrom(place))));
    }
    return words;
  }

  Value rounded(Value element) { return roundToTf32(e_.builder(), e_.loc(), element); }

  Emitter::Carry step(const Index &slot, int64_t k, ValueRange sums) {
    OpBuilder &b = e_.builder();
    SmallVector<SmallVector<Value>> lefts, rights;
    for (int64_t i = 0; i < t_.thread_m / 2; ++i)
      lefts.push_back(load(left_, true, slot, e_.add(warp_row_, i * t_.resultRows()), kMatrix, k));
    int64_t apart = t_.block_n / t_.groups();
    for (int64_t group = 0; group < t_.groups(); group += 2) {
      SmallVector<Value> both =
          load(right_, false, slot, e_.add(warp_column_, group * apart), apart, k);
      rights.push_back({both[0], both[1]});
      rights.push_back({both[2], both[3]});
    }
    Emitter::Carry next(sums.begin(), sums.end());
    for (size_t i = 0; i < lefts.size(); ++i)
      for (size_t group = 0; group < rights.size(); ++group) {
        auto from = next.begin() + first(i, group);
        SmallVector<Value> added = multiplyMatrices(b, e_.loc(), element_, lefts[i], rights[group],
                                                    SmallVector<Value>(from, from + 4));
        llvm::copy(added, from);
      }
    return next;
  }

  Index lane_, warp_row_, warp_column_;
};

}  // namespace

std::unique_ptr<BlockProduct> tensorProduct(KernelFunction &function, const BlockTiling &tiling,
                                            Value shared) {
  return std::make_unique<TensorProduct>(function, tiling, shared);
}

}  // namespace graven::codegen::gpu
