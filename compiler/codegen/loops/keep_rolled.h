// Loops that stay loops.
#ifndef GRAVEN_COMPILER_CODEGEN_LOOPS_KEEP_ROLLED_H_
#define GRAVEN_COMPILER_CODEGEN_LOOPS_KEEP_ROLLED_H_

#include "mlir/IR/Value.h"

namespace graven::codegen {

// Says that the loop whose result `carried` is must not be unrolled by what compiles it further: by
// an assembler that would read ahead in all turns and run out of registers, or into loads that are
// too many, with strides too long, for a cache to foresee.
void keepRolled(mlir::Value carried);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_LOOPS_KEEP_ROLLED_H_
