#include "runtime/core/pool.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <new>

#include "runtime/core/error.h"
#include "runtime/core/float_mode.h"

namespace graven1 {
namespace {

constexpr int32_t kMaxThreads = 1024;
constexpr size_t kCacheLine = 64;
// How long a thread looks for work before it sleeps, in nanoseconds: longer than the host's work
// and the serial launches between two parallel ones, shorter than a time slice. Looking for as long
// as waking costs both sides is at most twice as dear as knowing when work comes.
constexpr uint64_t kSpinTime = 100000;
constexpr int kSpinsPerLook = 128;  // pauses between two looks at the clock: a few microseconds
// Cost model, in nanoseconds of one thread at a moderate rate (vectors of 512 bits are eight times
// as quick): what a thread must at least be given, what is too little to be claimed on its own, and
// what outlasts the waking of a worker.
constexpr uint64_t kFlopsPerNanosecond = 32;
constexpr uint64_t kBytesPerNanosecond = 32;
constexpr uint64_t kShare = 1000;
constexpr uint64_t kLeastClaim = 500;
constexpr uint64_t kWorthWaking = 200000;
// Launches with so many operations per byte gain from a second core even when their operands lie in
// the first one's cache; so do those of so many bytes, which lie in no core's own cache.
constexpr uint64_t kDenseFlopsPerByte = 3;
constexpr uint64_t kLargeBytes = uint64_t{4} << 20;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

using Word = std::atomic<uint32_t>;
static_assert(sizeof(Word) == sizeof(uint32_t) && Word::is_always_lock_free);
static_assert(std::atomic<uint64_t>::is_always_lock_free);

void futex_wait(Word &word, uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}
void futex_wake(Word &word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

uint64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

// Looks for `done()` until it holds or `spin_time` nanoseconds are over; tells whether it holds.
template <typename Done>
bool spin_until(uint64_t spin_time, Done done) {
  for (int i = 0; i < kSpinsPerLook; ++i) {
    if (done()) return true;
    if (spin_time == 0) return false;
    pause_cpu();
  }
  const uint64_t end = now() + spin_time;
  do {
    for (int i = 0; i < kSpinsPerLook; ++i) {
      if (done()) return true;
      pause_cpu();
    }
    // Both sides may stand on one processor: then the one waited for must get it, and must be seen
    // to want it by the scheduler, which else leaves the pair there for good and another idle.
    sched_yield();
  } while (now() < end);
  return done();
}

// Whether a worker looks for work, sleeps, or has been woken (or started) and does not run yet.
enum Rest : uint32_t { kLooking, kAsleep, kWaking };

// One thread's part of a launch, in a cache line of its own that also wakes the thread: handing out
// work and taking it moves this line alone.
//
// Every piece of a part is claimed by a compare-exchange of `range`, by the part's owner from the
// front and, when it has nothing left to do, by any other thread from the back. So nobody waits for
// a thread that has not begun. What is claimed belongs to a launch that is not over, hence the
// fields that describe the launch are read after the claim only.
struct alignas(kCacheLine) Part {
  std::atomic<uint64_t> range{
      0};              // units not yet claimed: the first in the high half, the end in the low
  Word rest{kWaking};  // where the part's worker is
  Word ended{0};       // the pool is being destroyed
  std::atomic<uint32_t> least{1};  // units to claim at least
  int32_t parts = 0;               // how many the launch is cut into
  graven_kernel_fn function = nullptr;
  void *const *buffers = nullptr;
  int64_t grid = 0;
  int64_t unit = 1;  // workgroups per unit

  bool has_work() const {
    uint64_t range_now = range.load(std::memory_order_seq_cst);
    return (range_now >> 32) < (range_now & 0xffffffffu);
  }
};

struct Claim {
  uint32_t first, end;
};

// Takes three quarters of what is left from the front for the owner, half of it from the back for
// others, so that the tails are balanced at the price of few claims.
bool claim(Part &part, bool own, Claim *claimed) {
  uint64_t range = part.range.load(std::memory_order_acquire);
  for (;;) {
    uint32_t first = static_cast<uint32_t>(range >> 32), end = static_cast<uint32_t>(range);
    if (first >= end) return false;
    uint32_t left = end - first, kept = own ? left / 4 : left / 2;
    if (kept < part.least.load(std::memory_order_relaxed)) kept = 0;
    *claimed = own ? Claim{first, end - kept} : Claim{first + kept, end};
    uint64_t rest = own ? uint64_t{end - kept} << 32 | end : uint64_t{first} << 32 | (first + kept);
    if (part.range.compare_exchange_weak(range, rest, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
      return true;
    }
  }
}

void run_claimed(const Part &part, Claim claimed) {
  int64_t end = claimed.end * part.unit;
  part.function(part.buffers, claimed.first * part.unit, end < part.grid ? end : part.grid);
}

struct Worker {
  graven_pool *pool;
  int32_t index;
  pthread_t thread;
};

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
  int32_t threads = 1;  // the caller's included
  int32_t force_parallel = 0;
  uint64_t spin_time = 0;
  graven_parallel_for parallel_for = nullptr;  // the program's own threads, instead of workers
  void *parallel_for_self = nullptr;
  graven1::Part *parts = nullptr;      // `threads`; the first is the caller's
  graven1::Worker *workers = nullptr;  // threads - 1
  graven1::Word taken{0};
  // Units that the workers have finished of the launch under way, and whether the caller sleeps
  // until there are more.
  alignas(graven1::kCacheLine) graven1::Word finished{0};
  graven1::Word waiting{0};
};

namespace graven1 {
namespace {

// Runs what is left of the part at `index`, then reports it.
uint32_t drain(graven_pool &pool, int32_t index, bool own) {
  uint32_t units = 0;
  for (Claim claimed; claim(pool.parts[index], own, &claimed);) {
    run_claimed(pool.parts[index], claimed);
    units += claimed.end - claimed.first;
  }
  return units;
}

void report(graven_pool &pool, uint32_t units) {
  if (units == 0) return;
  pool.finished.fetch_add(units, std::memory_order_seq_cst);
  if (pool.waiting.load(std::memory_order_seq_cst)) futex_wake(pool.finished);
}

// Waits until this worker's part has something for it; false when the pool ends. The sleeper
// announces itself before it looks a last time, the caller looks for a sleeper after it has handed
// out work: one sees the other.
bool wait_for_work(const graven_pool &pool, Part &part) {
  auto called = [&part] { return part.has_work() || part.ended.load(std::memory_order_seq_cst); };
  while (!spin_until(pool.spin_time, called)) {
    part.rest.store(kAsleep, std::memory_order_seq_cst);
    bool done = false;
    // It may be woken long before there is work.
    while (!(done = called()) && part.rest.load(std::memory_order_relaxed) == kAsleep) {
      futex_wait(part.rest, kAsleep);
    }
    part.rest.store(kLooking, std::memory_order_relaxed);
    if (done) break;
  }
  return part.ended.load(std::memory_order_acquire) == 0;
}

void wake(Part &part) {
  uint32_t rest = part.rest.load(std::memory_order_seq_cst);
  if (rest != kAsleep) return;
  // A worker that has seen its work meanwhile is not called back.
  if (part.rest.compare_exchange_strong(rest, kWaking, std::memory_order_seq_cst)) {
    futex_wake(part.rest);
  }
}

void *worker_main(void *argument) {
  const Worker &worker = *static_cast<const Worker *>(argument);
  graven_pool &pool = *worker.pool;
  set_float_mode(default_float_mode());
  pool.parts[worker.index].rest.store(kLooking, std::memory_order_relaxed);
  while (wait_for_work(pool, pool.parts[worker.index])) {
    uint32_t units = drain(pool, worker.index, true);
    if (units == 0) continue;
    // Read before the report, after which the launch may be over.
    const int32_t parts = pool.parts[worker.index].parts;
    report(pool, units);
    for (int32_t i = 1; i < parts; ++i) {
      report(pool, drain(pool, (worker.index + i) % parts, false));
    }
  }
  return nullptr;
}

void stop_workers(graven_pool *pool, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    pool->parts[i + 1].ended.store(1, std::memory_order_seq_cst);
    wake(pool->parts[i + 1]);
  }
  for (int32_t i = 0; i < count; ++i) pthread_join(pool->workers[i].thread, nullptr);
}

void free_pool(graven_pool *pool) {
  free(pool->parts);
  free(pool->workers);
  free(pool);
}

// The launch as the program's own threads run it: part t of n.
struct HookedLaunch {
  const Launch *launch;
  int64_t parts;
};

void run_hooked_part(void *data, int64_t part) {
  const HookedLaunch &hooked = *static_cast<const HookedLaunch *>(data);
  const Launch &launch = *hooked.launch;
  const int64_t share = launch.grid / hooked.parts, longer = launch.grid % hooked.parts;
  const int64_t lo = part * share + (part < longer ? part : longer);
  const FloatMode mode = float_mode();
  set_float_mode(default_float_mode());
  launch.function(launch.buffers, lo, lo + share + (part < longer));
  set_float_mode(mode);
}

uint64_t cost_of(const Launch &launch) {
  return launch.flops / kFlopsPerNanosecond + launch.bytes / kBytesPerNanosecond;
}

}  // namespace

bool is_dense(const Launch &launch) {
  return launch.flops >= kDenseFlopsPerByte * launch.bytes || launch.bytes >= kLargeBytes;
}

int64_t wanted_threads(const graven_pool *pool, const Launch &launch) {
  if (!pool) return 1;
  int64_t wanted = pool->threads;
  if (!pool->force_parallel) {
    int64_t shares = static_cast<int64_t>(cost_of(launch) / kShare);
    if (shares < wanted) wanted = shares;
  }
  return launch.grid < wanted ? launch.grid : wanted;
}

bool always_parallel(const graven_pool *pool) { return pool && pool->force_parallel; }

uint64_t looking_time(const graven_pool *pool) { return pool->spin_time; }

bool workers_awake(const graven_pool *pool, int64_t threads) {
  if (pool->parallel_for) return true;
  for (int64_t t = 1; t < threads; ++t) {
    if (pool->parts[t].rest.load(std::memory_order_relaxed) != kLooking) return false;
  }
  return true;
}

void rouse_workers(graven_pool *pool, int64_t threads) {
  if (pool->parallel_for) return;
  for (int64_t t = 1; t < threads; ++t) wake(pool->parts[t]);
}

void run_on_pool(graven_pool *pool, const Launch &launch, int64_t threads) {
  if (threads < 2 || pool->taken.exchange(1, std::memory_order_acquire) != 0) {
    if (launch.grid > 0) launch.function(launch.buffers, 0, launch.grid);
    return;
  }
  if (pool->parallel_for) {
    HookedLaunch hooked = {&launch, threads};
    pool->parallel_for(pool->parallel_for_self, threads, run_hooked_part, &hooked);
    pool->taken.store(0, std::memory_order_release);
    return;
  }
  const int64_t unit = 1 + (launch.grid >> 30);
  const uint32_t units = static_cast<uint32_t>((launch.grid + unit - 1) / unit);
  const uint64_t cost = cost_of(launch);
  // Less is done before a worker that sleeps would run: the caller takes its part as well.
  const bool wakes = pool->force_parallel || cost >= kWorthWaking;
  const uint64_t least = cost == 0 ? 1 : 1 + units * kLeastClaim / cost;
  const uint32_t count = static_cast<uint32_t>(threads);
  const uint32_t share = units / count, longer = units % count;
  pool->finished.store(0, std::memory_order_relaxed);
  // The caller's own part is handed out last, so that the others begin early.
  for (uint32_t t = count; t-- > 0;) {
    Part &part = pool->parts[t];
    part.parts = static_cast<int32_t>(threads);
    part.function = launch.function;
    part.buffers = launch.buffers;
    part.grid = launch.grid;
    part.unit = unit;
    part.least.store(static_cast<uint32_t>(least < units ? least : units),
                     std::memory_order_relaxed);
    const uint32_t first = t * share + (t < longer ? t : longer);
    part.range.store(uint64_t{first} << 32 | (first + share + (t < longer)),
                     std::memory_order_seq_cst);
    if (t > 0 && wakes) wake(part);
  }
  uint32_t mine = drain(*pool, 0, true);
  for (int32_t t = 1; t < threads; ++t) mine += drain(*pool, t, false);
  const uint32_t others = units - mine;
  auto over = [&] { return pool->finished.load(std::memory_order_acquire) == others; };
  if (!spin_until(pool->spin_time, over)) {
    pool->waiting.store(1, std::memory_order_seq_cst);
    for (;;) {
      uint32_t finished = pool->finished.load(std::memory_order_seq_cst);
      if (finished == others) break;
      futex_wait(pool->finished, finished);
    }
    pool->waiting.store(0, std::memory_order_relaxed);
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
  if (options && options->parallel_for) {
    if (options->threads == 0) {
      return fail(GRAVEN_INVALID_ARGUMENT,
                  "graven_pool_create: with parallel_for, `threads` must say how many threads the "
                  "program's own pool has");
    }
  }
  void *pool_memory = nullptr, *parts = nullptr;
  size_t part_bytes = sizeof(Part) * static_cast<size_t>(threads);
  Worker *workers = static_cast<Worker *>(malloc(sizeof(Worker) * static_cast<size_t>(threads)));
  if (!workers || posix_memalign(&pool_memory, kCacheLine, sizeof(graven_pool)) != 0) {
    pool_memory = nullptr;
  }
  if (!pool_memory || posix_memalign(&parts, kCacheLine, part_bytes) != 0) {
    free(workers);
    free(pool_memory);
    return fail_memory(part_bytes, "a worker pool");
  }
  graven_pool *made = new (pool_memory) graven_pool{};
  made->threads = threads;
  made->parts = static_cast<Part *>(parts);
  made->workers = workers;
  for (int32_t t = 0; t < threads; ++t) new (made->parts + t) Part{};
  if (options) {
    made->force_parallel = options->force_parallel;
    made->parallel_for = options->parallel_for;
    made->parallel_for_self = options->parallel_for_self;
  }
  // Spinning helps only while every thread has a core of its own.
  made->spin_time = threads <= cpus ? kSpinTime : 0;
  // Signals are the program's business: the workers leave them to its own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = 0;
  int32_t started = 0;
  const int32_t wanted = made->parallel_for ? 0 : threads - 1;
  for (; started < wanted && error == 0; started += error == 0) {
    Worker *worker = new (made->workers + started) Worker{made, started + 1, {}};
    error = pthread_create(&worker->thread, nullptr, worker_main, worker);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    stop_workers(made, started);
    free_pool(made);
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
  graven1::stop_workers(pool, pool->parallel_for ? 0 : pool->threads - 1);
  graven1::free_pool(pool);
}

int32_t graven_pool_threads(const graven_pool *pool) { return pool ? pool->threads : 1; }
