// A trained state opened for use, with what the run that wrote it knew about its data.
#ifndef GRAVEN_RUNTIME_TRAIN_FIT_TRAINED_H_
#define GRAVEN_RUNTIME_TRAIN_FIT_TRAINED_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "runtime/train/data/dataset.h"
#include "runtime/train/engine/session.h"
#include "runtime/train/fit/checkpoint.h"

namespace graven::train {

struct TrainedSession {
  std::unique_ptr<Session> session;
  DataRecord data;
};

// Opens the artifact `model` and loads the checkpoint `state` into a session. An artifact whose
// weights are constants takes none: `state` is "" then, and only then. threads: 0 for one per core.
// device: see graven_model_open_on.
absl::StatusOr<TrainedSession> OpenTrained(const std::string &model, const std::string &state,
                                           int threads, const std::string &device = "auto");

// Reads `source` for the inputs of `entry`, labels only when the entry takes them, with the class
// names and columns of the run. `label` overrides the run's label column unless it is empty.
absl::StatusOr<Dataset> LoadFor(const TrainedSession &trained, const std::string &entry,
                                const std::string &source, const std::string &label);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_FIT_TRAINED_H_
