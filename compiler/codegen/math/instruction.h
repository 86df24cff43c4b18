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

// The nearest integer, ties to the even one.
inline constexpr Instruction kNearestInteger = {
    .name = "mask.rndscale", .rounds = true, .immediate = 0};
// The smaller magnitude of two with the first one's sign; where one is NaN, the other.
inline constexpr Instruction kSmaller = {.name = "mask.range", .rounds = true, .immediate = 0b0010};
// a 2^k of a and an integral k: rounded once, 0 and infinity where k is infinite.
inline constexpr Instruction kScale = {.name = "mask.scalef", .rounds = true};

// `instruction` on each element of `operands` (f32, one shape, any shape).
Real onElements(Instruction instruction, llvm::ArrayRef<Real> operands);

// 16 numbers of f32, a register of 512 bits.
using Row16 = double[16];

// row[index mod 16] for each element, by vpermps.
Real lookUp(Int index, const Row16 &row);
// A polynomial whose coefficients each element looks up; `coefficients` in ascending order.
Real piecewisePolynomial(Real x, Int index, llvm::ArrayRef<Row16> coefficients);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_MATH_INSTRUCTION_H_
