// The order of rows: shuffling and the split into training and validation rows.
//
// Both draw from Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// 2011), keyed by the seed; the counter holds the draw's number, the epoch and the purpose. So an
// order is a function of seed and epoch alone: the same on every platform, with nothing to
// remember.
#ifndef GRAVEN_RUNTIME_TRAIN_DATA_SAMPLER_H_
#define GRAVEN_RUNTIME_TRAIN_DATA_SAMPLER_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace graven::train {

// One Philox4x32-10 block.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// A permutation of 0 .. rows-1 for `epoch`, by Fisher and Yates' algorithm with unbiased draws.
std::vector<int64_t> ShuffledOrder(int64_t rows, uint64_t seed, uint64_t epoch);

struct Split {
  std::vector<int64_t> train;       // ascending
  std::vector<int64_t> validation;  // ascending
};

// Sets round(fraction * rows) rows apart for validation. With `class_of_row` (one number per row)
// each class gives its share, leftovers going to the classes with the largest fractional parts
// (lower class first). Fails unless both parts end up with at least one row.
absl::StatusOr<Split> SplitRows(int64_t rows, double fraction, uint64_t seed,
                                const std::vector<int64_t> &class_of_row);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_DATA_SAMPLER_H_
