// The C interface for opening a model from a shared object.
#include "runtime/core/error.h"
#include "runtime/core/model.h"
#include "runtime/device/registry.h"

using graven1::fail;

graven_status graven_model_open(const char *path, graven_model **model) {
  return graven_model_open_on(path, nullptr, model);
}

graven_status graven_model_open_on(const char *path, const char *device, graven_model **model) {
  if (!model) return fail(GRAVEN_INVALID_ARGUMENT, "graven_model_open: the result pointer is null");
  *model = nullptr;
  if (!path || !*path) {
    return fail(GRAVEN_INVALID_ARGUMENT,
                "graven_model_open: the path is %s; give that of a model.so",
                path ? "empty" : "null");
  }
  graven1::link_every_device();
  return graven1::open_model(path, device, model);
}
