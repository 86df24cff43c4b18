// The executor: binds addresses, then walks an entry's commands. It knows nothing of the device
// beyond its interface.
#include <string.h>

#include "runtime/core/context.h"
#include "runtime/core/error.h"
#include "runtime/core/state.h"
#include "runtime/core/trace.h"

namespace graven1 {
namespace {

// One call under way.
class Call {
 public:
  Call(graven_context &context, uint32_t entry, int64_t rows)
      : context_(context),
        model_(*context.model),
        device_(*context.model->device),
        number_(entry),
        entry_(model_.table.entries[entry]),
        rows_(rows),
        first_staged_(context.staging) {
    if (device_.staging_slots > 1) {
      first_staged_ += context.calls++ % device_.staging_slots * model_.staging_bytes;
    }
    staging_ = first_staged_;
  }

  void bind_inputs(const void *const *inputs);
  void bind_outputs(void *const *outputs);
  graven_status run(const void *const *inputs);
  graven_status deliver(void *const *outputs);

 private:
  bool missing_rows(const graven_port_record &port) const {
    return (port.flags & GRAVEN_PORT_BATCHED) != 0 && rows_ < entry_.batch;
  }
  // The bytes of the rows that the call really brings.
  uint64_t valid_bytes(const graven_port_record &port) const {
    if (!missing_rows(port)) return port.tensor.bytes;
    return port.tensor.bytes / static_cast<uint64_t>(entry_.batch) * static_cast<uint64_t>(rows_);
  }
  // Whether the kernels read input `port` where the caller has it.
  bool read_in_place(const graven_port_record &port) const {
    return device_.uses_host_memory && port.kind == GRAVEN_PORT_DATA && !missing_rows(port);
  }
  char *stage(const graven_port_record &port) {
    char *memory = staging_;
    staging_ += staged(port.tensor.bytes);
    return memory;
  }
  graven_status feed_inputs(const void *const *inputs);
  graven_status issue(const graven_command_record &command);
  uint32_t number_of(const graven_command_record &command) const {
    return static_cast<uint32_t>(&command - model_.table.commands);
  }

