#include "test/gpu_emulator/numbers.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace graven::emulator {

float bits_to_f32(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

uint32_t f32_to_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

float bf16_to_f32(uint16_t bits) { return bits_to_f32(uint32_t{bits} << 16); }

float f16_to_f32(uint16_t bits) {
  const uint32_t sign = uint32_t{bits & 0x8000u} << 16;
  const int exponent = bits >> 10 & 31;
  const uint32_t mantissa = bits & 1023;
  if (exponent == 31) return bits_to_f32(sign | 0x7f800000u | mantissa << 13);
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return bits_to_f32(sign | f32_to_bits(magnitude));
  }
  return bits_to_f32(sign | static_cast<uint32_t>(exponent + 112) << 23 | mantissa << 13);
}

namespace {

/// `value` in a format of 16 bits with so many bits of mantissa and this bias of the exponent.
uint16_t narrow(double value, int mantissa_bits, int bias, bool to_zero) {
  const int exponent_bits = 15 - mantissa_bits;
  const uint16_t infinity = static_cast<uint16_t>(((1 << exponent_bits) - 1) << mantissa_bits);
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return 0x7fff;
  const double magnitude = std::fabs(value);
  if (std::isinf(value)) return sign | infinity;
  if (magnitude == 0) return sign;
  int exponent;
  std::frexp(magnitude, &exponent);  // magnitude in [2^(exponent-1), 2^exponent)
  // Subnormals share the scale of the smallest normal number.
  const int scale = std::max(exponent - 1, 1 - bias) - mantissa_bits;
  const double scaled = std::ldexp(magnitude, -scale);
  const double whole = to_zero ? std::trunc(scaled) : std::nearbyint(scaled);
  // Adding the mantissa with its hidden bit carries into the exponent where it must.
  const double bits =
      whole + std::ldexp(static_cast<double>(scale + mantissa_bits - (1 - bias)), mantissa_bits);
  if (bits >= infinity) return sign | static_cast<uint16_t>(to_zero ? infinity - 1 : infinity);
  return sign | static_cast<uint16_t>(bits);
}

/// A number in [-1, 1] that depends on the bits of the operand alone.
double direction(uint32_t bits) {
  uint64_t hash = (bits + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
  hash ^= hash >> 29;
  hash *= 0x94d049bb133111ebu;
  return static_cast<double>(static_cast<int64_t>(hash)) / 9223372036854775808.0;
}

float approximate(double exact, double absolute_bound, uint32_t operand, uint64_t perturb) {
  const float nearest = static_cast<float>(exact);
  if (!perturb || static_cast<double>(nearest) == exact || !std::isfinite(exact)) return nearest;
  // What rounding adds at the end is part of the bound.
  const double half_ulp = (std::nextafter(std::fabs(nearest), INFINITY) - std::fabs(nearest)) / 2;
  const double amplitude = std::max(absolute_bound - half_ulp, 0.0);
  return static_cast<float>(exact + amplitude * direction(operand));
}

/// Within so many units in the last place of the f32 nearest to the result.
float within_ulps(double exact, int ulps, uint32_t operand, uint64_t perturb) {
  const float nearest = std::fabs(static_cast<float>(exact));
  return approximate(exact, ulps * (double{std::nextafter(nearest, INFINITY)} - nearest), operand,
                     perturb);
}

/// Inputs and results below the normal numbers become zero where the instruction says .ftz; the
/// translator does that. These functions see what is left.
float relative(double exact, double bound, float operand, uint64_t perturb) {
  return approximate(exact, std::fabs(exact) * bound, f32_to_bits(operand), perturb);
}

}  // namespace
}  // namespace graven::emulator

using namespace graven::emulator;  // NOLINT: the functions below have no namespace

float graven_emulator_f16_to_f32(uint16_t bits) { return f16_to_f32(bits); }
uint16_t graven_emulator_f64_to_f16(double value) { return narrow(value, 10, 15, false); }
uint16_t graven_emulator_f64_to_bf16(double value) { return narrow(value, 7, 127, false); }
uint16_t graven_emulator_f64_to_f16_rz(double value) { return narrow(value, 10, 15, true); }
uint16_t graven_emulator_f64_to_bf16_rz(double value) { return narrow(value, 7, 127, true); }

uint32_t graven_emulator_f32_to_tf32(uint32_t bits) {
  if ((bits & 0x7f800000u) == 0x7f800000u) return bits & 0xffffe000u;
  return (bits + 0x1000u) & 0xffffe000u;
}

float graven_emulator_ex2(float x, uint64_t perturb) {
  return relative(std::exp2(static_cast<double>(x)), 0x1p-22, x, perturb);
}
float graven_emulator_lg2(float x, uint64_t perturb) {
  const double exact = std::log2(static_cast<double>(x));
  const bool near_one = x >= 0.5f && x <= 2.0f;
  return approximate(exact, near_one ? 0x1p-22 : std::fabs(exact) * 0x1p-22, f32_to_bits(x),
                     perturb);
}
float graven_emulator_rcp(float x, uint64_t perturb) {
  return within_ulps(1.0 / static_cast<double>(x), 1, f32_to_bits(x), perturb);
}
float graven_emulator_sqrt(float x, uint64_t perturb) {
  return relative(std::sqrt(static_cast<double>(x)), 0x1p-23, x, perturb);
}
float graven_emulator_rsqrt(float x, uint64_t perturb) {
  return relative(1.0 / std::sqrt(static_cast<double>(x)), 0x1.125fp-23, x, perturb);
}
float graven_emulator_sin(float x, uint64_t perturb) {
  return approximate(std::sin(static_cast<double>(x)), 0x1.6ap-21, f32_to_bits(x), perturb);
}
float graven_emulator_cos(float x, uint64_t perturb) {
  return approximate(std::cos(static_cast<double>(x)), 0x1.6ap-21, f32_to_bits(x), perturb);
}
float graven_emulator_tanh(float x, uint64_t perturb) {
  return relative(std::tanh(static_cast<double>(x)), 0x1p-11, x, perturb);
}
float graven_emulator_div(float x, float y, uint64_t perturb) {
  return within_ulps(static_cast<double>(x) / static_cast<double>(y), 2,
                     f32_to_bits(x) * 31 + f32_to_bits(y), perturb);
}
