// Callbacks that watch a measure: stop early, keep the best state, lower the learning rate.
#ifndef GRAVEN_RUNTIME_TRAIN_CALLBACKS_EARLY_STOPPING_H_
#define GRAVEN_RUNTIME_TRAIN_CALLBACKS_EARLY_STOPPING_H_

#include <string>

#include "runtime/train/callbacks/callback.h"
#include "runtime/train/callbacks/monitor.h"
#include "runtime/train/engine/signature.h"

namespace graven::train {

// Stops when the measure has not improved for more than `patience` epochs in a row, and keeps the
// best state, to which the trainer returns when restore_best_weights is set.
class EarlyStopping : public Callback {
 public:
  explicit EarlyStopping(const EarlyStoppingSettings &settings);
  std::string name() const override { return "early_stopping"; }
  absl::Status OnEpochEnd(const EpochEvent &event, Trainer &trainer) override;
  nlohmann::json SaveState() const override;
  absl::Status LoadState(const nlohmann::json &state) override;

 private:
  EarlyStoppingSettings settings_;
  Monitor monitor_;
  int64_t waited_ = 0;
};

// Keeps the best state by a measure, without stopping.
class KeepBest : public Callback {
 public:
  KeepBest(const std::string &measure, const std::string &mode) : monitor_(measure, mode, 0.0) {}
  std::string name() const override { return "keep_best"; }
  absl::Status OnEpochEnd(const EpochEvent &event, Trainer &trainer) override;
  nlohmann::json SaveState() const override { return monitor_.SaveState(); }
  absl::Status LoadState(const nlohmann::json &state) override { return monitor_.LoadState(state); }

 private:
  Monitor monitor_;
};

// Multiplies the control state `lr_scale` by `factor` when the measure has not improved for more
// than `patience` epochs. An error when the model has no such state.
class ReduceLrOnPlateau : public Callback {
 public:
  explicit ReduceLrOnPlateau(const ReduceLrSettings &settings);
  std::string name() const override { return "reduce_lr_on_plateau"; }
  absl::Status OnTrainBegin(int64_t epochs_done, Trainer &trainer) override;
  absl::Status OnEpochEnd(const EpochEvent &event, Trainer &trainer) override;
  nlohmann::json SaveState() const override;
  absl::Status LoadState(const nlohmann::json &state) override;

 private:
  ReduceLrSettings settings_;
  Monitor monitor_;
  int64_t waited_ = 0;
  int64_t cooling_ = 0;
};

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_CALLBACKS_EARLY_STOPPING_H_
