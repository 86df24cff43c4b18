// What the passes of `schedule` ask of values and of the finished plan.
#ifndef GRAVEN_COMPILER_SCHEDULE_MEMORY_H_
#define GRAVEN_COMPILER_SCHEDULE_MEMORY_H_

#include <optional>

#include "dialect/graph/ir/graph.h"
#include "dialect/plan/plan.h"
#include "mlir/IR/BuiltinOps.h"

namespace graven::schedule {

// The elements of a typed constant, however its value was written.
mlir::ElementsAttr elementsOf(graph::ConstantOp constant);

// The byte that fills all of the constant's memory, where there is one.
std::optional<uint8_t> fillByteOf(graph::ConstantOp constant);

// The value whose memory `value` is: reshapes move nothing.
mlir::Value storageOf(mlir::Value value);

// Bytes that the caller's arguments and results of a program take.
int64_t argumentBytes(plan::ProgramOp program);
int64_t resultBytes(plan::ProgramOp program);

// Peak memory of training with a scheduled module: state, metrics, constants, and the largest sum
// of arena, arguments and results over the entries called train_step (over all entries where there
// is none).
int64_t trainingBytes(mlir::ModuleOp module);

}  // namespace graven::schedule

#endif  // GRAVEN_COMPILER_SCHEDULE_MEMORY_H_
