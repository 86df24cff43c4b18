#include "runtime/device/cpu/cpu_device.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/core/error.h"
#include "runtime/core/float_mode.h"
#include "runtime/core/pool.h"

namespace graven1 {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

struct CpuQueue {
  const graven_kernel_fn *kernels;
  graven_pool *pool;
  FloatMode callers_mode;
};

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

graven_status create_queue(void *, const graven_artifact *artifact, graven_pool *pool,
                           void **queue) {
  CpuQueue *made = static_cast<CpuQueue *>(malloc(sizeof(CpuQueue)));
  if (!made) return fail_memory(sizeof(CpuQueue), "a context");
  *made = CpuQueue{artifact->kernels, pool, 0};
  *queue = made;
  return GRAVEN_OK;
}

void destroy_queue(void *, void *queue) { free(queue); }

graven_status begin(void *queue) {
  CpuQueue &cpu = *static_cast<CpuQueue *>(queue);
  cpu.callers_mode = float_mode();
  if (cpu.callers_mode != default_float_mode()) set_float_mode(default_float_mode());
  return GRAVEN_OK;
}

graven_status launch(void *queue, const DeviceLaunch &launch) {
  CpuQueue &cpu = *static_cast<CpuQueue *>(queue);
  run_on_pool(cpu.pool, Launch{cpu.kernels[launch.kernel], launch.buffers, launch.grid,
                               launch.flops, launch.bytes});
  return GRAVEN_OK;
}

graven_status copy(void *, void *destination, const void *source, size_t bytes) {
  if (bytes != 0) memmove(destination, source, bytes);
  return GRAVEN_OK;
}

graven_status fill(void *, void *destination, uint8_t byte, size_t bytes) {
  if (bytes != 0) memset(destination, byte, bytes);
  return GRAVEN_OK;
}

graven_status finish(void *queue) {
  // Restored whole, so that the caller's exception flags too are as they were.
  set_float_mode(static_cast<CpuQueue *>(queue)->callers_mode);
  return GRAVEN_OK;
}

constexpr Device kCpuDevice = {"cpu",    true,     true,  nullptr,      allocate,      release,
                               transfer, transfer, clear, create_queue, destroy_queue, begin,
                               launch,   copy,     fill,  finish};

}  // namespace

const Device *cpu_device() { return &kCpuDevice; }

}  // namespace graven1
