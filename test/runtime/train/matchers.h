// Assertions on absl::Status for the tests of fit.
#ifndef GRAVEN_TEST_RUNTIME_TRAIN_MATCHERS_H_
#define GRAVEN_TEST_RUNTIME_TRAIN_MATCHERS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace graven::testing {

inline absl::Status StatusOf(const absl::Status &status) { return status; }
template <typename T>
absl::Status StatusOf(const absl::StatusOr<T> &value) {
  return value.status();
}

#define GRAVEN_ASSERT_OK(expression)                                            \
  do {                                                                          \
    absl::Status graven_test_status_ = ::graven::testing::StatusOf(expression); \
    ASSERT_TRUE(graven_test_status_.ok()) << graven_test_status_;               \
  } while (false)

// The message of an error; "OK" when there is none.
template <typename T>
std::string MessageOf(const T &value) {
  absl::Status status = StatusOf(value);
  return status.ok() ? "OK" : std::string(status.message());
}

}  // namespace graven::testing

#endif  // GRAVEN_TEST_RUNTIME_TRAIN_MATCHERS_H_
