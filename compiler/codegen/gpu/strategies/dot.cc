// Products of few rows: a row times a matrix, as a layer computes it for one example.
//
// Such a product reads its matrix once and does little else, so all that counts is that many wide,
// coalesced reads are under way. Where the matrix lies along k, the lanes of a warp lie along it,
// too, and add their sums by shuffles; else they lie along the columns, and other warps have other
// steps of k. What several warps have of an element is added in shared memory, the first warp's
// first. Each of these orders follows from the shape alone; strict code keeps k ascending and uses
// the contraction strategy.
#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/gpu/kernel_function.h"
#include "compiler/codegen/gpu/strategies/strategies.h"
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

namespace graven::codegen::gpu {
namespace {

constexpr llvm::StringLiteral kName = "dot";
// Up to so many rows reading the matrix takes longer than multiplying; below so many steps of k
// there is little to share out.
constexpr int64_t kMostRows = 8, kLeastK = 32;
// Sums that a thread has in registers.
constexpr int64_t kMostSums = 32;
// Accesses of a thread that are under way at a time.
constexpr int64_t kAhead = 8;
// Warps that a processor needs to hide how far memory is.
constexpr int64_t kBusyWarps = 8;
constexpr int64_t kSharedBytes = 48 << 10;
// Threads that a processor holds at a time, so that each may have 128 registers. Told nothing, the
// assembler may stop at fewer and spill.
constexpr int64_t kResidentThreads = 512;

// Lengths count elements, but for `bytes`.
struct DotTiling {
  GemmShape gemm;
  int64_t bytes = 4;
  int64_t along_k = 0;  // 1: lanes of a warp lie along k, else along the columns
  int64_t width = 1;    // of one access to the matrix
  int64_t columns = 1;  // of a thread (with along_k of a warp)
  int64_t slices = 1;   // warps that share the steps of a column
  int64_t groups = 1;   // groups of so many warps in a workgroup

  int64_t threads() const { return kWarp * slices * groups; }
  int64_t blockColumns() const { return groups * columns * (along_k ? 1 : kWarp); }
  int64_t blocks() const { return static_cast<int64_t>(llvm::divideCeil(gemm.n, blockColumns())); }
  int64_t sharedBytes() const { return slices * gemm.m * blockColumns() * bytes; }

