// The C interface of checkpoints; apart, so that programs that never save do not carry the code.
#include "runtime/core/error.h"
#include "runtime/core/state.h"

using graven1::fail;
using graven1::StateLock;

graven_status graven_state_save(const graven_state *state, const char *path,
                                const char *const *metadata) {
  if (!state || !path || !*path) {
    return fail(GRAVEN_INVALID_ARGUMENT, "graven_state_save: the %s is null or empty",
                state ? "path" : "state");
  }
  StateLock lock(*state, false);
  if (!lock.held()) return lock.busy();
  return graven1::save_checkpoint(*state, path, metadata);
}

graven_status graven_state_load(graven_state *state, const char *path) {
  if (!state || !path || !*path) {
    return fail(GRAVEN_INVALID_ARGUMENT, "graven_state_load: the %s is null or empty",
                state ? "path" : "state");
  }
  StateLock lock(*state, true);
  if (!lock.held()) return lock.busy();
  return graven1::load_checkpoint(*state, path);
}
