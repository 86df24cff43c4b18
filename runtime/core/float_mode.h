// The floating-point mode of a thread. Results must not depend on the mode that a caller happens to
// have set (flush to zero, other rounding), nor on which thread computes, so every thread computes
// in the default mode: round to nearest, subnormals kept, no traps.
#ifndef GRAVEN_RUNTIME_CORE_FLOAT_MODE_H_
#define GRAVEN_RUNTIME_CORE_FLOAT_MODE_H_

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace graven1 {

#if defined(__x86_64__)
using FloatMode = uint32_t;
inline FloatMode default_float_mode() { return 0x1f80; }
inline FloatMode float_mode() { return _mm_getcsr(); }
inline void set_float_mode(FloatMode mode) { _mm_setcsr(mode); }
#elif defined(__aarch64__)
using FloatMode = uint64_t;
inline FloatMode default_float_mode() { return 0; }
inline FloatMode float_mode() {
  FloatMode mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
inline void set_float_mode(FloatMode mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
// RISC-V has no flush to zero; its rounding mode is carried by each instruction of a kernel.
using FloatMode = uint32_t;
inline FloatMode default_float_mode() { return 0; }
inline FloatMode float_mode() { return 0; }
inline void set_float_mode(FloatMode) {}
#endif

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_FLOAT_MODE_H_