  SmallVector<std::pair<StringRef, int64_t *>> fields() {
    return {{"along_k", &along_k},
            {"width", &width},
            {"columns", &columns},
            {"slices", &slices},
            {"groups", &groups}};
  }
};

DotTiling startOf(graph::DotGeneralOp dot) {
  DotTiling tiling;
  tiling.gemm = *gemmShapeOf(dot);
  tiling.bytes = bytesOf(elementOf(dot.getLhs()));
  return tiling;
}

bool liesAlongN(const GemmShape &g) { return g.rhs_n == 1 && g.n > 1; }

bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  if (target.strict() || !isProductKernel(fused)) return false;
  graph::DotGeneralOp dot = soleProduct(fused.getBody().front());
  if (!isa<Float32Type, Float64Type>(elementOf(dot.getLhs()))) return false;
  GemmShape g = *gemmShapeOf(dot);
  if (!g.m || !g.n || !g.outerCount() || g.m > kMostRows || g.k < kLeastK) return false;
  return liesAlongN(g) || (g.lhs_k == 1 && g.rhs_k == 1);
}

// Whether accesses of `width` elements of an operand stay aligned and within it, along an axis of
// `length` and stride 1, when the other one has stride `across` (and `count` steps).
bool fits(const GemmShape &g, bool right, int64_t width, int64_t length, int64_t across,
          int64_t count) {
  bool aligned = length % width == 0 && (count == 1 || across % width == 0);
  for (const GemmShape::Outer &axis : g.outer)
    if (axis.length > 1) aligned &= (right ? axis.rhs_stride : axis.lhs_stride) % width == 0;
  return aligned;
}

void chooseAlongK(DotTiling &t, const strategy::Target &target) {
  const GemmShape &g = t.gemm;
  t.along_k = 1;
  t.width = 16 / t.bytes;
  while (t.width > 1 &&
         !(fits(g, true, t.width, g.k, g.rhs_n, g.n) && fits(g, false, t.width, g.k, g.lhs_m, g.m)))
    t.width /= 2;
  int64_t busy = target.processors * kBusyWarps;
  auto warps = [&](int64_t columns) {
    return static_cast<int64_t>(llvm::divideCeil(g.n, columns)) * g.outerCount();
  };
  while (t.columns < 4 && g.m * 2 * t.columns * t.width <= kMostSums &&
         warps(2 * t.columns) >= busy)
    t.columns *= 2;
  while (t.slices < 8 && warps(t.columns) * t.slices < busy &&
         4 * t.slices * kWarp * t.width <= g.k)
    t.slices *= 2;
  t.groups = std::max<int64_t>(4 / t.slices, 1);
}

void chooseAlongN(DotTiling &t, const strategy::Target &target) {
  const GemmShape &g = t.gemm;
  t.width = 16 / t.bytes;
  while (t.width > 1 &&
         (!fits(g, true, t.width, g.n, g.rhs_k, g.k) ||
          static_cast<int64_t>(llvm::divideCeil(g.n, kWarp * t.width)) * g.outerCount() <
              target.processors))
    t.width /= 2;
  t.columns = t.width;
  auto more = [&] {
    DotTiling twice = t;
    twice.slices *= 2;
    return twice.slices <= 16 && twice.slices * kAhead <= g.k &&
           twice.sharedBytes() <= kSharedBytes;
  };
  while (more()) t.slices *= 2;
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  DotTiling tiling = startOf(soleProduct(body));
  const GemmShape &g = tiling.gemm;
  if (liesAlongN(g))
    chooseAlongN(tiling, target);
  else
    chooseAlongK(tiling, target);
  strategy::Plan plan;
  for (auto [name, value] : tiling.fields()) {
    *value = target.forcedOr(kName, name.str(), *value);
    plan.params.push_back({name.str(), *value});
  }
  plan.stages.push_back({"", tiling.blocks() * g.outerCount(), tiling.threads()});
  plan.same_index = strategy::sameIndexPairs(body);
  SmallVector<int64_t> shape;
  if (g.outerCount() != 1) shape.push_back(g.outerCount());
  shape.append({g.m, g.n, g.k});
  plan.shape = strategy::shapeName(shape);
  plan.config = (tiling.along_k ? "dk" : "dn") + std::to_string(tiling.blockColumns()) + "x" +
                std::to_string(tiling.slices);
  return plan;
}

class DotProducts {
 public:
  DotProducts(KernelFunction &function, const DotTiling &tiling)
      : f_(function), e_(function.emitter()), t_(tiling), g_(tiling.gemm) {
    graph::DotGeneralOp dot = soleProduct(f_.body());
    element_ = elementOf(dot.getLhs());
    auto pointer = [&](bool left) {
      Value operand = left != g_.swapped ? dot.getLhs() : dot.getRhs();
      return f_.inputPointer(cast<BlockArgument>(operand).getArgNumber());
    };
    lhs_ = pointer(true);
    rhs_ = pointer(false);
  }

  void emit() {
    Index lane = e_.modulo(f_.thread(), kWarp), warp = e_.divide(f_.thread(), kWarp);
    slice_ = e_.modulo(warp, t_.slices);
    Index group = e_.divide(warp, t_.slices);
    outer_ = e_.divide(f_.workgroup(), t_.blocks());
    first_ = e_.scale(e_.modulo(f_.workgroup(), t_.blocks()), t_.blockColumns());
    lhs_start_ = outerOffset(e_, g_, outer_, false);
    rhs_start_ = outerOffset(e_, g_, outer_, true);
    partials_ = f_.shared(t_.sharedBytes());
    f_.keepResident(std::max<int64_t>(kResidentThreads / t_.threads(), 1));
    if (t_.along_k)
      alongK(lane, e_.scale(group, t_.columns));
    else
      alongN(e_.scale(e_.add(e_.scale(group, kWarp), lane), t_.columns));
    barrier(e_.builder(), e_.loc());
    finish();
  }

