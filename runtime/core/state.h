// A state: one allocation laid out as the model says, many readers or one writer.
#ifndef GRAVEN_RUNTIME_CORE_STATE_H_
#define GRAVEN_RUNTIME_CORE_STATE_H_

#include <atomic>

#include "graven/graven.h"
#include "runtime/core/model.h"

namespace graven1 {

// The metadata of the checkpoint last loaded: `pairs[2 i]` is a key, `pairs[2 i + 1]` its value,
// both in `text`.
struct Metadata {
  char *text;
  const char **pairs;
  uint32_t count;
};

}  // namespace graven1

struct graven_state {
  const graven_model *model;
  char *memory;                        // state_bytes, on the model's device
  mutable std::atomic<int32_t> users;  // readers, or -1 while a writer has it
  graven1::Metadata metadata;
};

namespace graven1 {

// Holds a state for reading or writing. Never waits: fails with BUSY instead.
class StateLock {
 public:
  StateLock(const graven_state &state, bool writes) : state_(&state), writes_(writes) {
    int32_t users = 0;
    if (writes) {
      held_ = state.users.compare_exchange_strong(users, -1, std::memory_order_acquire,
                                                  std::memory_order_relaxed);
      return;
    }
    users = state.users.load(std::memory_order_relaxed);
    while (users >= 0 && !held_) {
      held_ = state.users.compare_exchange_weak(users, users + 1, std::memory_order_acquire,
                                                std::memory_order_relaxed);
    }
  }
  ~StateLock() {
    if (!held_) return;
    if (writes_) {
      state_->users.store(0, std::memory_order_release);
    } else {
      state_->users.fetch_sub(1, std::memory_order_release);
    }
  }
  StateLock(const StateLock &) = delete;
  StateLock &operator=(const StateLock &) = delete;

  bool held() const { return held_; }
  // GRAVEN_BUSY with a message.
  graven_status busy() const;

 private:
  const graven_state *state_;
  bool writes_;
  bool held_ = false;
};

// Whether every byte of `data` is 0 or 1, as kernels expect of i1.
bool is_boolean(const void *data, uint64_t bytes);

// Writes and reads checkpoints. The caller holds the state's lock: for reading, for writing.
graven_status save_checkpoint(const graven_state &state, const char *path,
                              const char *const *metadata);
graven_status load_checkpoint(graven_state &state, const char *path);

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_STATE_H_
