// One entry point that consumes rows of a data set: train_step, eval_step, adapt, predict.
#ifndef GRAVEN_RUNTIME_TRAIN_ENGINE_STEP_H_
#define GRAVEN_RUNTIME_TRAIN_ENGINE_STEP_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/train/data/dataset.h"
#include "runtime/train/engine/session.h"

namespace graven::train {

// The entry's inputs are bound by position: input 0 takes the features, input 1 (if any) the
// labels. Scalar float outputs that the model counts no metric for ("loss" of a step of one's own)
// are averaged here, weighted by rows, and read together with the model's metrics.
class Step {
 public:
  // `batch`: a compiled batch size, 0 for the largest. `session` must outlive the step.
  static absl::StatusOr<Step> Create(Session *session, const std::string &entry, int64_t batch);

  const std::string &name() const { return name_; }
  int64_t batch() const { return batch_; }
  // Whether a call may bring fewer rows than `batch`.
  bool partial() const { return partial_; }
  const Port &features() const { return inputs_[0]; }
  // Null where the entry takes no labels.
  const Port *labels() const { return inputs_.size() > 1 ? &inputs_[1] : nullptr; }
  const std::vector<Port> &outputs() const { return outputs_; }

  // How many calls cover `rows` rows: a rest that the entry cannot take is left out.
  int64_t Calls(int64_t rows) const {
    return partial_ ? (rows + batch_ - 1) / batch_ : rows / batch_;
  }

  // Calls the entry on `count` (1 <= count <= batch) rows of `data`: numbers rows[0 .. count).
  // `outputs` as for graven_call, or empty when no output but the averaged scalars is wanted.
  absl::Status Run(const Dataset &data, const int64_t *rows, int64_t count,
                   const std::vector<void *> &outputs = {});

  // Forgets the averaged scalars.
  void ResetAverages();
  // The model's metrics and the averaged scalars since the last reset.
  absl::StatusOr<Measures> Read() const;
  // Sums and weights of the averaged scalars, for a checkpoint amid an epoch.
  struct Average {
    double sum = 0;
    double weight = 0;
  };
  const std::map<std::string, Average> &averages() const { return averages_; }
  void set_averages(std::map<std::string, Average> averages) { averages_ = std::move(averages); }

 private:
  const void *Gather(const Tensor &tensor, const int64_t *rows, int64_t count,
                     std::vector<uint8_t> *staging);

  Session *session_ = nullptr;
  std::string name_;
  int64_t batch_ = 0;
  bool partial_ = false;
  std::vector<Port> inputs_, outputs_;
  std::vector<uint8_t> staged_features_, staged_labels_;
  std::vector<int> averaged_;    // output positions
  std::vector<double> scalars_;  // where averaged outputs are written
  std::map<std::string, Average> averages_;
};

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_ENGINE_STEP_H_