 private:
  // Column `column` of the block, or one near by where the matrix ends before: what comes of it is
  // not stored.
  Index inMatrix(const Index &column, int64_t width) {
    Index n = e_.add(first_, column);
    if (g_.n % t_.blockColumns() == 0) return n;
    n = e_.minimum(n, Index::constant(g_.n - width));
    n.multiple = width;
    return n;
  }
  Value load(bool left, const Index &x, const Index &k) {
    Index start = left ? lhs_start_ : rhs_start_;
    Index index = e_.add(e_.add(start, e_.scale(x, left ? g_.lhs_m : g_.rhs_n)),
                         e_.scale(k, left ? g_.lhs_k : g_.rhs_k));
    return e_.load(left ? lhs_ : rhs_, element_, e_.lanesFrom(index));
  }
  Value multiplyAdd(Value a, Value b, Value sum) {
    return math::FmaOp::create(e_.builder(), e_.loc(), a, b, sum);
  }
  Index partial(const Index &row, const Index &column) {
    Index line = e_.add(e_.scale(slice_, g_.m), row);
    return e_.add(e_.scale(line, t_.blockColumns()), column);
  }
  // Runs `step` for k = from, from + by, ... below g_.k, kAhead of them unrolled while there are as
  // many for every thread; `from` is below `by`.
  Emitter::Carry overK(const Index &from, int64_t by, Emitter::Carry sums,
                       function_ref<Emitter::Carry(ArrayRef<Index>, ValueRange)> step) {
    int64_t ahead = std::clamp<int64_t>(g_.k / by, 1, std::max<int64_t>(kAhead / t_.columns, 2));
    int64_t together = by * ahead, whole = g_.k / together * together;
    int64_t multiple = from.divisor();
    if (whole)
      sums = e_.loop(
          from, Index::constant(whole), together, sums,
          [&](Index k, ValueRange carried) {
            SmallVector<Index> all;
            for (int64_t i = 0; i < ahead; ++i) all.push_back(e_.add(k, i * by));
            return step(all, carried);
          },
          multiple);
    if (whole == g_.k) return sums;
    return e_.loop(
        e_.add(from, whole), Index::constant(g_.k), by, sums,
        [&](Index k, ValueRange carried) { return step(ArrayRef(k), carried); }, multiple);
  }

  void alongK(const Index &lane, const Index &column) {
    e_.setLanes(t_.width);
    SmallVector<Index> columns;
    for (int64_t j = 0; j < t_.columns; ++j) columns.push_back(inMatrix(e_.add(column, j), 1));
    Type type = e_.vectorType(element_, t_.width);
    Value zero = graph::scalarConstant(e_.builder(), e_.loc(), type, 0.0);
    Emitter::Carry sums(g_.m * t_.columns, zero);
    Index from = e_.scale(e_.add(e_.scale(slice_, kWarp), lane), t_.width);
    sums = overK(from, t_.slices * kWarp * t_.width, sums, [&](ArrayRef<Index> all, ValueRange in) {
      SmallVector<Value> rights;
      for (const Index &k : all)
        for (const Index &n : columns) rights.push_back(load(false, n, k));
      Emitter::Carry next(in.begin(), in.end());
      for (auto [number, k] : llvm::enumerate(all))
        for (int64_t row = 0; row < g_.m; ++row) {
          Value left = load(true, Index::constant(row), k);
          for (int64_t j = 0; j < t_.columns; ++j) {
            Value &sum = next[row * t_.columns + j];
            sum = multiplyAdd(left, rights[number * t_.columns + j], sum);
          }
        }
      return next;
    });
    auto add = [&](Value a, Value b) -> Value {
      return arith::AddFOp::create(e_.builder(), e_.loc(), a, b);
    };
    for (Value &sum : sums) {
      Value whole = sum;
      if (t_.width > 1) {
        auto part = [&](int64_t i) -> Value {
          return vector::ExtractOp::create(e_.builder(), e_.loc(), sum, ArrayRef<int64_t>{i});
        };
        whole = part(0);
        for (int64_t i = 1; i < t_.width; ++i) whole = add(whole, part(i));
      }
      sum = warpReduce(e_.builder(), e_.loc(), {whole}, kWarp,
                       [&](auto x, auto y) { return Values{add(x[0], y[0])}; })[0];
    }
    e_.setLanes(1);
    e_.when(e_.inside(lane, 0, 1), [&] {
      for (int64_t row = 0; row < g_.m; ++row)
        for (int64_t j = 0; j < t_.columns; ++j)
          e_.store(partials_, element_, partial(Index::constant(row), e_.add(column, j)),
                   sums[row * t_.columns + j]);
    });
  }

