// The devices that this program can run models on, by name.
//
// A device joins by registering its kind: the CPU always has, others do so before main when their
// object is linked. Programs that open artifacts from files carry all devices (every_device.cc);
// in a program with linked-in models, the artifact of a model for device D refers to the symbol
// GRAVEN_SYMBOL(device_D), which brings the object in.
#ifndef GRAVEN_RUNTIME_DEVICE_REGISTRY_H_
#define GRAVEN_RUNTIME_DEVICE_REGISTRY_H_

#include <stdint.h>

#include <atomic>

#include "runtime/device/device.h"

namespace graven1 {

// A kind of device: static storage of who registers it.
struct DeviceKind {
  const char *name;  // as the artifact's table says it: "cpu", "cuda"
  // Opens device number `ordinal` of the kind for one model, which closes it with `Device::close`.
  graven_status (*open)(uint32_t ordinal, const Device **device);
  // Describes device number `ordinal`; false beyond the last. Of a kind of which there is no device
  // number 0 is one that is not available, with the reason.
  bool (*describe)(uint32_t ordinal, graven_device_info *info);
  std::atomic<DeviceKind *> next = nullptr;  // the registry's
};

// Adds a kind, whose name is not taken yet. Any thread may, at any time; kinds stay.
void register_device(DeviceKind *kind);

// The kinds, linked by `next`; the CPU is the first.
const DeviceKind *first_device_kind();

// Opens the device for a model compiled for devices of kind `compiled`. `wish` is null or "auto"
// (device 0 of that kind), "KIND", "KIND:NUMBER", or "none" to look at the model only. Fails with
// INVALID_ARGUMENT when the wish is for another kind, NOT_FOUND when there is no such device or the
// program was linked without it.
graven_status open_device(const char *compiled, const char *wish, const Device **device);

// Makes the linker keep every device of the runtime.
void link_every_device();

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_DEVICE_REGISTRY_H_
