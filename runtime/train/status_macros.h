// Two macros that pass an error on: the caller's function must return absl::Status or StatusOr.
#ifndef GRAVEN_RUNTIME_TRAIN_STATUS_MACROS_H_
#define GRAVEN_RUNTIME_TRAIN_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function when `expression`, an absl::Status, is an error.
#define GRAVEN_RETURN_IF_ERROR(expression)           \
  do {                                               \
    absl::Status graven_status_ = (expression);      \
    if (!graven_status_.ok()) return graven_status_; \
  } while (false)

#define GRAVEN_CONCAT_IMPL_(a, b) a##b
#define GRAVEN_CONCAT_(a, b) GRAVEN_CONCAT_IMPL_(a, b)

// Declares or assigns `target` from `expression`, an absl::StatusOr; returns when it is an error.
#define GRAVEN_ASSIGN_OR_RETURN(target, expression) \
  GRAVEN_ASSIGN_OR_RETURN_IMPL_(GRAVEN_CONCAT_(graven_or_, __LINE__), target, expression)
#define GRAVEN_ASSIGN_OR_RETURN_IMPL_(holder, target, expression) \
  auto holder = (expression);                                     \
  if (!holder.ok()) return holder.status();                       \
  target = std::move(holder).value()

#endif  // GRAVEN_RUNTIME_TRAIN_STATUS_MACROS_H_