  void alongN(const Index &column) {
    e_.setLanes(t_.columns);
    Index n = inMatrix(column, t_.columns);
    Type type = e_.vectorType(element_, t_.columns);
    Value zero = graph::scalarConstant(e_.builder(), e_.loc(), type, 0.0);
    Emitter::Carry sums(g_.m, zero);
    // Each slice has kAhead steps in succession, then the next slice; what is left is shared out
    // step by step.
    auto some = [&](const Index &k, int64_t count, ValueRange in) {
      SmallVector<Value> rights;
      for (int64_t i = 0; i < count; ++i) rights.push_back(load(false, n, e_.add(k, i)));
      Emitter::Carry next(in.begin(), in.end());
      for (int64_t row = 0; row < g_.m; ++row) {
        SmallVector<Value> lefts = leftAlongK(row, k, count);
        for (int64_t i = 0; i < count; ++i)
          next[row] = multiplyAdd(e_.splat(lefts[i]), rights[i], next[row]);
      }
      return next;
    };
    int64_t turn = t_.slices * kAhead, whole = g_.k / turn * turn;
    if (whole)
      sums = e_.loop(
          e_.scale(slice_, kAhead), Index::constant(whole), turn, sums,
          [&](Index k, ValueRange in) { return some(k, kAhead, in); }, kAhead);
    if (whole < g_.k)
      sums = e_.loop(e_.add(slice_, whole), Index::constant(g_.k), t_.slices, sums,
                     [&](Index k, ValueRange in) { return some(k, 1, in); });
    for (int64_t row = 0; row < g_.m; ++row)
      e_.store(partials_, element_, e_.lanesFrom(partial(Index::constant(row), column)), sums[row]);
  }

  // Elements [k, k + count) of a row of the left operand, the same for all threads of a warp, in
  // accesses as wide as they can be.
  SmallVector<Value> leftAlongK(int64_t row, const Index &k, int64_t count) {
    int64_t width = 1, lanes = e_.lanes();
    while (g_.lhs_k == 1 && 2 * width <= std::min(16 / t_.bytes, count) &&
           fits(g_, false, 2 * width, g_.k, g_.lhs_m, g_.m))
      width *= 2;
    SmallVector<Value> values;
    e_.setLanes(width);
    for (int64_t i = 0; i < count; i += width) {
      Value several = load(true, Index::constant(row), e_.add(k, i));
      for (int64_t j = 0; j < width && width > 1; ++j)
        values.push_back(
            vector::ExtractOp::create(e_.builder(), e_.loc(), several, ArrayRef<int64_t>{j}));
      if (width == 1) values.push_back(several);
    }
    e_.setLanes(lanes);
    return values;
  }

  // Adds what the slices have and computes what follows, an element each thread.
  void finish() {
    e_.setLanes(1);
    int64_t elements = g_.m * t_.blockColumns();
    for (int64_t begin = 0; begin < elements; begin += t_.threads()) {
      Index number = e_.add(f_.thread(), begin);
      Index row = e_.divide(number, t_.blockColumns());
      Index column = e_.modulo(number, t_.blockColumns()), n = e_.add(first_, column);
      auto store = [&] {
        auto part = [&](int64_t slice) {
          return e_.load(partials_, element_, e_.add(number, slice * elements));
        };
        Value sum = part(0);
        for (int64_t slice = 1; slice < t_.slices; ++slice)
          sum = arith::AddFOp::create(e_.builder(), e_.loc(), sum, part(slice));
        storeOutputs(e_, f_.body(), f_.outputPointers(), g_, outer_, row, n, sum);
      };
      auto inRow = [&] {
        if (g_.n % t_.blockColumns() == 0) return store();
        e_.when(e_.inside(n, 0, g_.n), store);
      };
      if (begin + t_.threads() <= elements)
        inRow();
      else
        e_.when(e_.inside(number, 0, elements), inRow);
    }
  }

  KernelFunction &f_;
  Emitter &e_;
  const DotTiling &t_;
  const GemmShape &g_;
  Type element_;
  Value lhs_, rhs_, partials_;
  Index slice_, outer_, first_, lhs_start_, rhs_start_;
};

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &, ModuleOp out) {
  KernelFunction function(kernel, "", out);
  DotTiling tiling = startOf(soleProduct(function.body()));
  for (auto [name, value] : tiling.fields())
    *value = kernel.getStrategy().getParams().getAs<IntegerAttr>(name).getInt();
  DotProducts(function, tiling).emit();
  return success();
}

}  // namespace

const strategy::Strategy kDotStrategy = {kName, matches, plan, emit};

}  // namespace graven::codegen::gpu
