// Matrix products by fused multiply-add or, of 16-bit floats and where asked for of f32 ones
// rounded to tf32, on tensor cores: blocks of the result in registers, tiles of the operands in
// shared memory (block_product.h).
//
// What leads to an operand is computed while it is copied; what follows from the product, once a
// block is done. Where k is long and the result small, parts of k are summed by workgroups of their
// own first (block_tiling.h), and added in a fixed order by a second stage.
#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/gpu/strategies/block_result.h"
#include "compiler/codegen/gpu/strategies/strategies.h"
#include "compiler/codegen/loops/product_kernel.h"
#include "compiler/codegen/loops/rules.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

// Operations behind the product up to which they are unrolled over all of a thread's elements.
constexpr int64_t kCheapEpilogue = 8;
// Bytes of a thread's sums that it gets 128 registers for where there is little else, so that a
// processor holds this many threads.
constexpr int64_t kManySums = 256, kResidentThreads = 512;
// Threads of the stage that adds parts of k.
constexpr int64_t kAddThreads = 256;
constexpr llvm::StringLiteral kPartsStage = "parts";

// Whether products of such elements are computed here. Tensor cores add a step's products in an
// order of their own, which strict code cannot have.
bool suits(graph::DotGeneralOp dot, const strategy::Target &target) {
  Type element = elementOf(dot.getLhs());
  if (isa<Float16Type, BFloat16Type>(element))
    return !target.strict() && elementOf(dot.getRhs()) == element &&
           elementOf(dot.getResult()).isF32();
  return isa<Float32Type, Float64Type>(element);
}

// One product, perhaps of computed operands, followed by ops at the same index.
bool matches(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  graph::DotGeneralOp dot = soleProduct(body);
  if (!dot || !suits(dot, target)) return false;
  for (Operation &op : body.without_terminator())
    if (!rules().find(&op) ||
        isa<graph::ReductionOpInterface, graph::ArgmaxOp, graph::ScatterAddOp>(op))
      return false;
  for (Value output : body.getTerminator()->getOperands())
    if (shapeOf(output) != shapeOf(dot.getResult())) return false;
  std::optional<GemmShape> gemm = gemmShapeOf(dot);
  return gemm && gemm->m && gemm->n && gemm->k && gemm->outerCount();
}

// Elements that one thread of the adding stage has.
int64_t addLanes(const BlockTiling &tiling) {
  return lanesAlong(tiling.gemm.n, 16 / tiling.sum_bytes);
}

strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &target) {
  Block &body = fused.getBody().front();
  BlockTiling tiling = chooseBlockTiling(soleProduct(body), target);
  strategy::Plan plan;
  plan.params = tiling.params();
  plan.scratch_bytes = tiling.scratchBytes();
  bool parted = tiling.parts() > 1;
  plan.stages.push_back(
      {parted ? kPartsStage.str() : "", tiling.grid(), tiling.threads(), tiling.sharedBytes()});
  if (parted) {
    int64_t pieces = tiling.resultElements() / addLanes(tiling);
    auto groups = static_cast<int64_t>(llvm::divideCeil(pieces, kAddThreads));
    plan.stages.push_back({"", groups, kAddThreads});
  }
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

// The number of an element in the result.
Index resultPlace(Emitter &e, const GemmShape &g, const Index &matrix, const Index &m,
                  const Index &n) {
  Index row = e.add(e.scale(matrix, g.m), m);
  return e.add(e.scale(row, g.n), n);
}

// Workgroups that a processor shall hold at a time. What is computed on the way, or copied in small
// pieces from many addresses, needs registers too; left alone with few sums, the assembler takes
// about as few as it can. One is said all the same: told nothing, it may stop at some number and
// spill.
int64_t residentWorkgroups(Block &body, const BlockTiling &t) {
  bool wide = t.layout(true).width == t.vector() && t.layout(false).width == t.vector();
  bool plain = wide && !t.lhs_computed && !t.rhs_computed;
  // Tensor cores' operands take so many registers that what follows needs some of its own.
  bool full =
      t.onTensorCores() ? epilogueOf(body) == 0 : t.thread_m * t.thread_n * t.bytes == kManySums;
  if (!plain || !full) return 1;
  return std::max<int64_t>(kResidentThreads / t.threads(), 1);
}

// One block of the result, or of a part's sums.
void emitBlock(kernel::FuncOp kernel, const BlockTiling &t, ModuleOp out) {
  bool parted = t.parts() > 1;
  KernelFunction function(kernel, parted ? kPartsStage : "", out);
  Emitter &e = function.emitter();
  const GemmShape &g = t.gemm;
  function.keepResident(residentWorkgroups(function.body(), t));
  Value shared = dynamicShared(e.builder(), e.loc(), out);
  std::unique_ptr<BlockProduct> product = blockProduct(function, t, shared);
  Index number = function.workgroup();
  BlockPlace place;
  place.row = e.scale(e.modulo(number, t.rowBlocks()), t.block_m);
  Index rest = e.divide(number, t.rowBlocks());
  place.column = e.scale(e.modulo(rest, t.columnBlocks()), t.block_n);
  rest = e.divide(rest, t.columnBlocks());
  place.matrix = parted ? e.modulo(rest, g.outerCount()) : rest;
  Index part = parted ? e.divide(rest, g.outerCount()) : Index::constant(0);

  Type element = elementOf(soleProduct(function.body()).getResult());
  Value scratch = parted ? function.scratchPointer(0) : Value();
  auto finish = [&](const Index &m, const Index &n, Value sum) {
    if (!parted)
      return storeOutputs(e, function.body(), function.outputPointers(), g, place.matrix, m, n,
                          sum);
    Index at = e.add(resultPlace(e, g, place.matrix, m, n), e.scale(part, t.resultElements()));
    e.store(scratch, element, e.lanesFrom(at), sum);
  };
  bool costly = !parted && epilogueOf(function.body()) > kCheapEpilogue;
  bool through_shared =
      t.onTensorCores() || g.n % t.lanes() != 0 || (costly && t.thread_m * t.thread_n > t.vector());
  auto multiply = [&](int64_t k) {
    Index k_begin = e.scale(part, t.part_k);
    SmallVector<Value> sums = product->multiply(place.row, place.column, place.matrix, k_begin, k);
    if (through_shared)
      finishThroughShared(function, t, *product, place, sums, shared, finish);
    else
      finishFromRegisters(function, t, *product, place, sums, finish);
  };
  if (!parted) return multiply(g.k);
  // The last part may be shorter.
  int64_t last = t.parts() - 1, left = g.k - last * t.part_k;
  if (left == t.part_k) return multiply(t.part_k);
  e.when(e.inside(part, 0, last), [&] { multiply(t.part_k); });
  e.when(e.inside(part, last, last + 1), [&] { multiply(left); });
}

// Adds the parts' sums, the first part's first, and goes on from there.
void emitAddition(kernel::FuncOp kernel, const BlockTiling &t, ModuleOp out) {
  KernelFunction function(kernel, "", out);
  Emitter &e = function.emitter();
  const GemmShape &g = t.gemm;
  int64_t lanes = addLanes(t), across = g.n / lanes;
  e.setLanes(lanes);
  Type element = elementOf(soleProduct(function.body()).getResult());
  Value scratch = function.scratchPointer(0);
  Index piece = function.globalThread();
  e.when(e.inside(piece, 0, t.resultElements() / lanes), [&] {
    Index row = e.divide(piece, across), n = e.scale(e.modulo(piece, across), lanes);
    Index m = e.modulo(row, g.m), matrix = e.divide(row, g.m);
    Index first = resultPlace(e, g, matrix, m, n);
    auto load = [&](const Index &part) {
      Index at = e.add(e.scale(part, t.resultElements()), first);
      return e.load(scratch, element, e.lanesFrom(at));
    };
    Emitter::Carry sum = e.loop(Index::constant(1), Index::constant(t.parts()), 1,
                                load(Index::constant(0)), [&](Index part, ValueRange carried) {
                                  return Emitter::Carry{arith::AddFOp::create(
                                      e.builder(), e.loc(), carried[0], load(part))};
                                });
    storeOutputs(e, function.body(), function.outputPointers(), g, matrix, m, n, sum[0]);
  });
}

LogicalResult emit(kernel::FuncOp kernel, const strategy::Target &, ModuleOp out) {
  graph::DotGeneralOp dot = soleProduct(kernel.getBody().front());
  BlockTiling tiling = BlockTiling::fromParams(dot, kernel.getStrategy().getParams());
  emitBlock(kernel, tiling, out);
  if (tiling.parts() > 1) emitAddition(kernel, tiling, out);
  return success();
}

}  // namespace

const strategy::Strategy kContractionStrategy = {"contraction", matches, plan, emit};

}  // namespace graven::codegen::gpu
