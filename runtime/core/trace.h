// Recording what ran when, for a caller that asks; see graven_context_trace.
#ifndef GRAVEN_RUNTIME_CORE_TRACE_H_
#define GRAVEN_RUNTIME_CORE_TRACE_H_

#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "graven/graven.h"

namespace graven1 {

inline uint64_t trace_time() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

// Adds an event of the calling thread; any thread may, at any time. What does not fit is counted
// only.
inline void record_span(graven_trace &trace, uint32_t kind, uint32_t number, uint64_t begin,
                        uint64_t end, int64_t lo = 0, int64_t hi = 0) {
  const uint64_t index = __atomic_fetch_add(&trace.count, 1, __ATOMIC_RELAXED);
  if (index >= trace.capacity) return;
  const int32_t thread = static_cast<int32_t>(syscall(SYS_gettid));
  trace.events[index] = {kind, number, thread, 0, begin, end, lo, hi};
}

// Adds an event of the calling thread that began at `begin` and ends here.
inline void record(graven_trace &trace, uint32_t kind, uint32_t number, uint64_t begin,
                   int64_t lo = 0, int64_t hi = 0) {
  record_span(trace, kind, number, begin, trace_time(), lo, hi);
}

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_TRACE_H_
