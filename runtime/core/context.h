// A context: what one caller needs to run. Everything is allocated when it is made.
#ifndef GRAVEN_RUNTIME_CORE_CONTEXT_H_
#define GRAVEN_RUNTIME_CORE_CONTEXT_H_

#include <atomic>

#include "graven/graven.h"
#include "runtime/core/model.h"

struct graven_context {
  const graven_model *model;
  mutable std::atomic<uint32_t> taken;  // one call at a time
  void *queue;                          // the device's
  char *arena;
  char *metrics;
  char *staging;        // the device's staging_slots times model->staging_bytes
  uint64_t calls;       // so far, to take these in turn
  char **bases;         // model->base_count
  void **buffers;       // model->most_operands
  uint64_t *profile;    // nanoseconds per command, or null
  graven_trace *trace;  // what ran when, or null
};

namespace graven1 {

// Runs entry `entry` of the context's model; see graven_call_raw. The caller holds the context and,
// unless the entry leaves state alone, the state. Allocates nothing.
graven_status execute(graven_context &context, graven_state *state, uint32_t entry, int64_t rows,
                      const void *const *inputs, void *const *outputs);

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_CONTEXT_H_
