// The device interface: where memory lies and who runs kernels. A plain table of functions, one
// implementation per folder here, one conformance suite (test/runtime/device) for all.
//
// Life of a call: begin, any number of feeds, any number of launch / copy / fill in order, finish.
// Commands may be queued, and run after `finish` has returned; whatever the device does later
// (transfers, the next call) happens as if they had run at once.
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
  uint32_t number = 0;  // of the launch among the table's command records
};

// What a queue is made for.
struct QueueOptions {
  const graven_artifact *artifact;
  void *program;  // what `load` made of it
  graven_pool *pool;
  // Memory of the context that the inputs are fed to: `staging_slots` times `staging_bytes`.
  char *staging;
  size_t staging_bytes;
};

// What a call begins with.
struct DeviceCall {
  uint32_t entry;  // its number: the commands that follow are the same ones call by call
  // Where the call's state lies and its staged inputs and outputs begin. On a device that does not
  // use host memory, calls of one entry with equal addresses have equal commands in full.
  const void *state = nullptr;
  const void *staging = nullptr;
  // For a device that times commands: nanoseconds per command of the table, to be added to, and
  // where to record them. Null where nobody asks.
  uint64_t *profile = nullptr;
  graven_trace *trace = nullptr;
};

// Bytes of the caller that a call brings to the device.
struct DeviceFeed {
  void *destination;  // in the staging memory of the queue
  const void *host;
  size_t bytes;     // at `host`
  size_t row;       // the first so many bytes are repeated after them ...
  size_t capacity;  // ... until so many bytes are full
};

// All functions take the device's own `self`, or a queue that it made. Those that return a status
// set the thread's last error when they fail.
struct Device {
  const char *name;
  // Whether kernels can use the caller's memory as it is; else constants are uploaded, inputs and
  // outputs are staged.
  bool uses_host_memory;
  // Whether kernels really run; a device that only records leaves memory as it was.
  bool executes;
  // Whether the device itself times commands, see DeviceCall; else the executor does, since each
  // has run when its function returns.
  bool times_commands;
  // How many calls in a row use different staging memory, so that the inputs of one can arrive
  // while the one before computes.
  uint32_t staging_slots;
  void *self;

  // Memory aligned to 64 bytes with undefined content; `purpose` completes "out of memory: ...
  // for".
  graven_status (*allocate)(void *self, size_t bytes, const char *purpose, void **memory);
  void (*release)(void *self, void *memory, size_t bytes);
  // Synchronous transfers, outside of begin ... finish, after everything queued before. Host memory
  // may be unaligned.
  graven_status (*upload)(void *self, void *destination, const void *host, size_t bytes);
  graven_status (*download)(void *self, void *host, const void *source, size_t bytes);
  graven_status (*clear)(void *self, void *memory, size_t bytes);  // to zero

  // What the device makes of an artifact's kernels, once per model, or null.
  graven_status (*load)(void *self, const graven_artifact *artifact, void **program);
  void (*unload)(void *self, void *program);
  // A queue serves one context: one call at a time.
  graven_status (*create_queue)(void *self, const QueueOptions &options, void **queue);
  void (*destroy_queue)(void *self, void *queue);
  // `*replayed` tells that the device still has all commands of the call from an earlier one: none
  // follow.
  graven_status (*begin)(void *queue, const DeviceCall &call, bool *replayed);
  // Takes the caller's bytes, which are free again on return, for the commands that follow.
  graven_status (*feed)(void *queue, const DeviceFeed &feed);
  graven_status (*launch)(void *queue, const DeviceLaunch &launch);
  graven_status (*copy)(void *queue, void *destination, const void *source, size_t bytes);
  graven_status (*fill)(void *queue, void *destination, uint8_t byte, size_t bytes);
  // Called exactly once after each successful `begin`; after a function that failed it drops what
  // has not run.
  graven_status (*finish)(void *queue);

  // Gives back what opening the device took (runtime/device/registry.h); may be null.
  void (*close)(void *self);
};

// Copies a feed's bytes to `destination` and repeats its first row; for devices on host memory.
void feed_host_memory(const DeviceFeed &feed, void *destination);

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_DEVICE_DEVICE_H_
