// A small data set for tests of fit.
#ifndef GRAVEN_TEST_RUNTIME_TRAIN_FIT_CLOUDS_H_
#define GRAVEN_TEST_RUNTIME_TRAIN_FIT_CLOUDS_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/train/data/sampler.h"

namespace graven::testing {

// Three noisy clouds in four dimensions as CSV: 90 rows.
inline std::string CloudsCsv() {
  std::string text = "a,b,c,d,kind\n";
  const char *names[] = {"x", "y", "z"};
  for (uint32_t row = 0; row < 90; ++row) {
    auto bits = train::Philox4x32({row, 0, 0, 9}, {5, 6});
    for (uint32_t f = 0; f < 4; ++f) {
      double center = f == row % 3 ? 3.0 : 0.5 * f;
      absl::StrAppend(&text, center + 2.0 * (bits[f] * 0x1p-32 - 0.5), ",");
    }
    absl::StrAppend(&text, names[row % 3], "\n");
  }
  return text;
}

}  // namespace graven::testing

#endif  // GRAVEN_TEST_RUNTIME_TRAIN_FIT_CLOUDS_H_
