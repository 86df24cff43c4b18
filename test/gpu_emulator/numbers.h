// Number formats and functions of the GPU, computed on the host.
#ifndef GRAVEN_TEST_GPU_EMULATOR_NUMBERS_H_
#define GRAVEN_TEST_GPU_EMULATOR_NUMBERS_H_

#include <cstdint>

extern "C" {
// Called by compiled code too. Values of f16 and bf16 are their bits.
float graven_emulator_f16_to_f32(uint16_t bits);
/// Rounds to nearest even.
uint16_t graven_emulator_f64_to_f16(double value);
uint16_t graven_emulator_f64_to_bf16(double value);
/// Rounds towards zero.
uint16_t graven_emulator_f64_to_f16_rz(double value);
uint16_t graven_emulator_f64_to_bf16_rz(double value);
/// f32 to tf32 by cvt.rna: nearest, ties away from zero; the low 13 bits are zero.
uint32_t graven_emulator_f32_to_tf32(uint32_t bits);

// Instructions with an error bound. With `perturb` a result that f32 does not hold exactly is off
// by up to the bound that the PTX ISA gives, in a direction that depends on the operands alone.
float graven_emulator_ex2(float x, uint64_t perturb);  ///< relative 2^-22
float graven_emulator_lg2(float x,
                          uint64_t perturb);  ///< absolute 2^-22 in [0.5, 2], else relative
float graven_emulator_rcp(float x, uint64_t perturb);           ///< 1 ulp
float graven_emulator_sqrt(float x, uint64_t perturb);          ///< relative 2^-23
float graven_emulator_rsqrt(float x, uint64_t perturb);         ///< relative 2^-22.9
float graven_emulator_sin(float x, uint64_t perturb);           ///< absolute 2^-20.5 in [-pi, pi]
float graven_emulator_cos(float x, uint64_t perturb);           ///< absolute 2^-20.5 in [-pi, pi]
float graven_emulator_tanh(float x, uint64_t perturb);          ///< relative 2^-11
float graven_emulator_div(float x, float y, uint64_t perturb);  ///< 2 ulp
}

namespace graven::emulator {

float f16_to_f32(uint16_t bits);
float bf16_to_f32(uint16_t bits);
float bits_to_f32(uint32_t bits);
uint32_t f32_to_bits(float value);

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_NUMBERS_H_
