#include "compiler/codegen/gpu/strategies/block_result.h"

#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/loops/product_kernel.h"
#include "compiler/codegen/loops/rules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

// Emits `body` where row m and column n lie in the result; without a test where blocks end with it.
void whenInside(Emitter &e, const BlockTiling &t, const Index &m, const Index &n,
                function_ref<void()> body) {
  Value condition;
  auto below = [&](const Index &index, int64_t length, int64_t block) {
    if (length % block == 0) return;
    Value here = arith::CmpIOp::create(e.builder(), e.loc(), arith::CmpIPredicate::slt,
                                       e.materialize(index), e.integer(length));
    condition = condition ? arith::AndIOp::create(e.builder(), e.loc(), condition, here) : here;
  };
  below(m, t.gemm.m, t.block_m);
  below(n, t.gemm.n, t.block_n);
  if (!condition) return body();
  e.when(condition, body);
}

}  // namespace

int64_t storedLanes(Block &body) {
  int64_t bytes = bytesOf(elementOf(soleProduct(body).getLhs()));
  for (Value output : body.getTerminator()->getOperands())
    bytes = std::max(bytes, bytesOf(elementOf(output)));
  return 16 / bytes;
}

int64_t lanesAlong(int64_t columns, int64_t most) {
  while (most > 1 && columns % most) most /= 2;
  return most;
}

void finishFromRegisters(KernelFunction &function, const BlockTiling &t, BlockProduct &product,
                         const BlockPlace &place, ValueRange sums, Finish finish) {
  Emitter &e = function.emitter();
  e.setLanes(t.lanes());
  for (int64_t i = 0; i < t.thread_m; ++i)
    for (int64_t group = 0; group < t.groups(); ++group) {
      Index m = e.add(place.row, product.rowOf(i));
      Index n = e.add(place.column, product.columnOf(group));
      whenInside(e, t, m, n, [&] { finish(m, n, sums[i * t.groups() + group]); });
    }
}

void finishThroughShared(KernelFunction &function, const BlockTiling &t, BlockProduct &product,
                         const BlockPlace &place, ValueRange sums, Value shared, Finish finish) {
  Emitter &e = function.emitter();
  Type element = elementOf(soleProduct(function.body()).getResult());
  auto at = [&](const Index &row, const Index &column) {
    return e.lanesFrom(e.add(e.scale(row, t.resultPitch()), column));
  };
  int64_t lanes = lanesAlong(t.gemm.n, std::min(storedLanes(function.body()), t.block_n));
  int64_t across = t.block_n / lanes, pieces = t.resultRows() * across;
  for (int64_t first = 0; first < t.thread_m; first += t.quad()) {
    barrier(e.builder(), e.loc());
    e.setLanes(t.lanes());
    Index from = Index::constant(first / t.quad() * t.resultRows());
    for (int64_t i = first; i < first + t.quad(); ++i)
      for (int64_t group = 0; group < t.groups(); ++group)
        e.store(shared, element, at(e.add(product.rowOf(i), -from.offset), product.columnOf(group)),
                sums[i * t.groups() + group]);
    barrier(e.builder(), e.loc());
    e.setLanes(lanes);
    auto emit = [&](const Index &piece) {
      Index row = e.divide(piece, across), column = e.scale(e.modulo(piece, across), lanes);
      Index m = e.add(e.add(place.row, row), from), n = e.add(place.column, column);
      whenInside(e, t, m, n, [&] { finish(m, n, e.load(shared, element, at(row, column))); });
    };
    if (pieces < t.threads()) {
      e.when(e.inside(function.thread(), 0, pieces), [&] { emit(function.thread()); });
      continue;
    }
    e.loop(Index::constant(0), Index::constant(pieces), t.threads(),
           [&](Index piece) { emit(e.add(piece, function.thread())); });
  }
}

}  // namespace graven::codegen::gpu
