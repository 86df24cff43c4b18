#include "runtime/core/model.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/core/cpu_features.h"
#include "runtime/core/error.h"
#include "runtime/core/sort.h"
#include "runtime/device/registry.h"

namespace graven1 {
namespace {

uint32_t base_of(const graven_model &model, const graven_operand_record &operand) {
  switch (operand.segment) {
    case GRAVEN_SEGMENT_CONSTANT:
      return kBaseConstant;
    case GRAVEN_SEGMENT_STATE:
      return kBaseState;
    case GRAVEN_SEGMENT_METRIC:
      return kBaseMetric;
    case GRAVEN_SEGMENT_ARENA:
      return kBaseArena;
    case GRAVEN_SEGMENT_INPUT:
      return kBaseInputs + operand.slot;
    default:
      return model.base_outputs + operand.slot;
  }
}

void gather_facts(graven_model *model) {
  const Table &table = model->table;
  uint32_t inputs = 0, outputs = 0;
  for (uint32_t e = 0; e < table.header->entries_count; ++e) {
    const graven_entry_record &entry = table.entries[e];
    EntryFacts &facts = model->entries[e];
    if (entry.inputs.count > inputs) inputs = entry.inputs.count;
    if (entry.outputs.count > outputs) outputs = entry.outputs.count;
    // Any port may have to be staged: a partial batch, an output that is not wanted, a device that
    // cannot use the caller's memory.
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < entry.inputs.count; ++i) {
      const graven_port_record &port = table.ports[entry.inputs.first + i];
      bool in_place = model->device->uses_host_memory && port.kind == GRAVEN_PORT_DATA &&
                      (entry.flags & GRAVEN_ENTRY_PARTIAL) == 0;
      if (!in_place) bytes += staged(port.tensor.bytes);
      facts.data_inputs += port.kind == GRAVEN_PORT_DATA;
    }
    for (uint32_t i = 0; i < entry.outputs.count; ++i) {
      bytes += staged(table.ports[entry.outputs.first + i].tensor.bytes);
    }
    if (bytes > model->staging_bytes) model->staging_bytes = bytes;
    for (uint32_t c = 0; c < entry.commands.count; ++c) {
      const graven_command_record &command = table.commands[entry.commands.first + c];
      if (command.operands.count > model->most_operands) {
        model->most_operands = command.operands.count;
      }
      for (uint32_t o = 0; o < command.operands.count; ++o) {
        const graven_operand_record &operand = table.operands[command.operands.first + o];
        if (operand.segment != GRAVEN_SEGMENT_STATE) continue;
        facts.reads_state = true;
        if ((operand.access & GRAVEN_OPERAND_WRITE) != 0) facts.writes_state = true;
      }
    }
  }
  model->base_outputs = kBaseInputs + inputs;
  model->base_count = model->base_outputs + outputs;
  for (uint32_t i = 0; i < table.header->operands_count; ++i) {
    model->operands[i] = {table.operands[i].offset, base_of(*model, table.operands[i])};
  }
}

graven_status check_artifact(const graven_artifact *artifact, Table *table) {
  if (graven_status status = verify_artifact(artifact, table); status != GRAVEN_OK) return status;
  const graven_table_header &h = *table->header;
  return check_cpu(table->text(h.target), table->text(h.cpu_features));
}

void close_device(const Device *device) {
  if (device->close) device->close(device->self);
}

// Brings kernels and constants to the device.
graven_status load_model(graven_model *model) {
  const Device &device = *model->device;
  const uint64_t bytes = model->artifact.constant_bytes;
  graven_status status = device.load(device.self, &model->artifact, &model->program);
  if (status != GRAVEN_OK) return status;
  model->loaded = true;
  if (device.uses_host_memory || bytes == 0) {
    model->constants = static_cast<char *>(const_cast<void *>(model->artifact.constants));
    return GRAVEN_OK;
  }
  void *memory;
  status = device.allocate(device.self, bytes, "the model's constants", &memory);
  if (status != GRAVEN_OK) return status;
  model->constants = static_cast<char *>(memory);
  return device.upload(device.self, memory, model->artifact.constants, bytes);
}

// Makes a model of a verified artifact.
graven_status make_model(const graven_artifact *artifact, const Table &table, const Device *device,
                         graven_model **model) {
  const graven_table_header &h = *table.header;
  // One block: the model, then its arrays, largest alignment first.
  size_t bytes = sizeof(graven_model) + h.operands_count * sizeof(BoundOperand) +
                 h.entries_count * sizeof(EntryFacts) + 8 + h.states_count * sizeof(uint32_t);
  char *block = static_cast<char *>(calloc(1, bytes));
  if (!block) {
    close_device(device);
    return fail_memory(bytes, "a model");
  }
  graven_model *made = reinterpret_cast<graven_model *>(block);
  made->artifact = *artifact;
  made->table = table;
  made->device = device;
  made->descriptor = -1;
  block += sizeof(graven_model);
  made->operands = reinterpret_cast<BoundOperand *>(block);
  block += h.operands_count * sizeof(BoundOperand);
  made->states_by_name = reinterpret_cast<uint32_t *>(block);
  block += h.states_count * sizeof(uint32_t);
  made->entries = reinterpret_cast<EntryFacts *>(block);
  for (uint32_t i = 0; i < h.states_count; ++i) made->states_by_name[i] = i;
  heap_sort(made->states_by_name, h.states_count, [&](uint32_t a, uint32_t b) {
    return strcmp(table.text(table.states[a].name), table.text(table.states[b].name)) < 0;
  });
  gather_facts(made);
  if (graven_status status = load_model(made); status != GRAVEN_OK) {
    free_model(made);
    return status;
  }
  *model = made;
  return GRAVEN_OK;
}

}  // namespace

graven_status create_model(const graven_artifact *artifact, const Device *device,
                           graven_model **model) {
  *model = nullptr;
  Table table;
  if (graven_status status = check_artifact(artifact, &table); status != GRAVEN_OK) {
    close_device(device);
    return status;
  }
  return make_model(artifact, table, device, model);
}

graven_status create_model_on(const graven_artifact *artifact, const char *wish,
                              graven_model **model) {
  *model = nullptr;
  Table table;
  if (graven_status status = check_artifact(artifact, &table); status != GRAVEN_OK) return status;
  const Device *device;
  const char *compiled = table.text(table.header->device);
  if (graven_status status = open_device(compiled, wish, &device); status != GRAVEN_OK) {
    return status;
  }
  return make_model(artifact, table, device, model);
}

void free_model(graven_model *model) {
  const Device &device = *model->device;
  if (model->constants && model->constants != model->artifact.constants) {
    device.release(device.self, model->constants, model->artifact.constant_bytes);
  }
  if (model->loaded) device.unload(device.self, model->program);
  close_device(&device);
  if (model->close) model->close(*model);
  free(model);
}

int32_t find_state(const graven_model &model, const char *name, size_t bytes) {
  uint32_t lo = 0, hi = model.table.header->states_count;
  while (lo < hi) {
    uint32_t middle = lo + (hi - lo) / 2;
    graven_text text = model.table.states[model.states_by_name[middle]].name;
    size_t shared = bytes < text.bytes ? bytes : text.bytes;
    int order = memcmp(name, model.table.text(text), shared);
    if (order == 0 && bytes == text.bytes) {
      return static_cast<int32_t>(model.states_by_name[middle]);
    }
    if (order < 0 || (order == 0 && bytes < text.bytes)) {
      hi = middle;
    } else {
      lo = middle + 1;
    }
  }
  return -1;
}

}  // namespace graven1
