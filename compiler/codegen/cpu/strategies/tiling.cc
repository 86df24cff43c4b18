#include "compiler/codegen/cpu/strategies/tiling.h"

#include "compiler/codegen/cpu/strategies/bf16_pairs.h"
#include "compiler/codegen/loops/rules.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

// Stack that a kernel may take for panels, within what any thread has; the sums of kDeepRows rows
// may take a quarter as much again.
constexpr int64_t kStackBytes = 128 << 10;
// Floating-point operations that are worth a workgroup, and workgroups that are enough.
constexpr int64_t kLeastWork = 1 << 18, kWorkgroups = 16;
// Rows of the result from which on a copy of the right operand, where its rows are contiguous,
// saves more than it costs.
constexpr int64_t kManyRows = 256;

// Rows of the result whose sums a workgroup keeps on the stack while it walks a long contracted
// axis panel by panel.
constexpr int64_t kDeepRows = 256;
// Rows of the result beyond which panels of far rows are wide.
constexpr int64_t kSharedFarRows = 24;
// Rows of a panel that tiles ask for while they meet those before them.
constexpr int64_t kFetchedRows = 128;
// Rows of the result up to which waiting for a panel of the right operand from memory counts.
constexpr int64_t kFewRows = 128;
// Rows up to which tall tiles are better than those whose epilogue overlaps with the next tile.
constexpr int64_t kTallRows = 96;
// Least and most steps of a part of a contracted axis that is split.
constexpr int64_t kLeastPart = 256, kMostPart = 2048;
// Bytes that lie together and are packed at a time.
constexpr int64_t kPackedRun = 256;
// Least tiles of rows that a workgroup keeps in the cache, and the panels of columns they meet.
constexpr int64_t kHeldTiles = 4, kHeldPanels = 16;
// Streams in which a single row's product reads the right operand.
constexpr int64_t kStreams = 16;
// Registers beside those of a tile that its epilogue takes.
constexpr int64_t kEpilogueRegisters = 12;
// Rows of an operand at multiples of so many bytes fall into the same few sets of a cache.
constexpr int64_t kAliasedStride = 2048;

int64_t blocks(int64_t length, int64_t block) {
  return std::max<int64_t>(llvm::divideCeil(length, block), 1);
}

// Fills in a tiling step by step; each step sees what the ones before it chose.
class Choice {
 public:
  // `constant`: the right operand is.
  Choice(const GemmShape &gemm, Type element, int64_t epilogue, const strategy::Target &target,
         bool constant)
      : target_(target),
        epilogue_(epilogue),
        converts_(graph::isNarrowFloat(element)),
        pairs_possible_(hasPairs(element, target)),
        constant_(constant && (!converts_ || pairs_possible_)) {
    t_.gemm = gemm;
    t_.bytes = heldBytes(element);
    turn();
    t_.depth = t_.gemm.k;
    chooseTile();
    choosePairs();
    chooseParts();
    chooseRhs();
    chooseDepth();
    chooseLhs();
    chooseBlocks();
    chooseFetches();
    chooseStreams();
    chooseOverlaps();
  }
  const Tiling &tiling() const { return t_; }

 private:
  // What is forced for `name`, or `chosen`.
  int64_t decide(std::string_view name, int64_t chosen) const {
    return target_.forcedOr("contraction", name, chosen);
  }
  int64_t m() const { return std::max<int64_t>(t_.gemm.m, 1); }
  int64_t n() const { return std::max<int64_t>(t_.gemm.n, 1); }
  int64_t k() const { return std::max<int64_t>(t_.gemm.k, 1); }
  // Of an element as products read it: packed pairs stay as narrow as memory.
  int64_t readBytes() const { return t_.pairs ? 2 : t_.bytes; }
  int64_t rhsBytes() const { return t_.gemm.k * t_.gemm.n * readBytes(); }
  // Whether the right operand comes from memory and few tiles of rows share each part of it.
  bool fewTiles() const { return rhsBytes() > target_.l2_bytes && m() <= kFewRows; }
  // Whether each panel of columns reads a left operand from behind the cache.
  bool streamsLhs() const {
    return m() * k() * readBytes() > 4 * target_.l2_bytes && n() >= 16 * t_.columns();
  }
  bool transposedRhs() const { return !constant_ && t_.gemm.rhs_n != 1 && t_.gemm.n > 1; }

