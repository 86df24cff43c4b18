#include "runtime/device/null/null_device.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/core/error.h"

namespace graven1 {
namespace {

struct NullQueue {
  NullDevice *device;
  uint64_t kernel_count;
  bool open;
};

NullDevice &device_of(void *self) { return *static_cast<NullDevice *>(self); }
NullQueue &queue_of(void *queue) { return *static_cast<NullQueue *>(queue); }

// Whether the bytes are the device's to use: its own blocks, or anything on the host when it
// accepts host memory.
bool owns(const NullDevice &device, const void *memory, size_t bytes) {
  if (device.device.uses_host_memory) return memory != nullptr || bytes == 0;
  const char *at = static_cast<const char *>(memory);
  for (size_t i = 0; i < device.block_count; ++i) {
    const NullDevice::Block &block = device.blocks[i];
    if (at >= block.memory && at <= block.memory + block.bytes &&
        bytes <= static_cast<size_t>(block.memory + block.bytes - at)) {
      return true;
    }
  }
  return false;
}

graven_status misuse(const char *what) {
  return fail(GRAVEN_INVALID_ARGUMENT, "the null device was misused: %s", what);
}

graven_status allocate(void *self, size_t bytes, const char *purpose, void **memory) {
  NullDevice &device = device_of(self);
  *memory = nullptr;
  if (device.block_count == NullDevice::kMaxBlocks) {
    return fail(GRAVEN_OUT_OF_MEMORY, "the null device has no block left for %s", purpose);
  }
  if (posix_memalign(memory, GRAVEN_SEGMENT_ALIGNMENT, bytes != 0 ? bytes : 1) != 0) {
    *memory = nullptr;
    return fail_memory(bytes, purpose);
  }
  memset(*memory, 0, bytes);
  device.blocks[device.block_count++] = {static_cast<char *>(*memory), bytes};
  return GRAVEN_OK;
}

void release(void *self, void *memory, size_t) {
  NullDevice &device = device_of(self);
  for (size_t i = 0; i < device.block_count; ++i) {
    if (device.blocks[i].memory != memory) continue;
    device.blocks[i] = device.blocks[--device.block_count];
    free(memory);
    return;
  }
}

graven_status upload(void *self, void *destination, const void *host, size_t bytes) {
  if (!owns(device_of(self), destination, bytes)) return misuse("upload to foreign memory");
  if (bytes != 0) memcpy(destination, host, bytes);
  return GRAVEN_OK;
}

graven_status download(void *self, void *host, const void *source, size_t bytes) {
  if (!owns(device_of(self), source, bytes)) return misuse("download from foreign memory");
  if (bytes != 0) memcpy(host, source, bytes);
  return GRAVEN_OK;
}

graven_status clear(void *self, void *memory, size_t bytes) {
  if (!owns(device_of(self), memory, bytes)) return misuse("clearing foreign memory");
  if (bytes != 0) memset(memory, 0, bytes);
  return GRAVEN_OK;
}

graven_status load(void *, const graven_artifact *, void **program) {
  *program = nullptr;
  return GRAVEN_OK;
}

void unload(void *, void *) {}

graven_status create_queue(void *self, const QueueOptions &options, void **queue) {
  NullQueue *made = static_cast<NullQueue *>(malloc(sizeof(NullQueue)));
  if (!made) return fail_memory(sizeof(NullQueue), "a context");
  *made = NullQueue{&device_of(self), options.artifact->kernel_count, false};
  *queue = made;
  return GRAVEN_OK;
}

void destroy_queue(void *, void *queue) { free(queue); }

graven_status begin(void *queue, const DeviceCall &, bool *replayed) {
  *replayed = false;
  if (queue_of(queue).open) return misuse("begin without finish");
  queue_of(queue).open = true;
  return GRAVEN_OK;
}

graven_status feed(void *queue, const DeviceFeed &feed) {
  NullQueue &null = queue_of(queue);
  if (!null.open) return misuse("a feed outside begin and finish");
  if (!owns(*null.device, feed.destination, feed.capacity)) return misuse("feed of foreign memory");
  feed_host_memory(feed, feed.destination);
  return GRAVEN_OK;
}

graven_status record(NullQueue &queue, const NullCommand &command) {
  NullDevice &device = *queue.device;
  if (!queue.open) return misuse("a command outside begin and finish");
  if (device.recorded < device.capacity) device.commands[device.recorded] = command;
  ++device.recorded;
  return GRAVEN_OK;
}

graven_status launch(void *queue, const DeviceLaunch &launch) {
  NullQueue &null = queue_of(queue);
  if (launch.kernel >= null.kernel_count) return misuse("launch of an unknown kernel");
  if (launch.grid < 0) return misuse("launch of a negative grid");
  for (uint32_t i = 0; i < launch.buffer_count; ++i) {
    if (!owns(*null.device, launch.buffers[i], 0)) return misuse("launch on foreign memory");
  }
  return record(null, {GRAVEN_COMMAND_LAUNCH, launch.kernel, launch.buffer_count, launch.grid,
                       launch.buffer_count ? launch.buffers[0] : nullptr, nullptr, 0, 0});
}

graven_status copy(void *queue, void *destination, const void *source, size_t bytes) {
  NullQueue &null = queue_of(queue);
  if (!owns(*null.device, destination, bytes) || !owns(*null.device, source, bytes)) {
    return misuse("copy of foreign memory");
  }
  return record(null, {GRAVEN_COMMAND_COPY, 0, 0, 0, destination, source, bytes, 0});
}

graven_status fill(void *queue, void *destination, uint8_t byte, size_t bytes) {
  NullQueue &null = queue_of(queue);
  if (!owns(*null.device, destination, bytes)) return misuse("fill of foreign memory");
  return record(null, {GRAVEN_COMMAND_FILL, 0, 0, 0, destination, nullptr, bytes, byte});
}

graven_status finish(void *queue) {
  NullQueue &null = queue_of(queue);
  if (!null.open) return misuse("finish without begin");
  null.open = false;
  ++null.device->calls;
  return GRAVEN_OK;
}

}  // namespace

void null_device_init(NullDevice *device, bool uses_host_memory, NullCommand *commands,
                      size_t capacity) {
  *device = NullDevice{};
  device->device = Device{"null",
                          uses_host_memory,
                          /*executes=*/false,
                          /*times_commands=*/false,
                          /*staging_slots=*/uses_host_memory ? 1u : 2u,
                          device,
                          allocate,
                          release,
                          upload,
                          download,
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
  device->commands = commands;
  device->capacity = capacity;
}

void null_device_reset(NullDevice *device) { device->recorded = device->calls = 0; }

}  // namespace graven1
