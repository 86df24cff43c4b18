// Makes the core's calls into libc fail on demand. The tests that use it are linked with
// --wrap=<function> for every function below, so that the core's references land here.
#ifndef GRAVEN_TEST_RUNTIME_CORE_FAULT_INJECTION_H_
#define GRAVEN_TEST_RUNTIME_CORE_FAULT_INJECTION_H_

#include <stdint.h>

namespace graven::testing {

enum class Fault {
  kNone,
  kFail,        // the call fails with `error`
  kCrash,       // the process ends at once, as if killed
  kShortWrite,  // a write takes one byte only, this and all later ones
};

// Counts calls of one family and lets the `at`-th (from 0) go wrong.
struct FaultPlan {
  int64_t calls = 0;
  int64_t at = -1;
  Fault fault = Fault::kNone;
  int error = 0;
};

// malloc, calloc, realloc, posix_memalign.
extern constinit thread_local FaultPlan allocation_faults;
// open, openat, write, pread, fsync, ftruncate, renameat, memfd_create.
extern constinit thread_local FaultPlan file_faults;

}  // namespace graven::testing

#endif  // GRAVEN_TEST_RUNTIME_CORE_FAULT_INJECTION_H_