  // Where both operands lie along k, one of them must be transposed for its elements to fill a
  // vector. That is the right one as a rule, since then results come out in rows. Where the left
  // one is far smaller, it is cheaper to exchange the two and to transpose the tiles of the result.
  void turn() {
    const GemmShape &g = t_.gemm;
    bool possible = g.n > 1 && g.m > 1;
    bool pays = transposedRhs() && g.rhs_k == 1 && g.lhs_k == 1 && g.m > 4 && g.m <= 8 &&
                g.n >= 8 * g.m && g.k >= 64;
    if (decide("turned", pays) && possible) t_.gemm = g.turned();
  }

  void chooseTile() {
    auto enough = static_cast<int64_t>(llvm::PowerOf2Ceil(n()));
    t_.lanes = std::min(target_.lanes(t_.bytes), enough);
    int64_t wanted = llvm::divideCeil(n(), t_.lanes);
    // Few rows leave registers for more columns; few columns for more rows.
    // A panel that is transposed should fit the first-level cache all the same.
    bool few = m() <= 4 && !transposedRhs();
    int64_t most = !few ? 2 : 4;
    // One or two rows are a matter of memory, which long runs and whole rows of the matrix bring
    // faster; but where it is large, half of the columns each are for two threads.
    if (few && m() <= 2) {
      bool shared = rhsBytes() > target_.l2_bytes;
      most = std::min<int64_t>(target_.vector_registers / 2 / m(),
                               shared ? llvm::divideCeil(wanted, 2) : wanted);
    }
    // Some tiles that share panels of far rows: longer runs of memory.
    if (readsFarRows() && m() > kSharedFarRows && wanted >= target_.vector_registers)
      most = target_.vector_registers / 8;
    t_.vectors = std::min(wanted, most);
    if (t_.gemm.is_turned) t_.vectors = 1;
    t_.vectors = decide("vectors", t_.vectors);
    int64_t registers = (target_.vector_registers - t_.vectors - 1) / t_.vectors;
    if (t_.gemm.is_turned) {
      // One square, which is transposed at the end. More rows would be more streams in memory.
      t_.rows = t_.lanes;
    } else {
      // Fewer tiles of more rows where each waits for a panel from memory.
      bool tall = t_.vectors == 1 || (fewTiles() && (epilogue_ == 0 || m() <= kTallRows));
      int64_t rows = std::clamp<int64_t>(registers, 1, tall ? 12 : 8);
      // Tiles of nearly the same height.
      t_.rows = llvm::divideCeil(m(), llvm::divideCeil(m(), rows));
    }
    t_.rows = decide("rows", t_.rows);
  }

  // Whether a right operand whose elements do not lie along lanes is worth a copy: gathering
  // straight from it costs less where it is small.
  bool strided() const { return transposedRhs() && k() * n() * t_.gemm.outerCount() > 512; }

  // Pairs pay in any size: where nothing is packed they are made as operands are read.
  void choosePairs() {
    bool possible = pairs_possible_ && t_.lanes >= kLeastPairLanes;
    t_.pairs = possible && decide("pairs", t_.gemm.k > 1);
    if (converts_ && !t_.pairs) constant_ = false;
  }

  // Rows of a panel at multiples of half a page fall into the same few sets of the cache; where
  // they are pages apart, each step of k is a page of its own, which the machine does not foresee.
  bool scattered() const {
    int64_t stride = t_.gemm.rhs_k * readBytes();
    return (stride % kAliasedStride == 0 || stride >= 8192) && t_.gemm.k >= 512;
  }

  // Whether few tiles of rows share panels whose rows come from memory and are far apart. Of a
  // matrix of up to twice the second-level cache much is there yet.
  bool readsFarRows() const {
    return fewTiles() && rhsBytes() > 2 * target_.l2_bytes && t_.gemm.rhs_n == 1 && scattered();
  }

  // A long contracted axis with a small result: each part of it brings as much of both operands as
  // the cache holds, and serves all tiles from there. Storing and adding up a part's result costs
  // about as much as 16 steps of k, and takes scratch memory, at most a quarter of the operands'.
  void chooseParts() {
    const GemmShape &g = t_.gemm;
    int64_t held = target_.l2_bytes / 2 / readBytes() / (m() + t_.columns());
    if (transposedRhs() || t_.pairs)
      held = std::min(held, kStackBytes / (t_.columns() * readBytes()));
    int64_t part_k = std::clamp<int64_t>(held / 64 * 64, kLeastPart, kMostPart);
    // Where several tiles share panels of far rows, and there are enough panels, these are packed
    // instead. A part's left operand is not packed: where its elements must be put together to
    // pairs, for each of many panels, that costs more than a long axis.
    bool packed = scattered() && m() > t_.rows && m() <= kDeepRows && n() >= 32 * t_.lanes;
    bool pays = !target_.strict() && !constant_ && !(t_.pairs && packsToConvert()) && !packed &&
                g.k >= kMostPart && (g.m + g.n) * g.k * readBytes() > target_.l2_bytes &&
                4 * g.m * g.n <= (g.m + g.n) * part_k;
    t_.part_k = g.is_turned ? g.k : decide("part_k", pays ? part_k : g.k);
    if (t_.pairs && t_.part_k < g.k) t_.part_k = llvm::alignTo(t_.part_k, 2);
    t_.parts = t_.part_k ? blocks(g.k, t_.part_k) : 1;
  }

