#include "compiler/codegen/cpu/strategies/micro_kernel.h"

#include "compiler/codegen/cpu/strategies/bf16_pairs.h"
#include "compiler/codegen/cpu/strategies/transpose_square.h"
#include "compiler/codegen/loops/keep_rolled.h"
#include "compiler/codegen/loops/product_kernel.h"
#include "compiler/codegen/loops/rules.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

// How many k ahead of a panel that is packed its elements are asked for from memory: they lie in
// short runs at long strides, which no machine foresees.
constexpr int64_t kPrefetchDistance = 80;
// The same for a packed left operand, of which a tile reads one long run.
constexpr int64_t kPrefetchRun = 64;
// Turns of a loop up to which it might be unrolled as a whole.
constexpr int64_t kShortLoop = 8;
// Operations behind the product from which on they are emitted in a loop over the tile's rows:
// unrolled over the whole tile their temporaries would push accumulators out of registers.
constexpr int64_t kCostlyEpilogue = 8;

}  // namespace

MicroKernel::MicroKernel(KernelFunction &function, const Tiling &tiling, graph::DotGeneralOp dot,
                         int64_t epilogue)
    : f_(function),
      e_(function.emitter()),
      t_(tiling),
      g_(tiling.gemm),
      element_(registerType(elementOf(dot.getLhs()))) {
  through_memory_ = t_.overlaps || (epilogue > kCostlyEpilogue && t_.rows * t_.vectors > 4);
  if (through_memory_) {
    int64_t height = g_.is_turned ? t_.columns() : t_.rows;
    int64_t width = g_.is_turned ? llvm::alignTo(t_.rows, t_.lanes) : t_.columns();
    tile_ = f_.stackPointer(height * width * t_.bytes);
  }
}

void MicroKernel::inColumns(int64_t column, int64_t width, function_ref<void()> body) {
  if (width - column >= t_.lanes) return body();
  e_.masked(e_.firstLanes(Index::constant(width - column)), e_.depth(), body);
}

void MicroKernel::emit(const Tile &tile) {
  e_.setLanes(t_.lanes);
  outer_ = tile.outer;
  int64_t rows = tile.rows, width = tile.width;
  SmallVector<Value> sums = multiply(tile);
  if (tile.partial.pointer)
    return forEachPartial(tile, [&](const Index &place, size_t i) {
      e_.store(tile.partial.pointer, element_, place, sums[i]);
    });
  if (tile.waits) return writeDown(rows, width, sums);
  if (!g_.is_turned) return finishTile(tile.m, rows, tile.n, width, sums);
  // Squares of the tile, side by side.
  int64_t lanes = t_.lanes, squares = llvm::divideCeil(rows, lanes);
  SmallVector<Value> turned(width * squares);
  for (int64_t square = 0; square < squares; ++square) {
    SmallVector<Value> values(sums.begin() + square * lanes,
                              sums.begin() + std::min((square + 1) * lanes, rows));
    values.resize(lanes, values.back());
    transposeSquare(e_, values);
    for (int64_t row = 0; row < width; ++row) turned[row * squares + square] = values[row];
  }
  finishTile(tile.n, width, tile.m, rows, turned);
}

