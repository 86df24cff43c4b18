// The C interface of states: creation, access by name, clones. Checkpoints: graven_checkpoint.cc.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <new>

#include "runtime/core/error.h"
#include "runtime/core/state.h"

using graven1::fail;
using graven1::StateLock;

namespace graven1 {

graven_status StateLock::busy() const {
  return fail(GRAVEN_BUSY,
              "the state is in use by another call; a state takes many readers or one writer: wait "
              "for that call, or give each thread a clone (graven_state_clone)");
}

bool is_boolean(const void *data, uint64_t bytes) {
  const unsigned char *p = static_cast<const unsigned char *>(data);
  unsigned char all = 0;
  for (uint64_t i = 0; i < bytes; ++i) all |= p[i];
  return all <= 1;
}

namespace {

// The record of state `name` when it can be moved as `bytes` bytes, else null with an error.
const graven_state_record *checked_record(const char *function, const graven_state *state,
                                          const char *name, const void *data, size_t bytes,
                                          graven_status *status) {
  if (!state || !name || (!data && bytes != 0)) {
    *status = fail(GRAVEN_INVALID_ARGUMENT, "%s: the %s is null", function,
                   !state  ? "state"
                   : !name ? "name"
                           : "data");
    return nullptr;
  }
  const graven_model &model = *state->model;
  int32_t index = find_state(model, name, strlen(name));
  if (index < 0) {
    *status = fail(GRAVEN_NOT_FOUND,
                   "%s: model '%.80s' has no state '%.80s'; `graven-run info` lists its states",
                   function, model.table.text(model.table.header->model_name), name);
    return nullptr;
  }
  const graven_state_record &record = model.table.states[index];
  if (record.role == GRAVEN_ROLE_METRIC) {
    *status = fail(GRAVEN_NOT_FOUND,
                   "%s: '%.80s' is a metric and belongs to a context; use graven_context_metric",
                   function, name);
    return nullptr;
  }
  if (record.tensor.bytes != bytes) {
    *status = fail(GRAVEN_INVALID_ARGUMENT, "%s: state '%.80s' has %" PRIu64 " bytes, got %zu",
                   function, name, record.tensor.bytes, bytes);
    return nullptr;
  }
  return &record;
}

graven_status new_state(const graven_model *model, graven_state **state) {
  void *block = malloc(sizeof(graven_state));
  if (!block) return fail_memory(sizeof(graven_state), "a state");
  graven_state *made = new (block) graven_state{model, nullptr, 0, {}};
  void *memory;
  graven_status status = model->device->allocate(
      model->device->self, model->table.header->state_bytes, "the model's state", &memory);
  if (status != GRAVEN_OK) {
    free(made);
    return status;
  }
  made->memory = static_cast<char *>(memory);
  *state = made;
  return GRAVEN_OK;
}

// Copies device memory to device memory through a small buffer on the host.
graven_status copy_memory(const Device &device, char *to, const char *from, uint64_t bytes) {
  if (device.uses_host_memory) return device.upload(device.self, to, from, bytes);
  char buffer[1 << 14];
  for (uint64_t at = 0; at < bytes;) {
    uint64_t piece = bytes - at < sizeof buffer ? bytes - at : sizeof buffer;
    graven_status status = device.download(device.self, buffer, from + at, piece);
    if (status == GRAVEN_OK) status = device.upload(device.self, to + at, buffer, piece);
    if (status != GRAVEN_OK) return status;
    at += piece;
  }
  return GRAVEN_OK;
}

}  // namespace
}  // namespace graven1

graven_status graven_state_create(const graven_model *model, graven_state **state) {
  if (!state)
    return fail(GRAVEN_INVALID_ARGUMENT, "graven_state_create: the result pointer is null");
  *state = nullptr;
  if (!model) return fail(GRAVEN_INVALID_ARGUMENT, "graven_state_create: the model is null");
  graven_state *made = nullptr;
  graven_status status = graven1::new_state(model, &made);
  if (status != GRAVEN_OK) return status;
  status =
      model->device->clear(model->device->self, made->memory, model->table.header->state_bytes);
  if (status != GRAVEN_OK) {
    graven_state_destroy(made);
    return status;
  }
  *state = made;
  return GRAVEN_OK;
}

void graven_state_destroy(graven_state *state) {
  if (!state) return;
  const graven1::Device &device = *state->model->device;
  device.release(device.self, state->memory, state->model->table.header->state_bytes);
  free(state->metadata.text);
  free(state->metadata.pairs);
  free(state);
}

graven_status graven_state_clone(const graven_state *state, graven_state **copy) {
  if (!copy) return fail(GRAVEN_INVALID_ARGUMENT, "graven_state_clone: the result pointer is null");
  *copy = nullptr;
  if (!state) return fail(GRAVEN_INVALID_ARGUMENT, "graven_state_clone: the state is null");
  StateLock lock(*state, false);
  if (!lock.held()) return lock.busy();
  graven_state *made = nullptr;
  graven_status status = graven1::new_state(state->model, &made);
  if (status != GRAVEN_OK) return status;
  status = graven1::copy_memory(*state->model->device, made->memory, state->memory,
                                state->model->table.header->state_bytes);
  if (status != GRAVEN_OK) {
    graven_state_destroy(made);
    return status;
  }
  *copy = made;
  return GRAVEN_OK;
}

graven_status graven_state_get(const graven_state *state, const char *name, void *data,
                               size_t bytes) {
  graven_status status = GRAVEN_OK;
  const graven_state_record *record =
      graven1::checked_record("graven_state_get", state, name, data, bytes, &status);
  if (!record) return status;
  StateLock lock(*state, false);
  if (!lock.held()) return lock.busy();
  const graven1::Device &device = *state->model->device;
  return device.download(device.self, data, state->memory + record->offset, bytes);
}

graven_status graven_state_set(graven_state *state, const char *name, const void *data,
                               size_t bytes) {
  graven_status status = GRAVEN_OK;
  const graven_state_record *record =
      graven1::checked_record("graven_state_set", state, name, data, bytes, &status);
  if (!record) return status;
  if (record->tensor.dtype == GRAVEN_I1 && !graven1::is_boolean(data, bytes)) {
    return fail(GRAVEN_INVALID_ARGUMENT,
                "graven_state_set: state '%.80s' is of type i1, each byte must be 0 or 1", name);
  }
  StateLock lock(*state, true);
  if (!lock.held()) return lock.busy();
  const graven1::Device &device = *state->model->device;
  return device.upload(device.self, state->memory + record->offset, data, bytes);
}

const char *graven_state_metadata(const graven_state *state, const char *key) {
  if (!state || !key) return nullptr;
  for (uint32_t i = 0; i < state->metadata.count; ++i) {
    if (strcmp(state->metadata.pairs[2 * i], key) == 0) return state->metadata.pairs[2 * i + 1];
  }
  return nullptr;
}
