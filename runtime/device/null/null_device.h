// The null device: runs nothing and writes down what it was asked to do, after checking it. It
// shows that the executor needs nothing from a device beyond the interface, and what a call amounts
// to.
#ifndef GRAVEN_RUNTIME_DEVICE_NULL_NULL_DEVICE_H_
#define GRAVEN_RUNTIME_DEVICE_NULL_NULL_DEVICE_H_

#include "runtime/device/device.h"

namespace graven1 {

// One command as it reached the device.
struct NullCommand {
  graven_command_kind kind;
  uint32_t kernel;        // LAUNCH
  uint32_t buffer_count;  // LAUNCH
  int64_t grid;           // LAUNCH
  void *destination;      // COPY, FILL; LAUNCH: its first buffer
  const void *source;     // COPY
  size_t bytes;           // COPY, FILL
  uint8_t byte;           // FILL
};

// A recording device. Memory is real (zero-filled host memory, so that transfers can be followed),
// commands are only recorded; those after the first `capacity` are counted and not kept.
// Misuse of the interface (a command outside begin ... finish, a null buffer, an unknown kernel, an
// address outside the device's own memory) fails with INVALID_ARGUMENT.
struct NullDevice {
  static constexpr size_t kMaxBlocks = 64;
  struct Block {
    char *memory;
    size_t bytes;
  };

  Device device;  // the interface; its `self` is this object
  NullCommand *commands;
  size_t capacity;
  size_t recorded;  // all since the last `null_device_reset`, kept or not
  size_t calls;     // finished begin ... finish pairs
  Block blocks[kMaxBlocks];
  size_t block_count;
};

// Makes `device` record into `commands[0, capacity)`. `uses_host_memory` chooses whether it accepts
// the caller's memory or asks for staging.
void null_device_init(NullDevice *device, bool uses_host_memory, NullCommand *commands,
                      size_t capacity);
void null_device_reset(NullDevice *device);

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_DEVICE_NULL_NULL_DEVICE_H_
