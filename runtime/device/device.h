// The device interface: where memory lies and who runs kernels. A plain table of functions, one
// implementation per folder here, one conformance suite (test/runtime/device) for all.
//
// Life of a call: begin, any number of launch / copy / fill in order, finish. Commands may be
// queued (and a device may replay a whole queue at once); their effects are complete after
// `finish`.
#ifndef GRAVEN_RUNTIME_DEVICE_DEVICE_H_
#define GRAVEN_RUNTIME_DEVICE_DEVICE_H_

#include <stddef.h>
#include <stdint.h>

#include "graven/graven.h"

namespace graven1 {

// A launch as the device sees it: kernel number of the artifact, operand addresses, grid and the
// compiler's cost estimates.
struct DeviceLaunch {
  uint32_t kernel;
  uint32_t buffer_count;
  void *const *buffers;  // valid during the call of `launch` only
  int64_t grid;
  uint64_t flops;
  uint64_t bytes;
  // Not null: the device records each thread's part of the launch, as command `number`, if it can.
  graven_trace *trace = nullptr;
  uint32_t number = 0;
};

// All functions take the device's own `self`, or a queue that it made. Those that return a status
// set the thread's last error when they fail.
struct Device {
  const char *name;
  // Whether kernels can use the caller's memory as it is; else inputs and outputs are staged.
  bool uses_host_memory;
  // Whether kernels really run; a device that only records leaves memory as it was.
  bool executes;
  void *self;

  // Memory aligned to 64 bytes with undefined content; `purpose` completes "out of memory: ...
  // for".
  graven_status (*allocate)(void *self, size_t bytes, const char *purpose, void **memory);
  void (*release)(void *self, void *memory, size_t bytes);
  // Synchronous transfers, outside or inside of begin ... finish. Host memory may be unaligned.
  graven_status (*upload)(void *self, void *destination, const void *host, size_t bytes);
  graven_status (*download)(void *self, void *host, const void *source, size_t bytes);
  graven_status (*clear)(void *self, void *memory, size_t bytes);  // to zero

  // A queue serves one context: one call at a time.
  graven_status (*create_queue)(void *self, const graven_artifact *artifact, graven_pool *pool,
                                void **queue);
  void (*destroy_queue)(void *self, void *queue);
  // `entry` is the number of the entry whose commands follow: the same ones call by call.
  graven_status (*begin)(void *queue, uint32_t entry);
  graven_status (*launch)(void *queue, const DeviceLaunch &launch);
  graven_status (*copy)(void *queue, void *destination, const void *source, size_t bytes);
  graven_status (*fill)(void *queue, void *destination, uint8_t byte, size_t bytes);
  // Waits for everything queued. Called exactly once after each successful `begin`.
  graven_status (*finish)(void *queue);
};

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_DEVICE_DEVICE_H_
