// Matrix products in register tiles.
//
// A workgroup computes a block of the result, panel by panel of columns and tile by tile of rows
// (micro_kernel.h). Where the right operand's rows are far apart, or its elements do not lie along
// lanes, its panels are copied first (panel_format.h): by the thread that needs them next, or by a
// stage of their own where they would not fit the stack. A long contracted axis with a small result
// is cut into parts, which a stage of its own computes (join_parts.h); one that makes panels too
// long for the stack is walked some steps at a time. tiling.h decides.
#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/join_parts.h"
#include "compiler/codegen/cpu/strategies/micro_kernel.h"
#include "compiler/codegen/cpu/strategies/pack.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/cpu/strategies/tiling.h"
#include "compiler/codegen/loops/product_kernel.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/pack_constants.h"
#include "compiler/strategy/same_index.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

bool matches(kernel::FusedOp fused, const strategy::Target &) { return isProductKernel(fused); }

// The block argument that is called the left or right operand here.
BlockArgument operandOf(graph::DotGeneralOp dot, const Tiling &tiling, bool left) {
  return cast<BlockArgument>(left != tiling.gemm.swapped ? dot.getLhs() : dot.getRhs());
}

// The panels of the right operand, packed by the compiler.
strategy::Plan::Packed packedConstant(const Tiling &tiling, int64_t input) {
  const GemmShape &gemm = tiling.gemm;
  PanelFormat format = tiling.rhsFormat();
  int64_t matrices = gemm.rhsMatrices(), unit = tiling.pairs ? 2 : 1;
  auto source = [=](int64_t element) -> int64_t {
    int64_t k, i, place = element / unit, matrix = place / format.matrixStride();
    if (!format.find(place % format.matrixStride(), k, i)) return -1;
    k = k * unit + element % unit;
    if (k >= gemm.k) return -1;
    int64_t offset = k * gemm.rhs_k + i * gemm.rhs_n;
    if (matrices == 1) return offset;
    for (const GemmShape::Outer &axis : llvm::reverse(gemm.outer)) {
      offset += matrix % axis.length * axis.rhs_stride;
      matrix /= axis.length;
    }
    return offset;
  };
  return {input, unit * matrices * format.matrixStride(), source};
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  graph::DotGeneralOp dot = soleProduct(body);
  // What follows the product reads operands in their own order.
  auto isConstant = [&](Value operand) {
    return operand.hasOneUse() &&
           strategy::isStoredConstant(
               fused.getInputs()[cast<BlockArgument>(operand).getArgNumber()]);
  };
  Tiling tiling = chooseTiling(dot, epilogueOf(body), target, isConstant(dot.getLhs()),
                               isConstant(dot.getRhs()));
  const GemmShape &gemm = tiling.gemm;
  strategy::Plan plan;
  plan.params = tiling.params();
  int64_t lhs_moves = 2 * gemm.lhsMatrices() * gemm.m * gemm.k * tiling.bytes;
  int64_t rhs_moves = 2 * gemm.rhsMatrices() * gemm.k * gemm.n * tiling.bytes;
  if (tiling.rhs == Packing::kStage)
    plan.stages.push_back({.name = "pack", .grid = tiling.packingGrid(false), .moves = rhs_moves});
  if (tiling.lhs == Packing::kStage)
    plan.stages.push_back({.name = "packl", .grid = tiling.packingGrid(true), .moves = lhs_moves});
  if (tiling.rhs == Packing::kConstant)
    plan.packed.push_back(packedConstant(tiling, operandOf(dot, tiling, false).getArgNumber()));
  plan.scratch_bytes = tiling.scratchBytes();
  if (tiling.isSplit()) {
    plan.stages.push_back({"part", tiling.grid()});
    plan.stages.push_back({.name = "", .grid = tiling.joinGrid(), .moves = plan.scratch_bytes});
  } else {
    plan.stages.push_back({"", tiling.grid()});
  }
  // The product's operands are read anywhere; sameIndexPairs leaves them out.
  plan.same_index = strategy::sameIndexPairs(body);
  SmallVector<int64_t> shape;
  if (gemm.outerCount() != 1) shape.push_back(gemm.outerCount());
  shape.append({gemm.m, gemm.n, gemm.k});
  plan.shape = strategy::shapeName(shape);
  plan.config = tiling.name();
  return plan;
}

