// The C interface of contexts.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <new>

#include "runtime/core/context.h"
#include "runtime/core/error.h"

using graven1::fail;

namespace graven1 {
namespace {

graven_status busy_context() {
  return fail(GRAVEN_BUSY,
              "the context is in use by another call; make one context for each thread");
}

graven_status allocate(const Device &device, uint64_t bytes, const char *purpose, char **memory) {
  void *made;
  graven_status status = device.allocate(device.self, bytes, purpose, &made);
  *memory = static_cast<char *>(made);
  return status;
}

graven_status fill_context(graven_context *context, graven_pool *pool) {
  const graven_model &model = *context->model;
  const Device &device = *model.device;
  const graven_table_header &h = *model.table.header;
  context->bases = static_cast<char **>(calloc(model.base_count, sizeof(char *)));
  context->buffers = static_cast<void **>(calloc(model.most_operands + 1, sizeof(void *)));
  if (!context->bases || !context->buffers) {
    return fail_memory((model.base_count + model.most_operands) * sizeof(void *), "a context");
  }
  graven_status status = allocate(device, h.arena_bytes, "the arena of a context", &context->arena);
  if (status != GRAVEN_OK) return status;
  status = allocate(device, h.metric_bytes, "the metrics of a context", &context->metrics);
  if (status != GRAVEN_OK) return status;
  status = allocate(device, device.staging_slots * model.staging_bytes,
                    "the padded batches of a context", &context->staging);
  if (status != GRAVEN_OK) return status;
  status = device.clear(device.self, context->metrics, h.metric_bytes);
  if (status != GRAVEN_OK) return status;
  context->bases[kBaseConstant] = model.constants;
  context->bases[kBaseMetric] = context->metrics;
  context->bases[kBaseArena] = context->arena;
  const QueueOptions options = {&model.artifact, model.program, pool, context->staging,
                                model.staging_bytes};
  return device.create_queue(device.self, options, &context->queue);
}

}  // namespace
}  // namespace graven1

graven_status graven_context_create(const graven_model *model, graven_pool *pool,
                                    graven_context **context) {
  if (!context) {
    return fail(GRAVEN_INVALID_ARGUMENT, "graven_context_create: the result pointer is null");
  }
  *context = nullptr;
  if (!model) return fail(GRAVEN_INVALID_ARGUMENT, "graven_context_create: the model is null");
  void *block = malloc(sizeof(graven_context));
  if (!block) return graven1::fail_memory(sizeof(graven_context), "a context");
  graven_context *made = new (block) graven_context{};
  made->model = model;
  graven_status status = graven1::fill_context(made, pool);
  if (status != GRAVEN_OK) {
    graven_context_destroy(made);
    return status;
  }
  *context = made;
  return GRAVEN_OK;
}

void graven_context_destroy(graven_context *context) {
  if (!context) return;
  const graven_model &model = *context->model;
  const graven1::Device &device = *model.device;
  const graven_table_header &h = *model.table.header;
  if (context->queue) device.destroy_queue(device.self, context->queue);
  if (context->staging) {
    device.release(device.self, context->staging, device.staging_slots * model.staging_bytes);
  }
  if (context->metrics) device.release(device.self, context->metrics, h.metric_bytes);
  if (context->arena) device.release(device.self, context->arena, h.arena_bytes);
  free(context->buffers);
  free(context->bases);
  free(context);
}

