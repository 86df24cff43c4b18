#include "runtime/device/cpu/cpu_device.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <new>

#include "runtime/core/cpu_features.h"
#include "runtime/core/error.h"
#include "runtime/core/float_mode.h"
#include "runtime/core/pool.h"
#include "runtime/core/trace.h"
#include "runtime/device/cpu/sharing.h"

namespace graven1 {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

// Copies and fills are cut into blocks of so many bytes, and shared among threads beyond a few.
constexpr size_t kBlock = size_t{128} << 10;

// What is known of an entry: how calls that follow the one before closely are best shared, how
// others are, and the most threads that a launch is worth.
struct EntrySharing {
  SharingChoice following, alone;
  int64_t threads = INT64_MAX;
};

struct CpuQueue {
  const graven_kernel_fn *kernels;
  graven_pool *pool;
  FloatMode callers_mode;
  // The call under way.
  SharingChoice *choice;  // null: nothing to choose
  Sharing sharing;
  EntrySharing *entry;
  SharedLaunches shared;
  int64_t threads;  // the most that a launch of it is worth
  bool typical;     // see SharingChoice::finish
  uint64_t began;
  uint64_t ended;         // the call before
  EntrySharing *entries;  // one per entry; null where nothing is ever shared
};

uint64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

void run(CpuQueue &queue, const Launch &launch) {
  int64_t threads = wanted_threads(queue.pool, launch);
  if (queue.choice && threads > 1) {
    bool dense = is_dense(launch);
    ++queue.shared.all;
    queue.shared.dense += dense;
    if (threads > queue.threads) queue.threads = threads;
    if (queue.sharing == kShareNone || (queue.sharing == kShareDense && !dense)) threads = 1;
  }
  run_on_pool(queue.pool, launch, threads);
}

graven_status allocate(void *, size_t bytes, const char *purpose, void **memory) {
  // Large blocks ask for huge pages: kernels walk through all of them, and page-table misses cost.
  bool huge = bytes >= 2 * kHugePage;
  size_t alignment = huge ? kHugePage : GRAVEN_SEGMENT_ALIGNMENT;
  *memory = nullptr;
  if (posix_memalign(memory, alignment, bytes != 0 ? bytes : 1) != 0) {
    *memory = nullptr;
    return fail_memory(bytes, purpose);
  }
#ifdef MADV_HUGEPAGE
  if (huge) madvise(*memory, bytes & ~(kHugePage - 1), MADV_HUGEPAGE);
#endif
  return GRAVEN_OK;
}

void release(void *, void *memory, size_t) { free(memory); }

graven_status transfer(void *, void *destination, const void *source, size_t bytes) {
  if (bytes != 0) memcpy(destination, source, bytes);
  return GRAVEN_OK;
}

graven_status clear(void *, void *memory, size_t bytes) {
  if (bytes != 0) memset(memory, 0, bytes);
  return GRAVEN_OK;
}

graven_status load(void *, const graven_artifact *artifact, void **program) {
  *program = nullptr;  // the kernels are functions already
  if (artifact->kernel_count != 0 && !artifact->kernels) {
    return fail(GRAVEN_INCOMPATIBLE,
                "the model's kernels are an image for another device, not code for this processor; "
                "compile it again with --device=cpu");
  }
  return GRAVEN_OK;
}

void unload(void *, void *) {}

graven_status create_queue(void *, const QueueOptions &options, void **queue) {
  const auto *header = static_cast<const graven_table_header *>(options.artifact->table);
  graven_pool *pool = options.pool;
  const size_t choices =
      graven_pool_threads(pool) > 1 && !always_parallel(pool) ? header->entries_count : 0;
  const size_t bytes = sizeof(CpuQueue) + choices * sizeof(EntrySharing);
  void *memory = malloc(bytes);
  if (!memory) return fail_memory(bytes, "a context");
  CpuQueue *made = new (memory) CpuQueue{};
  made->kernels = options.artifact->kernels;
  made->pool = pool;
  if (choices != 0) made->entries = reinterpret_cast<EntrySharing *>(made + 1);
  for (size_t i = 0; i < choices; ++i) new (made->entries + i) EntrySharing;
  *queue = made;
  return GRAVEN_OK;
}

void destroy_queue(void *, void *queue) { free(queue); }

// Calls that follow one another find the workers looking for work; a call on its own must wake them
// first, so that another way of sharing may be best. For the former they are woken once, and what
// the calls until then take tells nothing.
void begin_sharing(CpuQueue &cpu, EntrySharing &entry) {
  const int64_t all = graven_pool_threads(cpu.pool), wanted = entry.threads;
  const int64_t threads = wanted < all ? wanted : all;
  const bool awake = workers_awake(cpu.pool, threads);
  const bool follows = awake || cpu.began - cpu.ended <= looking_time(cpu.pool);
  cpu.entry = &entry;
  cpu.choice = follows ? &entry.following : &entry.alone;
  cpu.sharing = cpu.choice->current();
  cpu.typical = awake || !follows || cpu.sharing == kShareNone;
  if (!awake && cpu.sharing != kShareNone) rouse_workers(cpu.pool, threads);
}

graven_status begin(void *queue, const DeviceCall &call, bool *replayed) {
  *replayed = false;
  CpuQueue &cpu = *static_cast<CpuQueue *>(queue);
  cpu.callers_mode = float_mode();
  if (cpu.callers_mode != default_float_mode()) set_float_mode(default_float_mode());
  cpu.choice = nullptr;
  if (!cpu.entries) return GRAVEN_OK;
  // An entry without a launch to share has nothing to choose, and no time for the clock.
  EntrySharing &entry = cpu.entries[call.entry];
  if (!entry.following.timed() || !entry.alone.timed()) return GRAVEN_OK;
  cpu.shared = {};
  cpu.threads = 1;
  cpu.began = now();
  begin_sharing(cpu, entry);
  return GRAVEN_OK;
}

graven_status feed(void *, const DeviceFeed &feed) {
  feed_host_memory(feed, feed.destination);
  return GRAVEN_OK;
}

// A launch that is traced is run as a kernel of its own, whose operands are function and launch:
// the pool knows nothing of it.
void run_traced(void *const *buffers, int64_t lo, int64_t hi) {
  const DeviceLaunch &launch = *static_cast<const DeviceLaunch *>(buffers[1]);
  const auto *kernel = static_cast<const graven_kernel_fn *>(buffers[0]);
  const uint64_t began = trace_time();
  (*kernel)(launch.buffers, lo, hi);
  record(*launch.trace, GRAVEN_TRACE_PART, launch.number, began, lo, hi);
}

graven_status launch(void *queue, const DeviceLaunch &launch) {
  CpuQueue &cpu = *static_cast<CpuQueue *>(queue);
  const graven_kernel_fn *kernel = cpu.kernels + launch.kernel;
  if (launch.trace) {
    void *traced[] = {const_cast<graven_kernel_fn *>(kernel), const_cast<DeviceLaunch *>(&launch)};
    run(cpu, Launch{run_traced, traced, launch.grid, launch.flops, launch.bytes});
    return GRAVEN_OK;
  }
  run(cpu, Launch{*kernel, launch.buffers, launch.grid, launch.flops, launch.bytes});
  return GRAVEN_OK;
}

// Both as kernels; operands: destination, source, size; destination, byte, size.
void copy_blocks(void *const *buffers, int64_t lo, int64_t hi) {
  size_t bytes = *static_cast<const size_t *>(buffers[2]);
  size_t begin = static_cast<size_t>(lo) * kBlock, end = static_cast<size_t>(hi) * kBlock;
  if (end > bytes) end = bytes;
  memcpy(static_cast<char *>(buffers[0]) + begin, static_cast<const char *>(buffers[1]) + begin,
         end - begin);
}
void fill_blocks(void *const *buffers, int64_t lo, int64_t hi) {
  size_t bytes = *static_cast<const size_t *>(buffers[2]);
  size_t begin = static_cast<size_t>(lo) * kBlock, end = static_cast<size_t>(hi) * kBlock;
  if (end > bytes) end = bytes;
  memset(static_cast<char *>(buffers[0]) + begin, *static_cast<const uint8_t *>(buffers[1]),
         end - begin);
}

graven_status copy(void *queue, void *destination, const void *source, size_t bytes) {
  char *to = static_cast<char *>(destination);
  const char *from = static_cast<const char *>(source);
  if (bytes <= 2 * kBlock || (to < from + bytes && from < to + bytes)) {
    if (bytes != 0) memmove(destination, source, bytes);
    return GRAVEN_OK;
  }
  void *buffers[] = {destination, const_cast<void *>(source), &bytes};
  run(*static_cast<CpuQueue *>(queue),
      Launch{copy_blocks, buffers, static_cast<int64_t>((bytes + kBlock - 1) / kBlock), 0,
             2 * bytes});
  return GRAVEN_OK;
}

graven_status fill(void *queue, void *destination, uint8_t byte, size_t bytes) {
  if (bytes <= 2 * kBlock) {
    if (bytes != 0) memset(destination, byte, bytes);
    return GRAVEN_OK;
  }
  void *buffers[] = {destination, &byte, &bytes};
  run(*static_cast<CpuQueue *>(queue),
      Launch{fill_blocks, buffers, static_cast<int64_t>((bytes + kBlock - 1) / kBlock), 0, bytes});
  return GRAVEN_OK;
}

graven_status finish(void *queue) {
  CpuQueue &cpu = *static_cast<CpuQueue *>(queue);
  if (cpu.choice) {
    cpu.ended = now();
    cpu.entry->threads = cpu.threads;
    cpu.choice->finish(cpu.ended - cpu.began, cpu.shared, cpu.typical);
  }
  // Restored whole, so that the caller's exception flags too are as they were.
  set_float_mode(cpu.callers_mode);
  return GRAVEN_OK;
}

constexpr Device kCpuDevice = {"cpu",
                               true,
                               true,
                               /*times_commands=*/false,
                               /*staging_slots=*/1,
                               nullptr,
                               allocate,
                               release,
                               transfer,
                               transfer,
                               clear,
                               load,
                               unload,
                               create_queue,
                               destroy_queue,
                               begin,
                               feed,
                               launch,
                               copy,
                               fill,
                               finish,
                               /*close=*/nullptr};

graven_status open(uint32_t ordinal, const Device **device) {
  if (ordinal != 0) {
    return fail(GRAVEN_NOT_FOUND, "there is no device 'cpu:%u'; all processors are device cpu",
                ordinal);
  }
  *device = &kCpuDevice;
  return GRAVEN_OK;
}

bool describe(uint32_t ordinal, graven_device_info *info) {
  if (ordinal != 0) return false;
  memcpy(info->name, "cpu", sizeof "cpu");
  info->available = 1;
  describe_cpu(info->description, sizeof info->description);
  return true;
}

}  // namespace

const Device *cpu_device() { return &kCpuDevice; }

DeviceKind cpu_kind = {"cpu", open, describe};

}  // namespace graven1
