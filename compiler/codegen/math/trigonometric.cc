// sin and cos.
//
// |x| = k pi/2 + r with |r| <= pi/4. Up to 2^15 (f32) or 2^27 (f64): Cody and Waite's reduction
// with pi/2 in three parts; above, in a branch that is taken when a lane needs it: Payne and
// Hanek's, the product of x with the bits of 2/pi that matter, in integers. r comes with its
// rounding error. sin(r) = r + r^3 S(r^2), cos(r) = 1 - r^2/2 + r^4 C(r^2): minimax approximations
// found by Remez's exchange algorithm in 220-bit arithmetic and rounded to the element type.
//
// Fast, up to 2^15: x = k pi + r for sin, x = (k + 1/2) pi + r for cos, |r| <= pi/2, the result
// sin(r) or -sin(r); r by three fused operations, of which the first is exact. Above as precise.
#include <limits>

#include "compiler/codegen/math/expand_math.h"
#include "compiler/codegen/math/instruction.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace graven::codegen {
namespace {

// Relative errors 2^-32, 2^-61; 2^-35, 2^-66.
constexpr double kSin32[] = {-0.166666672, 0.0083333794, -0.000198531299, 2.83332065e-6};
constexpr double kSin64[] = {-0.16666666666666666,  0.0083333333333330418,  -0.0001984126984096173,
                             2.7557319073455856e-6, -2.5052070753456847e-8, 1.6054286396983561e-10,
                             -7.388057697962475e-13};
constexpr double kCos32[] = {0.0416666679, -0.001388898, 2.48218093e-5, -2.88594748e-7};
constexpr double kCos64[] = {
    0.041666666666666664,  -0.0013888888888888389,  2.4801587301181258e-5, -2.7557319060945726e-7,
    2.0876722083233171e-9, -1.1466871795915242e-11, 4.5932010095234599e-14};

// (sin(r) - r) / r^3 for |r| <= pi/2; relative error of sin 2^-27.
constexpr double kFastSin[] = {-0.166666597, 0.00833306927, -0.000198097739, 2.60608181e-6};

constexpr double kOneOverPi = 0x1.45f306dc9c883p-2;
// pi in three parts, each cut off, so that all are positive and x - 0 pi keeps the sign of a zero.
constexpr double kPi32[] = {0x1.921fb4p+1, 0x1.4442dp-23, 0x1.8469898p-47};
constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
constexpr double kHalfPi32[] = {0x1.921fb6p+0, -0x1.777a5cp-25, -0x1.ee59dap-50};
constexpr double kHalfPi64[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54,
                                -0x1.f1976b7ed8fbcp-110};

// The binary digits of 2/pi after a word of zeros: digit i (weight 2^-i) is bit 63 - (i + 63) % 64
// of word (i + 63) / 64.
constexpr uint64_t kTwoOverPiBits[] = {0,
                                       0xa2f9836e4e441529,
                                       0xfc2757d1f534ddc0,
                                       0xdb6295993c439041,
                                       0xfe5163abdebbc561,
                                       0xb7246e3a424dd2e0,
                                       0x06492eea09d1921c,
                                       0xfe1deb1cb129a73e,
                                       0xe88235f52ebb4484,
                                       0xe99c7026b45f7e41,
                                       0x3991d639835339f4,
                                       0x9c845f8bbdf9283b,
                                       0x1ff897ffde05980f,
                                       0xef2f118b5a0a6d1f,
                                       0x6d367ecf27cb09b7,
                                       0x4f463f669e5fea2d,
                                       0x7527bac7ebe5f17b,
                                       0x3d0739f78a5292ea,
                                       0x6bfb5fb11f8d5d08,
                                       0x56033046fc7b6bab};

// An angle modulo 2 pi: quadrant pi/2 + (r + tail); only quadrant % 4 matters.
struct Angle {
  Int quadrant;
  Real r, tail;
};

Angle reduceModerate(const Scope &scope, Real size) {
  llvm::ArrayRef<double> half_pi(scope.isDouble() ? kHalfPi64 : kHalfPi32);
  Rounded k = roundProduct(size, kTwoOverPi);
  Real first = fma(k.real, -half_pi[0], size);  // exact
  Pair second = twoProduct(k.real, scope.real(half_pi[1]));
  // Near a multiple of pi/2 the two are of one size and cancel.
  Pair r = twoSum(first, -second.high);
  return {k.integer, r.high, (r.low - second.low) - k.real * half_pi[2]};
}

// For f64, |x| >= 2^-10 and finite; elsewhere the result is arbitrary but harmless.
Angle reduceLarge(const Scope &scope, Real size) {
  // size = m 2^e with 53-bit m. Digits of 2/pi before e - 1 contribute multiples of 4 quadrants;
  // the 192 digits from there on leave an error below 2^-136.
  Int bits = bitsOf(size);
  Int m = (bits & 0xfffffffffffffLL) | 0x10000000000000LL;
  Int position = (bits >> 52) + -1013;  // e - 1 + 63, the place of digit e - 1 in the table
  Int word = position >> 6;
  Int shift = position & 63;

  // window[i] = kTwoOverPiBits[word + i], by halving the distance to `word` in five selections.
  llvm::SmallVector<Int> window;
  for (uint64_t digits : kTwoOverPiBits) window.push_back(scope.integer(digits));
  Int zero = scope.integer(0);
  for (int64_t distance : {16, 8, 4, 2, 1}) {
    Mask far = (word & distance) != 0;
    llvm::SmallVector<Int> next;
    // Four words are wanted at the end, each smaller step looks `distance - 1` further at most.
    for (size_t i = 0; i < size_t(4 + distance - 1); ++i)
      next.push_back(select(far, i + distance < window.size() ? window[i + distance] : zero,
                            i < window.size() ? window[i] : zero));
    window = next;
  }
  llvm::SmallVector<Int> factor;  // 32-bit limbs, least significant first
  for (int i = 2; i >= 0; --i) {
    Int joined =
        (window[i] << shift) | shiftRightUnsigned(shiftRightUnsigned(window[i + 1], 1), 63 - shift);
    factor.push_back(joined & 0xffffffffLL);
    factor.push_back(shiftRightUnsigned(joined, 32));
  }

  // m * factor modulo 2^192, by the schoolbook method; limbs 2 to 5 are kept.
  Int low = m & 0xffffffffLL, high = shiftRightUnsigned(m, 32);
  Int carry = zero;
  llvm::SmallVector<Int> limbs;
  for (int i = 0; i < 6; ++i) {
    Int p = low * factor[i];
    Int sum = (p & 0xffffffffLL) + carry;
    carry = shiftRightUnsigned(p, 32);
    if (i > 0) {
      Int q = high * factor[i - 1];
      sum = sum + (q & 0xffffffffLL);
      carry = carry + shiftRightUnsigned(q, 32);
    }
    carry = carry + shiftRightUnsigned(sum, 32);
    limbs.push_back(sum & 0xffffffffLL);
  }
  Int top = (limbs[5] << 32) | limbs[4];
  Int rest = (limbs[3] << 32) | limbs[2];

  // top's first two bits count quadrants; the others, as a signed fraction, are r in quadrants.
  Int quadrant = shiftRightUnsigned(top + (int64_t{1} << 61), 62);
  Int fraction = (top << 2) | shiftRightUnsigned(rest, 62);
  Int below = rest << 2;
  Real a = toReal(fraction >> 32) * 0x1p-32;
  Real b = toReal(fraction & 0xffffffffLL) * 0x1p-64;
  Real c = toReal(shiftRightUnsigned(below, 32)) * 0x1p-96;
  Real d = toReal(below & 0xffffffffLL) * 0x1p-128;
  Pair ab = fastTwoSum(a, b);
  Pair abc = fastTwoSum(ab.high, c);
  Pair turn = fastTwoSum(abc.high, (ab.low + abc.low) + d);
  Pair r = twoProduct(turn.high, scope.real(kHalfPi64[0]));
  return {quadrant, r.high, r.low + fma(turn.high, kHalfPi64[1], turn.low * kHalfPi64[0])};
}

Angle reduce(const Scope &scope, Real size) {
  mlir::OpBuilder &builder = scope.builder();
  Angle moderate = reduceModerate(scope, size);
  Mask large = size > (scope.isDouble() ? 0x1p27 : 0x1p15);
  auto branch = mlir::scf::IfOp::create(
      builder, scope.loc(), mlir::TypeRange{scope.intType(), scope.realType(), scope.realType()},
      any(large).value,
      /*withElseRegion=*/true);
  {
    mlir::OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    Angle angle;
    Scope wide = scope.widened();
    if (scope.isDouble()) {
      angle = reduceLarge(scope, size);
    } else {
      Angle precise = reduceLarge(wide, widen(size, wide));
      Real quadrant = narrow(toReal(precise.quadrant), scope);
      Real r = narrow(precise.r, scope);
      angle = {roundProduct(quadrant, 1.0).integer, r, narrow(precise.r - widen(r, wide), scope)};
    }
    Int quadrant = select(large, angle.quadrant, moderate.quadrant);
    Real r = select(large, angle.r, moderate.r);
    Real tail = select(large, angle.tail, moderate.tail);
    mlir::scf::YieldOp::create(builder, scope.loc(),
                               mlir::ValueRange{quadrant.value, r.value, tail.value});
    builder.setInsertionPointToStart(branch.elseBlock());
    mlir::scf::YieldOp::create(
        builder, scope.loc(),
        mlir::ValueRange{moderate.quadrant.value, moderate.r.value, moderate.tail.value});
  }
  return {{{&scope, branch.getResult(0)}},
          {{&scope, branch.getResult(1)}},
          {{&scope, branch.getResult(2)}}};
}

// sin(quadrant pi/2 + r + tail).
Real sineAt(const Scope &scope, Int quadrant, Real r, Real tail) {
  Real z = r * r;
  Real s = scope.isDouble() ? polynomial(z, kSin64) : polynomial(z, kSin32);
  Real c = scope.isDouble() ? polynomial(z, kCos64) : polynomial(z, kCos32);
  // tail cos(r) and tail sin(r) to first order.
  Real sine = r + fma(r * z, s, fma(z * -0.5, tail, tail));
  Real half = z * 0.5;
  Real rough = 1.0 - half;
  Real cosine = rough + (((1.0 - rough) - half) + fma(z * z, c, -(r * tail)));
  Real value = select((quadrant & 1) != 0, cosine, sine);
  return select((quadrant & 2) != 0, -value, value);
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// `value`, its magnitude 1 at most; NaN may become 1.
Real withinOne(Real value) {
  if (!value.scope->hasScaling()) return clamp(value, -1.0, 1.0);
  return onElements(kSmaller, {value, value.scope->real(1.0)});
}

// sin(x - k pi), its sign changed where `negative` is odd.
Real fastSine(Real x, Real k, Int negative) {
  Real r = x;
  for (double part : kPi32) r = fma(k, -part, r);
  Real square = r * r;
  // A product, which keeps the sign of a zero. Rounding takes it past 1 by a unit at most.
  Real value = withinOne(r * fma(square, polynomial(square, kFastSin), 1.0));
  return fromBits(bitsOf(value) ^ (negative << 31));
}

constexpr double kFastLimit = 0x1p15;  // NaN counts as above

Real expandFastSin(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Rounded k = roundProduct(x, kOneOverPi);
  return patch(!(abs(x) <= kFastLimit), fastSine(x, k.real, k.integer),
               [&] { return preciseSine(scope, x); });
}

Real expandFastCos(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Rounded k = roundProduct(fma(x, kOneOverPi, -0.5), 1.0);
  return patch(!(abs(x) <= kFastLimit), fastSine(x, k.real + 0.5, k.integer + 1),
               [&] { return preciseCosine(scope, x); });
}

Real expandSin(const Scope &scope, llvm::ArrayRef<Real> operands) {
  return preciseSine(scope, operands[0]);
}

Real expandCos(const Scope &scope, llvm::ArrayRef<Real> operands) {
  return preciseCosine(scope, operands[0]);
}

constexpr ElementaryFunction kFunctions[] = {{"math.sin", expandSin, expandFastSin},
                                             {"math.cos", expandCos, expandFastCos}};

}  // namespace

Real preciseSine(const Scope &scope, Real x) {
  Angle angle = reduce(scope, abs(x));
  Real value = sineAt(scope, angle.quadrant, angle.r, angle.tail);
  value = select(x < 0.0, -value, value);
  // Zero keeps its sign.
  return select(x == 0.0, x, select(abs(x) < kInfinity, value, scope.real(kNan)));
}

Real preciseCosine(const Scope &scope, Real x) {
  Angle angle = reduce(scope, abs(x));
  Real value = sineAt(scope, angle.quadrant + 1, angle.r, angle.tail);
  return select(abs(x) < kInfinity, value, scope.real(kNan));
}

llvm::ArrayRef<ElementaryFunction> trigonometricFunctions() { return kFunctions; }

}  // namespace graven::codegen
