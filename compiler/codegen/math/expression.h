// Values with operators, so that an elementary function reads as the formula it is.
//
// A Scope says where ops go and of which type the function is: f32, f64, or a vector of either. The
// wrappers Real, Int and Mask hold SSA values of that shape; numbers mix in as splat constants.
//
//   Real r = fma(k, -kLn2High, x);          // x - k ln2
//   Real p = polynomial(r, {0.5, 0.1666});  // Horner, with fma
//   return select(x > 88.7, scope.real(INFINITY), p);
#ifndef GRAVEN_COMPILER_CODEGEN_MATH_EXPRESSION_H_
#define GRAVEN_COMPILER_CODEGEN_MATH_EXPRESSION_H_

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace graven::codegen {

class Scope;

// Common part of the wrappers. Copyable; valid while its Scope lives.
struct Operand {
  const Scope *scope = nullptr;
  mlir::Value value;
};
struct Real : Operand {};  // floating point, of the scope's type
struct Int : Operand {};   // integers of the same width and shape
struct Mask : Operand {};  // i1 of the same shape

// Where expressions are built, their type, and what the machine has.
class Scope {
 public:
  // `scales`: the machine has vscalefps, see onElements (instruction.h).
  Scope(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, bool scales = false);
  // The same place, with element type f64.
  Scope widened() const;

  bool isDouble() const { return double_; }
  // Whether one instruction computes a 2^k.
  bool hasScaling() const { return scales_ && !double_; }
  int mantissaBits() const { return double_ ? 52 : 23; }  // explicit ones
  int exponentBias() const { return double_ ? 1023 : 127; }
  mlir::Type realType() const { return type_; }
  mlir::Type intType() const { return like(builder_.getIntegerType(double_ ? 64 : 32)); }
  mlir::OpBuilder &builder() const { return builder_; }
  mlir::Location loc() const { return loc_; }
  // `element`, or a vector of it shaped as the scope's type.
  mlir::Type like(mlir::Type element) const;

  Real wrap(mlir::Value value) const { return {{this, value}}; }
  // Splat constants; a real is rounded to the element type.
  Real real(double value) const;
  Int integer(int64_t value) const;

 private:
  mlir::OpBuilder &builder_;
  mlir::Location loc_;
  mlir::Type type_;
  bool double_;
  bool scales_;
};

// Arithmetic. Never contracted or reassociated: what is written is what is computed.
Real operator+(Real a, Real b);
Real operator-(Real a, Real b);
Real operator*(Real a, Real b);
Real operator/(Real a, Real b);
Real operator-(Real a);
Real operator+(Real a, double b);
Real operator+(double a, Real b);
Real operator-(Real a, double b);
Real operator-(double a, Real b);
Real operator*(Real a, double b);
Real operator*(double a, Real b);
Real operator/(double a, Real b);
// a * b + c, rounded once.
Real fma(Real a, Real b, Real c);
Real fma(Real a, double b, Real c);
Real fma(Real a, Real b, double c);
Real fma(Real a, double b, double c);
Real sqrt(Real a);  // correctly rounded
Real abs(Real a);
Real copysign(Real magnitude, Real sign);
Real floor(Real a);

// Ordered comparisons: false where an operand is NaN.
Mask operator<(Real a, Real b);
Mask operator<(Real a, double b);
Mask operator<=(Real a, double b);
Mask operator>(Real a, double b);
Mask operator>=(Real a, double b);
Mask operator>=(Real a, Real b);
Mask operator==(Real a, double b);
Mask operator==(Real a, Real b);
Mask isNan(Real a);
Mask operator&&(Mask a, Mask b);
Mask operator||(Mask a, Mask b);
Mask operator!(Mask a);
// Whether any lane is set, as one i1.
Mask any(Mask a);

Real select(Mask condition, Real yes, Real no);
Real select(Mask condition, double yes, Real no);
Int select(Mask condition, Int yes, Int no);

// Integers wrap.
Int operator+(Int a, Int b);
Int operator+(Int a, int64_t b);
Int operator-(Int a, Int b);
Int operator-(int64_t a, Int b);
Int operator*(Int a, Int b);
Int operator&(Int a, int64_t b);
Int operator&(Int a, Int b);
Int operator|(Int a, Int b);
Int operator|(Int a, int64_t b);
Int operator^(Int a, Int b);
Int operator<<(Int a, int64_t bits);
Int operator<<(Int a, Int bits);
Int operator>>(Int a, int64_t bits);  // arithmetic
Int shiftRightUnsigned(Int a, int64_t bits);
Int shiftRightUnsigned(Int a, Int bits);
Mask operator==(Int a, int64_t b);
Mask operator!=(Int a, int64_t b);
Mask lessThan(Int a, int64_t b);  // signed

// Reinterpretation and conversion.
Int bitsOf(Real a);
Real fromBits(Int a);
Real toReal(Int a);                       // nearest
Real widen(Real a, const Scope &wide);    // f32 -> f64, exact
Real narrow(Real a, const Scope &scope);  // f64 -> f32, nearest

// c[0] + c[1] x + c[2] x^2 + ..., by Horner's rule with fma.
Real polynomial(Real x, llvm::ArrayRef<double> coefficients);
// 2^k for k in the exponent range of normal numbers.
Real powerOfTwo(Int k);
// An integer as a real and as an integer.
struct Rounded {
  Real real;
  Int integer;
};
// The integer nearest to a b, for |a b| < 2^21.
Rounded roundProduct(Real a, double b);
// a 2^k for |a| near 1, correct also where the result overflows or is subnormal (rounded once);
// |k| < 2^8 for f32, 2^11 for f64.
Real scaleByPowerOfTwo(Real a, Rounded k);

// Error-free transformations: high + low equals the exact result.
struct Pair {
  Real high, low;
};
Pair fastTwoSum(Real larger, Real smaller);
Pair twoSum(Real a, Real b);
Pair twoProduct(Real a, Real b);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_MATH_EXPRESSION_H_
