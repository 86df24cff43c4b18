// The C interface of models. Opening from a file is apart (graven_model_open.cc), so that programs
// with linked-in models do not carry the loader.
#include <string.h>

#include "runtime/core/error.h"
#include "runtime/core/model.h"

using graven1::fail;

graven_status graven_model_create(const graven_artifact *artifact, graven_model **model) {
  return graven_model_create_on(artifact, nullptr, model);
}

graven_status graven_model_create_on(const graven_artifact *artifact, const char *device,
                                     graven_model **model) {
  if (!model)
    return fail(GRAVEN_INVALID_ARGUMENT, "graven_model_create: the result pointer is null");
  *model = nullptr;
  if (!artifact) {
    return fail(GRAVEN_INVALID_ARGUMENT,
                "graven_model_create: the artifact is null; give &graven_model_<name> of the "
                "generated header");
  }
  return graven1::create_model_on(artifact, device, model);
}

void graven_model_destroy(graven_model *model) {
  if (model) graven1::free_model(model);
}

int32_t graven_model_runs_behind(const graven_model *model) {
  return model && model->device->staging_slots > 1;
}

const graven_table_header *graven_model_table(const graven_model *model) {
  return model ? model->table.header : nullptr;
}

const char *graven_model_text(const graven_model *model, graven_text text) {
  // Only texts of the model's own, verified records come here; others give the empty text.
  if (!model || text.offset >= model->table.header->strings_bytes ||
      text.bytes >= model->table.header->strings_bytes - text.offset) {
    return "";
  }
  return model->table.text(text);
}

const graven_state_record *graven_model_states(const graven_model *model, uint32_t *count) {
  if (count) *count = model ? model->table.header->states_count : 0;
  return model ? model->table.states : nullptr;
}

const graven_entry_record *graven_model_entries(const graven_model *model, uint32_t *count) {
  if (count) *count = model ? model->table.header->entries_count : 0;
  return model ? model->table.entries : nullptr;
}

const graven_port_record *graven_model_ports(const graven_model *model, uint32_t *count) {
  if (count) *count = model ? model->table.header->ports_count : 0;
  return model ? model->table.ports : nullptr;
}

const graven_metric_record *graven_model_metrics(const graven_model *model, uint32_t *count) {
  if (count) *count = model ? model->table.header->metrics_count : 0;
  return model ? model->table.metrics : nullptr;
}

int32_t graven_model_find_state(const graven_model *model, const char *name) {
  return model && name ? graven1::find_state(*model, name, strlen(name)) : -1;
}

int32_t graven_model_find_entry(const graven_model *model, const char *name, int64_t rows) {
  if (!model || !name || rows < 0) return -1;
  int32_t best = -1;
  for (uint32_t e = 0; e < model->table.header->entries_count; ++e) {
    const graven_entry_record &entry = model->table.entries[e];
    if (strcmp(model->table.text(entry.name), name) != 0) continue;
    bool partial = (entry.flags & GRAVEN_ENTRY_PARTIAL) != 0;
    bool fits =
        rows == 0 || entry.batch == 0 || rows == entry.batch || (partial && rows < entry.batch);
    if (fits && (best < 0 || entry.batch < model->table.entries[best].batch)) {
      best = static_cast<int32_t>(e);
    }
  }
  return best;
}
