// How a matrix product is cut up for a CPU: the register tile, what is packed where, workgroups.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_TILING_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_TILING_H_

#include <string>
#include <utility>

#include "compiler/codegen/cpu/strategies/panel_format.h"
#include "compiler/codegen/loops/gemm_shape.h"
#include "compiler/strategy/target.h"
#include "llvm/Support/MathExtras.h"

namespace graven::codegen::cpu {

// Where a packed copy of an operand is made. The numbers stand in the plan's parameters.
enum class Packing : int64_t {
  kNone = 0,      // the operand is read where it lies
  kStage = 1,     // all of it by a stage of its own, into scratch memory
  kPanel = 2,     // right operand: each panel by the thread that needs it, onto its stack
  kCall = 3,      // right operand: all of it by each thread, onto its stack
  kConstant = 4,  // right operand: by the compiler, as a constant of the artifact
};

// Lengths count elements, but for `bytes`.
struct Tiling {
  GemmShape gemm;                 // with operands exchanged where `turned`
  int64_t bytes = 4;              // of an element as it is computed with
  int64_t lanes = 1;              // of a vector
  int64_t vectors = 1, rows = 1;  // a tile is rows x (vectors * lanes)
  int64_t block_rows = 1;         // of a workgroup: a multiple of the tile's
  int64_t block_columns = 1;      // the same
  Packing lhs = Packing::kNone;
  Packing rhs = Packing::kNone;
  bool pairs = false;  // operands are bf16, packed and multiplied in pairs along k (bf16_pairs.h)
  // Tiles ask memory for what is packed next: the right operand's next panel, or the next `depth`
  // rows of the same one.
  bool fetches = false;
  bool overlaps = false;  // the epilogue of a tile is computed while the next one is multiplied
  // Steps of k that a panel of the right operand holds (kPanel; even with pairs): a longer axis is
  // walked in so many steps at a time, with the sums of all rows of the workgroup on the stack. k
  // where the panel holds all.
  int64_t depth = 0;
  // Stretches of the contracted axis, as long as each other, that a tile walks side by side; what
  // is left of the axis follows them. Each is a stream that the machine asks for ahead.
  int64_t streams = 1;
  // The contracted axis in parts of `part_k` (even with pairs; the last may be shorter): a first
  // stage computes the products of the parts into scratch memory, the main stage adds them up in
  // ascending order.
  int64_t parts = 1, part_k = 0;

  bool isSplit() const { return parts > 1; }
  bool isDeep() const { return depth < gemm.k; }

  int64_t columns() const { return vectors * lanes; }
  // Whether steps of k are not unrolled: one or two rows that read long runs of the matrix.
  bool rolled() const { return rows <= 2 && vectors >= 8; }
  // What a packed operand holds for `length` of k, in elements of `bytes`: a pair counts as one.
  int64_t packedSteps(int64_t length) const { return pairs ? (length + 1) / 2 : length; }
  PanelFormat rhsFormat() const {
    int64_t steps = packedSteps(isSplit() ? part_k : depth);
    // A part's last steps are packed by whole squares.
    if (isSplit() || isDeep()) steps = llvm::alignTo(steps, lanes);
    return {gemm.n, steps, columns(), lanes};
  }
  PanelFormat lhsFormat() const { return {gemm.m, packedSteps(gemm.k), rows, rows}; }
  int64_t rowBlocks() const;
  int64_t columnBlocks() const;
  // Workgroups: row blocks number fastest, then column blocks, then matrices, then parts.
  int64_t grid() const;
  // Panels of all matrices of an operand.
  int64_t packedRhs() const { return gemm.rhsMatrices() * rhsFormat().panels(); }
  int64_t packedLhs() const { return gemm.lhsMatrices() * lhsFormat().panels(); }
  // Panels of an operand that one workgroup of its packing stage (kStage) copies, and workgroups.
  int64_t packedTogether(bool left) const;
  int64_t packingGrid(bool left) const;
  // Where the left operand's panels begin in scratch memory, and its size; in bytes.
  int64_t lhsOffset() const;
  int64_t scratchBytes() const;
  // Workgroups that add up parts, and the rows of each.
  int64_t joinGrid() const;
  int64_t joinRows() const;
  // Stack that packing takes, in bytes; and that of the sums of a workgroup's rows and a panel's
  // columns.
  int64_t stackBytes() const;
  int64_t sumsBytes() const { return isDeep() ? block_rows * columns() * bytes : 0; }
  // "t8x32p": the tile and what is packed, for the kernel's name.
  std::string name() const;

  using Params = llvm::SmallVector<std::pair<std::string, int64_t>>;
  // What a plan must say to get this tiling back.
  Params params() const;
  // The tiling that params() described.
  static Tiling fromParams(graph::DotGeneralOp dot, mlir::DictionaryAttr params);
};

// The cost model. `epilogue` counts operations on each element of the result that follow the
// product; `lhs_constant`, `rhs_constant`: that operand of the op can be packed by the compiler.
// Where `target.forced` names a parameter, that value is taken.
Tiling chooseTiling(graph::DotGeneralOp dot, int64_t epilogue, const strategy::Target &target,
                    bool lhs_constant = false, bool rhs_constant = false);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_TILING_H_
