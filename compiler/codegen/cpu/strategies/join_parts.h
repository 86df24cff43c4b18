// Adding up the parts of a product whose contracted axis was split.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_JOIN_PARTS_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_JOIN_PARTS_H_

#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/tiling.h"

namespace graven::codegen::cpu {

// Emits the stage that adds up the parts' results in ascending order of k and computes what follows
// the product. Scratch memory holds them row-major as (part, matrix, row, column).
void emitJoin(KernelFunction &function, const Tiling &tiling);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_JOIN_PARTS_H_