// How an operand is packed; the copy goes to `target`.
PanelPacking packingOf(KernelFunction &function, const Tiling &tiling, bool left, Value target) {
  const GemmShape &gemm = tiling.gemm;
  BlockArgument operand = operandOf(soleProduct(function.body()), tiling, left);
  PanelPacking packing;
  packing.source = function.inputPointer(operand.getArgNumber());
  packing.target = target;
  packing.element = elementOf(operand);
  packing.format = left ? tiling.lhsFormat() : tiling.rhsFormat();
  packing.steps = Index::constant(gemm.k);
  packing.pairs = tiling.pairs;
  packing.together = tiling.packedTogether(left);
  packing.stride_k = left ? gemm.lhs_k : gemm.rhs_k;
  packing.stride_i = left ? gemm.lhs_m : gemm.rhs_n;
  // The largest power of two that divides the panel's width and fits a vector.
  int64_t width = packing.format.width;
  packing.lanes = std::min(width & -width, tiling.lanes);
  if ((left ? gemm.lhsMatrices() : gemm.rhsMatrices()) > 1)
    for (const GemmShape::Outer &axis : gemm.outer)
      packing.outer.push_back({axis.length, left ? axis.lhs_stride : axis.rhs_stride});
  return packing;
}

// Emits the stage that computes the product: the main one, or that of its parts.
class Main {
 public:
  Main(KernelFunction &function, const Tiling &tiling)
      : f_(function),
        e_(function.emitter()),
        t_(tiling),
        g_(tiling.gemm),
        micro_kernel_(function, tiling, soleProduct(function.body()), epilogueOf(function.body())) {
    graph::DotGeneralOp dot = soleProduct(f_.body());
    source_ = elementOf(dot.getLhs());
    element_ = registerType(source_);
    packed_ = t_.pairs ? Type(f_.emitter().builder().getI32Type()) : element_;
    lhs_ = f_.inputPointer(operandOf(dot, t_, true).getArgNumber());
    rhs_ = f_.inputPointer(operandOf(dot, t_, false).getArgNumber());
    if (t_.lhs == Packing::kStage) packed_lhs_ = f_.scratchPointer(t_.lhsOffset());
    if (t_.rhs == Packing::kStage) packed_rhs_ = f_.scratchPointer(0);
    if (t_.rhs == Packing::kConstant) packed_rhs_ = rhs_;
    // A panel of no k takes no memory, but has a place.
    if (t_.rhs == Packing::kPanel || t_.rhs == Packing::kCall)
      packed_rhs_ = f_.stackPointer(std::max<int64_t>(t_.stackBytes(), 1));
    if (t_.isDeep()) sums_ = f_.stackPointer(t_.sumsBytes());
    begin_ = Index::constant(0);
    steps_ = Index::constant(g_.k);
  }

  void emit() {
    if (t_.rhs == Packing::kCall) {
      PanelPacking packing = packingOf(f_, t_, false, packed_rhs_);
      e_.loop(Index::constant(0), Index::constant(t_.rhsFormat().panels()), 1,
              [&](Index panel) { emitPackedPanel(e_, packing, panel); });
    }
    f_.forEachWorkgroup([&](Index workgroup) { emitWorkgroup(workgroup); });
  }

