// Training, evaluation and prediction with a compiled model.
#ifndef GRAVEN_RUNTIME_TRAIN_FIT_FIT_H_
#define GRAVEN_RUNTIME_TRAIN_FIT_FIT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/train/callbacks/callback.h"
#include "runtime/train/data/dataset.h"
#include "runtime/train/engine/session.h"
#include "runtime/train/engine/signature.h"
#include "runtime/train/engine/step.h"
#include "runtime/train/fit/checkpoint.h"

namespace graven::train {

// What a run trains on.
struct TrainingData {
  Dataset train;
  std::optional<Dataset> validation;
};
// Reads the data for entry train_step: `validation` ("": none) with the class names and columns of
// `train`. `label` names the label column of CSV data ("": the last).
absl::StatusOr<TrainingData> LoadTraining(const Model &model, const std::string &train,
                                          const std::string &validation, const std::string &label);

struct FitRequest {
  FitSettings settings;
  const Dataset *train = nullptr;
  const Dataset *validation = nullptr;  // null: settings.validation_split rows of `train`, or none
  std::string save_path;                // "": nothing is saved
  std::string resume_path;              // "": a new run. May be missing when equal to save_path
  double save_seconds = 1.0;            // epochs that end sooner after a save are not saved
  // Called in order after the engine's own (early stopping and the like).
  std::vector<Callback *> callbacks;
  // Tells the user a sentence; may be empty.
  std::function<void(const std::string &)> note;
  // Set, by a signal handler for instance, to end training after the batch under way.
  const std::atomic<bool> *interrupt = nullptr;
};

struct FitResult {
  int64_t epochs_done = 0;
  int64_t batches_done = 0;  // of an epoch cut short by an interrupt
  bool interrupted = false;
  bool already_finished = false;  // the resumed run had ended before; nothing was done
  std::string finished;           // why training ended; "" when interrupted
  std::optional<BestRecord> best;
  bool restored_best = false;  // the session holds the best state, not the last
  History history;
};

// Trains `session` from init (or the resumed checkpoint) on. On success the session holds the final
// state: the best one when early stopping restores it.
absl::StatusOr<FitResult> Fit(Session *session, const FitRequest &request);

// The model's measures over `data` through entry eval_step. `batch`: 0 for the largest compiled
// one.
absl::StatusOr<Measures> Evaluate(Session *session, const Dataset &data, int64_t batch = 0);

struct Prediction {
  std::string name;
  Tensor values;  // axis 0: rows
};
// Outputs of entry predict for every row of `data`.
absl::StatusOr<std::vector<Prediction>> Predict(Session *session, const Dataset &data,
                                                int64_t batch = 0);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_FIT_FIT_H_
