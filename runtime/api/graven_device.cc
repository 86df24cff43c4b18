// The C interface that lists devices.
#include <inttypes.h>
#include <string.h>

#include "runtime/core/error.h"
#include "runtime/device/registry.h"

using graven1::fail;

graven_status graven_device_describe(uint32_t index, graven_device_info *info) {
  if (!info) return fail(GRAVEN_INVALID_ARGUMENT, "graven_device_describe: the result is null");
  graven1::link_every_device();
  uint32_t before = 0;
  for (const graven1::DeviceKind *kind = graven1::first_device_kind(); kind; kind = kind->next) {
    uint32_t ordinal = 0;
    for (;; ++ordinal) {
      memset(info, 0, sizeof *info);
      if (!kind->describe(ordinal, info)) break;
      if (before + ordinal == index) return GRAVEN_OK;
    }
    before += ordinal;
  }
  memset(info, 0, sizeof *info);
  return fail(GRAVEN_NOT_FOUND, "there is no device number %" PRIu32 ", they end at %" PRIu32,
              index, before);
}