SmallVector<Value> MicroKernel::multiply(const Tile &tile) {
  int64_t vectors = llvm::divideCeil(tile.width, t_.lanes);
  Type type = e_.vectorType(element_, t_.lanes);
  Value zero = graph::scalarConstant(e_.builder(), e_.loc(), type, 0.0);
  Emitter::Carry sums(tile.rows * vectors, zero);
  if (tile.partial.adds)
    forEachPartial(tile, [&](const Index &place, size_t i) {
      sums[i] = e_.splat(e_.load(tile.partial.pointer, element_, place));
    });
  const Ahead &ahead = tile.ahead;
  auto loop = [&](const Index &from, const Index &to, ValueRange initial, bool both) {
    return e_.loop(from, to, 1, initial, [&](Index k, ValueRange carried) {
      if (ahead.pointer) e_.prefetch(ahead.pointer, ahead.element, e_.scale(k, ahead.stride_k));
      return step(k, carried, tile, both);
    });
  };
  Value behind = tile.behind;
  auto steps = [&](Index from, const Index &to, bool both) {
    // Of the tile that waits a row each time that its share of the steps is done.
    bool known = from.isConstant() && to.isConstant();
    int64_t share = behind && known ? (to.offset - from.offset) / t_.rows : 0;
    if (share > 0) {
      sums = e_.loop(Index::constant(0), Index::constant(t_.rows), 1, sums,
                     [&](Index row, ValueRange carried) {
                       Index begin = e_.add(e_.scale(row, share), from.offset);
                       Emitter::Carry next = loop(begin, e_.add(begin, share), carried, both);
                       // Unrolled as a whole, all its loads would come before the row's stores.
                       if (share <= kShortLoop) keepRolled(next[0]);
                       e_.when(behind, [&] {
                         finishRow(e_.add(tile.m, -t_.rows), row, tile.n, tile.width, tile_);
                       });
                       return next;
                     });
      from = e_.add(from, share * t_.rows);
      behind = {};
    }
    sums = loop(from, to, sums, both);
  };
  Index end = t_.pairs ? e_.divide(e_.add(tile.steps, 1), 2) : tile.steps;
  if (t_.streams > 1) {
    Index stretch = e_.divide(end, t_.streams);
    sums = e_.loop(Index::constant(0), stretch, 1, sums, [&](Index k, ValueRange carried) {
      Emitter::Carry next(carried);
      for (int64_t stream = 0; stream < t_.streams; ++stream)
        next = step(e_.add(k, e_.scale(stretch, stream)), next, tile, false);
      return next;
    });
    steps(e_.scale(stretch, t_.streams), end, false);
  } else if (!t_.pairs || g_.k % 2 == 0 || (tile.lhs.padded && tile.rhs.padded)) {
    steps(Index::constant(0), end, t_.pairs);
    if (!t_.pairs && t_.rolled()) keepRolled(sums[0]);
  } else {
    // The last k has no partner in memory. Parts of an odd k are even, but for the last one.
    Index whole = e_.divide(tile.steps, 2);
    steps(Index::constant(0), whole, true);
    steps(whole, end, false);
  }
  if (behind)  // too few steps
    e_.when(behind, [&] { finishWaiting(e_.add(tile.m, -t_.rows), tile.n, tile.width); });
  return sums;
}

Value MicroKernel::at(const Operand &operand, const Index &k) {
  int64_t unit = t_.pairs && !operand.padded ? 2 : 1;
  return e_.pointerTo(operand.pointer, operand.element, e_.scale(k, unit * operand.stride_k));
}

Value MicroKernel::read(const Operand &operand, Value at, const Index &index, bool both) {
  if (t_.pairs && !operand.padded) return loadPairs(e_, at, index, operand.stride_k, both);
  return e_.load(at, operand.element, index);
}

void MicroKernel::forEachPartial(const Tile &tile, function_ref<void(const Index &, size_t)> body) {
  int64_t lanes = t_.lanes, vectors = llvm::divideCeil(tile.width, lanes);
  for (int64_t i = 0; i < tile.rows; ++i)
    for (int64_t v = 0; v < vectors; ++v)
      inColumns(v * lanes, tile.width, [&] {
        Index place = Index::constant(i * tile.partial.stride + v * lanes);
        body(lanes > 1 ? e_.lanesFrom(place) : place, i * vectors + v);
      });
}

Emitter::Carry MicroKernel::step(const Index &k, ValueRange sums, const Tile &tile, bool both) {
  OpBuilder &b = e_.builder();
  int64_t rows = tile.rows, width = tile.width;
  const Operand &lhs = tile.lhs, &rhs = tile.rhs;
  int64_t lanes = t_.lanes, vectors = llvm::divideCeil(width, lanes);
  Value row = at(rhs, k), column = at(lhs, k);
  SmallVector<Value> right(vectors);
  for (int64_t v = 0; v < vectors; ++v) {
    Index index = Index::constant(v * lanes * rhs.stride_i);
    if (lanes > 1) index.step = rhs.stride_i;
    auto load = [&] { right[v] = e_.splat(read(rhs, row, index, both)); };
    if (rhs.padded)
      load();
    else
      inColumns(v * lanes, width, load);
  }
  if (rhs.copy) {
    Index to = e_.scale(k, vectors * lanes);
    Type packed = t_.pairs ? Type(b.getI32Type()) : element_;
    for (int64_t v = 0; v < vectors; ++v) {
      Index index = e_.add(to, v * lanes);
      e_.store(rhs.copy, packed, lanes > 1 ? e_.lanesFrom(index) : index, right[v]);
    }
    // A line of memory holds two vectors of pairs, and each of them takes two rows.
    int64_t unit = t_.pairs ? 2 : 1;
    for (int64_t v = 0; v < vectors; ++v)
      e_.prefetch(
          row, t_.pairs ? rhs.element : element_,
          Index::constant((kPrefetchDistance + v % unit) * rhs.stride_k + v / unit * unit * lanes));
  }
  if (lhs.padded) e_.prefetch(column, lhs.element, Index::constant(kPrefetchRun * lhs.stride_k));
  Emitter::Carry next(sums.begin(), sums.end());
  for (int64_t i = 0; i < rows; ++i) {
    Value left = e_.splat(read(lhs, column, Index::constant(i * lhs.stride_i), both));
    for (int64_t v = 0; v < vectors; ++v) {
      Value &sum = next[i * vectors + v];
      sum = t_.pairs ? multiplyPairs(e_, left, right[v], sum)
                     : math::FmaOp::create(b, e_.loc(), left, right[v], sum).getResult();
    }
  }
  return next;
}