  void chooseRhs() {
    if (t_.isSplit()) {
      // A part's panels lie in the cache: they are packed where elements do not lie along lanes.
      t_.rhs = transposedRhs() || (t_.pairs && m() > t_.rows) ? Packing::kPanel : Packing::kNone;
      return;
    }
    int64_t panel = t_.packedSteps(k()) * t_.columns() * t_.bytes;
    bool beyond_l2 = rhsBytes() > target_.l2_bytes;
    bool large = beyond_l2 && m() >= kManyRows;
    // Packing on the way of the first tile costs next to nothing and asks for memory in time.
    bool held = panel <= kStackBytes || m() <= kDeepRows;
    bool aliased =
        scattered() && t_.gemm.rhs_k * readBytes() % kAliasedStride == 0 && m() >= kManyRows;
    bool far = scattered() && beyond_l2 && m() > 4 && held &&
               (!fewTiles() || rhsBytes() > 2 * target_.l2_bytes);
    Packing packing = Packing::kNone;
    if (constant_ && !t_.gemm.is_turned) {
      packing = Packing::kConstant;
    } else if (t_.gemm.is_turned) {
      packing = t_.rhsFormat().panels() * panel <= kStackBytes && t_.gemm.rhsMatrices() == 1
                    ? Packing::kCall
                    : Packing::kStage;
    } else if (large || aliased || far || strided() || (converts_ && m() > t_.rows)) {
      packing = held ? Packing::kPanel : Packing::kStage;
    }
    t_.rhs = Packing(decide("pack_rhs", int64_t(packing)));
  }

  // Whether tiles ask memory for rows of the same panel that are packed next: few of them at a time
  // fall into the same sets of the cache.
  bool fetchesRows() const {
    return t_.rhs == Packing::kPanel && !t_.pairs && m() > t_.rows && readsFarRows();
  }

  // A panel holds some hundred steps where their successors are asked for meanwhile, or as many as
  // fit the stack, in parts of about the same length.
  void chooseDepth() {
    if (t_.rhs != Packing::kPanel || t_.isSplit()) return;
    int64_t most = kStackBytes / (t_.columns() * t_.bytes) * (t_.pairs ? 2 : 1);
    if (fetchesRows()) most = kFetchedRows;
    int64_t equal = llvm::divideCeil(k(), llvm::divideCeil(k(), most));
    t_.depth = decide("depth", k() <= most ? t_.gemm.k : llvm::alignTo(equal, 2));
  }

  // Packing converts each element once, not once for every panel of columns, or makes pairs of
  // elements that do not lie together.
  bool packsToConvert() const {
    return converts_ && n() > 2 * t_.columns() && !(t_.pairs && t_.gemm.lhs_k == 1);
  }

  void chooseLhs() {
    if (t_.isSplit()) return;
    // Rows of the left operand lie along k in most products. Where they lie across, each step of k
    // is a stride away; at multiples of half a page all of them fall into the same few sets of the
    // cache.
    bool aliased = t_.gemm.lhs_k != 1 && t_.gemm.lhs_k * readBytes() % kAliasedStride == 0 &&
                   t_.gemm.k >= 512 && n() >= 4 * t_.columns();
    // A left operand that each panel of columns reads from behind the cache: a tile's rows are as
    // many streams in memory, in a packed panel they are one, which can be asked for ahead.
    t_.lhs = decide("pack_lhs", aliased || streamsLhs() || packsToConvert()) ? Packing::kStage
                                                                             : Packing::kNone;
  }

