// Worker pool: runs one kernel over its grid on several threads.
//
// The grid is cut into one contiguous range per thread, sizes differing by at most one, so that the
// same thread works on the same data call by call; a thread that is done early takes from the tails
// of the others. Since workgroups are independent, results do not depend on any of this.
//
// Workers look for work for kSpinTime after they had some, then sleep. Handing work to one that
// looks costs two moves of a cache line between processors, some hundred nanoseconds each; waking
// one that sleeps costs the caller a system call (up to 10 us on a virtual machine) and takes
// kWakeTime.
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

// How many threads of `pool` (null: none but the caller's) `launch` is worth by the cost model.
int64_t wanted_threads(const graven_pool *pool, const Launch &launch);
// Whether `launch` computes so much per byte, or moves so much, that it matters little which core's
// cache its operands are in.
bool is_dense(const Launch &launch);
// Whether the pool was made to split even the smallest work.
bool always_parallel(const graven_pool *pool);

// How long a worker looks for work before it sleeps, in nanoseconds.
uint64_t looking_time(const graven_pool *pool);
// Whether those workers look for work that serve launches on `threads` threads: true where the
// program's own threads run the parts, of which nothing is known.
bool workers_awake(const graven_pool *pool, int64_t threads);
// Wakes those of them that sleep; they look for work for a while, though none is there yet.
void rouse_workers(graven_pool *pool, int64_t threads);

// Runs `launch` on `threads` threads of `pool`, at most its grid, and waits for them. Runs it on
// the calling thread alone when `threads` is below 2 or when another caller has the pool. The
// calling thread must be in the default float mode; the workers always are.
void run_on_pool(graven_pool *pool, const Launch &launch, int64_t threads);

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_POOL_H_
