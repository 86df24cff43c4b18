// Runs a program as a user would, in a pipe or in a terminal, and takes down what it writes.
#ifndef GRAVEN_TEST_TOOLS_GRAVEN_RUN_TOOL_PROCESS_H_
#define GRAVEN_TEST_TOOLS_GRAVEN_RUN_TOOL_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace graven::testing {

struct ToolResult {
  int code = -1;       // exit code; 128 + signal when killed
  std::string output;  // standard output
  std::string errors;  // standard error (in a terminal: part of output)
};

struct ToolOptions {
  int columns = 0;         // > 0: in a terminal of this width
  int64_t file_limit = 0;  // > 0: no file may grow beyond this many bytes, as on a full disk
  int kill_signal = 0;     // sent after `kill_after` microseconds
  int64_t kill_after = 0;
  std::string kill_when;  // not empty: sent when standard output holds this instead
};

// Runs `words[0]` with the rest as arguments in folder `folder` and waits for its end.
ToolResult RunTool(const std::string &folder, const std::vector<std::string> &words,
                   const ToolOptions &options = {});

// `text` with durations and rates replaced: "0s" by "TIME", "12us/step" by "RATE", so that
// transcripts can be compared.
std::string WithoutTimes(const std::string &text);

}  // namespace graven::testing

#endif  // GRAVEN_TEST_TOOLS_GRAVEN_RUN_TOOL_PROCESS_H_
