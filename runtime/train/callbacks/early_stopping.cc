#include "runtime/train/callbacks/early_stopping.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "runtime/train/status_macros.h"

namespace graven::train {
namespace {

using nlohmann::json;

absl::Status ReadCount(const json &state, const char *key, int64_t *count) {
  auto found = state.find(key);
  if (!state.is_object() || found == state.end() || !found->is_number_integer()) {
    return absl::DataLossError(
        absl::StrFormat("the checkpoint lacks the callback state '%s'", key));
  }
  *count = found->get<int64_t>();
  return absl::OkStatus();
}

}  // namespace

EarlyStopping::EarlyStopping(const EarlyStoppingSettings &settings)
    : settings_(settings), monitor_(settings.monitor, settings.mode, settings.min_delta) {}

absl::Status EarlyStopping::OnEpochEnd(const EpochEvent &event, Trainer &trainer) {
  GRAVEN_ASSIGN_OR_RETURN(double value, monitor_.Read(*event.measures));
  if (monitor_.Improves(value)) {
    waited_ = 0;
    return settings_.restore_best_weights ? trainer.KeepAsBest(monitor_.measure(), value)
                                          : absl::OkStatus();
  }
  if (++waited_ > settings_.patience) {
    trainer.Stop(absl::StrFormat("%s has not improved for %d epochs", monitor_.measure(), waited_));
  }
  return absl::OkStatus();
}

json EarlyStopping::SaveState() const {
  return {{"best", monitor_.SaveState()}, {"waited", waited_}};
}

absl::Status EarlyStopping::LoadState(const json &state) {
  GRAVEN_RETURN_IF_ERROR(ReadCount(state, "waited", &waited_));
  return monitor_.LoadState(state.value("best", json()));
}

absl::Status KeepBest::OnEpochEnd(const EpochEvent &event, Trainer &trainer) {
  GRAVEN_ASSIGN_OR_RETURN(double value, monitor_.Read(*event.measures));
  if (!monitor_.Improves(value)) return absl::OkStatus();
  return trainer.KeepAsBest(monitor_.measure(), value);
}

ReduceLrOnPlateau::ReduceLrOnPlateau(const ReduceLrSettings &settings)
    : settings_(settings), monitor_(settings.monitor, settings.mode, settings.min_delta) {}

absl::Status ReduceLrOnPlateau::OnTrainBegin(int64_t epochs_done, Trainer &trainer) {
  if (trainer.GetControl("lr_scale").has_value()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "lowering the learning rate needs the control state 'lr_scale', which this model does not "
      "have; train without --reduce-lr");
}

absl::Status ReduceLrOnPlateau::OnEpochEnd(const EpochEvent &event, Trainer &trainer) {
  GRAVEN_ASSIGN_OR_RETURN(double value, monitor_.Read(*event.measures));
  bool improved = monitor_.Improves(value);
  if (cooling_ > 0) {
    --cooling_;
    waited_ = 0;
    return absl::OkStatus();
  }
  if (improved) {
    waited_ = 0;
    return absl::OkStatus();
  }
  if (++waited_ <= settings_.patience) return absl::OkStatus();
  waited_ = 0;
  cooling_ = settings_.cooldown;
  float scale = trainer.GetControl("lr_scale").value_or(1.0f);
  float lower = std::max(scale * static_cast<float>(settings_.factor),
                         static_cast<float>(settings_.min_scale));
  if (!(lower < scale)) return absl::OkStatus();
  trainer.Note(absl::StrFormat("%s has not improved: the learning rate is now scaled by %g",
                               monitor_.measure(), lower));
  return trainer.SetControl("lr_scale", lower);
}

json ReduceLrOnPlateau::SaveState() const {
  return {{"best", monitor_.SaveState()}, {"waited", waited_}, {"cooling", cooling_}};
}

absl::Status ReduceLrOnPlateau::LoadState(const json &state) {
  GRAVEN_RETURN_IF_ERROR(ReadCount(state, "waited", &waited_));
  GRAVEN_RETURN_IF_ERROR(ReadCount(state, "cooling", &cooling_));
  return monitor_.LoadState(state.value("best", json()));
}

}  // namespace graven::train
