// A third device, registered by tests alone: it computes the kernels of an image that is their IR
// as text (test/compiler/codegen/toy), op by op in f64. Its memory has addresses that are none of
// the process, so that whoever above it touches device memory by himself ends there.
#ifndef GRAVEN_TEST_RUNTIME_DEVICE_TOY_TOY_DEVICE_H_
#define GRAVEN_TEST_RUNTIME_DEVICE_TOY_TOY_DEVICE_H_

#include <cstdint>

#include "runtime/device/registry.h"

namespace graven::testing {

// Two devices, "toy:0" and "toy:1", for register_device.
extern graven1::DeviceKind toy_kind;

// Kernels computed so far by toy `ordinal`, and bytes of its memory in use.
uint64_t toy_launches(uint32_t ordinal);
uint64_t toy_bytes(uint32_t ordinal);

}  // namespace graven::testing

#endif  // GRAVEN_TEST_RUNTIME_DEVICE_TOY_TOY_DEVICE_H_
