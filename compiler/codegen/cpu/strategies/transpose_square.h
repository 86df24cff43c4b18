// Transposition of a square of elements that lies in registers.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_TRANSPOSE_SQUARE_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_TRANSPOSE_SQUARE_H_

#include "compiler/codegen/loops/emitter.h"

namespace graven::codegen::cpu {

// Emits the transposition of `rows`: as many vectors as a vector has lanes, a power of two. It
// takes log2(lanes) steps; each exchanges blocks of half the size (J. O. Eklundh, "A Fast Computer
// Method for Matrix Transposing", 1972).
void transposeSquare(Emitter &emitter, llvm::MutableArrayRef<mlir::Value> rows);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_TRANSPOSE_SQUARE_H_
