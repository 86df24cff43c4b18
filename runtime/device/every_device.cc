// The devices that come with the runtime beside the CPU.
#include "runtime/device/registry.h"

extern "C" const char graven1_device_cuda;

namespace graven1 {

void link_every_device() {
  static const char *const devices[] = {&graven1_device_cuda};
  asm volatile("" : : "r"(devices));  // the reference is all that is wanted
}

}  // namespace graven1
