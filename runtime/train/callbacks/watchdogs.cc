#include "runtime/train/callbacks/watchdogs.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace graven::train {
namespace {

absl::Status NotFinite(const std::string &measure, double value, const std::string &when) {
  return absl::OutOfRangeError(
      absl::StrFormat("%s is %g at %s: training has diverged; lower the learning rate, clip the "
                      "gradient or look at "
                      "the data",
                      measure, std::isnan(value) ? std::nan("") : value, when));
}

}  // namespace

absl::Status TerminateOnNaN::OnBatchEnd(const BatchEvent &event, Trainer &trainer) {
  for (const auto &[name, value] : *event.measures) {
    if (!std::isfinite(value)) {
      return NotFinite(
          name, value,
          absl::StrFormat("epoch %d, batch %d of %d", event.epoch, event.batch, event.batches));
    }
  }
  return absl::OkStatus();
}

absl::Status TerminateOnNaN::OnEpochEnd(const EpochEvent &event, Trainer &trainer) {
  for (const auto &[name, value] : *event.measures) {
    if (!std::isfinite(value)) {
      return NotFinite(name, value, absl::StrFormat("the end of epoch %d", event.epoch));
    }
  }
  return absl::OkStatus();
}

absl::Status OverfittingNote::OnEpochEnd(const EpochEvent &event, Trainer &trainer) {
  auto train = event.history->find("loss");
  auto validation = event.history->find("val_loss");
  if (told_ || train == event.history->end() || validation == event.history->end()) {
    return absl::OkStatus();
  }
  const std::vector<double> &t = train->second;
  const std::vector<double> &v = validation->second;
  auto lowest = static_cast<size_t>(std::min_element(v.begin(), v.end()) - v.begin());
  auto since = static_cast<int64_t>(v.size() - 1 - lowest);
  if (since < window_ || !(t.back() < t[lowest])) return absl::OkStatus();
  told_ = true;
  trainer.Note(absl::StrFormat(
      "overfitting: since epoch %d the validation loss is above its lowest value (%.4g, now %.4g) "
      "while the training loss fell from %.4g to %.4g; early stopping, dropout, weight decay or "
      "more "
      "data help",
      lowest + 1, v[lowest], v.back(), t[lowest], t.back()));
  return absl::OkStatus();
}

absl::Status OverfittingNote::LoadState(const nlohmann::json &state) {
  if (!state.is_boolean()) {
    return absl::DataLossError("the checkpoint lacks the state of the overfitting note");
  }
  told_ = state.get<bool>();
  return absl::OkStatus();
}

}  // namespace graven::train
