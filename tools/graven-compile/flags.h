// graven-compile's command line.
#ifndef GRAVEN_TOOLS_GRAVEN_COMPILE_FLAGS_H_
#define GRAVEN_TOOLS_GRAVEN_COMPILE_FLAGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "compiler/api/compile.h"

namespace graven::tools {

struct CompileFlags {
  CompileOptions options;
  std::string input;        // path of the model text, or "-" for standard input
  std::string output;       // path, or "-" for standard output
  std::string header;       // with a static artifact: where the C header goes
  std::string weights;      // path of a safetensors file whose values become constants, or ""
  std::string dump_folder;  // where the IR after each phase goes; "": nowhere
  std::string report;       // where the page about the compilation goes; "": nowhere
  std::string profile;      // path of a profile to show in the report; "": none
  std::string statistics;   // "json", "text" or ""
  bool help = false;        // print helpPage() and stop
  bool version = false;
};

// An error is one sentence that names the flag and what was expected.
absl::StatusOr<CompileFlags> parseFlags(int argc, char **argv);

// The page that --help prints; 80 columns.
std::string helpPage();

}  // namespace graven::tools

#endif  // GRAVEN_TOOLS_GRAVEN_COMPILE_FLAGS_H_
