// The C interface of calls: the checks, the locks, then the executor.
#include <inttypes.h>

#include "runtime/core/context.h"
#include "runtime/core/error.h"
#include "runtime/core/state.h"
#include "runtime/core/text.h"

using graven1::fail;

namespace graven1 {
namespace {

// What a message calls an entry: "entry 'train_step' of model 'iris'".
#define GRAVEN_ENTRY_TEXT "entry '%.80s' of model '%.80s'"
#define GRAVEN_ENTRY_NAMES(table, entry) \
  (table).text((entry).name), (table).text((table).header->model_name)

graven_status check_rows(const Table &table, const graven_entry_record &entry, int64_t rows) {
  bool partial = (entry.flags & GRAVEN_ENTRY_PARTIAL) != 0;
  if (entry.batch == 0 || rows == entry.batch || (partial && rows >= 1 && rows < entry.batch)) {
    return GRAVEN_OK;
  }
  return fail(GRAVEN_INVALID_ARGUMENT,
              GRAVEN_ENTRY_TEXT " is compiled for %s%" PRId64 " rows, got %" PRId64
                                "; split the batch, or compile the model with another --batch",
              GRAVEN_ENTRY_NAMES(table, entry), partial ? "1 to " : "exactly ", entry.batch, rows);
}

template <typename Element>
int64_t first_outside(const void *data, int64_t count, int64_t lo, int64_t hi) {
  const Element *values = static_cast<const Element *>(data);
  for (int64_t i = 0; i < count; ++i) {
    int64_t value = static_cast<int64_t>(values[i]);
    if (value < lo || value >= hi) return i;
  }
  return -1;
}

graven_status check_range(const Table &table, const graven_entry_record &entry,
                          const graven_port_record &port, int64_t rows, const void *data) {
  int64_t lo = port.range_lo, hi = port.range_hi;
  if ((port.flags & GRAVEN_PORT_HAS_RANGE) == 0) lo = 0, hi = 2;  // i1
  uint32_t element_bytes = element_type(port.tensor.dtype)->bytes;
  int64_t count = static_cast<int64_t>(port.tensor.bytes / element_bytes);
  int64_t row_count = count;
  bool batched = (port.flags & GRAVEN_PORT_BATCHED) != 0;
  if (batched) {
    row_count = count / entry.batch;
    count = row_count * rows;
  }
  int64_t at, value = 0;
  if (port.tensor.dtype == GRAVEN_I32) {
    at = first_outside<int32_t>(data, count, lo, hi);
    if (at >= 0) value = static_cast<const int32_t *>(data)[at];
  } else if (port.tensor.dtype == GRAVEN_I64) {
    at = first_outside<int64_t>(data, count, lo, hi);
    if (at >= 0) value = static_cast<const int64_t *>(data)[at];
  } else {
    at = first_outside<uint8_t>(data, count, lo, hi);
    if (at >= 0) value = static_cast<const uint8_t *>(data)[at];
  }
  if (at < 0) return GRAVEN_OK;
  int64_t place = batched && row_count > 0 ? at / row_count : at;
  return fail(GRAVEN_INVALID_ARGUMENT,
              "input '%.80s' of " GRAVEN_ENTRY_TEXT ": %s %" PRId64 " holds %" PRId64
              ", expected %" PRId64 " <= value < %" PRId64 "; correct the data",
              table.text(port.name), GRAVEN_ENTRY_NAMES(table, entry), batched ? "row" : "element",
              place, value, lo, hi);
}

graven_status check_pointer(const Table &table, const graven_entry_record &entry,
                            const graven_port_record &port, const char *kind, const void *data) {
  uint32_t element_bytes = element_type(port.tensor.dtype)->bytes;
  if (reinterpret_cast<uintptr_t>(data) % element_bytes == 0) return GRAVEN_OK;
  return fail(GRAVEN_INVALID_ARGUMENT,
              "%s '%.80s' of " GRAVEN_ENTRY_TEXT
              " lies at %p, which is not aligned to its element "
              "of %u bytes; copy the data to an aligned buffer",
              kind, table.text(port.name), GRAVEN_ENTRY_NAMES(table, entry), data, element_bytes);
}

graven_status check_ports(const Table &table, const graven_entry_record &entry, int64_t rows,
                          const void *const *inputs, void *const *outputs) {
  for (uint32_t i = 0, given = 0; i < entry.inputs.count; ++i) {
    const graven_port_record &port = table.ports[entry.inputs.first + i];
    if (port.kind != GRAVEN_PORT_DATA) continue;
    const void *data = inputs ? inputs[given] : nullptr;
    ++given;
    if (port.tensor.bytes == 0) continue;
    if (!data) {
      return fail(GRAVEN_INVALID_ARGUMENT, "input '%.80s' of " GRAVEN_ENTRY_TEXT " is null",
                  table.text(port.name), GRAVEN_ENTRY_NAMES(table, entry));
    }
    graven_status status = check_pointer(table, entry, port, "input", data);
    if (status == GRAVEN_OK &&
        ((port.flags & GRAVEN_PORT_HAS_RANGE) != 0 || port.tensor.dtype == GRAVEN_I1)) {
      status = check_range(table, entry, port, rows, data);
    }
    if (status != GRAVEN_OK) return status;
  }
  for (uint32_t i = 0; outputs && i < entry.outputs.count; ++i) {
    const graven_port_record &port = table.ports[entry.outputs.first + i];
    graven_status status = check_pointer(table, entry, port, "output", outputs[i]);
    if (status != GRAVEN_OK) return status;
  }
  return GRAVEN_OK;
}

graven_status execute_locked(graven_context &context, graven_state *state, uint32_t entry,
                             int64_t rows, const void *const *inputs, void *const *outputs) {
  if (context.taken.exchange(1, std::memory_order_acquire) != 0) {
    return fail(GRAVEN_BUSY,
                "the context is in use by another call; make one context for each thread");
  }
  const EntryFacts &facts = context.model->entries[entry];
  graven_status status;
  if (facts.reads_state) {
    StateLock lock(*state, facts.writes_state);
    status = lock.held() ? execute(context, state, entry, rows, inputs, outputs) : lock.busy();
  } else {
    status = execute(context, nullptr, entry, rows, inputs, outputs);
  }
  context.taken.store(0, std::memory_order_release);
  return status;
}

}  // namespace
}  // namespace graven1