 private:
  void emitWorkgroup(const Index &workgroup) {
    workgroup_ = workgroup;
    row_block_ = e_.modulo(workgroup, t_.rowBlocks());
    Index rest = e_.divide(workgroup, t_.rowBlocks());
    Index column_block = e_.modulo(rest, t_.columnBlocks());
    outer_ = e_.divide(rest, t_.columnBlocks());
    Index part;
    if (t_.isSplit()) {
      part = e_.divide(outer_, g_.outerCount());
      outer_ = e_.modulo(outer_, g_.outerCount());
    }
    lhs_outer_ = outerOffset(e_, g_, outer_, false);
    rhs_outer_ = outerOffset(e_, g_, outer_, true);
    if (t_.isSplit()) beginPart(part);
    int64_t whole = g_.n / t_.columns() * t_.columns(), left = g_.n - whole;
    Index from = e_.scale(column_block, t_.block_columns);
    Index to = e_.minimum(e_.add(from, t_.block_columns), Index::constant(whole));
    if (whole)
      e_.loop(from, to, t_.columns(), [&](Index n) { emitColumns(n, t_.columns()); }, t_.columns());
    if (left)
      whenLast(column_block, t_.columnBlocks(), [&] { emitColumns(Index::constant(whole), left); });
  }

  // Narrows the operands to part number `part` of k, in parts of `length`.
  void narrow(const Index &part, int64_t length) {
    begin_ = e_.scale(part, length);
    lhs_outer_ = e_.add(lhs_outer_, e_.scale(begin_, g_.lhs_k));
    rhs_outer_ = e_.add(rhs_outer_, e_.scale(begin_, g_.rhs_k));
    steps_ = Index::constant(length);
    if (g_.k % length) steps_ = e_.minimum(steps_, e_.subtract(Index::constant(g_.k), begin_));
  }

