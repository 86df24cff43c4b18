// Callbacks that look after the user: numbers that blow up, and overfitting.
#ifndef GRAVEN_RUNTIME_TRAIN_CALLBACKS_WATCHDOGS_H_
#define GRAVEN_RUNTIME_TRAIN_CALLBACKS_WATCHDOGS_H_

#include <string>

#include "runtime/train/callbacks/callback.h"

namespace graven::train {

// Ends training with an error as soon as a measure is NaN or infinite.
class TerminateOnNaN : public Callback {
 public:
  std::string name() const override { return "terminate_on_nan"; }
  absl::Status OnBatchEnd(const BatchEvent &event, Trainer &trainer) override;
  absl::Status OnEpochEnd(const EpochEvent &event, Trainer &trainer) override;
};

// Tells once when the validation loss has been above its lowest value for `window` epochs in a row
// while the training loss went below its value of that time.
class OverfittingNote : public Callback {
 public:
  explicit OverfittingNote(int64_t window = 5) : window_(window) {}
  std::string name() const override { return "overfitting_note"; }
  absl::Status OnEpochEnd(const EpochEvent &event, Trainer &trainer) override;
  nlohmann::json SaveState() const override { return told_; }
  absl::Status LoadState(const nlohmann::json &state) override;

 private:
  int64_t window_;
  bool told_ = false;
};

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_CALLBACKS_WATCHDOGS_H_
