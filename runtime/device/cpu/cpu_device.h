// The CPU device: commands run at once, on the calling thread and the context's worker pool.
#ifndef GRAVEN_RUNTIME_DEVICE_CPU_CPU_DEVICE_H_
#define GRAVEN_RUNTIME_DEVICE_CPU_CPU_DEVICE_H_

#include "runtime/device/registry.h"

namespace graven1 {

// The one CPU device of the process; stateless.
const Device *cpu_device();

extern DeviceKind cpu_kind;

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_DEVICE_CPU_CPU_DEVICE_H_
