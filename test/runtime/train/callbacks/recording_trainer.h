// A trainer that writes down what callbacks ask of it.
#ifndef GRAVEN_TEST_RUNTIME_TRAIN_CALLBACKS_RECORDING_TRAINER_H_
#define GRAVEN_TEST_RUNTIME_TRAIN_CALLBACKS_RECORDING_TRAINER_H_

#include <string>
#include <vector>

#include "runtime/train/callbacks/callback.h"

namespace graven::testing {

class RecordingTrainer : public train::Trainer {
 public:
  void Stop(const std::string &reason) override { stopped = reason; }
  absl::Status KeepAsBest(const std::string &monitor, double value) override {
    best.push_back(value);
    return absl::OkStatus();
  }
  void Note(const std::string &sentence) override { notes.push_back(sentence); }
  std::optional<float> GetControl(const std::string &name) override { return scale; }
  absl::Status SetControl(const std::string &name, float value) override {
    scale = value;
    return absl::OkStatus();
  }

  std::string stopped;
  std::vector<double> best;
  std::vector<std::string> notes;
  std::optional<float> scale = 1.0f;
};

// Ends epoch `history length + 1` with these measures.
inline absl::Status EndEpoch(train::Callback &callback, const train::Measures &measures,
                             train::History *history, train::Trainer &trainer) {
  for (const auto &[name, value] : measures) (*history)[name].push_back(value);
  train::EpochEvent event;
  event.epoch = static_cast<int64_t>(history->begin()->second.size());
  event.epochs = 100;
  event.measures = &measures;
  event.history = history;
  return callback.OnEpochEnd(event, trainer);
}

}  // namespace graven::testing

#endif  // GRAVEN_TEST_RUNTIME_TRAIN_CALLBACKS_RECORDING_TRAINER_H_
