// The IDX format of the handwritten-digits files: 00 00 <type> <rank>, big-endian extents,
// elements.
#ifndef GRAVEN_RUNTIME_TRAIN_DATA_IDX_H_
#define GRAVEN_RUNTIME_TRAIN_DATA_IDX_H_

#include <string>

#include "absl/status/statusor.h"
#include "runtime/train/data/tensor.h"

namespace graven::train {

// Whether `bytes` begins as an IDX file does.
bool LooksLikeIdx(const std::string &bytes);

// Types: ui8 as it is; i8 and i16 become i32; i32, f32, f64. The length must be exactly what the
// header says. `path` is used in messages only.
absl::StatusOr<Tensor> ParseIdx(const std::string &path, const std::string &bytes);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_DATA_IDX_H_
