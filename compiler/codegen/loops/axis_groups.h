// Which axes of a shape can be walked through as one.
#ifndef GRAVEN_COMPILER_CODEGEN_LOOPS_AXIS_GROUPS_H_
#define GRAVEN_COMPILER_CODEGEN_LOOPS_AXIS_GROUPS_H_

#include "compiler/codegen/loops/emitter.h"
#include "compiler/strategy/target.h"

namespace graven::codegen {

// Consecutive axes of one shape in groups: nothing that leads to the values asks for one axis out
// of a group.
struct AxisGroups {
  llvm::SmallVector<int64_t> groups;   // axes in each
  llvm::SmallVector<int64_t> lengths;  // elements in each; the last one's is not 1 if another's is
};

// Groups for computing `values` (all of one shape) and what leads to them. `stored`: values that
// lie in memory besides block arguments.
AxisGroups groupAxes(mlir::ValueRange values,
                     llvm::function_ref<bool(mlir::Value)> stored = nullptr);

// The point at index `column` of the last group, and `row`, row-major, of all others.
Point groupedPoint(Emitter &emitter, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> groups,
                   const Index &row, const Index &column);

// Lanes for a computation of these values and what leads to them, along an axis of `length`.
int64_t lanesFor(mlir::Block &body, const strategy::Target &target, int64_t length);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_LOOPS_AXIS_GROUPS_H_
