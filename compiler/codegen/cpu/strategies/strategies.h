// The CPU's strategies. The table (table.cc) lists them, most specialised first.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_STRATEGIES_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_STRATEGIES_H_

#include "compiler/strategy/strategy.h"

namespace graven::codegen::cpu {

// Every result element by itself: lanes along the last axis, workgroups of some thousand elements.
extern const strategy::Strategy kMapStrategy;
// Anything: op by op where an op is costly, through scratch memory, each element by itself.
extern const strategy::Strategy kReferenceStrategy;

// All of them, in the order in which they are tried.
strategy::StrategyTable strategies();

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_STRATEGIES_H_
