#include "compiler/codegen/gpu/strategies/block_tiling.h"

#include "compiler/codegen/loops/rules.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

struct Candidate {
  int64_t block_m, block_n, block_k, thread_m, thread_n, stages;
};

// Blocks to choose from, for fused multiply-adds. Large ones read operands least often; small ones
// spread small results over all processors; the ones of few rows or columns waste nothing on
// vectors.
constexpr Candidate kCandidates[] = {
    {128, 128, 16, 8, 8, 2}, {128, 64, 16, 8, 8, 2}, {64, 128, 16, 8, 8, 2}, {64, 64, 16, 8, 4, 2},
    {64, 32, 16, 4, 4, 2},   {32, 64, 16, 4, 4, 2},  {32, 32, 16, 4, 4, 2},  {32, 32, 16, 4, 2, 2},
    {16, 64, 16, 4, 4, 2},   {16, 32, 16, 4, 2, 2},  {64, 16, 16, 4, 2, 2},  {32, 16, 16, 4, 1, 2},
    {16, 16, 32, 4, 1, 2},   {8, 64, 32, 4, 2, 4},   {8, 32, 32, 4, 1, 4},   {4, 64, 32, 4, 1, 4},
    {2, 64, 32, 2, 1, 4},    {1, 128, 32, 1, 1, 4},  {1, 64, 32, 1, 1, 4},   {1, 32, 64, 1, 1, 4},
};

// The same for tensor cores: a warp has thread_m / 2 x thread_n / 2 products of 16 x 8 x 16. With
// elements of 4 bytes, block_k is half as long.
constexpr Candidate kTensorCandidates[] = {
    {128, 128, 32, 8, 8, 4}, {128, 64, 32, 8, 8, 4}, {64, 128, 32, 8, 8, 4}, {64, 64, 32, 4, 8, 4},
    {32, 64, 32, 4, 4, 4},   {64, 32, 32, 4, 4, 4},  {32, 32, 64, 2, 4, 4},  {16, 64, 64, 2, 4, 4},
    {64, 16, 64, 2, 4, 4},   {16, 32, 64, 2, 4, 4},  {32, 16, 64, 2, 4, 4},  {16, 16, 64, 2, 4, 4},
};

// Bytes that one processor gets from the second-level cache in a cycle.
constexpr double kCacheBytes = 32;
// Cycles of a barrier and of what is computed once for each tile.
constexpr double kTileCycles = 60;
// Cycles before the first product and after the last one.
constexpr double kBlockCycles = 1500;
// Cycles of a second stage that adds little.
constexpr double kStageCycles = 4000;
// Cycles from one step of k to the next where a thread waits for each.
constexpr double kStepCycles = 8;

// Products of 16-bit elements that the tensor cores of one processor add in a cycle (half as many
// of tf32); cycles from one step of theirs to the next where a warp waits for each; bytes that
// shared memory gives in a cycle.
constexpr double kTensorProducts = 1024, kTensorStepCycles = 40, kSharedBytes = 128;

// Cycles of one step of k of all blocks that a processor has, on tensor cores.
double tensorStep(const BlockTiling &t, double blocks) {
  double products = blocks * double(t.block_m * t.block_n);
  // Each warp reads its part of both tiles.
  double warp_m = double(t.thread_m * 8), warp_n = double(t.thread_n * 4);
  double shared = blocks * double(t.threads()) / 32 * (warp_m + warp_n) * double(t.bytes);
  double memory = blocks * double((t.block_m + t.block_n) * t.bytes) / kCacheBytes;
  double rate = kTensorProducts * 2 / double(t.bytes);
  return std::max(
      {products / rate, shared / kSharedBytes, memory, kTensorStepCycles / double(t.step_k)});
}

// Cycles that the product takes on `target` with the tiling's block.
double cyclesOf(const BlockTiling &t, const strategy::Target &target) {
  auto processors = static_cast<double>(target.processors);
  double blocks = std::ceil(static_cast<double>(t.grid()) / processors);
  double warps = blocks * std::ceil(static_cast<double>(t.threads()) / 32);
  double rate = t.bytes == 8 ? 2 : 1;
  double products = static_cast<double>(t.thread_m * t.thread_n);
  auto vectors = [&](int64_t length) { return std::ceil(double(length) / double(t.vector())); };
  double loads = vectors(t.thread_m) + vectors(t.thread_n);
  // Four schedulers issue one instruction of a warp each; 16 bytes for each thread of a warp, some
  // of them the same, keep shared memory busy for two cycles.
  double issue = std::max(warps / 4, 1.0) * (products * rate + loads);
  double shared = 2 * warps * loads;
  double memory = blocks * double((t.block_m + t.block_n) * t.bytes) / kCacheBytes;
  double step = std::max({issue, shared, memory, products * rate + kStepCycles});
  if (t.onTensorCores()) step = tensorStep(t, blocks);
  auto k = static_cast<double>(t.part_k ? t.part_k : t.gemm.k);
  double waves = std::max(warps / 16, 1.0);
  double cycles = k * step + k / double(t.block_k) * kTileCycles * waves + kBlockCycles;
  if (t.parts() == 1) return cycles;
  // The parts' sums are written and read again.
  return cycles + kStageCycles + 2 * double(t.scratchBytes()) / (processors * kCacheBytes);
}

