#include "runtime/train/engine/step.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/train/status_macros.h"

namespace graven::train {

absl::StatusOr<Step> Step::Create(Session *session, const std::string &entry, int64_t batch) {
  const Model &model = session->model();
  std::vector<int64_t> batches = model.Batches(entry);
  if (batches.empty()) return model.FindEntry(entry, 0).status();
  if (batch == 0) batch = batches.back();
  if (std::find(batches.begin(), batches.end(), batch) == batches.end()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "batch size %d is not compiled into this model (%s has %s); compile it again with "
        "graven-compile --batch=%d",
        batch, entry, absl::StrJoin(batches, ", "), batch));
  }
  if (batch == 0) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "entry '%s' has no batch axis, so rows of a data set cannot be fed to it; use 'graven-run "
        "call'",
        entry));
  }
  Step step;
  step.session_ = session;
  step.name_ = entry;
  step.batch_ = batch;
  uint32_t index = 0;
  while (model.Text(model.entries()[index].name) != entry ||
         model.entries()[index].batch != batch) {
    ++index;
  }
  step.partial_ = (model.entries()[index].flags & GRAVEN_ENTRY_PARTIAL) != 0 || batch == 1;
  step.inputs_ = model.Inputs(index);
  step.outputs_ = model.Outputs(index);
  if (step.inputs_.empty() || step.inputs_.size() > 2) {
    return absl::FailedPreconditionError(
        absl::StrFormat("entry '%s' takes %d inputs; a data set gives one (features) or two "
                        "(features, labels): use "
                        "'graven-run call'",
                        entry, step.inputs_.size()));
  }
  for (size_t i = 0; i < step.outputs_.size(); ++i) {
    const Port &port = step.outputs_[i];
    bool counted = std::find(model.metrics().begin(), model.metrics().end(), port.name) !=
                   model.metrics().end();
    bool scalar = port.shape.empty() && IsFloat(port.dtype);
    if (scalar && !counted) step.averaged_.push_back(static_cast<int>(i));
  }
  step.scalars_.resize(step.outputs_.size());
  return step;
}

const void *Step::Gather(const Tensor &tensor, const int64_t *rows, int64_t count,
                         std::vector<uint8_t> *staging) {
  const size_t bytes = tensor.row_bytes();
  bool consecutive = true;
  for (int64_t i = 1; i < count && consecutive; ++i) consecutive = rows[i] == rows[0] + i;
  if (consecutive) return tensor.data.data() + static_cast<size_t>(rows[0]) * bytes;
  staging->resize(bytes * static_cast<size_t>(batch_));
  for (int64_t i = 0; i < count; ++i) {
    memcpy(staging->data() + static_cast<size_t>(i) * bytes,
           tensor.data.data() + static_cast<size_t>(rows[i]) * bytes, bytes);
  }
  return staging->data();
}

absl::Status Step::Run(const Dataset &data, const int64_t *rows, int64_t count,
                       const std::vector<void *> &outputs) {
  GRAVEN_ASSIGN_OR_RETURN(uint32_t entry, session_->model().FindEntry(name_, count));
  std::vector<const void *> inputs = {Gather(data.features, rows, count, &staged_features_)};
  if (inputs_.size() > 1) {
    if (!data.labels.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s: has no labels, but entry '%s' needs them", data.source, name_));
    }
    inputs.push_back(Gather(*data.labels, rows, count, &staged_labels_));
  }
  std::vector<void *> targets = outputs;
  targets.resize(outputs_.size(), nullptr);
  for (int position : averaged_) targets[position] = &scalars_[position];
  GRAVEN_RETURN_IF_ERROR(session_->Call(entry, count, inputs, targets));
  for (int position : averaged_) {
    Tensor scalar = Tensor::Zeros(outputs_[position].dtype, {});
    memcpy(scalar.data.data(), &scalars_[position], scalar.data.size());
    const double value = scalar.at(0);
    Average &average = averages_[outputs_[position].name];
    average.sum += value * static_cast<double>(count);
    average.weight += static_cast<double>(count);
  }
  return absl::OkStatus();
}

void Step::ResetAverages() { averages_.clear(); }

absl::StatusOr<Measures> Step::Read() const {
  GRAVEN_ASSIGN_OR_RETURN(Measures measures, session_->ReadMetrics());
  for (const auto &[name, average] : averages_) {
    if (average.weight > 0) measures[name] = average.sum / average.weight;
  }
  return measures;
}

}  // namespace graven::train
