// What devices have in common in kernels of one kind: which axes are walked through how.
//
// A strategy asks for the space of a kernel's region; nothing means that the region is not of this
// kind. How a space is cut into workgroups is each device's business.
#ifndef GRAVEN_COMPILER_CODEGEN_LOOPS_KERNEL_SPACES_H_
#define GRAVEN_COMPILER_CODEGEN_LOOPS_KERNEL_SPACES_H_

#include <optional>

#include "dialect/graph/ir/graph.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

namespace graven::codegen {

// Reductions of rows and what leads to and follows from them.
struct RowSpace {
  llvm::SmallVector<int64_t> space;  // shape of what is reduced
  int64_t reduced = 0;               // number of last axes that are reduced
  // Number of first axes that are reduced too: rows that differ in them alone are joined to one
  // result. `outer` of them make one, `results` apart.
  int64_t leading = 0;
  int64_t outer = 1, results = 1;
  int64_t rows = 1, columns = 1;
  // Reductions by level: those of one level need nothing but those of the levels before.
  llvm::SmallVector<llvm::SmallVector<mlir::Operation *>> levels;
  bool has_full_output = false;

  bool isFull(mlir::Value value) const {
    return mlir::cast<mlir::RankedTensorType>(value.getType()).getShape() ==
           llvm::ArrayRef<int64_t>(space);
  }
};
std::optional<RowSpace> rowSpaceOf(mlir::Block &body);

// For every op of the space's body that leads to more than reductions' scalars: the passes over a
// row in which its value is wanted. Pass k is that of the reductions of level k, the pass behind
// the last of them that of the outputs.
llvm::DenseMap<mlir::Value, llvm::SmallVector<int64_t, 4>> passesOf(mlir::Block &body,
                                                                    const RowSpace &space);

// Reductions over axes in front of the last. The axes in front of the reduced ones number matrices
// of `rows` x `columns`, whose rows are joined.
struct ColumnSpace {
  llvm::SmallVector<int64_t> space;
  int64_t before = 0;   // number of axes in front of the reduced ones
  int64_t reduced = 0;  // number of axes that are reduced
  int64_t matrices = 1, rows = 1, columns = 1;
  llvm::SmallVector<mlir::Operation *> reductions;

  int64_t results() const { return matrices * columns; }
};
std::optional<ColumnSpace> columnSpaceOf(mlir::Block &body);

// One scatter_add, whose result is the only output. The result's axes before `axis`, along it, and
// behind it make `matrices` x `rows` x `columns`.
struct ScatterSpace {
  graph::ScatterAddOp op;
  int64_t axis = 0;
  int64_t matrices = 1, rows = 1, columns = 1;
  int64_t updates = 1;  // indices
};
std::optional<ScatterSpace> scatterSpaceOf(mlir::Block &body);

// A map some of whose inputs, of elements of `bytes` (4 or more), are read with their last axis
// elsewhere.
struct TransposeSpace {
  llvm::SmallVector<int64_t> shape;  // of the results
  llvm::SmallVector<int64_t>
      permutation;  // axis i of the result is axis permutation[i] of the input
  llvm::SmallVector<graph::TransposeOp> transposed;
  int64_t axis = 0;  // of the result, the input's last one
  int64_t bytes = 0;

  int64_t rows() const { return shape[axis]; }
  int64_t columns() const { return shape.back(); }
  // Of the other axes.
  int64_t outer() const;
};
std::optional<TransposeSpace> transposeSpaceOf(mlir::Block &body);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_LOOPS_KERNEL_SPACES_H_