int64_t powerAtLeast(int64_t length) {
  return static_cast<int64_t>(llvm::PowerOf2Ceil(std::max<int64_t>(length, 1)));
}

class Choice {
 public:
  Choice(const BlockTiling &start, const strategy::Target &target) : target_(target), best_(start) {
    double least = 0;
    bool found = false;
    ArrayRef<Candidate> candidates = kCandidates;
    if (start.onTensorCores()) candidates = kTensorCandidates;
    for (const Candidate &candidate : candidates) {
      BlockTiling tiling = start;
      tiling.block_m = candidate.block_m;
      tiling.block_n = candidate.block_n;
      tiling.block_k = candidate.block_k;
      if (start.onTensorCores()) tiling.block_k = candidate.block_k * 2 / start.bytes;
      tiling.thread_m = candidate.thread_m;
      tiling.thread_n = candidate.thread_n;
      tiling.stages = candidate.stages;
      if (!suits(tiling)) continue;
      for (bool parted : {false, true}) {
        if (parted && !split(tiling)) continue;
        double cycles = cyclesOf(tiling, target_);
        if (found && cycles >= least) continue;
        found = true;
        least = cycles;
        best_ = tiling;
      }
    }
    force();
  }
  const BlockTiling &tiling() const { return best_; }

 private:
  // Whether the block is no more than twice the result, and fits registers and shared memory.
  bool suits(const BlockTiling &t) const {
    if (t.block_m > (t.onTensorCores() ? 16 : 1) && t.block_m >= 2 * powerAtLeast(t.gemm.m))
      return false;
    if (t.block_n > 32 && t.block_n >= 2 * powerAtLeast(t.gemm.n)) return false;
    if (t.bytes == 8 && t.thread_m * t.thread_n > 16) return false;
    return t.sharedBytes() <= target_.shared_bytes;
  }

  // Where k is long and workgroups are few, parts of k are computed side by side; false where they
  // are not. The parts follow from the shape alone. Strict code keeps k in one piece.
  bool split(BlockTiling &t) const {
    if (target_.strict()) return false;
    int64_t parts =
        std::min(target_.processors / std::max<int64_t>(t.grid(), 1), t.gemm.k / kLeastPart);
    parts = std::min<int64_t>(parts, kMostParts);
    if (parts < 2) return false;
    t.part_k = static_cast<int64_t>(llvm::alignTo(llvm::divideCeil(t.gemm.k, parts), t.block_k));
    return t.parts() > 1;
  }

  void force() {
    auto decide = [&](std::string_view name, int64_t &value) {
      value = target_.forcedOr("contraction", name, value);
    };
    for (auto [name, value] : fields(best_)) decide(name, *value);
  }

 public:
  static SmallVector<std::pair<std::string, int64_t *>> fields(BlockTiling &t) {
    return {{"block_m", &t.block_m},   {"block_n", &t.block_n},   {"block_k", &t.block_k},
            {"thread_m", &t.thread_m}, {"thread_n", &t.thread_n}, {"stages", &t.stages},
            {"part_k", &t.part_k},     {"step_k", &t.step_k}};
  }

 private:
  // Steps of k that are worth a workgroup of their own, and how many workgroups may share a block.
  static constexpr int64_t kLeastPart = 256, kMostParts = 32;

  const strategy::Target &target_;
  BlockTiling best_;
};

BlockTiling startOf(graph::DotGeneralOp dot) {
  BlockTiling tiling;
  tiling.gemm = *gemmShapeOf(dot);
  tiling.bytes = bytesOf(elementOf(dot.getLhs()));
  tiling.sum_bytes = bytesOf(elementOf(dot.getResult()));
  if (tiling.bytes == 2) tiling.step_k = 16;
  auto computed = [&](bool left) {
    Value operand = left != tiling.gemm.swapped ? dot.getLhs() : dot.getRhs();
    return !isa<BlockArgument>(operand);
  };
  tiling.lhs_computed = computed(true);
  tiling.rhs_computed = computed(false);
  return tiling;
}

}  // namespace

