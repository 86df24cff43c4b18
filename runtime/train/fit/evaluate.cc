#include <algorithm>
#include <numeric>

#include "absl/strings/str_format.h"
#include "runtime/train/fit/fit.h"
#include "runtime/train/status_macros.h"

namespace graven::train {
namespace {

std::vector<int64_t> AllRows(const Dataset &data) {
  std::vector<int64_t> rows(static_cast<size_t>(data.rows));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  return rows;
}

// An entry of exactly `batch` rows cannot take a rest, and leaving rows out would give other
// numbers.
absl::Status CheckCovers(const Step &step, const Dataset &data) {
  if (step.partial() || data.rows % step.batch() == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrFormat("%s: %d rows are no multiple of %d, and entry '%s' takes exactly %d rows at "
                      "a time; compile the "
                      "model with graven-compile --batch=1 to take any number",
                      data.source, data.rows, step.batch(), step.name(), step.batch()));
}

}  // namespace

absl::StatusOr<Measures> Evaluate(Session *session, const Dataset &data, int64_t batch) {
  GRAVEN_ASSIGN_OR_RETURN(Step step, Step::Create(session, "eval_step", batch));
  GRAVEN_RETURN_IF_ERROR(CheckCovers(step, data));
  GRAVEN_RETURN_IF_ERROR(session->ResetMetrics());
  std::vector<int64_t> rows = AllRows(data);
  for (int64_t first = 0; first < data.rows; first += step.batch()) {
    GRAVEN_RETURN_IF_ERROR(step.Run(data, &rows[first], std::min(step.batch(), data.rows - first)));
  }
  return step.Read();
}

absl::StatusOr<std::vector<Prediction>> Predict(Session *session, const Dataset &data,
                                                int64_t batch) {
  GRAVEN_ASSIGN_OR_RETURN(Step step, Step::Create(session, "predict", batch));
  GRAVEN_RETURN_IF_ERROR(CheckCovers(step, data));
  std::vector<Prediction> predictions;
  for (const Port &port : step.outputs()) {
    if (!port.batched) {
      return absl::FailedPreconditionError(absl::StrFormat(
          "predict's output '%s' is not one per row; use 'graven-run call'", port.name));
    }
    std::vector<int64_t> shape = port.row_shape();
    shape.insert(shape.begin(), data.rows);
    predictions.push_back({port.name, Tensor::Zeros(port.dtype, shape)});
  }
  std::vector<int64_t> rows = AllRows(data);
  for (int64_t first = 0; first < data.rows; first += step.batch()) {
    std::vector<void *> outputs;
    for (Prediction &prediction : predictions) {
      outputs.push_back(prediction.values.data.data() +
                        static_cast<size_t>(first) * prediction.values.row_bytes());
    }
    GRAVEN_RETURN_IF_ERROR(
        step.Run(data, &rows[first], std::min(step.batch(), data.rows - first), outputs));
  }
  return predictions;
}

}  // namespace graven::train
