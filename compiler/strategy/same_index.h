// Which inputs of a kernel may lie where an output is written.
#ifndef GRAVEN_COMPILER_STRATEGY_SAME_INDEX_H_
#define GRAVEN_COMPILER_STRATEGY_SAME_INDEX_H_

#include <utility>

#include "dialect/kernel/kernel.h"
#include "llvm/ADT/SmallVector.h"

namespace graven::strategy {

// Pairs (input, output) of equal size in elements and bytes such that the input is read by way of
// elementwise ops and reshapes alone: its element is read only to compute elements of the outputs
// with the same row-major number. A strategy may promise these pairs if it computes all outputs of
// one number together, and reads before it writes.
//
// `reduced` is for row kernels, which read a whole row before they write any of it: values whose
// shape is `space`, or that of one value a row, count as read at the same place when they are read
// anywhere in the same row. It is the number of last axes that are reduced; 0 elsewhere.
llvm::SmallVector<std::pair<int64_t, int64_t>> sameIndexPairs(mlir::Block &body,
                                                              llvm::ArrayRef<int64_t> space = {},
                                                              int64_t reduced = 0);

// Whether `shape` is that of one value a row: the space's axes that are not reduced, perhaps
// followed by axes of length 1.
bool isOnePerRow(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> space, int64_t reduced);

// Whether `op` needs of `operand` (of the space's shape, or one value a row) only what lies in the
// row of its result.
bool staysInRow(mlir::Operation *op, mlir::Value operand, llvm::ArrayRef<int64_t> space,
                int64_t reduced);

}  // namespace graven::strategy

#endif  // GRAVEN_COMPILER_STRATEGY_SAME_INDEX_H_
