#include "runtime/device/registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/core/error.h"
#include "runtime/device/cpu/cpu_device.h"

namespace graven1 {
namespace {

const DeviceKind *find_kind(const char *name, size_t bytes) {
  for (const DeviceKind *kind = first_device_kind(); kind; kind = kind->next) {
    if (strlen(kind->name) == bytes && memcmp(kind->name, name, bytes) == 0) return kind;
  }
  return nullptr;
}

graven_status unknown_kind(const char *name, size_t bytes) {
  char known[200];
  size_t end = 0;
  known[0] = 0;
  for (const DeviceKind *kind = first_device_kind(); kind; kind = kind->next) {
    int written =
        snprintf(known + end, sizeof known - end, "%s%s", end != 0 ? ", " : "", kind->name);
    if (written < 0 || static_cast<size_t>(written) >= sizeof known - end) break;
    end += static_cast<size_t>(written);
  }
  return fail(GRAVEN_NOT_FOUND, "there is no device '%.*s' in this program; it has %s",
              static_cast<int>(bytes < 64 ? bytes : 64), name, known);
}

// Reads the digits of "cuda:1"; false when they are none, or too many.
bool parse_ordinal(const char *text, uint32_t *ordinal) {
  *ordinal = 0;
  if (!*text) return false;
  for (; *text; ++text) {
    if (*text < '0' || *text > '9' || *ordinal > 9999) return false;
    *ordinal = *ordinal * 10 + static_cast<uint32_t>(*text - '0');
  }
  return true;
}

// The device of a model that is only looked at: it takes no memory and no commands.
graven_status refuse() {
  return fail(
      GRAVEN_INVALID_ARGUMENT,
      "the model was opened on device 'none', to be looked at; open it on another to run it");
}
constexpr Device kNoDevice = {
    "none",
    /*uses_host_memory=*/true,
    /*executes=*/false,
    /*times_commands=*/false,
    /*staging_slots=*/1,
    /*self=*/nullptr,
    [](void *, size_t, const char *, void **memory) { return *memory = nullptr, refuse(); },
    [](void *, void *, size_t) {},
    [](void *, void *, const void *, size_t) { return refuse(); },
    [](void *, void *, const void *, size_t) { return refuse(); },
    [](void *, void *, size_t) { return refuse(); },
    [](void *, const graven_artifact *, void **program) { return *program = nullptr, GRAVEN_OK; },
    [](void *, void *) {},
    [](void *, const QueueOptions &, void **) { return refuse(); },
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,  // no queue is ever made
    /*close=*/nullptr};

}  // namespace

void register_device(DeviceKind *kind) {
  DeviceKind *next = cpu_kind.next.load(std::memory_order_relaxed);
  kind->next.store(next, std::memory_order_relaxed);
  while (!cpu_kind.next.compare_exchange_weak(next, kind, std::memory_order_release,
                                              std::memory_order_relaxed)) {
    kind->next.store(next, std::memory_order_relaxed);
  }
}

const DeviceKind *first_device_kind() { return &cpu_kind; }

graven_status open_device(const char *compiled, const char *wish, const Device **device) {
  *device = nullptr;
  if (wish && strcmp(wish, kNoDevice.name) == 0) {
    *device = &kNoDevice;
    return GRAVEN_OK;
  }
  const char *name = wish && strcmp(wish, "auto") != 0 ? wish : compiled;
  const size_t bytes = strcspn(name, ":");
  uint32_t ordinal = 0;
  if (name[bytes] == ':' && !parse_ordinal(name + bytes + 1, &ordinal)) {
    return fail(GRAVEN_INVALID_ARGUMENT,
                "'%.80s' is no device; write auto, or a kind of device with or without a number, "
                "such as %s or %s:0",
                name, compiled, compiled);
  }
  const DeviceKind *kind = find_kind(name, bytes);
  if (!kind) return unknown_kind(name, bytes);
  if (strcmp(kind->name, compiled) != 0) {
    return fail(GRAVEN_INVALID_ARGUMENT,
                "the model is compiled for device '%.80s' and cannot run on '%s'; compile it again "
                "with --device=%s",
                compiled, kind->name, kind->name);
  }
  return kind->open(ordinal, device);
}

void feed_host_memory(const DeviceFeed &feed, void *destination) {
  char *to = static_cast<char *>(destination);
  if (feed.bytes != 0) memcpy(to, feed.host, feed.bytes);
  for (size_t at = feed.bytes; at < feed.capacity; at += feed.row)
    memcpy(to + at, feed.host, feed.row);
}

}  // namespace graven1
