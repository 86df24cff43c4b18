// The CPU's strategies. The table (table.cc) lists them, most specialised first.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_STRATEGIES_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_STRATEGIES_H_

#include "compiler/strategy/strategy.h"

namespace graven::codegen::cpu {

// Products of few rows with both operands along k: dot products with lanes along k.
extern const strategy::Strategy kDotStrategy;
// One matrix product in register tiles, with what follows from it at the same index.
extern const strategy::Strategy kContractionStrategy;
// One formula over the elements of many tensors.
extern const strategy::Strategy kSegmentsStrategy;
// Reductions of rows, with what leads to and follows from them.
extern const strategy::Strategy kRowStrategy;
// Reductions of columns, with what follows from them.
extern const strategy::Strategy kColumnStrategy;
// Addition into rows by index: workgroups own columns.
extern const strategy::Strategy kScatterStrategy;
// Maps with transposed inputs: squares transposed in registers.
extern const strategy::Strategy kTransposeStrategy;
// Every result element by itself: lanes along the last axis, workgroups of some thousand elements.
extern const strategy::Strategy kMapStrategy;
// Anything: op by op where an op is costly, through scratch memory, each element by itself.
extern const strategy::Strategy kReferenceStrategy;

// All of them, in the order in which they are tried.
strategy::StrategyTable strategies();

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_STRATEGIES_H_
