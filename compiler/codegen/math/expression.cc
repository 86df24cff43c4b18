#include "compiler/codegen/math/expression.h"

#include "compiler/codegen/math/instruction.h"

#include "llvm/ADT/APFloat.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/TypeUtilities.h"

namespace graven::codegen {
namespace {

namespace arith = mlir::arith;
namespace math = mlir::math;

mlir::Attribute splat(mlir::Type type, mlir::TypedAttr element) {
  if (auto shaped = llvm::dyn_cast<mlir::ShapedType>(type))
    return mlir::DenseElementsAttr::get(shaped, mlir::Attribute(element));
  return element;
}

mlir::Value constant(const Scope &scope, mlir::Type type, mlir::TypedAttr element) {
  return arith::ConstantOp::create(scope.builder(), scope.loc(), type,
                                   llvm::cast<mlir::TypedAttr>(splat(type, element)));
}

template <typename Op, typename T>
T binary(T a, T b) {
  const Scope &scope = *a.scope;
  return {{&scope, Op::create(scope.builder(), scope.loc(), a.value, b.value).getResult()}};
}

template <typename Op>
Real unary(Real a) {
  return {{a.scope, Op::create(a.scope->builder(), a.scope->loc(), a.value).getResult()}};
}

Mask compare(arith::CmpFPredicate predicate, Real a, Real b) {
  const Scope &scope = *a.scope;
  return {{&scope, arith::CmpFOp::create(scope.builder(), scope.loc(), predicate, a.value, b.value)
                       .getResult()}};
}

Mask compare(arith::CmpIPredicate predicate, Int a, int64_t b) {
  const Scope &scope = *a.scope;
  return {{&scope, arith::CmpIOp::create(scope.builder(), scope.loc(), predicate, a.value,
                                         scope.integer(b).value)
                       .getResult()}};
}

template <typename T>
T choose(Mask condition, T yes, T no) {
  const Scope &scope = *yes.scope;
  return {{&scope, arith::SelectOp::create(scope.builder(), scope.loc(), condition.value, yes.value,
                                           no.value)
                       .getResult()}};
}

template <typename Op, typename T, typename From>
T convert(From a, const Scope &scope, mlir::Type type) {
  return {{&scope, Op::create(scope.builder(), scope.loc(), type, a.value).getResult()}};
}

}  // namespace

Scope::Scope(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, bool scales)
    : builder_(builder),
      loc_(loc),
      type_(type),
      double_(mlir::getElementTypeOrSelf(type).isF64()),
      scales_(scales) {}

Scope Scope::widened() const { return Scope(builder_, loc_, like(builder_.getF64Type()), scales_); }

mlir::Type Scope::like(mlir::Type element) const {
  if (auto vector = llvm::dyn_cast<mlir::VectorType>(type_))
    return mlir::VectorType::get(vector.getShape(), element, vector.getScalableDims());
  return element;
}

Real Scope::real(double value) const {
  auto type = llvm::cast<mlir::FloatType>(mlir::getElementTypeOrSelf(type_));
  llvm::APFloat number(value);
  bool inexact = false;
  number.convert(type.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &inexact);
  return wrap(constant(*this, type_, mlir::FloatAttr::get(type, number)));
}

Int Scope::integer(int64_t value) const {
  mlir::Type type = intType();
  auto element = llvm::cast<mlir::IntegerType>(mlir::getElementTypeOrSelf(type));
  return {{this, constant(*this, type,
                          mlir::IntegerAttr::get(element, llvm::APInt(element.getWidth(), value,
                                                                      /*isSigned=*/true,
                                                                      /*implicitTrunc=*/true)))}};
}

Real operator+(Real a, Real b) { return binary<arith::AddFOp>(a, b); }
Real operator-(Real a, Real b) { return binary<arith::SubFOp>(a, b); }
Real operator*(Real a, Real b) { return binary<arith::MulFOp>(a, b); }
Real operator/(Real a, Real b) { return binary<arith::DivFOp>(a, b); }
Real operator-(Real a) { return unary<arith::NegFOp>(a); }
Real operator+(Real a, double b) { return a + a.scope->real(b); }
Real operator+(double a, Real b) { return b.scope->real(a) + b; }
Real operator-(Real a, double b) { return a - a.scope->real(b); }
Real operator-(double a, Real b) { return b.scope->real(a) - b; }
Real operator*(Real a, double b) { return a * a.scope->real(b); }
Real operator*(double a, Real b) { return b.scope->real(a) * b; }
Real operator/(double a, Real b) { return b.scope->real(a) / b; }

Real fma(Real a, Real b, Real c) {
  const Scope &scope = *a.scope;
  return {
      {&scope,
       math::FmaOp::create(scope.builder(), scope.loc(), a.value, b.value, c.value).getResult()}};
}
Real fma(Real a, double b, Real c) { return fma(a, a.scope->real(b), c); }
Real fma(Real a, Real b, double c) { return fma(a, b, a.scope->real(c)); }
Real fma(Real a, double b, double c) { return fma(a, a.scope->real(b), a.scope->real(c)); }
Real sqrt(Real a) { return unary<math::SqrtOp>(a); }
Real abs(Real a) { return unary<math::AbsFOp>(a); }
Real copysign(Real magnitude, Real sign) { return binary<math::CopySignOp>(magnitude, sign); }
Real floor(Real a) { return unary<math::FloorOp>(a); }

Mask operator<(Real a, Real b) { return compare(arith::CmpFPredicate::OLT, a, b); }
Mask operator<(Real a, double b) { return a < a.scope->real(b); }
Mask operator<=(Real a, double b) {
  return compare(arith::CmpFPredicate::OLE, a, a.scope->real(b));
}
Mask operator>(Real a, double b) { return compare(arith::CmpFPredicate::OGT, a, a.scope->real(b)); }
Mask operator>=(Real a, Real b) { return compare(arith::CmpFPredicate::OGE, a, b); }
Mask operator>=(Real a, double b) { return a >= a.scope->real(b); }
Mask operator==(Real a, Real b) { return compare(arith::CmpFPredicate::OEQ, a, b); }
Mask operator==(Real a, double b) { return a == a.scope->real(b); }
Mask isNan(Real a) { return compare(arith::CmpFPredicate::UNO, a, a); }
Mask operator&&(Mask a, Mask b) { return binary<arith::AndIOp>(a, b); }
Mask operator||(Mask a, Mask b) { return binary<arith::OrIOp>(a, b); }
Mask operator!(Mask a) {
  const Scope &scope = *a.scope;
  mlir::Value truth = constant(scope, a.value.getType(), scope.builder().getBoolAttr(true));
  return {
      {&scope, arith::XOrIOp::create(scope.builder(), scope.loc(), a.value, truth).getResult()}};
}

Mask any(Mask a) {
  auto shape = llvm::dyn_cast<mlir::VectorType>(a.value.getType());
  if (!shape) return a;
  mlir::OpBuilder &builder = a.scope->builder();
  mlir::Location loc = a.scope->loc();
  mlir::Value flat = a.value;
  if (shape.getRank() != 1)
    flat = mlir::vector::ShapeCastOp::create(
        builder, loc, mlir::VectorType::get({shape.getNumElements()}, builder.getI1Type()), flat);
  return {{a.scope,
           mlir::vector::ReductionOp::create(builder, loc, mlir::vector::CombiningKind::OR, flat)
               .getResult()}};
}

Real select(Mask condition, Real yes, Real no) { return choose(condition, yes, no); }
Real select(Mask condition, double yes, Real no) {
  return choose(condition, no.scope->real(yes), no);
}
Int select(Mask condition, Int yes, Int no) { return choose(condition, yes, no); }

Int operator+(Int a, Int b) { return binary<arith::AddIOp>(a, b); }
Int operator+(Int a, int64_t b) { return a + a.scope->integer(b); }
Int operator-(Int a, Int b) { return binary<arith::SubIOp>(a, b); }
Int operator-(int64_t a, Int b) { return b.scope->integer(a) - b; }
Int operator*(Int a, Int b) { return binary<arith::MulIOp>(a, b); }
Int operator&(Int a, Int b) { return binary<arith::AndIOp>(a, b); }
Int operator&(Int a, int64_t b) { return a & a.scope->integer(b); }
Int operator|(Int a, Int b) { return binary<arith::OrIOp>(a, b); }
Int operator|(Int a, int64_t b) { return a | a.scope->integer(b); }
Int operator^(Int a, Int b) { return binary<arith::XOrIOp>(a, b); }
Int operator<<(Int a, Int bits) { return binary<arith::ShLIOp>(a, bits); }
Int operator<<(Int a, int64_t bits) { return a << a.scope->integer(bits); }
Int operator>>(Int a, int64_t bits) { return binary<arith::ShRSIOp>(a, a.scope->integer(bits)); }
Int shiftRightUnsigned(Int a, Int bits) { return binary<arith::ShRUIOp>(a, bits); }
Int shiftRightUnsigned(Int a, int64_t bits) {
  return shiftRightUnsigned(a, a.scope->integer(bits));
}
Mask operator==(Int a, int64_t b) { return compare(arith::CmpIPredicate::eq, a, b); }
Mask operator!=(Int a, int64_t b) { return compare(arith::CmpIPredicate::ne, a, b); }
Mask lessThan(Int a, int64_t b) { return compare(arith::CmpIPredicate::slt, a, b); }

Int bitsOf(Real a) { return convert<arith::BitcastOp, Int>(a, *a.scope, a.scope->intType()); }
Real fromBits(Int a) { return convert<arith::BitcastOp, Real>(a, *a.scope, a.scope->realType()); }
Real toReal(Int a) { return convert<arith::SIToFPOp, Real>(a, *a.scope, a.scope->realType()); }
Real widen(Real a, const Scope &wide) {
  return convert<arith::ExtFOp, Real>(a, wide, wide.realType());
}
Real narrow(Real a, const Scope &scope) {
  return convert<arith::TruncFOp, Real>(a, scope, scope.realType());
}

Real polynomial(Real x, llvm::ArrayRef<double> coefficients) {
  Real sum = x.scope->real(coefficients.back());
  for (double coefficient : llvm::reverse(coefficients.drop_back())) sum = fma(sum, x, coefficient);
  return sum;
}

Real powerOfTwo(Int k) {
  return fromBits((k + k.scope->exponentBias()) << k.scope->mantissaBits());
}

Rounded roundProduct(Real a, double b) {
  // Adding 1.5 2^p, p the number of mantissa bits, leaves the nearest integer in the low bits.
  const Scope &scope = *a.scope;
  double magic = scope.isDouble() ? 0x1.8p52 : 0x1.8p23;
  Real shifted = fma(a, b, magic);
  return {shifted - magic, bitsOf(shifted) - bitsOf(scope.real(magic))};
}

Real scaleByPowerOfTwo(Real a, Rounded k) {
  if (a.scope->hasScaling()) return onElements(kScale, {a, k.real});
  // Two factors, each a normal number; the first product is exact when |a| is near 1, the second
  // rounds once.
  Int half = k.integer >> 1;
  return a * powerOfTwo(half) * powerOfTwo(k.integer - half);
}

Pair fastTwoSum(Real larger, Real smaller) {
  Real sum = larger + smaller;
  return {sum, smaller - (sum - larger)};
}

Pair twoSum(Real a, Real b) {
  Real sum = a + b;
  Real b_part = sum - a;
  Real a_part = sum - b_part;
  return {sum, (a - a_part) + (b - b_part)};
}

Pair twoProduct(Real a, Real b) {
  Real product = a * b;
  return {product, fma(a, b, -product)};
}

}  // namespace graven::codegen
