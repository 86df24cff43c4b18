#include "runtime/train/data/narrow_float.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace graven::train {

double DecodeNarrow(uint16_t bits, int fraction_bits) {
  const int exponents = (1 << (15 - fraction_bits)) - 1;  // of infinity and NaN
  const int exponent = (bits & 0x7fff) >> fraction_bits;
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const int bias = exponents / 2;
  double magnitude;
  if (exponent == exponents) {
    magnitude = fraction ? std::numeric_limits<double>::quiet_NaN()
                         : std::numeric_limits<double>::infinity();
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, 1 - bias - fraction_bits);
  } else {
    magnitude = std::ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);
  }
  return bits & 0x8000 ? -magnitude : magnitude;
}

uint16_t EncodeNarrow(double value, int fraction_bits) {
  const int exponents = (1 << (15 - fraction_bits)) - 1;
  const int bias = exponents / 2;
  const uint16_t infinity = static_cast<uint16_t>(exponents << fraction_bits);
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return sign | infinity | (1 << (fraction_bits - 1));
  const double magnitude = std::abs(value);
  if (magnitude >= std::ldexp(1.0, bias + 1)) return sign | infinity;
  if (magnitude == 0) return sign;
  // In units of the last place; subnormal numbers share that of the least normal exponent. What is
  // rounded up to the next exponent carries into it, over the largest into infinity.
  const int exponent = std::max(std::ilogb(magnitude), 1 - bias);
  const int units =
      static_cast<int>(std::nearbyint(std::ldexp(magnitude, fraction_bits - exponent)));
  return static_cast<uint16_t>(sign | (units + ((exponent + bias - 1) << fraction_bits)));
}

}  // namespace graven::train
