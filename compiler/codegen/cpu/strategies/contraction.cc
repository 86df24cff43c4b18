// Matrix products in register tiles.
//
// A tile of rows x columns of the result stays in registers while k ascends, with one fused
// multiply-add per element and k, so every element has the same bits whatever the tile it falls
// into. What follows from the product in the region is computed on the registers. Where rows of the
// right operand are not contiguous, a first stage copies it into panels as wide as a tile.
#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/gemm_shape.h"
#include "compiler/codegen/cpu/strategies/pack.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

graph::DotGeneralOp dotOf(Block &body) {
  graph::DotGeneralOp found;
  for (auto dot : body.getOps<graph::DotGeneralOp>()) {
    if (found) return {};
    found = dot;
  }
  return found;
}

// One product whose operands are whole buffers, followed by ops at the same index.
bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  graph::DotGeneralOp dot = dotOf(body);
  if (!dot || !isa<BlockArgument>(dot.getLhs()) || !isa<BlockArgument>(dot.getRhs())) return false;
  for (Operation &op : body.without_terminator())
    if (!rules().find(&op) ||
        isa<graph::ReductionOpInterface, graph::ArgmaxOp, graph::ScatterAddOp>(op))
      return false;
  for (Value output : body.getTerminator()->getOperands())
    if (shapeOf(output) != shapeOf(dot.getResult())) return false;
  return gemmShapeOf(dot).has_value();
}

struct Tiling {
  GemmShape gemm;
  int64_t bytes;                      // of an element
  int64_t lanes, vectors, rows;       // a tile is rows x (vectors * lanes)
  int64_t block_rows, block_columns;  // of a workgroup: multiples of the tile
  bool pack_lhs, pack_rhs;

  int64_t columns() const { return vectors * lanes; }
  PanelFormat rhsFormat() const { return {gemm.n, gemm.k, columns(), lanes}; }
  PanelFormat lhsFormat() const { return {gemm.m, gemm.k, rows, rows}; }
  int64_t rowBlocks() const { return std::max<int64_t>(llvm::divideCeil(gemm.m, block_rows), 1); }
  int64_t columnBlocks() const {
    return std::max<int64_t>(llvm::divideCeil(gemm.n, block_columns), 1);
  }
  int64_t grid() const {
    return gemm.n && gemm.m ? gemm.outerCount() * rowBlocks() * columnBlocks() : 0;
  }
  // Panels of all packed matrices of an operand, and where they begin in scratch memory.
  int64_t packedRhs() const { return gemm.rhsMatrices() * rhsFormat().panels(); }
  int64_t packedLhs() const { return gemm.lhsMatrices() * lhsFormat().panels(); }
  int64_t lhsOffset() const {
    return pack_rhs ? llvm::alignTo(packedRhs() * rhsFormat().panelStride() * bytes, 64) : 0;
  }
  int64_t scratchBytes() const {
    int64_t lhs = pack_lhs ? packedLhs() * lhsFormat().panelStride() * bytes : 0;
    return std::max<int64_t>(lhsOffset() + lhs, pack_lhs || pack_rhs ? 64 : 0);
  }
};

