#include "compiler/codegen/gpu/driver.h"

#include <dlfcn.h>

namespace graven::codegen::gpu {
namespace {

// The driver's interface, as far as it is asked here. Functions return 0 for success.
constexpr int kLeastDriver = 12000;
constexpr int kLeastCapability = 8;   // major
constexpr int kCapabilityMajor = 75;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR

template <typename... Arguments>
bool call(void *library, const char *name, Arguments... arguments) {
  auto function = reinterpret_cast<int (*)(Arguments...)>(dlsym(library, name));
  return function && function(arguments...) == 0;
}

}  // namespace

bool hasUsableGpu() {
  // Never closed: drivers leave threads behind.
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return false;
  int version = 0, devices = 0;
  if (!call(library, "cuInit", 0u) || !call(library, "cuDriverGetVersion", &version) ||
      version < kLeastDriver || !call(library, "cuDeviceGetCount", &devices))
    return false;
  for (int number = 0; number < devices; ++number) {
    int device = 0, major = 0;
    if (call(library, "cuDeviceGet", &device, number) &&
        call(library, "cuDeviceGetAttribute", &major, kCapabilityMajor, device) &&
        major >= kLeastCapability)
      return true;
  }
  return false;
}

}  // namespace graven::codegen::gpu
