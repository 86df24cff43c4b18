// NVIDIA GPUs. A device serves one model: it holds the GPU's primary context and two streams.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <initializer_list>

#include "runtime/core/error.h"
#include "runtime/device/cuda/cuda_queue.h"
#include "runtime/device/registry.h"

// Refer to this symbol to have the device in a program, see the registry.
extern "C" const char graven1_device_cuda;
extern "C" const char graven1_device_cuda = 0;

namespace graven1::cuda {
namespace {

struct CudaDevice {
  Device device;
  Shared shared;
};

Shared &shared_of(void *self) { return static_cast<CudaDevice *>(self)->shared; }
Queue &queue_of(void *queue) { return *static_cast<Queue *>(queue); }
Address address_of(const void *memory) { return reinterpret_cast<Address>(memory); }

graven_status allocate(void *self, size_t bytes, const char *purpose, void **memory) {
  Shared &shared = shared_of(self);
  const Driver &driver = shared.driver;
  *memory = nullptr;
  Current current(driver, shared.context);
  Address address = 0;
  Result result = driver.allocate(&address, bytes != 0 ? bytes : 1);
  if (result == kOutOfMemory) {
    size_t free_bytes = 0, total = 0;
    driver.memory_info(&free_bytes, &total);
    return fail(GRAVEN_OUT_OF_MEMORY,
                "out of memory on '%s' (%s): %zu bytes for %s are not to be had, %zu of %zu are "
                "free; end other programs on the GPU, or compile the model with a smaller --batch",
                shared.gpu.name, shared.gpu.model, bytes, purpose, free_bytes, total);
  }
  if (result != kSuccess) return check(driver, result, "allocate memory");
  *memory = reinterpret_cast<void *>(address);
  return GRAVEN_OK;
}

// Nothing that was queued still uses the memory then.
void release(void *self, void *memory, size_t) {
  Shared &shared = shared_of(self);
  Current current(shared.driver, shared.context);
  shared.driver.synchronize(shared.inputs);
  shared.driver.synchronize(shared.compute);
  shared.driver.release(address_of(memory));
}

// Starts a transfer and waits for it, and so for all before it.
template <typename Start>
graven_status transfer(void *self, size_t bytes, const char *what, Start start) {
  Shared &shared = shared_of(self);
  Current current(shared.driver, shared.context);
  // The driver takes no transfer of nothing; what waits for one waits all the same.
  Result result = bytes != 0 ? start(shared.driver, shared.compute) : kSuccess;
  if (result == kSuccess) result = shared.driver.synchronize(shared.compute);
  return check(shared.driver, result, what);
}

graven_status upload(void *self, void *destination, const void *host, size_t bytes) {
  return transfer(self, bytes, "copy memory to it", [=](const Driver &driver, Stream stream) {
    return driver.copy_to_device(address_of(destination), host, bytes, stream);
  });
}

graven_status download(void *self, void *host, const void *source, size_t bytes) {
  return transfer(self, bytes, "copy its memory", [=](const Driver &driver, Stream stream) {
    return driver.copy_to_host(host, address_of(source), bytes, stream);
  });
}

graven_status clear(void *self, void *memory, size_t bytes) {
  return transfer(self, bytes, "clear its memory", [=](const Driver &driver, Stream stream) {
    return driver.set_bytes(address_of(memory), 0, bytes, stream);
  });
}

graven_status load(void *self, const graven_artifact *artifact, void **program) {
  Shared &shared = shared_of(self);
  Current current(shared.driver, shared.context);
  Program *made = nullptr;
  graven_status status = load_program(shared.driver, shared.gpu, *artifact, &made);
  *program = made;
  return status;
}

void unload(void *self, void *program) {
  Shared &shared = shared_of(self);
  Current current(shared.driver, shared.context);
  unload_program(shared.driver, static_cast<Program *>(program));
}

graven_status create_queue(void *self, const QueueOptions &options, void **queue) {
  Queue *made = nullptr;
  graven_status status = Queue::create(shared_of(self), options, &made);
  *queue = made;
  return status;
}

void destroy_queue(void *, void *queue) { queue_of(queue).destroy(); }

graven_status begin(void *queue, const DeviceCall &call, bool *replayed) {
  return queue_of(queue).begin(call, replayed);
}
graven_status feed(void *queue, const DeviceFeed &feed) { return queue_of(queue).feed(feed); }
graven_status launch(void *queue, const DeviceLaunch &launch) {
  return queue_of(queue).launch(launch);
}
graven_status copy(void *queue, void *destination, const void *source, size_t bytes) {
  return queue_of(queue).copy(destination, source, bytes);
}
graven_status fill(void *queue, void *destination, uint8_t byte, size_t bytes) {
  return queue_of(queue).fill(destination, byte, bytes);
}
graven_status finish(void *queue) { return queue_of(queue).finish(); }

void close(void *self) {
  Shared &shared = shared_of(self);
  {
    Current current(shared.driver, shared.context);
    if (shared.compute) shared.driver.destroy_stream(shared.compute);
    if (shared.inputs) shared.driver.destroy_stream(shared.inputs);
  }
  shared.driver.release_context(shared.number);
  free(self);
}

graven_status open(uint32_t ordinal, const Device **device) {
  CudaDevice *made = static_cast<CudaDevice *>(calloc(1, sizeof(CudaDevice)));
  if (!made) return fail_memory(sizeof(CudaDevice), "a device");
  made->device = {"cuda",
                  /*uses_host_memory=*/false,
                  /*executes=*/true,
                  /*times_commands=*/true,
                  kStagingSlots,
                  made,
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
                  close};
  Shared &shared = made->shared;
  graven_status status = load_driver(&shared.driver);
  if (status == GRAVEN_OK) {
    status = describe_gpu(shared.driver, ordinal, &shared.gpu, &shared.number);
  }
  if (status == GRAVEN_OK) {
    status = check(shared.driver, shared.driver.retain_context(&shared.context, shared.number),
                   "make a context");
  }
  if (status != GRAVEN_OK) {
    free(made);
    return status;
  }
  {
    Current current(shared.driver, shared.context);
    for (Stream *stream : {&shared.compute, &shared.inputs}) {
      if (status != GRAVEN_OK) break;
      status = check(shared.driver, shared.driver.create_stream(stream, kStreamNonBlocking),
                     "make a stream");
    }
  }
  if (status != GRAVEN_OK) {
    close(made);
    return status;
  }
  *device = &made->device;
  return GRAVEN_OK;
}

bool describe(uint32_t ordinal, graven_device_info *info) {
  Driver driver;
  Gpu gpu;
  DeviceNumber number;
  graven_status status = load_driver(&driver);
  if (status == GRAVEN_OK) {
    int32_t count = 0;
    driver.device_count(&count);
    if (ordinal >= static_cast<uint32_t>(count)) return false;
    status = describe_gpu(driver, ordinal, &gpu, &number);
  }
  if (status != GRAVEN_OK) {
    if (ordinal != 0) return false;
    memcpy(info->name, "cuda", sizeof "cuda");
    memcpy(info->description, graven_last_error(),
           strnlen(graven_last_error(), sizeof info->description - 1));
    return true;
  }
  int32_t version = 0;
  driver.driver_version(&version);
  info->available = 1;
  info->memory_bytes = gpu.memory_bytes;
  memcpy(info->name, gpu.name, sizeof gpu.name);
  snprintf(info->description, sizeof info->description,
           "%s, compute capability %d.%d, %d multiprocessors, driver for CUDA %d.%d", gpu.model,
           gpu.major, gpu.minor, gpu.multiprocessors, version / 1000, version % 1000 / 10);
  return true;
}

DeviceKind kind = {"cuda", open, describe};

__attribute__((constructor)) void join() { register_device(&kind); }

}  // namespace
}  // namespace graven1::cuda