graven_status graven_call(graven_context *context, graven_state *state, uint32_t entry,
                          int64_t rows, const void *const *inputs, void *const *outputs) {
  using namespace graven1;
  if (!context) return fail(GRAVEN_INVALID_ARGUMENT, "graven_call: the context is null");
  const Table &table = context->model->table;
  if (entry >= table.header->entries_count) {
    return fail(GRAVEN_INVALID_ARGUMENT,
                "graven_call: model '%.80s' has no entry number %" PRIu32
                "; use graven_model_find_entry and check for -1",
                table.text(table.header->model_name), entry);
  }
  const graven_entry_record &record = table.entries[entry];
  if (context->model->entries[entry].reads_state && !state) {
    return fail(GRAVEN_INVALID_ARGUMENT, GRAVEN_ENTRY_TEXT " needs a state, got null",
                GRAVEN_ENTRY_NAMES(table, record));
  }
  if (state && state->model != context->model) {
    return fail(GRAVEN_INVALID_ARGUMENT,
                "graven_call: the state belongs to model '%.80s' and the context to model '%.80s', "
                "or they were opened twice; make both from one graven_model",
                state->model->table.text(state->model->table.header->model_name),
                table.text(table.header->model_name));
  }
  graven_status status = check_rows(table, record, rows);
  if (status == GRAVEN_OK) status = check_ports(table, record, rows, inputs, outputs);
  if (status != GRAVEN_OK) return status;
  return execute_locked(*context, state, entry, rows, inputs, outputs);
}

graven_status graven_call_raw(graven_context *context, graven_state *state, uint32_t entry,
                              int64_t rows, const void *const *inputs, void *const *outputs) {
  return graven1::execute_locked(*context, state, entry, rows, inputs, outputs);
}