  // One panel of columns and all rows at first; more workgroups where that makes too few, fewer
  // where each would be tiny.
  void chooseBlocks() {
    t_.block_rows = llvm::alignTo(m(), t_.rows);
    t_.block_columns = t_.columns();
    if (t_.isSplit()) {
      t_.block_columns = llvm::alignTo(n(), t_.columns());
      while (t_.grid() < kWorkgroups && t_.block_columns > t_.columns())
        t_.block_columns = llvm::alignTo(llvm::divideCeil(t_.block_columns, 2), t_.columns());
      return;
    }
    // Both operands packed, the left one far larger than the cache: rows that fit half of it meet
    // some panels of columns, which come from behind it once for all tiles of these rows.
    int64_t held = target_.l2_bytes / 2 / (k() * readBytes()) / t_.rows * t_.rows;
    bool packed =
        t_.lhs == Packing::kStage && (t_.rhs == Packing::kStage || t_.rhs == Packing::kConstant);
    if (packed && streamsLhs() && held >= kHeldTiles * t_.rows) {
      t_.block_rows = decide("block_rows", std::min(t_.block_rows, held));
      t_.block_columns = decide("block_columns", kHeldPanels * t_.columns());
      return;
    }
    if (t_.isDeep())
      t_.block_rows = std::min<int64_t>(t_.block_rows, llvm::alignTo(kDeepRows, t_.rows));
    auto work = [&] { return t_.block_rows * t_.block_columns * (2 * k() + epilogue_); };
    while (t_.grid() < kWorkgroups && work() >= 2 * kLeastWork && t_.block_rows > t_.rows)
      t_.block_rows = llvm::alignTo(llvm::divideCeil(t_.block_rows, 2), t_.rows);
    // Bytes of the right operand count as operations do, where few rows share them.
    auto moved = [&] { return 2 * t_.block_columns * k() * t_.bytes; };
    while (work() + moved() < kLeastWork && t_.block_columns < n())
      t_.block_columns += t_.columns();
    t_.block_rows = decide("block_rows", t_.block_rows);
    t_.block_columns = decide("block_columns", t_.block_columns);
  }

  // While a panel comes from memory the first tile of rows waits, and the tiles after it would
  // leave memory idle: they ask for what is packed next, where it stays in the cache until then, or
  // for the next panel that the compiler has packed.
  void chooseFetches() {
    const GemmShape &g = t_.gemm;
    bool shared = fewTiles() && m() > t_.rows && t_.rowBlocks() == 1;
    bool packs = t_.rhs == Packing::kPanel && !t_.pairs;
    bool stays = t_.isDeep()    ? fetchesRows()
                 : g.rhs_n == 1 ? g.rhs_k * t_.bytes % kAliasedStride != 0
                                : g.rhs_k == 1 && g.rhs_n == g.k;
    bool pays = shared && ((packs && stays) || t_.rhs == Packing::kConstant);
    t_.fetches = decide("fetches", pays);
  }

  // A single row waits for the matrix. Whole rows of it are foreseen; parts of rows come faster
  // from several places at a time, where the second-level cache holds the matrix or nearly does.
  void chooseStreams() {
    bool possible = !t_.pairs && !t_.isSplit() && !t_.isDeep() && !target_.strict();
    bool pays = m() == 1 && n() > t_.columns() && !transposedRhs() && k() >= 8 * kStreams &&
                2 * rhsBytes() >= target_.l2_bytes && 2 * rhsBytes() <= 3 * target_.l2_bytes;
    t_.streams = possible ? decide("streams", pays ? kStreams : 1) : 1;
  }

  // An epilogue between the steps of the next tile takes units of the machine that these leave
  // idle, if enough registers are left to compute it in, and there is a next tile. To write a tile
  // down and to stop for each row costs as much as some operations, where a row is one vector.
  void chooseOverlaps() {
    int64_t left = target_.vector_registers - t_.vectors * (t_.rows + 1);
    bool pays = epilogue_ > (t_.vectors > 1 ? 0 : 8) && t_.rows * t_.vectors > 4 &&
                left >= kEpilogueRegisters && t_.block_rows >= 2 * t_.rows && k() >= 4 * t_.rows;
    t_.overlaps = decide("overlaps", pays) && !t_.gemm.is_turned && !t_.isSplit() && !t_.isDeep();
  }

  const strategy::Target &target_;
  int64_t epilogue_;
  bool converts_;        // operands are f16 or bf16
  bool pairs_possible_;  // as far as the element and the target go
  bool constant_;        // the right operand can be packed by the compiler
  Tiling t_;
};

}  // namespace

int64_t Tiling::rowBlocks() const { return blocks(gemm.m, block_rows); }
int64_t Tiling::columnBlocks() const { return blocks(gemm.n, block_columns); }

int64_t Tiling::grid() const {
  return gemm.n && gemm.m ? parts * gemm.outerCount() * rowBlocks() * columnBlocks() : 0;
}

