// Short rows, as many at a time as a vector has lanes.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROWS_BESIDE_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROWS_BESIDE_H_

#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/row_plan.h"

namespace graven::codegen::cpu {

// Emits all rows of a call, by a plan whose rows lie beside each other.
void emitRowsBeside(KernelFunction &function, const RowPlan &plan);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROWS_BESIDE_H_
