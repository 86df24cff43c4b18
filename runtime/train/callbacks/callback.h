// What happens around training beside the steps themselves: one small class per concern.
//
// The trainer calls every callback in order. A callback keeps what it must remember in SaveState,
// so that a resumed run behaves as if it had never been stopped; it must not depend on the time of
// day.
#ifndef GRAVEN_RUNTIME_TRAIN_CALLBACKS_CALLBACK_H_
#define GRAVEN_RUNTIME_TRAIN_CALLBACKS_CALLBACK_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"
#include "runtime/train/engine/session.h"

namespace graven::train {

// What a callback may ask of the trainer.
class Trainer {
 public:
  virtual ~Trainer() = default;
  // Training ends after this epoch. `reason` is shown and kept in the checkpoint.
  virtual void Stop(const std::string &reason) = 0;
  // Remembers the state as it is now as the best one; `monitor` had `value`.
  virtual absl::Status KeepAsBest(const std::string &monitor, double value) = 0;
  // Tells the user a sentence.
  virtual void Note(const std::string &sentence) = 0;
  // The scalar control state `name`; nothing when the model has none of that name.
  virtual std::optional<float> GetControl(const std::string &name) = 0;
  virtual absl::Status SetControl(const std::string &name, float value) = 0;
};

// Measures of every epoch so far; a measure that an epoch lacks is NaN there.
using History = std::map<std::string, std::vector<double>>;

struct BatchEvent {
  int64_t epoch = 0, epochs = 0;   // from 1
  int64_t batch = 0, batches = 0;  // from 1
  double seconds = 0;              // since the epoch began in this process
  int64_t timed_batches = 0;       // batches run in those seconds
  // Of the epoch so far. Where reading them waits for the device (Model::runs_behind) they are of a
  // tenth of a second ago, or of an earlier batch; at first there are none.
  const Measures *measures = nullptr;
};

struct EpochEvent {
  int64_t epoch = 0, epochs = 0;
  int64_t batches = 0;
  double seconds = 0;
  int64_t timed_batches = 0;
  double train_seconds = 0;            // of `seconds`, without validation
  const Measures *measures = nullptr;  // training, and validation with the prefix "val_"
  const History *history = nullptr;    // this epoch included
};

class Callback {
 public:
  virtual ~Callback() = default;
  // Key of its state in the checkpoint; unique.
  virtual std::string name() const = 0;
  // Before the first epoch of this process; `epochs_done` > 0 when resumed.
  virtual absl::Status OnTrainBegin(int64_t epochs_done, Trainer &trainer) {
    return absl::OkStatus();
  }
  virtual absl::Status OnBatchEnd(const BatchEvent &event, Trainer &trainer) {
    return absl::OkStatus();
  }
  virtual absl::Status OnEpochEnd(const EpochEvent &event, Trainer &trainer) {
    return absl::OkStatus();
  }
  // After the last epoch, also when interrupted, not after an error.
  virtual absl::Status OnTrainEnd(const History &history, Trainer &trainer) {
    return absl::OkStatus();
  }
  virtual nlohmann::json SaveState() const { return nullptr; }
  // Returns an error when `state` is not what SaveState gave.
  virtual absl::Status LoadState(const nlohmann::json &state) { return absl::OkStatus(); }
};

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_CALLBACKS_CALLBACK_H_
