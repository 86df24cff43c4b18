#include "runtime/train/callbacks/monitor.h"

#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/train/report/spelling.h"

namespace graven::train {

using nlohmann::json;

json NumberToJson(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

std::optional<double> NumberFromJson(const json &value) {
  if (value.is_number()) return value.get<double>();
  if (value == "nan") return std::nan("");
  if (value == "inf") return HUGE_VAL;
  if (value == "-inf") return -HUGE_VAL;
  return std::nullopt;
}

Monitor::Monitor(std::string measure, const std::string &mode, double min_delta)
    : measure_(std::move(measure)), smaller_(mode == "min"), min_delta_(min_delta) {
  if (mode != "auto") return;
  for (const char *suffix : {"loss", "error", "mse", "mae"}) {
    if (absl::EndsWith(measure_, suffix)) smaller_ = true;
  }
}

absl::StatusOr<double> Monitor::Read(const Measures &measures) const {
  auto found = measures.find(measure_);
  if (found != measures.end()) return found->second;
  std::vector<std::string> names;
  for (const auto &[name, value] : measures) names.push_back(name);
  const char *remedy = absl::StartsWith(measure_, "val_") && measures.count(measure_.substr(4)) > 0
                           ? ": there is no validation data; give --validation or "
                             "--validation-split, or monitor another measure"
                           : "";
  return absl::InvalidArgumentError(absl::StrFormat("no measure '%s' to monitor%s%s; there are %s",
                                                    measure_, remedy, DidYouMean(measure_, names),
                                                    absl::StrJoin(names, ", ")));
}

bool Monitor::Improves(double value) {
  if (std::isnan(value)) return false;
  if (best_.has_value()) {
    double gain = smaller_ ? *best_ - value : value - *best_;
    if (!(gain > min_delta_)) return false;
  }
  best_ = value;
  return true;
}

json Monitor::SaveState() const { return best_.has_value() ? NumberToJson(*best_) : json(nullptr); }

absl::Status Monitor::LoadState(const json &state) {
  best_.reset();
  if (state.is_null()) return absl::OkStatus();
  best_ = NumberFromJson(state);
  if (best_.has_value()) return absl::OkStatus();
  return absl::DataLossError("the checkpoint's best value of '" + measure_ + "' is no number");
}

}  // namespace graven::train