void MicroKernel::writeDown(int64_t rows, int64_t width, ArrayRef<Value> sums) {
  int64_t lanes = t_.lanes, vectors = llvm::divideCeil(width, lanes);
  for (int64_t number = 0; number < rows * vectors; ++number) {
    Index index = Index::constant(number * lanes);
    e_.store(tile_, element_, lanes > 1 ? e_.lanesFrom(index) : index, sums[number]);
  }
}

void MicroKernel::finishRow(const Index &m, const Index &row, const Index &n, int64_t width,
                            Value memory) {
  int64_t lanes = t_.lanes, vectors = llvm::divideCeil(width, lanes);
  auto single = llvm::make_scope_exit([&] { e_.setRun({}); });
  for (int64_t v = 0; v < vectors; ++v) {
    Index index = e_.add(e_.scale(row, vectors * lanes), v * lanes);
    Value sum = e_.load(memory, element_, lanes > 1 ? e_.lanesFrom(index) : index);
    inColumns(v * lanes, width, [&] {
      e_.setRun({v, vectors});
      storeOutputs(f_.emitter(), f_.body(), f_.outputPointers(), g_, outer_, e_.add(m, row),
                   e_.add(n, v * lanes), sum);
    });
  }
}

void MicroKernel::finish(const Index &outer, const Index &m, const Index &rows, const Index &n,
                         int64_t width, Value memory) {
  e_.setLanes(t_.lanes);
  outer_ = outer;
  auto finishRows = [&](const Index &from, const Index &to, int64_t count) {
    auto together = [&](Index row) {
      for (int64_t i = 0; i < count; ++i) finishRow(m, e_.add(row, i), n, width, memory);
    };
    e_.loop(from, to, count, together, count);
  };
  // Some independent vectors at a time hide the latency of the operations.
  int64_t count = std::max<int64_t>(4 / llvm::divideCeil(width, t_.lanes), 1);
  Index whole = e_.scale(e_.divide(rows, count), count);
  if (!whole.isConstant() || whole.offset) finishRows(Index::constant(0), whole, count);
  if (!rows.isConstant() || rows.offset > whole.offset) finishRows(whole, rows, 1);
}

void MicroKernel::finishWaiting(const Index &m, const Index &n, int64_t width) {
  finish(outer_, m, Index::constant(t_.rows), n, width, tile_);
}

// `rows` x `width` elements of the result from row `m` and column `n` on; lanes lie along columns.
void MicroKernel::finishTile(const Index &m, int64_t rows, const Index &n, int64_t width,
                             ArrayRef<Value> sums) {
  int64_t lanes = t_.lanes, vectors = llvm::divideCeil(width, lanes);
  if (through_memory_ && rows * vectors > 4) {
    writeDown(rows, width, sums);
    return finish(outer_, m, Index::constant(rows), n, width, tile_);
  }
  auto single = llvm::make_scope_exit([&] { e_.setRun({}); });
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t v = 0; v < vectors; ++v)
      inColumns(v * lanes, width, [&] {
        e_.setRun({v, vectors});
        storeOutputs(f_.emitter(), f_.body(), f_.outputPointers(), g_, outer_, e_.add(m, i),
                     e_.add(n, v * lanes), sums[i * vectors + v]);
      });
}

}  // namespace graven::codegen::cpu
