// Instructions of AVX-512 that the formulas use where the machine has them.
#ifndef GRAVEN_COMPILER_CODEGEN_MATH_INSTRUCTION_H_
#define GRAVEN_COMPILER_CODEGEN_MATH_INSTRUCTION_H_

#include <optional>

#include "compiler/codegen/math/expression.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace graven::codegen {

// LLVM's intrinsic llvm.x86.avx512.NAME.ps.BITS, which takes its operands, then a constant if there
// is one, then what lanes outside a mask keep, then the mask.
struct Instruction {
  llvm::StringRef name;
  bool rounds = false;  // its form of 512 bits takes a rounding mode behind the mask
  std::optional<int> immediate = std::nullopt;
};

// `instruction` on each element of `operands` (f32, one shape, any shape).
Real onElements(Instruction instruction, llvm::ArrayRef<Real> operands);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_MATH_INSTRUCTION_H_