Tiling tile(Block &body, const strategy::Target &target) {
  graph::DotGeneralOp dot = dotOf(body);
  Tiling tiling;
  tiling.gemm = *gemmShapeOf(dot);
  const GemmShape &gemm = tiling.gemm;
  int64_t bytes = tiling.bytes = bytesOf(elementOf(dot.getLhs()));
  auto enough = static_cast<int64_t>(llvm::PowerOf2Ceil(std::max<int64_t>(gemm.n, 1)));
  tiling.lanes = std::min(target.lanes(bytes), enough);
  int64_t wanted = llvm::divideCeil(std::max<int64_t>(gemm.n, 1), tiling.lanes);
  // Few rows leave registers for more columns; few columns for more rows.
  tiling.vectors = std::min<int64_t>(wanted, gemm.m == 1 ? 8 : gemm.m <= 4 ? 4 : 2);
  int64_t registers = (target.vector_registers - tiling.vectors - 1) / tiling.vectors;
  int64_t rows = std::clamp<int64_t>(registers, 1, tiling.vectors == 1 ? 12 : 8);
  // Tiles of nearly the same height.
  int64_t tiles = llvm::divideCeil(std::max<int64_t>(gemm.m, 1), rows);
  tiling.rows = llvm::divideCeil(std::max<int64_t>(gemm.m, 1), tiles);

  int64_t elements = gemm.k * gemm.n;
  bool strided = gemm.rhs_n != 1 && gemm.n > 1;
  bool large = elements * bytes > target.l2_bytes && gemm.m >= 256;
  // Rows of a panel at multiples of half a page fall into the same few sets of the cache.
  bool aliased = gemm.rhs_k * bytes % 2048 == 0 && gemm.k >= 512 && gemm.m >= 96;
  // Gathering straight from the operand costs less than a stage of its own where it is small.
  tiling.pack_rhs = large || aliased || (strided && elements * gemm.outerCount() > 512);
  // Rows of the left operand lie along k in most products. Where they lie across, each step of k is
  // a stride away; at multiples of half a page all of them fall into the same few sets of the
  // cache.
  tiling.pack_lhs = gemm.lhs_k != 1 && gemm.lhs_k * bytes % 2048 == 0 && gemm.k >= 64 &&
                    gemm.n >= 4 * tiling.columns();

  // Workgroups: one panel of columns and all rows at first; more where that makes too few, fewer
  // where each would be tiny.
  constexpr int64_t kLeastWork = 1 << 18, kWorkgroups = 16;
  tiling.block_rows = llvm::alignTo(std::max<int64_t>(gemm.m, 1), tiling.rows);
  tiling.block_columns = tiling.columns();
  auto work = [&] {
    return 2 * tiling.block_rows * tiling.block_columns * std::max<int64_t>(gemm.k, 1);
  };
  while (tiling.grid() < kWorkgroups && work() >= 2 * kLeastWork && tiling.block_rows > tiling.rows)
    tiling.block_rows = llvm::alignTo(llvm::divideCeil(tiling.block_rows, 2), tiling.rows);
  while (work() < kLeastWork && tiling.block_columns < gemm.n)
    tiling.block_columns += tiling.columns();
  return tiling;
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  Tiling tiling = tile(body, target);
  const GemmShape &gemm = tiling.gemm;
  strategy::Plan plan;
  plan.params = {{"rows", tiling.rows},
                 {"columns", tiling.columns()},
                 {"lanes", tiling.lanes},
                 {"block_rows", tiling.block_rows},
                 {"block_columns", tiling.block_columns},
                 {"pack_lhs", tiling.pack_lhs},
                 {"pack_rhs", tiling.pack_rhs}};
  if (tiling.pack_rhs) plan.stages.push_back({"pack", tiling.packedRhs()});
  if (tiling.pack_lhs) plan.stages.push_back({"packl", tiling.packedLhs()});
  plan.scratch_bytes = tiling.scratchBytes();
  plan.stages.push_back({"", tiling.grid()});
  // The product's operands are read anywhere; sameIndexPairs leaves them out.
  plan.same_index = strategy::sameIndexPairs(body);
  SmallVector<int64_t> shape;
  if (gemm.outerCount() != 1) shape.push_back(gemm.outerCount());
  shape.append({gemm.m, gemm.n, gemm.k});
  plan.shape = strategy::shapeName(shape);
  plan.config = "t" + std::to_string(tiling.rows) + "x" + std::to_string(tiling.columns()) +
                (tiling.pack_lhs ? "l" : "") + (tiling.pack_rhs ? "p" : "");
  return plan;
}

// Emits the main stage.
class Main {
 public:
  Main(KernelFunction &function, const Tiling &tiling)
      : f_(function), e_(function.emitter()), t_(tiling), g_(tiling.gemm), dot_(dotOf(f_.body())) {
    element_ = elementOf(dot_.getLhs());
    Value lhs = g_.swapped ? dot_.getRhs() : dot_.getLhs();
    Value rhs = g_.swapped ? dot_.getLhs() : dot_.getRhs();
    auto pointerOf = [&](Value operand, bool packed, int64_t offset) {
      return packed ? f_.scratchPointer(offset)
                    : f_.inputPointer(cast<BlockArgument>(operand).getArgNumber());
    };
    lhs_ = pointerOf(lhs, t_.pack_lhs, t_.lhsOffset());
    rhs_ = pointerOf(rhs, t_.pack_rhs, 0);
    e_.setLanes(t_.lanes);
  }

