#include "runtime/core/pool.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <new>

#include "runtime/core/error.h"
#include "runtime/core/float_mode.h"

namespace graven1 {
namespace {

constexpr int32_t kMaxThreads = 1024;
constexpr size_t kCacheLine = 64;
// About 50 microseconds: longer than the host's work between two launches, shorter than a time
// slice.
constexpr int kSpins = 2000;
// Both sides of a signal may stand on one processor: then the one waited for must get it, and must be
// seen to want it by the scheduler, which else leaves the pair there for good and another idle.
constexpr int kSpinsPerYield = 100;
// Cost model of the shortcut, in nanoseconds of one thread: what a thread must at least be given.
constexpr uint64_t kFlopsPerNanosecond = 16;
constexpr uint64_t kBytesPerNanosecond = 16;
constexpr uint64_t kShare = 1500;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

using Word = std::atomic<uint32_t>;
static_assert(sizeof(Word) == sizeof(uint32_t) && Word::is_always_lock_free);

void futex_wait(Word &word, uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}
void futex_wake(Word &word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

// A word that one thread advances and another waits for. The sleeper announces itself before it
// looks a last time, the signaller looks for a sleeper after it has advanced: one sees the other.
struct Signal {
  alignas(kCacheLine) Word value{0};
  Word sleeping{0};

  void send(uint32_t next) {
    value.store(next, std::memory_order_seq_cst);
    if (sleeping.load(std::memory_order_seq_cst)) futex_wake(value);
  }
  // Returns once the value differs from `old`.
  void wait(uint32_t old, int spins) {
    for (int i = 0; i < spins; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      if (i % kSpinsPerYield == kSpinsPerYield - 1) {
        sched_yield();
      } else {
        pause_cpu();
      }
    }
    sleeping.store(1, std::memory_order_seq_cst);
    while (value.load(std::memory_order_seq_cst) == old) futex_wait(value, old);
    sleeping.store(0, std::memory_order_relaxed);
  }
};

// What one worker shares with the caller. A worker that is not needed for a launch is not touched.
struct Worker {
  Signal start;
  Signal done;
  graven_kernel_fn function;  // null: the worker ends
  void *const *buffers;
  int64_t lo, hi;
  uint32_t sequence;  // the caller's count of launches given to this worker
  int spins;
  pthread_t thread;
};

void *worker_main(void *argument) {
  Worker &worker = *static_cast<Worker *>(argument);
  set_float_mode(default_float_mode());
  for (uint32_t sequence = 0;; ++sequence) {
    worker.start.wait(sequence, worker.spins);
    if (!worker.function) return nullptr;
    worker.function(worker.buffers, worker.lo, worker.hi);
    worker.done.send(sequence + 1);
  }
}

int32_t available_cpus() {
  cpu_set_t set;
  int32_t count = sched_getaffinity(0, sizeof set, &set) == 0
                      ? CPU_COUNT(&set)
                      : static_cast<int32_t>(sysconf(_SC_NPROCESSORS_ONLN));
  return count < 1 ? 1 : count;
}

}  // namespace
}  // namespace graven1

struct graven_pool {
  int32_t threads;  // the caller's included
  int32_t force_parallel;
  int spins;
  std::atomic<uint32_t> taken;
  graven1::Worker *workers;  // threads - 1
};

namespace graven1 {
namespace {

// How many threads `launch` is worth.
int64_t wanted_threads(const graven_pool &pool, const Launch &launch) {
  int64_t wanted = pool.threads;
  if (!pool.force_parallel) {
    uint64_t cost = launch.flops / kFlopsPerNanosecond + launch.bytes / kBytesPerNanosecond;
    int64_t shares = static_cast<int64_t>(cost / kShare);
    if (shares < wanted) wanted = shares;
  }
  return launch.grid < wanted ? launch.grid : wanted;
}

void stop_workers(graven_pool *pool, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    pool->workers[i].function = nullptr;
    pool->workers[i].start.send(++pool->workers[i].sequence);
  }
  for (int32_t i = 0; i < count; ++i) pthread_join(pool->workers[i].thread, nullptr);
}

}  // namespace

void run_on_pool(graven_pool *pool, const Launch &launch) {
  int64_t threads = pool ? wanted_threads(*pool, launch) : 1;
  if (threads < 2 || pool->taken.exchange(1, std::memory_order_acquire) != 0) {
    if (launch.grid > 0) launch.function(launch.buffers, 0, launch.grid);
    return;
  }
  int64_t share = launch.grid / threads, longer = launch.grid % threads;
  int64_t first = share + (longer > 0), lo = first;
  for (int64_t t = 1; t < threads; ++t) {
    Worker &worker = pool->workers[t - 1];
    worker.function = launch.function;
    worker.buffers = launch.buffers;
    worker.lo = lo;
    worker.hi = lo += share + (t < longer);
    worker.start.send(++worker.sequence);
  }
  launch.function(launch.buffers, 0, first);
  for (int64_t t = 1; t < threads; ++t) {
    Worker &worker = pool->workers[t - 1];
    worker.done.wait(worker.sequence - 1, pool->spins);
  }
  pool->taken.store(0, std::memory_order_release);
}

}  // namespace graven1

graven_status graven_pool_create(const graven_pool_options *options, graven_pool **pool) {
  using namespace graven1;
  if (!pool) return fail(GRAVEN_INVALID_ARGUMENT, "graven_pool_create: the result pointer is null");
  *pool = nullptr;
  int32_t cpus = available_cpus();
  int32_t threads = options ? options->threads : 0;
  if (threads < 0 || threads > kMaxThreads) {
    return fail(
        GRAVEN_INVALID_ARGUMENT,
        "a worker pool of %d threads is not possible; expected 1 to %d, or 0 for as many as "
        "the machine has cores",
        threads, kMaxThreads);
  }
  if (threads == 0) threads = cpus < kMaxThreads ? cpus : kMaxThreads;
  graven_pool *made = static_cast<graven_pool *>(malloc(sizeof(graven_pool)));
  void *workers = nullptr;
  size_t bytes = sizeof(Worker) * (threads > 1 ? threads - 1 : 1);
  if (!made || posix_memalign(&workers, kCacheLine, bytes) != 0) {
    free(made);
    return fail_memory(bytes, "a worker pool");
  }
  // Spinning helps only while every thread has a core of its own.
  made = new (made) graven_pool{threads, options ? options->force_parallel : 0,
                                threads <= cpus ? kSpins : 0, 0, static_cast<Worker *>(workers)};
  // Signals are the program's business: the workers leave them to its own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = 0;
  int32_t started = 0;
  for (; started < threads - 1 && error == 0; started += error == 0) {
    Worker *worker = new (made->workers + started) Worker{};
    worker->spins = made->spins;
    error = pthread_create(&worker->thread, nullptr, worker_main, worker);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    stop_workers(made, started);
    free(made->workers);
    free(made);
    char text[kErrnoTextBytes];
    return fail(GRAVEN_OUT_OF_MEMORY,
                "the system refuses thread %d of a worker pool of %d: %s; ask for fewer threads",
                started + 2, threads, errno_text(error, text));
  }
  *pool = made;
  return GRAVEN_OK;
}

void graven_pool_destroy(graven_pool *pool) {
  if (!pool) return;
  graven1::stop_workers(pool, pool->threads - 1);
  free(pool->workers);
  free(pool);
}

int32_t graven_pool_threads(const graven_pool *pool) { return pool ? pool->threads : 1; }
