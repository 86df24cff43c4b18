// A trace of some calls in the format of Chrome and Perfetto: which thread ran what, when.
#ifndef GRAVEN_TOOLS_GRAVEN_RUN_TRACE_H_
#define GRAVEN_TOOLS_GRAVEN_RUN_TRACE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/train/engine/session.h"

namespace graven::tools {

// Runs `call` `calls` times while `session` is traced and returns the trace as JSON: an object with
// `traceEvents`. Process 1 is the model; each thread that ran something is a row. A call is an
// event of category "call", its commands are events of category "launch", "copy" or "fill" within
// it, on the calling thread, and what a thread ran of a launch is one of category "part" on its own
// row. Names of launches and parts are those of the plan. Times are microseconds since the first
// call. `entry` is what `call` calls. `otherData.dropped` counts events that there was no room for.
absl::StatusOr<std::string> TraceCalls(train::Session &session, uint32_t entry, int calls,
                                       const std::function<absl::Status()> &call);

}  // namespace graven::tools

#endif  // GRAVEN_TOOLS_GRAVEN_RUN_TRACE_H_
