// The calling thread's last error: how every function of the core reports what went wrong.
#ifndef GRAVEN_RUNTIME_CORE_ERROR_H_
#define GRAVEN_RUNTIME_CORE_ERROR_H_

#include <stddef.h>

#include "graven/graven.h"

namespace graven1 {

// Stores the formatted sentence as the thread's last error and returns `status`. The sentence says
// what is wrong, where, and what to do about it; text that does not fit is cut at a character.
graven_status fail(graven_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold, noinline));

// Fails with OUT_OF_MEMORY, naming what the `bytes` were wanted for.
graven_status fail_memory(size_t bytes, const char *purpose) __attribute__((cold, noinline));

// `path` as messages show it: whole, or its end where it is too long to leave room for the rest.
const char *shown(const char *path);

constexpr size_t kErrnoTextBytes = 128;
// The system's text for `error_number` in `buffer`; returns `buffer`.
const char *errno_text(int error_number, char (&buffer)[kErrnoTextBytes]);

// What a person can do about `error_number` when reading or writing a file; "" when nothing is
// known.
const char *errno_remedy(int error_number);

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_ERROR_H_
