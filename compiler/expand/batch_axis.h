// Where the batch axis of an op's result lies, given where it lies in its operands.
#ifndef GRAVEN_COMPILER_EXPAND_BATCH_AXIS_H_
#define GRAVEN_COMPILER_EXPAND_BATCH_AXIS_H_

#include <optional>

#include "dialect/graph/ir/graph.h"

namespace graven::expand {

// None: the value is the same for every row.
using BatchAxis = std::optional<int64_t>;

struct BatchFlow {
  BatchAxis result;
  // The op sums (or the like) over the rows of operand 0: rows that are not there must be neutral.
  bool reduces = false;
};

// For an op with one result, some operand of which has a batch axis; failure: the op mixes rows in
// a way that no mask undoes.
mlir::FailureOr<BatchFlow> followBatch(mlir::Operation *op, llvm::ArrayRef<BatchAxis> operands);

}  // namespace graven::expand

#endif  // GRAVEN_COMPILER_EXPAND_BATCH_AXIS_H_