int64_t BlockTiling::rowBlocks() const { return llvm::divideCeil(gemm.m, block_m); }
int64_t BlockTiling::columnBlocks() const { return llvm::divideCeil(gemm.n, block_n); }
int64_t BlockTiling::parts() const { return part_k ? llvm::divideCeil(gemm.k, part_k) : 1; }

TileLayout BlockTiling::layout(bool left) const {
  int64_t block = left ? block_m : block_n, length = left ? gemm.m : gemm.n;
  int64_t stride_x = left ? gemm.lhs_m : gemm.rhs_n, stride_k = left ? gemm.lhs_k : gemm.rhs_k;
  TileLayout layout;
  layout.along_k = stride_k == 1 && (stride_x != 1 || length == 1);
  // The widest accesses that stay aligned: rows, matrices and the ends must be multiples of them.
  int64_t inner = layout.along_k ? stride_k : stride_x,
          outer = layout.along_k ? stride_x : stride_k;
  int64_t end = layout.along_k ? gemm.k : length, tile = layout.along_k ? block_k : block;
  auto fits = [&](int64_t width) {
    bool aligned = inner == 1 && end % width == 0 && tile % width == 0;
    if ((layout.along_k ? length : gemm.k) > 1) aligned &= outer % width == 0;
    for (const GemmShape::Outer &axis : gemm.outer)
      if (axis.length > 1) aligned &= (left ? axis.lhs_stride : axis.rhs_stride) % width == 0;
    return aligned;
  };
  for (layout.width = vector(); layout.width > 1 && !fits(layout.width);) layout.width /= 2;
  bool computed = left ? lhs_computed : rhs_computed;
  // cp.async moves 4, 8 or 16 bytes without turning them.
  bool whole = onTensorCores() || !layout.along_k || layout.width == 1 || block == 1;
  layout.async = !computed && whole && layout.width * bytes >= 4;
  if (onTensorCores()) {
    layout.rows_of_k = layout.along_k;
    layout.pitch = layout.along_k ? block_k : block;
    // ldmatrix turns 16-bit elements only. Others a thread reads one by one: a warp four rows at a
    // time, eight neighbours each, which fill the banks where rows are that far apart.
    if (bytes == 4 && !layout.along_k)
      layout.pitch += 8;
    else
      layout.pieces = layout.pitch / vector();
    return layout;
  }
  layout.turned = layout.along_k && block > 1;
  // Turned elements come in columns: without the padding they would meet in the same banks. With
  // four, those of 32 bytes of a row and of its neighbours fill the banks exactly.
  layout.pitch = layout.turned ? block + 4 : block;
  return layout;
}

int64_t BlockTiling::operandElements(bool left) const {
  TileLayout tile = layout(left);
  return tile.pitch * (tile.rows_of_k ? (left ? block_m : block_n) : block_k);
}

int64_t BlockTiling::sharedBytes() const {
  int64_t tiles = stages * tileElements() * bytes;
  return llvm::alignTo(std::max(tiles, resultRows() * resultPitch() * sum_bytes), 16);
}

int64_t BlockTiling::scratchBytes() const {
  return parts() > 1 ? parts() * resultElements() * sum_bytes : 0;
}

std::string BlockTiling::name() const {
  std::string text =
      (onTensorCores() ? "t" : "b") + std::to_string(block_m) + "x" + std::to_string(block_n);
  if (parts() > 1) text += "s" + std::to_string(parts());
  return text;
}

BlockTiling::Params BlockTiling::params() const {
  BlockTiling copy = *this;
  Params params;
  for (auto [name, value] : Choice::fields(copy)) params.push_back({name, *value});
  return params;
}

BlockTiling BlockTiling::fromParams(graph::DotGeneralOp dot, DictionaryAttr params) {
  BlockTiling tiling = startOf(dot);
  for (auto [name, value] : Choice::fields(tiling))
    *value = params.getAs<IntegerAttr>(name).getInt();
  return tiling;
}

BlockTiling chooseBlockTiling(graph::DotGeneralOp dot, const strategy::Target &target) {
  BlockTiling start = startOf(dot);
  if (target.tf32() && elementOf(dot.getLhs()).isF32()) start.step_k = 8;
  return Choice(start, target).tiling();
}

}  // namespace graven::codegen::gpu
