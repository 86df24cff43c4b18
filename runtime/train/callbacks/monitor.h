// The watched measure of early stopping, learning-rate reduction and best-weights keeping: which
// direction is better, and what counts as an improvement.
#ifndef GRAVEN_RUNTIME_TRAIN_CALLBACKS_MONITOR_H_
#define GRAVEN_RUNTIME_TRAIN_CALLBACKS_MONITOR_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "runtime/train/engine/session.h"

namespace graven::train {

// A double as JSON; NaN and infinities, which JSON lacks, as the strings "nan", "inf", "-inf".
nlohmann::json NumberToJson(double value);
// The inverse; nothing when `value` is no such number.
std::optional<double> NumberFromJson(const nlohmann::json &value);

class Monitor {
 public:
  // mode: "min", "max", or "auto": measures whose name ends in loss, error, mse or mae are better
  // when smaller, all others when larger.
  Monitor(std::string measure, const std::string &mode, double min_delta);

  const std::string &measure() const { return measure_; }
  bool smaller_is_better() const { return smaller_; }
  const std::optional<double> &best() const { return best_; }

  // The measure's value this epoch; the error names the measures there are.
  absl::StatusOr<double> Read(const Measures &measures) const;
  // Whether `value` improves on the best by more than min_delta; if so it is the best from now on.
  // NaN never improves.
  bool Improves(double value);
  void Forget() { best_.reset(); }

  nlohmann::json SaveState() const;
  absl::Status LoadState(const nlohmann::json &state);

 private:
  std::string measure_;
  bool smaller_;
  double min_delta_;
  std::optional<double> best_;
};

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_CALLBACKS_MONITOR_H_