graven_status graven_context_metric(const graven_context *context, const char *name,
                                    double *value) {
  if (!context || !name || !value) {
    return fail(GRAVEN_INVALID_ARGUMENT, "graven_context_metric: the %s is null",
                !context ? "context"
                : !name  ? "name"
                         : "result pointer");
  }
  const graven1::Table &table = context->model->table;
  for (uint32_t i = 0; i < table.header->metrics_count; ++i) {
    const graven_metric_record &metric = table.metrics[i];
    if (strcmp(table.text(metric.name), name) != 0) continue;
    if (context->taken.exchange(1, std::memory_order_acquire) != 0) {
      return graven1::busy_context();
    }
    const graven1::Device &device = *context->model->device;
    double numerator = 0, denominator = 0;
    graven_status status =
        device.download(device.self, &numerator,
                        context->metrics + table.states[metric.numerator].offset, sizeof numerator);
    if (status == GRAVEN_OK) {
      status = device.download(device.self, &denominator,
                               context->metrics + table.states[metric.denominator].offset,
                               sizeof denominator);
    }
    context->taken.store(0, std::memory_order_release);
    if (status != GRAVEN_OK) return status;
    *value = denominator != 0 ? numerator / denominator : static_cast<double>(NAN);
    return GRAVEN_OK;
  }
  return fail(GRAVEN_NOT_FOUND,
              "model '%.80s' has no metric '%.80s'; `graven-run info` lists its metrics",
              table.text(table.header->model_name), name);
}

graven_status graven_context_profile(graven_context *context, uint64_t *nanoseconds, size_t count) {
  if (!context) return fail(GRAVEN_INVALID_ARGUMENT, "graven_context_profile: the context is null");
  uint32_t commands = context->model->table.header->commands_count;
  if (nanoseconds && count < commands) {
    return fail(GRAVEN_INVALID_ARGUMENT,
                "graven_context_profile: %zu counters are too few, the model has %u commands",
                count, commands);
  }
  if (context->taken.exchange(1, std::memory_order_acquire) != 0) return graven1::busy_context();
  context->profile = nanoseconds;
  context->taken.store(0, std::memory_order_release);
  return GRAVEN_OK;
}

graven_status graven_context_trace(graven_context *context, graven_trace *trace) {
  if (!context) return fail(GRAVEN_INVALID_ARGUMENT, "graven_context_trace: the context is null");
  if (trace && !trace->events && trace->capacity != 0) {
    return fail(GRAVEN_INVALID_ARGUMENT, "graven_context_trace: the events are null");
  }
  if (context->taken.exchange(1, std::memory_order_acquire) != 0) return graven1::busy_context();
  context->trace = trace;
  context->taken.store(0, std::memory_order_release);
  return GRAVEN_OK;
}

namespace graven1 {
namespace {

// Holds the context for a transfer of the whole metric memory after checking the arguments.
graven_status take_for_metrics(const graven_context *context, const void *data, size_t bytes,
                               const char *function) {
  if (!context || (!data && bytes != 0)) {
    return fail(GRAVEN_INVALID_ARGUMENT, "%s: the %s is null", function,
                !context ? "context" : "data pointer");
  }
  uint64_t expected = context->model->table.header->metric_bytes;
  if (bytes != expected) {
    return fail(
        GRAVEN_INVALID_ARGUMENT,
        "%s: the metrics of this model take %llu bytes, got %zu; use the table's metric_bytes",
        function, static_cast<unsigned long long>(expected), bytes);
  }
  if (context->taken.exchange(1, std::memory_order_acquire) != 0) return busy_context();
  return GRAVEN_OK;
}

}  // namespace
}  // namespace graven1

graven_status graven_context_get_metrics(const graven_context *context, void *data, size_t bytes) {
  graven_status status =
      graven1::take_for_metrics(context, data, bytes, "graven_context_get_metrics");
  if (status != GRAVEN_OK) return status;
  const graven1::Device &device = *context->model->device;
  status = device.download(device.self, data, context->metrics, bytes);
  context->taken.store(0, std::memory_order_release);
  return status;
}

graven_status graven_context_set_metrics(graven_context *context, const void *data, size_t bytes) {
  graven_status status =
      graven1::take_for_metrics(context, data, bytes, "graven_context_set_metrics");
  if (status != GRAVEN_OK) return status;
  const graven1::Device &device = *context->model->device;
  status = device.upload(device.self, context->metrics, data, bytes);
  context->taken.store(0, std::memory_order_release);
  return status;
}
