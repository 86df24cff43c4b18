// Matrix products in register tiles.
//
// A workgroup computes a block of the result, panel by panel of columns and tile by tile of rows
// (micro_kernel.h). Where the right operand's rows are far apart, or its elements do not lie along
// lanes, its panels are copied first (panel_format.h): by the thread that needs them next, or by a
// stage of their own where they would not fit the stack. tiling.h decides.
#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/micro_kernel.h"
#include "compiler/codegen/cpu/strategies/pack.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/cpu/strategies/tiling.h"
#include "compiler/codegen/loops/product_kernel.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

bool matches(kernel::FusedOp fused, const strategy::Target &) { return isProductKernel(fused); }

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  Tiling tiling = chooseTiling(soleProduct(body), epilogueOf(body), target);
  strategy::Plan plan;
  plan.params = tiling.params();
  if (tiling.rhs == Packing::kStage) plan.stages.push_back({"pack", tiling.packedRhs()});
  if (tiling.lhs == Packing::kStage) plan.stages.push_back({"packl", tiling.packedLhs()});
  plan.scratch_bytes = tiling.scratchBytes();
  plan.stages.push_back({"", tiling.grid()});
  // The product's operands are read anywhere; sameIndexPairs leaves them out.
  plan.same_index = strategy::sameIndexPairs(body);
  const GemmShape &gemm = tiling.gemm;
  SmallVector<int64_t> shape;
  if (gemm.outerCount() != 1) shape.push_back(gemm.outerCount());
  shape.append({gemm.m, gemm.n, gemm.k});
  plan.shape = strategy::shapeName(shape);
  plan.config = tiling.name();
  return plan;
}

// The block argument that is called the left or right operand here.
BlockArgument operandOf(graph::DotGeneralOp dot, const Tiling &tiling, bool left) {
  return cast<BlockArgument>(left != tiling.gemm.swapped ? dot.getLhs() : dot.getRhs());
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

// Emits the main stage.
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
    lhs_ = f_.inputPointer(operandOf(dot, t_, true).getArgNumber());
    rhs_ = f_.inputPointer(operandOf(dot, t_, false).getArgNumber());
    if (t_.lhs == Packing::kStage) packed_lhs_ = f_.scratchPointer(t_.lhsOffset());
    if (t_.rhs == Packing::kStage) packed_rhs_ = f_.scratchPointer(0);
    if (int64_t bytes = t_.stackBytes()) packed_rhs_ = f_.stackPointer(bytes);
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
    lhs_outer_ = outerOffset(e_, g_, outer_, false);
    rhs_outer_ = outerOffset(e_, g_, outer_, true);
    int64_t whole = g_.n / t_.columns() * t_.columns(), left = g_.n - whole;
    Index from = e_.scale(column_block, t_.block_columns);
    Index to = e_.minimum(e_.add(from, t_.block_columns), Index::constant(whole));
    if (whole)
      e_.loop(from, to, t_.columns(), [&](Index n) { emitColumns(n, t_.columns()); }, t_.columns());
    if (left)
      whenLast(column_block, t_.columnBlocks(), [&] { emitColumns(Index::constant(whole), left); });
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

  // The columns [n, n + width) of the right operand, packed where that is to be done here.
  MicroKernel::Operand rightOperand(const Index &n, int64_t width) {
    int64_t padded = llvm::alignTo(width, t_.lanes);
    auto source = [&] {
      return e_.pointerTo(rhs_, source_, e_.add(rhs_outer_, e_.scale(n, g_.rhs_n)));
    };
    switch (t_.rhs) {
      case Packing::kNone:
        return {source(), source_, g_.rhs_k, g_.rhs_n, false};
      case Packing::kStage:
      case Packing::kCall: {
        Index start = panelStart(e_.divide(n, t_.columns()), t_.rhsFormat(), g_.rhsMatrices() > 1);
        return {e_.pointerTo(packed_rhs_, element_, start), element_, padded, 1, true};
      }
      case Packing::kPanel:
        break;
    }
    PanelPacking packing = packingOf(f_, t_, false, packed_rhs_);
    auto pack = [&] { emitPanel(e_, packing, source(), packed_rhs_, width, padded); };
    if (t_.rowBlocks() == 1 || t_.block_columns > t_.columns()) {
      pack();
    } else {
      // A thread keeps the panel from one row block to the next.
      Value first = e_.inside(row_block_, 0, 1);
      Value begin =
          arith::CmpIOp::create(e_.builder(), e_.loc(), arith::CmpIPredicate::eq,
                                e_.materialize(workgroup_), e_.materialize(f_.range().first));
      e_.when(arith::OrIOp::create(e_.builder(), e_.loc(), first, begin), pack);
    }
    e_.setLanes(t_.lanes);
    return {packed_rhs_, element_, padded, 1, true};
  }

  MicroKernel::Operand leftOperand(const Index &m) {
    if (t_.lhs == Packing::kNone) {
      Index start = e_.add(lhs_outer_, e_.scale(m, g_.lhs_m));
      return {e_.pointerTo(lhs_, source_, start), source_, g_.lhs_k, g_.lhs_m, false};
    }
    Index start = panelStart(e_.divide(m, t_.rows), t_.lhsFormat(), g_.lhsMatrices() > 1);
    return {e_.pointerTo(packed_lhs_, element_, start), element_, t_.rows, 1, true};
  }

  // All tiles of the workgroup with columns [n, n + width).
  void emitColumns(const Index &n, int64_t width) {
    MicroKernel::Operand rhs = rightOperand(n, width);
    int64_t whole = g_.m / t_.rows * t_.rows, left = g_.m - whole;
    Index from = e_.scale(row_block_, t_.block_rows);
    Index to = e_.minimum(e_.add(from, t_.block_rows), Index::constant(whole));
    auto tile = [&](const Index &m, int64_t rows) {
      micro_kernel_.emit(outer_, m, rows, n, width, leftOperand(m), rhs);
    };
    if (whole) e_.loop(from, to, t_.rows, [&](Index m) { tile(m, t_.rows); }, t_.rows);
    if (left) whenLast(row_block_, t_.rowBlocks(), [&] { tile(Index::constant(whole), left); });
  }

  KernelFunction &f_;
  Emitter &e_;
  const Tiling &t_;
  const GemmShape &g_;
  MicroKernel micro_kernel_;
  Type source_, element_;  // of the operands in memory; of panels
  Value lhs_, rhs_, packed_lhs_, packed_rhs_;
  Index workgroup_, row_block_, outer_, lhs_outer_, rhs_outer_;
};

// Adds the stage that packs the product's left or right operand.
void emitPacking(kernel::FuncOp kernel, const Tiling &tiling, bool left, ModuleOp out) {
  KernelFunction function(kernel, left ? "packl" : "pack", out);
  Value target = function.scratchPointer(left ? tiling.lhsOffset() : 0);
  PanelPacking packing = packingOf(function, tiling, left, target);
  function.forEachWorkgroup(
      [&](Index workgroup) { emitPackedPanel(function.emitter(), packing, workgroup); });
}

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &, ModuleOp out) {
  Tiling tiling =
      Tiling::fromParams(soleProduct(kernel.getBody().front()), kernel.getStrategy().getParams());
  if (tiling.rhs == Packing::kStage) emitPacking(kernel, tiling, false, out);
  if (tiling.lhs == Packing::kStage) emitPacking(kernel, tiling, true, out);
  KernelFunction function(kernel, "", out);
  Main(function, tiling).emit();
  return success();
}

}  // namespace

const strategy::Strategy kContractionStrategy = {"contraction", matches, plan, emit};

}  // namespace graven::codegen::cpu