  void beginPart(const Index &part) {
    narrow(part, t_.part_k);
    Index matrix = e_.add(e_.scale(part, g_.outerCount()), outer_);
    partial_ = e_.pointerTo(f_.scratchPointer(0), element_, e_.scale(matrix, g_.m * g_.n));
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

  // Where the columns from n on of the right operand begin.
  Value rightSource(const Index &n) {
    return e_.pointerTo(rhs_, source_, e_.add(rhs_outer_, e_.scale(n, g_.rhs_n)));
  }

  // The columns [n, n + width) of the right operand, as the tiles of a workgroup read them.
  MicroKernel::Operand rightOperand(const Index &n, int64_t width) {
    int64_t padded = llvm::alignTo(width, t_.lanes);
    switch (t_.rhs) {
      case Packing::kNone:
        return {rightSource(n), source_, g_.rhs_k, g_.rhs_n, false};
      case Packing::kStage:
      case Packing::kConstant:
      case Packing::kCall: {
        Index start = panelStart(e_.divide(n, t_.columns()), t_.rhsFormat(), g_.rhsMatrices() > 1);
        return {e_.pointerTo(packed_rhs_, packed_, start), packed_, padded, 1, true};
      }
      case Packing::kPanel:
        break;
    }
    return {packed_rhs_, packed_, padded, 1, true};
  }

  // Packs the panel of the columns [n, n + width) where this workgroup does not find it packed.
  // Where that can be done on the way, the first tile of rows does it, and is computed by that. The
  // first row that is left to compute, from `from` on.
  Index emitPanelOf(const Index &n, int64_t width, const Index &from) {
    PanelPacking packing = packingOf(f_, t_, false, packed_rhs_);
    packing.steps = steps_;
    int64_t padded = llvm::alignTo(width, t_.lanes);
    bool on_the_way = g_.rhs_n == 1 && (t_.rowBlocks() - 1) * t_.block_rows + t_.rows <= g_.m;
    auto pack = [&] {
      if (!on_the_way) {
        emitPanel(e_, packing, rightSource(n), packed_rhs_, width, padded);
        return e_.setLanes(t_.lanes);
      }
      MicroKernel::Operand source = {rightSource(n), source_, g_.rhs_k, 1, false, packed_rhs_};
      emitTile(from, t_.rows, n, width, source, {}, {});
    };
    Index next = e_.add(from, t_.rows);
    if (t_.rowBlocks() == 1 || t_.block_columns > t_.columns() || t_.isDeep()) {
      pack();
      return on_the_way ? next : from;
    }
    // A thread keeps the panel from one row block to the next.
    OpBuilder &b = e_.builder();
    Value begin =
        arith::CmpIOp::create(b, e_.loc(), arith::CmpIPredicate::eq, e_.materialize(workgroup_),
                              e_.materialize(f_.range().first));
    Value missing = arith::OrIOp::create(b, e_.loc(), e_.inside(row_block_, 0, 1), begin);
    e_.when(missing, pack);
    if (!on_the_way) return from;
    Value start =
        arith::SelectOp::create(b, e_.loc(), missing, e_.materialize(next), e_.materialize(from));
    return e_.wrap(start, e_.depth(), t_.rows);
  }

  MicroKernel::Operand leftOperand(const Index &m) {
    if (t_.lhs == Packing::kNone) {
      Index start = e_.add(lhs_outer_, e_.scale(m, g_.lhs_m));
      return {e_.pointerTo(lhs_, source_, start), source_, g_.lhs_k, g_.lhs_m, false};
    }
    Index start = panelStart(e_.divide(m, t_.rows), t_.lhsFormat(), g_.lhsMatrices() > 1);
    if (t_.isDeep()) start = e_.add(start, e_.scale(e_.divide(begin_, t_.pairs ? 2 : 1), t_.rows));
    return {e_.pointerTo(packed_lhs_, packed_, start), packed_, t_.rows, 1, true};
  }

  // What the tile at row `m` asks for of what is packed next, or lies packed, behind the panel of
  // column `n`: one of its vectors for each k, or as many lines where the panel is one run of
  // memory.
  MicroKernel::Ahead packedNext(const Index &m, const Index &n) {
    if (!t_.fetches) return {};
    bool run = g_.rhs_k == 1;
    int64_t step = run ? Emitter::kLine / t_.bytes : t_.lanes;
    // A deep panel's first tile packs.
    Index tile = e_.add(e_.divide(m, t_.rows), t_.isDeep() ? -1 : 0);
    Index share = e_.minimum(tile, Index::constant(t_.vectors - 1));
    if (t_.rhs == Packing::kConstant) {
      Index next = e_.add(e_.divide(n, t_.columns()), 1);
      Index start = panelStart(next, t_.rhsFormat(), g_.rhsMatrices() > 1);
      start = e_.add(start, e_.scale(share, t_.lanes));
      return {e_.pointerTo(packed_rhs_, packed_, start), packed_, t_.columns()};
    }
    Index start = e_.add(rhs_outer_, e_.scale(n, g_.rhs_n));
    start = e_.add(start, t_.isDeep() ? t_.depth * g_.rhs_k : t_.columns() * g_.rhs_n);
    start = e_.add(start, e_.scale(share, run ? step * g_.k : step));
    return {e_.pointerTo(rhs_, source_, start), source_, run ? step : g_.rhs_k};
  }

  // Where the sums of a tile go: the matrix of a part of k, or the sums of the workgroup's rows.
  MicroKernel::Partial partialAt(const Index &m, const Index &n, int64_t width) {
    if (t_.isSplit())
      return {e_.pointerTo(partial_, element_, e_.add(e_.scale(m, g_.n), n)), g_.n, false};
    if (!t_.isDeep()) return {};
    int64_t stride = llvm::alignTo(width, t_.lanes);
    Index row = e_.subtract(m, e_.scale(row_block_, t_.block_rows));
    return {e_.pointerTo(sums_, element_, e_.scale(row, stride)), stride, true};
  }

  void emitTile(const Index &m, int64_t rows, const Index &n, int64_t width,
                const MicroKernel::Operand &rhs, const MicroKernel::Ahead &ahead, Value behind) {
    micro_kernel_.emit({outer_, m, rows, n, width, leftOperand(m), rhs, ahead, steps_,
                        partialAt(m, n, width), t_.overlaps && rows == t_.rows, behind});
  }

  // All tiles of the workgroup with columns [n, n + width), for the steps of k at hand.
  void emitTiles(const Index &n, int64_t width) {
    int64_t whole = g_.m / t_.rows * t_.rows, left = g_.m - whole;
    Index from = e_.scale(row_block_, t_.block_rows);
    Index to = e_.minimum(e_.add(from, t_.block_rows), Index::constant(whole));
    Index first = from;
    if (t_.rhs == Packing::kPanel) from = emitPanelOf(n, width, from);
    MicroKernel::Operand rhs = rightOperand(n, width);
    // Whether a tile waits when that at row `m` is due.
    auto waits = [&](const Index &m) -> Value {
      if (!t_.overlaps) return {};
      return e_.inside(e_.subtract(m, first), 1, g_.m + 1);
    };
    auto tile = [&](const Index &m, int64_t rows) {
      emitTile(m, rows, n, width, rhs, packedNext(m, n), rows == t_.rows ? waits(m) : Value());
    };
    if (whole) e_.loop(from, to, t_.rows, [&](Index m) { tile(m, t_.rows); }, t_.rows);
    if (whole && t_.overlaps)
      e_.when(waits(to), [&] { micro_kernel_.finishWaiting(e_.add(to, -t_.rows), n, width); });
    if (left) whenLast(row_block_, t_.rowBlocks(), [&] { tile(Index::constant(whole), left); });
  }

  // The workgroup's result in columns [n, n + width).
  void emitColumns(const Index &n, int64_t width) {
    if (!t_.isDeep()) return emitTiles(n, width);
    Index from = e_.scale(row_block_, t_.block_rows), zeroth = Index::constant(0);
    Index rows =
        e_.minimum(Index::constant(t_.block_rows), e_.subtract(Index::constant(g_.m), from));
    e_.setLanes(t_.lanes);
    Value zero =
        graph::scalarConstant(e_.builder(), e_.loc(), e_.vectorType(element_, t_.lanes), 0);
    Index end = e_.scale(rows, llvm::alignTo(width, t_.lanes));
    e_.loop(
        zeroth, end, t_.lanes,
        [&](Index i) { e_.store(sums_, element_, t_.lanes > 1 ? e_.lanesFrom(i) : i, zero); },
        t_.lanes);
    int64_t parts = llvm::divideCeil(g_.k, t_.depth);
    e_.loop(zeroth, Index::constant(parts), 1, [&](Index part) {
      Index lhs = lhs_outer_, rhs = rhs_outer_;
      narrow(part, t_.depth);
      emitTiles(n, width);
      lhs_outer_ = lhs, rhs_outer_ = rhs;
    });
    micro_kernel_.finish(outer_, from, rows, n, width, sums_);
  }

  KernelFunction &f_;
  Emitter &e_;
  const Tiling &t_;
  const GemmShape &g_;
  MicroKernel micro_kernel_;
  Type source_, element_, packed_;  // of the operands in memory; of sums; of panels
  Value lhs_, rhs_, packed_lhs_, packed_rhs_;
  Value partial_;        // where the sums of a part go
  Value sums_;           // the same for those of the steps before
  Index begin_, steps_;  // of k
  Index workgroup_, row_block_, outer_, lhs_outer_, rhs_outer_;
};

// Adds the stage that packs the product's left or right operand.
void emitPacking(kernel::FuncOp kernel, const Tiling &tiling, bool left, ModuleOp out) {
  KernelFunction function(kernel, left ? "packl" : "pack", out);
  Value target = function.scratchPointer(left ? tiling.lhsOffset() : 0);
  PanelPacking packing = packingOf(function, tiling, left, target);
  function.forEachWorkgroup(
      [&](Index workgroup) { emitPackedGroup(function.emitter(), packing, workgroup); });
}

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &, ModuleOp out) {
  Tiling tiling =
      Tiling::fromParams(soleProduct(kernel.getBody().front()), kernel.getStrategy().getParams());
  if (tiling.rhs == Packing::kStage) emitPacking(kernel, tiling, false, out);
  if (tiling.lhs == Packing::kStage) emitPacking(kernel, tiling, true, out);
  KernelFunction product(kernel, tiling.isSplit() ? "part" : "", out);
  Main(product, tiling).emit();
  if (tiling.isSplit()) {
    KernelFunction join(kernel, "", out);
    emitJoin(join, tiling);
  }
  return success();
}

}  // namespace

const strategy::Strategy kContractionStrategy = {"contraction", matches, plan, emit};

}  // namespace graven::codegen::cpu
