// The GPU's strategies. The table (table.cc) lists them, most specialised first.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_STRATEGIES_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_STRATEGIES_H_

#include "compiler/strategy/strategy.h"

namespace graven::codegen::gpu {

// One formula over the elements of many tensors.
extern const strategy::Strategy kSegmentsStrategy;
// Matrix products of few rows (fast numerics).
extern const strategy::Strategy kDotStrategy;
// Matrix products, with what leads to their operands and follows from them.
extern const strategy::Strategy kContractionStrategy;
// Reductions of rows, with what leads to and follows from them.
extern const strategy::Strategy kRowStrategy;
// Reductions of columns, with what follows from them.
extern const strategy::Strategy kColumnStrategy;
// Addition into rows by index: warps own rows.
extern const strategy::Strategy kScatterStrategy;
// Maps with transposed inputs: squares transposed in shared memory.
extern const strategy::Strategy kTransposeStrategy;
// Every result element by itself: 16 bytes a thread along the last axis.
extern const strategy::Strategy kMapStrategy;
// Anything: op by op where an op is costly, through scratch memory, each element by itself.
extern const strategy::Strategy kReferenceStrategy;

// All of them, in the order in which they are tried.
strategy::StrategyTable strategies();

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_STRATEGIES_H_
