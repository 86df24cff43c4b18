#include "compiler/codegen/cpu/strategies/join_parts.h"

#include "compiler/codegen/loops/product_kernel.h"
#include "compiler/codegen/loops/rules.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

// Vectors of a row that are added up side by side, which hides the latency of an addition.
constexpr int64_t kTogether = 4;

class Join {
 public:
  Join(KernelFunction &function, const Tiling &tiling)
      : f_(function), e_(function.emitter()), t_(tiling), g_(tiling.gemm) {
    element_ = registerType(elementOf(soleProduct(f_.body()).getLhs()));
    partials_ = f_.scratchPointer(0);
  }

  void emit() {
    e_.setLanes(t_.lanes);
    int64_t row_blocks = std::max<int64_t>(t_.joinGrid() / g_.outerCount(), 1);
    f_.forEachWorkgroup([&](Index workgroup) {
      Index outer = e_.divide(workgroup, row_blocks);
      Index from = e_.scale(e_.modulo(workgroup, row_blocks), t_.joinRows());
      Index to = e_.minimum(e_.add(from, t_.joinRows()), Index::constant(g_.m));
      e_.loop(from, to, 1, [&](Index row) { emitRow(outer, row); });
    });
  }

 private:
  void emitRow(const Index &outer, const Index &row) {
    int64_t lanes = t_.lanes, step = lanes * kTogether;
    int64_t steps = g_.n / step * step, whole = g_.n / lanes * lanes;
    e_.loop(Index::constant(0), Index::constant(steps), step,
            [&](Index n) { emitVectors(outer, row, n, kTogether); });
    for (int64_t n = steps; n < whole; n += lanes) emitVectors(outer, row, Index::constant(n), 1);
    if (whole < g_.n)
      e_.masked(e_.firstLanes(Index::constant(g_.n - whole)), e_.depth(),
                [&] { emitVectors(outer, row, Index::constant(whole), 1); });
  }

  // `count` vectors of a row from column `n` on.
  void emitVectors(const Index &outer, const Index &row, const Index &n, int64_t count) {
    int64_t lanes = t_.lanes, matrix = g_.m * g_.n;
    Value zero = graph::scalarConstant(e_.builder(), e_.loc(), e_.vectorType(element_, lanes), 0.0);
    Index first = e_.add(e_.add(e_.scale(outer, matrix), e_.scale(row, g_.n)), n);
    Emitter::Carry sums = e_.loop(
        Index::constant(0), Index::constant(t_.parts), 1, Emitter::Carry(count, zero),
        [&](Index part, ValueRange carried) {
          Emitter::Carry next;
          for (int64_t v = 0; v < count; ++v) {
            Index place =
                e_.add(e_.add(e_.scale(part, g_.outerCount() * matrix), first), v * lanes);
            Value partial = e_.load(partials_, element_, lanes > 1 ? e_.lanesFrom(place) : place);
            next.push_back(arith::AddFOp::create(e_.builder(), e_.loc(), carried[v], partial));
          }
          return next;
        });
    for (int64_t v = 0; v < count; ++v)
      storeOutputs(e_, f_.body(), f_.outputPointers(), g_, outer, row, e_.add(n, v * lanes),
                   sums[v]);
  }

  KernelFunction &f_;
  Emitter &e_;
  const Tiling &t_;
  const GemmShape &g_;
  Type element_;
  Value partials_;
};

}  // namespace

void emitJoin(KernelFunction &function, const Tiling &tiling) { Join(function, tiling).emit(); }

}  // namespace graven::codegen::cpu
