// The C interface for opening a model from a shared object.
#include "runtime/core/error.h"
#include "runtime/core/model.h"
#include "runtime/device/cpu/cpu_device.h"

using graven1::fail;

graven_status graven_model_open(const char *path, graven_model **model) {
  if (!model) return fail(GRAVEN_INVALID_ARGUMENT, "graven_model_open: the result pointer is null");
  *model = nullptr;
  if (!path || !*path) {
    return fail(GRAVEN_INVALID_ARGUMENT,
                "graven_model_open: the path is %s; give that of a model.so",
                path ? "empty" : "null");
  }
  return graven1::open_model(path, graven1::cpu_device(), model);
}