  void emitWorkgroup(const Index &workgroup) {
    Index column_block = e_.modulo(workgroup, t_.columnBlocks());
    Index rest = e_.divide(workgroup, t_.columnBlocks());
    row_block_ = e_.modulo(rest, t_.rowBlocks());
    outer_ = e_.divide(rest, t_.rowBlocks());
    lhs_outer_ = outerOffset(outer_, false);
    rhs_outer_ = outerOffset(outer_, true);
    int64_t whole = g_.n / t_.columns() * t_.columns(), left = g_.n - whole;
    Index from = e_.scale(column_block, t_.block_columns);
    Index to = e_.minimum(e_.add(from, t_.block_columns), Index::constant(whole));
    if (whole)
      e_.loop(
          from, to, t_.columns(), [&](Index n) { emitColumns(n, t_.columns()); }, t_.columns());
    if (left)
      whenLast(column_block, t_.columnBlocks(), [&] { emitColumns(Index::constant(whole), left); });
  }

 private:
  // Elements from the start of an operand to its matrix number `outer`.
  Index outerOffset(const Index &outer, bool of_rhs) {
    Index sum = Index::constant(0);
    int64_t inner = g_.outerCount();
    for (auto [number, axis] : llvm::enumerate(g_.outer)) {
      inner /= std::max<int64_t>(axis.length, 1);
      int64_t stride = of_rhs ? axis.rhs_stride : axis.lhs_stride;
      if (!stride || axis.length == 1) continue;
      Index index = e_.divide(outer, inner);
      if (number) index = e_.modulo(index, axis.length);
      sum = e_.add(sum, e_.scale(index, stride));
    }
    return sum;
  }

  void whenLast(const Index &block, int64_t blocks, function_ref<void()> body) {
    if (blocks == 1) return body();
    e_.when(e_.inside(block, blocks - 1, blocks), body);
  }

  // Where a packed panel begins; `varies`: each outer index has panels of its own.
  Index panelStart(Index panel, const PanelFormat &format, bool varies) {
    if (varies) panel = e_.add(e_.scale(outer_, format.panels()), panel);
    return e_.scale(panel, format.panelStride());
  }

  // All tiles of the workgroup with columns [n, n + width).
  void emitColumns(const Index &n, int64_t width) {
    Index rhs = t_.pack_rhs
                    ? panelStart(e_.divide(n, t_.columns()), t_.rhsFormat(), g_.rhsMatrices() > 1)
                    : e_.add(rhs_outer_, e_.scale(n, g_.rhs_n));
    Value panel = e_.pointerTo(rhs_, element_, rhs);
    int64_t whole = g_.m / t_.rows * t_.rows, left = g_.m - whole;
    Index from = e_.scale(row_block_, t_.block_rows);
    Index to = e_.minimum(e_.add(from, t_.block_rows), Index::constant(whole));
    if (whole)
      e_.loop(
          from, to, t_.rows, [&](Index m) { emitTile(m, t_.rows, n, width, panel); }, t_.rows);
    if (left)
      whenLast(row_block_, t_.rowBlocks(),
               [&] { emitTile(Index::constant(whole), left, n, width, panel); });
  }

