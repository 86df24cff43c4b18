#include "compiler/codegen/cpu/strategies/transpose_square.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen::cpu {

void transposeSquare(Emitter &e, MutableArrayRef<Value> rows) {
  auto lanes = static_cast<int64_t>(rows.size());
  for (int64_t block = lanes / 2; block > 0; block /= 2) {
    SmallVector<int64_t> upper(lanes), lower(lanes);
    for (int64_t lane = 0; lane < lanes; ++lane) {
      bool second = lane & block;
      upper[lane] = second ? lanes + lane - block : lane;
      lower[lane] = second ? lanes + lane : lane + block;
    }
    for (int64_t row = 0; row < lanes; ++row) {
      if (row & block) continue;
      Value a = rows[row], b = rows[row + block];
      rows[row] = vector::ShuffleOp::create(e.builder(), e.loc(), a, b, upper);
      rows[row + block] = vector::ShuffleOp::create(e.builder(), e.loc(), a, b, lower);
    }
  }
}

}  // namespace graven::codegen::cpu
