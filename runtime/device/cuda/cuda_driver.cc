#include "runtime/device/cuda/cuda_driver.h"

#include <dlfcn.h>
#include <string.h>

#include "runtime/core/error.h"

namespace graven1::cuda {
namespace {

// The oldest driver that reads PTX ISA 8.0, which artifacts are written in.
constexpr int32_t kOldestVersion = 12000;

constexpr struct {
  const char *symbol;
  size_t offset;
} kSymbols[] = {
#define GRAVEN_CUDA_SYMBOL(member, symbol, parameters) {symbol, offsetof(Driver, member)},
    GRAVEN_CUDA_FUNCTIONS(GRAVEN_CUDA_SYMBOL)
#undef GRAVEN_CUDA_SYMBOL
};

// What a kernel did that had been started before: address, alignment, instruction, time.
bool is_of_a_kernel(Result result) {
  return result == 700 || result == 702 || (result >= 714 && result <= 719);
}
constexpr char kOfAKernel[] =
    "; it is a kernel of this call or of an earlier one that failed, and the GPU takes no more "
    "work "
    "of this process: run it again with GRAVEN_CUDA_ONE_BY_ONE=1 in the environment to learn which";

graven_status too_old(int32_t version) {
  return fail(
      GRAVEN_INCOMPATIBLE,
      "the NVIDIA driver is too old: it serves CUDA %d.%d, models need 12.0; install driver "
      "525 or later, or compile the model with --device=cpu",
      version / 1000, version % 1000 / 10);
}

}  // namespace

graven_status load_driver(Driver *driver) {
  // The library stays loaded: a driver is not made to leave.
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) {
    const char *reason = dlerror();
    return fail(GRAVEN_NOT_FOUND,
                "there is no NVIDIA driver on this machine (%.300s); install it, or compile the "
                "model with --device=cpu",
                reason ? reason : "libcuda.so.1 is missing");
  }
  bool complete = true;
  for (const auto &row : kSymbols) {
    void *function = dlsym(library, row.symbol);
    complete &= function != nullptr;
    memcpy(reinterpret_cast<char *>(driver) + row.offset, &function, sizeof function);
  }
  int32_t version = 0;
  if (driver->driver_version) driver->driver_version(&version);
  if (!complete || version < kOldestVersion) return too_old(version);
  Result result = driver->init(0);
  int32_t count = 0;
  if (result == kSuccess) result = driver->device_count(&count);
  if (result == kNoDevice || (result == kSuccess && count == 0)) {
    return fail(GRAVEN_NOT_FOUND,
                "the NVIDIA driver finds no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES, or "
                "compile the model with --device=cpu");
  }
  return check(*driver, result, "start; check nvidia-smi");
}

graven_status check(const Driver &driver, Result result, const char *what) {
  if (result == kSuccess) return GRAVEN_OK;
  const char *name = nullptr, *text = nullptr;
  if (driver.error_name(result, &name) != kSuccess || !name) name = "an unknown error";
  if (driver.error_string(result, &text) != kSuccess || !text) text = "no text";
  return fail(result == kOutOfMemory ? GRAVEN_OUT_OF_MEMORY : GRAVEN_DEVICE_FAILED,
              "the GPU or its driver failed, %s (%s, number %d), asked to %s%s", name, text, result,
              what, is_of_a_kernel(result) ? kOfAKernel : "");
}

}  // namespace graven1::cuda