  void emitTile(const Index &m, int64_t rows, const Index &n, int64_t width, Value panel) {
    OpBuilder &b = e_.builder();
    int64_t lanes = t_.lanes, vectors = llvm::divideCeil(width, lanes);
    Type type = e_.vectorType(element_, lanes);
    Value mask;
    if (width % lanes) mask = e_.firstLanes(Index::constant(width % lanes));
    // Runs `body` for vector number v, masked where the columns end.
    auto inColumns = [&](int64_t v, function_ref<void()> body) {
      if (mask && v == vectors - 1)
        e_.masked(mask, e_.depth(), body);
      else
        body();
    };
    Index first = t_.pack_lhs
                      ? panelStart(e_.divide(m, t_.rows), t_.lhsFormat(), g_.lhsMatrices() > 1)
                      : e_.add(lhs_outer_, e_.scale(m, g_.lhs_m));
    Value lhs = e_.pointerTo(lhs_, element_, first);
    Value zero = graph::scalarConstant(b, e_.loc(), type, 0.0);
    SmallVector<Value> initial(rows * vectors, zero);
    int64_t rhs_k = t_.pack_rhs ? vectors * lanes : g_.rhs_k, rhs_n = t_.pack_rhs ? 1 : g_.rhs_n;
    int64_t lhs_k = t_.pack_lhs ? t_.rows : g_.lhs_k, lhs_m = t_.pack_lhs ? 1 : g_.lhs_m;
    Emitter::Carry sums = e_.loop(
        Index::constant(0), Index::constant(g_.k), 1, initial, [&](Index k, ValueRange carried) {
          Value row = e_.pointerTo(panel, element_, e_.scale(k, rhs_k));
          Value column = e_.pointerTo(lhs, element_, e_.scale(k, lhs_k));
          SmallVector<Value> right(vectors);
          for (int64_t v = 0; v < vectors; ++v) {
            Index index = Index::constant(v * lanes * rhs_n);
            if (lanes > 1) index.step = rhs_n;
            auto load = [&] { right[v] = e_.splat(e_.load(row, element_, index)); };
            if (t_.pack_rhs)
              load();
            else
              inColumns(v, load);
          }
          Emitter::Carry next(carried.begin(), carried.end());
          for (int64_t i = 0; i < rows; ++i) {
            Value left = e_.splat(e_.load(column, element_, Index::constant(i * lhs_m)));
            for (int64_t v = 0; v < vectors; ++v) {
              Value &sum = next[i * vectors + v];
              sum = math::FmaOp::create(b, e_.loc(), left, right[v], sum);
            }
          }
          return next;
        });
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t v = 0; v < vectors; ++v)
        inColumns(v, [&] { finish(e_.add(m, i), e_.add(n, v * lanes), sums[i * vectors + v]); });
  }

  // Computes and stores the outputs at row m and the columns from n on, where the product is `sum`.
  void finish(const Index &m, const Index &n, Value sum) {
    Point point;
    ArrayRef<int64_t> shape = shapeOf(dot_.getResult());
    point.shape.assign(shape.begin(), shape.end());
    if (g_.outer_axes) point.groups.push_back({g_.outer_axes, outer_});
    if (g_.m_axes) point.groups.push_back({g_.m_axes, m});
    if (g_.n_axes) point.groups.push_back({g_.n_axes, g_.n > 1 ? e_.lanesFrom(n) : n});
    e_.give(dot_.getResult(), e_.depth(), [&](const Point &) { return sum; });
    SmallVector<Value> values;
    for (Value output : f_.outputs()) values.push_back(e_.at(output, point));
    e_.forget(dot_.getResult());
    Index place = e_.linear(point);
    for (auto [number, value] : llvm::enumerate(values))
      e_.store(f_.outputPointer(number), elementOf(f_.outputs()[number]), place, value);
  }

  KernelFunction &f_;
  Emitter &e_;
  const Tiling &t_;
  const GemmShape &g_;
  graph::DotGeneralOp dot_;
  Type element_;
  Value lhs_, rhs_;
  Index row_block_, outer_, lhs_outer_, rhs_outer_;
};

// Adds the stage that packs the product's left or right operand.
void emitPacking(kernel::FuncOp kernel, const Tiling &tiling, bool of_lhs, ModuleOp out) {
  const GemmShape &gemm = tiling.gemm;
  KernelFunction function(kernel, of_lhs ? "packl" : "pack", out);
  graph::DotGeneralOp dot = dotOf(function.body());
  Value operand = of_lhs != gemm.swapped ? dot.getLhs() : dot.getRhs();
  PanelPacking packing;
  packing.source = function.inputPointer(cast<BlockArgument>(operand).getArgNumber());
  packing.target = function.scratchPointer(of_lhs ? tiling.lhsOffset() : 0);
  packing.element = elementOf(operand);
  packing.format = of_lhs ? tiling.lhsFormat() : tiling.rhsFormat();
  packing.stride_k = of_lhs ? gemm.lhs_k : gemm.rhs_k;
  packing.stride_i = of_lhs ? gemm.lhs_m : gemm.rhs_n;
  // The largest power of two that divides the panel's width and fits a vector.
  int64_t width = packing.format.width;
  packing.lanes = std::min(width & -width, tiling.lanes);
  if ((of_lhs ? gemm.lhsMatrices() : gemm.rhsMatrices()) > 1)
    for (const GemmShape::Outer &axis : gemm.outer)
      packing.outer.push_back({axis.length, of_lhs ? axis.lhs_stride : axis.rhs_stride});
  function.forEachWorkgroup(
      [&](Index workgroup) { emitPackedPanel(function.emitter(), packing, workgroup); });
}

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &target, ModuleOp out) {
  Tiling tiling = tile(kernel.getBody().front(), target);
  if (tiling.pack_rhs) emitPacking(kernel, tiling, false, out);
  if (tiling.pack_lhs) emitPacking(kernel, tiling, true, out);
  KernelFunction function(kernel, "", out);
  Main main(function, tiling);
  function.forEachWorkgroup([&](Index workgroup) { main.emitWorkgroup(workgroup); });
  return success();
}

}  // namespace

const strategy::Strategy kContractionStrategy = {"contraction", matches, plan, emit};

}  // namespace graven::codegen::cpu
