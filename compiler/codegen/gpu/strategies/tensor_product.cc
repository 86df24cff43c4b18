#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/gpu/matrix_instructions.h"
#include "compiler/codegen/gpu/strategies/block_product.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

// Rows, columns and k's of one instruction's matrices; and of what ldmatrix calls a matrix.
constexpr int64_t kRows = 16, kColumns = 8, kSteps = 16, kMatrix = 8;

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
    for (int64_t k = 0; k < count; k += kSteps) next = step(slot, k, next);
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

  // Four matrices of a tile, in the order (0, 0), (1, 0), (0, 1), (1, 1) of their numbers along the
  // digits of `lane_ / 8`: `x` and `k` say where the rows of this thread's one begin.
  SmallVector<Value> load(OperandStage &stage, bool left, const Index &slot, const Index &x,
                          const Index &k) {
    // Rows of matrices in shared memory follow k where k's are not neighbours there.
    bool rows_of_k = t_.layout(left).rows_of_k;
    Index within = e_.modulo(lane_, kMatrix);
    Index place = rows_of_k ? stage.place(slot, k, e_.add(x, within))
                            : stage.place(slot, e_.add(k, within), x);
    Value address = e_.pointerTo(shared_, element_, place);
    return loadMatrices(e_.builder(), e_.loc(), address, 4, !rows_of_k);
  }

  Emitter::Carry step(const Index &slot, int64_t k, ValueRange sums) {
    OpBuilder &b = e_.builder();
    Index low = e_.modulo(e_.divide(lane_, kMatrix), 2), high = e_.divide(lane_, 2 * kMatrix);
    SmallVector<SmallVector<Value>> lefts, rights;
    for (int64_t i = 0; i < t_.thread_m / 2; ++i) {
      // Upper and lower half, then the same for the next k's.
      Index x = e_.add(e_.add(warp_row_, e_.scale(low, kMatrix)), i * t_.resultRows());
      lefts.push_back(load(left_, true, slot, x, e_.add(e_.scale(high, kMatrix), k)));
    }
    int64_t apart = t_.block_n / t_.groups();
    for (int64_t group = 0; group < t_.groups(); group += 2) {
      // Both halves of k, then the same for the next group.
      Index x = e_.add(e_.add(warp_column_, e_.scale(high, apart)), group * apart);
      SmallVector<Value> both = load(right_, false, slot, x, e_.add(e_.scale(low, kMatrix), k));
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