  graven_context &context_;
  const graven_model &model_;
  const Device &device_;
  const uint32_t number_;
  const graven_entry_record &entry_;
  int64_t rows_;
  char *first_staged_;
  char *staging_;  // what is left
};

// Inputs are staged before outputs, so that they lie together.
void Call::bind_inputs(const void *const *inputs) {
  const graven_port_record *ports = model_.table.ports + entry_.inputs.first;
  char **bases = context_.bases + kBaseInputs;
  for (uint32_t i = 0, data_index = 0; i < entry_.inputs.count; ++i) {
    const graven_port_record &port = ports[i];
    const void *data = nullptr;
    if (port.kind == GRAVEN_PORT_DATA) data = inputs ? inputs[data_index++] : nullptr;
    // Operands of inputs are read-only.
    bases[i] = read_in_place(port) ? static_cast<char *>(const_cast<void *>(data)) : stage(port);
  }
}

// Rows that are missing repeat row 0: zeros would be unsafe, 0 * inf is NaN in a gradient.
graven_status Call::feed_inputs(const void *const *inputs) {
  const graven_port_record *ports = model_.table.ports + entry_.inputs.first;
  char *const *bases = context_.bases + kBaseInputs;
  for (uint32_t i = 0, data_index = 0; i < entry_.inputs.count; ++i) {
    const graven_port_record &port = ports[i];
    const int32_t count = static_cast<int32_t>(rows_);
    const void *data = &count;
    if (port.kind == GRAVEN_PORT_DATA) data = inputs ? inputs[data_index++] : nullptr;
    if (read_in_place(port)) continue;
    const uint64_t valid = valid_bytes(port);
    const uint64_t row = missing_rows(port) ? valid / static_cast<uint64_t>(rows_) : valid;
    graven_status status =
        device_.feed(context_.queue, {bases[i], data, valid, row, port.tensor.bytes});
    if (status != GRAVEN_OK) return status;
  }
  return GRAVEN_OK;
}

void Call::bind_outputs(void *const *outputs) {
  const graven_port_record *ports = model_.table.ports + entry_.outputs.first;
  char **bases = context_.bases + model_.base_outputs;
  for (uint32_t i = 0; i < entry_.outputs.count; ++i) {
    void *wanted = outputs ? outputs[i] : nullptr;
    bool in_place = device_.uses_host_memory && wanted && !missing_rows(ports[i]);
    bases[i] = in_place ? static_cast<char *>(wanted) : stage(ports[i]);
  }
}

graven_status Call::issue(const graven_command_record &command) {
  const BoundOperand *operands = model_.operands + command.operands.first;
  void **buffers = context_.buffers;
  for (uint32_t i = 0; i < command.operands.count; ++i) {
    buffers[i] = context_.bases[operands[i].base] + operands[i].offset;
  }
  const graven_operand_record *records = model_.table.operands + command.operands.first;
  switch (command.kind) {
    case GRAVEN_COMMAND_LAUNCH:
      return device_.launch(context_.queue,
                            {command.kernel, command.operands.count, buffers, command.grid,
                             command.flops, command.bytes, context_.trace, number_of(command)});
    case GRAVEN_COMMAND_COPY:
      return device_.copy(context_.queue, buffers[1], buffers[0], records[0].bytes);
    default:
      return device_.fill(context_.queue, buffers[0], static_cast<uint8_t>(command.fill_byte),
                          records[0].bytes);
  }
}

graven_status Call::run(const void *const *inputs) {
  bool replayed = false;
  graven_trace *trace = context_.trace;
  graven_status status = device_.begin(
      context_.queue, {number_, context_.bases[kBaseState], first_staged_, context_.profile, trace},
      &replayed);
  if (status != GRAVEN_OK) return status;
  status = feed_inputs(inputs);
  const graven_command_record *commands = model_.table.commands + entry_.commands.first;
  const uint32_t count = replayed ? 0 : entry_.commands.count;
  uint64_t *profile = context_.profile ? context_.profile + entry_.commands.first : nullptr;
  if (device_.times_commands || (!profile && !trace)) {
    for (uint32_t c = 0; c < count && status == GRAVEN_OK; ++c) status = issue(commands[c]);
  } else {
    uint64_t before = trace_time();
    for (uint32_t c = 0; c < count && status == GRAVEN_OK; ++c) {
      status = issue(commands[c]);
      if (trace) record(*trace, GRAVEN_TRACE_COMMAND, number_of(commands[c]), before);
      uint64_t after = trace_time();
      if (profile) profile[c] += after - before;
      before = after;
    }
  }
  graven_status finished = device_.finish(context_.queue);
  return status != GRAVEN_OK ? status : finished;
}

graven_status Call::deliver(void *const *outputs) {
  if (!outputs) return GRAVEN_OK;
  const graven_port_record *ports = model_.table.ports + entry_.outputs.first;
  char *const *bases = context_.bases + model_.base_outputs;
  for (uint32_t i = 0; i < entry_.outputs.count; ++i) {
    if (!outputs[i] || bases[i] == outputs[i]) continue;
    graven_status status =
        device_.download(device_.self, outputs[i], bases[i], valid_bytes(ports[i]));
    if (status != GRAVEN_OK) return status;
  }
  return GRAVEN_OK;
}

}  // namespace

graven_status execute(graven_context &context, graven_state *state, uint32_t entry, int64_t rows,
                      const void *const *inputs, void *const *outputs) {
  graven_trace *trace = context.trace;
  const uint64_t began = trace ? trace_time() : 0;
  Call call(context, entry, rows);
  context.bases[kBaseState] = state ? state->memory : nullptr;
  call.bind_inputs(inputs);
  call.bind_outputs(outputs);
  graven_status status = call.run(inputs);
  if (status == GRAVEN_OK) status = call.deliver(outputs);
  if (trace) record(*trace, GRAVEN_TRACE_CALL, entry, began);
  return status;
}

}  // namespace graven1
