// NumPy's npy and npz files.
#ifndef GRAVEN_RUNTIME_TRAIN_DATA_NPY_H_
#define GRAVEN_RUNTIME_TRAIN_DATA_NPY_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/train/data/tensor.h"

namespace graven::train {

bool LooksLikeNpy(const std::string &bytes);
bool LooksLikeNpz(const std::string &bytes);

// Versions 1 to 3; f4 f8 b1 u1 i4 i8 as they are, i1 i2 u2 widened to i32, u4 to i64; big-endian is
// swapped, Fortran order transposed. Objects, strings and half floats are refused with a remedy.
absl::StatusOr<Tensor> ParseNpy(const std::string &path, const std::string &bytes);

// All arrays of an npz archive, in the archive's order, named without ".npy".
absl::StatusOr<std::vector<std::pair<std::string, Tensor>>> ReadNpz(const std::string &path);

// The bytes of an npy file, version 1.0, C order.
std::string NpyBytes(const Tensor &tensor);
// Writes an npy file, whole or not at all.
absl::Status WriteNpy(const std::string &path, const Tensor &tensor);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_DATA_NPY_H_
