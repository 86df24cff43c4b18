#include "compiler/codegen/gpu/strategies/block_product.h"

#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/gpu/matrix_instructions.h"
#include "compiler/codegen/loops/product_kernel.h"
#include "compiler/codegen/loops/rules.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::gpu {

BlockProduct::BlockProduct(KernelFunction &function, const BlockTiling &tiling, Value shared)
    : f_(function),
      e_(function.emitter()),
      t_(tiling),
      shared_(shared),
      element_(elementOf(soleProduct(function.body()).getLhs())),
      left_(function, tiling, true, shared),
      right_(function, tiling, false, shared) {}

std::unique_ptr<BlockProduct> blockProduct(KernelFunction &function, const BlockTiling &tiling,
                                           Value shared) {
  return tiling.onTensorCores() ? tensorProduct(function, tiling, shared)
                                : fmaProduct(function, tiling, shared);
}

Index BlockProduct::rowOf(int64_t i) {
  int64_t quad = t_.quad();
  return e_.add(row_, i / quad * t_.resultRows() + i % quad * t_.rowStep());
}

Index BlockProduct::columnOf(int64_t group) {
  return e_.add(column_, group * t_.block_n / t_.groups());
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
  Emitter::Carry sums = begin();
  auto turn = [&](Index number, ValueRange carried) {
    waitForCopies(b, loc, stages - 2);
    barrier(b, loc);
    Index coming = e_.add(number, stages - 1);
    Index from = e_.modulo(number, stages), to = e_.modulo(coming, stages);
    start(coming, to);
    Emitter::Carry next = tile(from, t_.block_k, true, carried);
    finish(to);
    return next;
  };
  if (steady) sums = e_.loop(Index::constant(0), Index::constant(steady), 1, sums, turn);
  // What was copied ahead.
  waitForCopies(b, loc, 0);
  barrier(b, loc);
  for (int64_t number = steady; number < tiles; ++number) {
    int64_t left = std::min(k - number * t_.block_k, t_.block_k);
    sums = tile(Index::constant(number % stages), left, false, sums);
  }
  return end(sums);
}

}  // namespace graven::codegen::gpu
