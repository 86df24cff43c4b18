// Whether this machine can run an artifact's machine code.
#ifndef GRAVEN_RUNTIME_CORE_CPU_FEATURES_H_
#define GRAVEN_RUNTIME_CORE_CPU_FEATURES_H_

#include <stddef.h>

#include "graven/graven.h"

namespace graven1 {

// Checks that the LLVM triple `target` is of this architecture and that the CPU, and the operating
// system where it must save registers, provide every one of `features` (LLVM's names, separated by
// commas, with or without '+'). Fails with INCOMPATIBLE, naming what is missing.
graven_status check_cpu(const char *target, const char *features);

// "x86_64: sse3,fma,avx": the architecture and the features that a model may ask for, as far as
// the `bytes` at `text` have room.
void describe_cpu(char *text, size_t bytes);

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_CPU_FEATURES_H_