int64_t Tiling::joinRows() const { return blocks(gemm.m, kWorkgroups); }
int64_t Tiling::joinGrid() const { return gemm.outerCount() * blocks(gemm.m, joinRows()); }

int64_t Tiling::packedTogether(bool left) const {
  // A run of memory of 256 bytes, where elements of a panel lie together.
  bool runs = (left ? gemm.lhs_m : gemm.rhs_n) == 1 && (left ? gemm.lhs_k : gemm.rhs_k) != 1;
  PanelFormat format = left ? lhsFormat() : rhsFormat();
  int64_t together = std::max<int64_t>(kPackedRun / (format.width * bytes), 1);
  return runs && format.panels() >= kWorkgroups / 2 * together ? together : 1;
}

int64_t Tiling::packingGrid(bool left) const {
  int64_t groups =
      llvm::divideCeil((left ? lhsFormat() : rhsFormat()).panels(), packedTogether(left));
  return groups * (left ? gemm.lhsMatrices() : gemm.rhsMatrices());
}

int64_t Tiling::lhsOffset() const {
  if (rhs != Packing::kStage) return 0;
  return llvm::alignTo(packedRhs() * rhsFormat().panelStride() * bytes, 64);
}

int64_t Tiling::scratchBytes() const {
  if (isSplit()) return parts * gemm.outerCount() * gemm.m * gemm.n * bytes;
  int64_t left = lhs == Packing::kStage ? packedLhs() * lhsFormat().panelStride() * bytes : 0;
  bool any = lhs == Packing::kStage || rhs == Packing::kStage;
  return std::max<int64_t>(lhsOffset() + left, any ? 64 : 0);
}

int64_t Tiling::stackBytes() const {
  int64_t panel = rhsFormat().panelStride() * bytes;
  if (rhs == Packing::kPanel) return panel;
  return rhs == Packing::kCall ? rhsFormat().panels() * panel : 0;
}

std::string Tiling::name() const {
  std::string text = "t" + std::to_string(rows) + "x" + std::to_string(columns());
  if (gemm.is_turned) text += "t";
  if (lhs != Packing::kNone) text += "l";
  if (pairs) text += "b";
  if (isSplit()) text += "k" + std::to_string(part_k);
  if (isDeep()) text += "d" + std::to_string(depth);
  if (rhs != Packing::kNone) text += rhs == Packing::kConstant ? "c" : "p";
  return text;
}

Tiling::Params Tiling::params() const {
  return {{"rows", rows},
          {"vectors", vectors},
          {"lanes", lanes},
          {"block_rows", block_rows},
          {"block_columns", block_columns},
          {"pack_lhs", static_cast<int64_t>(lhs)},
          {"pack_rhs", static_cast<int64_t>(rhs)},
          {"turned", gemm.is_turned},
          {"pairs", pairs},
          {"fetches", fetches},
          {"streams", streams},
          {"depth", depth},
          {"overlaps", overlaps},
          {"part_k", part_k}};
}

Tiling Tiling::fromParams(graph::DotGeneralOp dot, DictionaryAttr params) {
  auto param = [&](StringRef name) { return params.getAs<IntegerAttr>(name).getInt(); };
  Tiling tiling;
  tiling.gemm = *gemmShapeOf(dot);
  if (param("turned")) tiling.gemm = tiling.gemm.turned();
  tiling.bytes = heldBytes(elementOf(dot.getLhs()));
  tiling.rows = param("rows");
  tiling.vectors = param("vectors");
  tiling.lanes = param("lanes");
  tiling.block_rows = param("block_rows");
  tiling.block_columns = param("block_columns");
  tiling.lhs = Packing(param("pack_lhs"));
  tiling.rhs = Packing(param("pack_rhs"));
  tiling.pairs = param("pairs");
  tiling.fetches = param("fetches");
  tiling.streams = param("streams");
  tiling.depth = param("depth");
  tiling.overlaps = param("overlaps");
  tiling.part_k = param("part_k");
  tiling.parts = tiling.part_k ? blocks(tiling.gemm.k, tiling.part_k) : 1;
  return tiling;
}

Tiling chooseTiling(graph::DotGeneralOp dot, int64_t epilogue, const strategy::Target &target,
                    bool lhs_constant, bool rhs_constant) {
  GemmShape gemm = *gemmShapeOf(dot);
  bool constant = gemm.swapped ? lhs_constant : rhs_constant;
  return Choice(gemm, elementOf(dot.getLhs()), epilogue, target, constant).tiling();
}

}  // namespace graven::codegen::cpu
