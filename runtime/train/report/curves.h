// Learning curves as an SVG picture.
#ifndef GRAVEN_RUNTIME_TRAIN_REPORT_CURVES_H_
#define GRAVEN_RUNTIME_TRAIN_REPORT_CURVES_H_

#include <cstdint>
#include <string>

#include "runtime/train/callbacks/callback.h"

namespace graven::train {

// One panel per measure, training and validation in one panel, axes with round ticks; an axis whose
// values span more than two decades is logarithmic. `best_epoch` (from 1; 0: none) is marked.
std::string CurvesSvg(const std::string &title, const History &history, int64_t best_epoch);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_REPORT_CURVES_H_
