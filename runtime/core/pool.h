// Worker pool: runs one kernel over its grid on several threads.
//
// The grid is cut into one contiguous range per thread, sizes differing by at most one, so that
// which thread computes what is fixed; and since workgroups are independent, results do not depend
// on the number of threads at all. Workers spin for a bounded time after work, then sleep.
#ifndef GRAVEN_RUNTIME_CORE_POOL_H_
#define GRAVEN_RUNTIME_CORE_POOL_H_

#include <stdint.h>

#include "graven/graven.h"

namespace graven1 {

struct Launch {
  graven_kernel_fn function;
  void *const *buffers;
  int64_t grid;
  uint64_t flops;  // cost estimates, see graven_command_record
  uint64_t bytes;
};

// Runs `launch` on the threads of `pool` and waits for them. Runs it on the calling thread alone
// when `pool` is null, when the work is too small to share, or when another caller has the pool.
// The calling thread must be in the default float mode; the workers always are.
void run_on_pool(graven_pool *pool, const Launch &launch);

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_POOL_H_
