// A subcommand of graven-run: its flags and what it does.
#ifndef GRAVEN_TOOLS_GRAVEN_RUN_COMMAND_H_
#define GRAVEN_TOOLS_GRAVEN_RUN_COMMAND_H_

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"

namespace graven::tools {

// Adds a subcommand to `app` and returns what runs it. An OK status ends the program with 0.
using Action = std::function<absl::Status()>;
Action AddFit(CLI::App &app);
Action AddEvaluate(CLI::App &app);
Action AddPredict(CLI::App &app);
Action AddCall(CLI::App &app);
Action AddBench(CLI::App &app);
Action AddInfo(CLI::App &app);

// Adds --device to a subcommand that runs a model.
void AddDeviceFlag(CLI::App *command, std::string *device);

// The whole program; returns its exit code: 0, 1 for an error, 2 for wrong usage, 130 when
// interrupted.
int Main(int argc, const char *const *argv);

// A status that ends the program with 130 and without "error:".
absl::Status InterruptedStatus(const std::string &message);

// Columns of the terminal on stdout; 0 when stdout is none.
int TerminalWidth();

}  // namespace graven::tools

#endif  // GRAVEN_TOOLS_GRAVEN_RUN_COMMAND_H_
