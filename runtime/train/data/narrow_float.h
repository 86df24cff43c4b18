// The 16-bit floats of host data: f16 (IEEE 754 binary16) and bf16 (the upper half of an f32).
#ifndef GRAVEN_RUNTIME_TRAIN_DATA_NARROW_FLOAT_H_
#define GRAVEN_RUNTIME_TRAIN_DATA_NARROW_FLOAT_H_

#include <cstdint>

namespace graven::train {

// The number that 16 bits hold, of which the lower `fraction_bits` are the significand's fraction.
double DecodeNarrow(uint16_t bits, int fraction_bits);
// The nearest number to `value`, at a tie the one whose last bit is 0; above the largest, infinity.
// NaN stays NaN, quiet.
uint16_t EncodeNarrow(double value, int fraction_bits);

// One element. Converts as an arithmetic type does.
template <int kFractionBits>
struct NarrowFloat {
  uint16_t bits = 0;

  NarrowFloat() = default;
  explicit NarrowFloat(double value) : bits(EncodeNarrow(value, kFractionBits)) {}
  explicit operator double() const { return DecodeNarrow(bits, kFractionBits); }
};
using F16 = NarrowFloat<10>;
using Bf16 = NarrowFloat<7>;

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_DATA_NARROW_FLOAT_H_
