#include "tools/graven-run/command.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <new>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "tools/graven-run/help.h"

namespace graven::tools {
namespace {

struct Command {
  const char *name;
  Action (*add)(CLI::App &);
};

constexpr Command kCommands[] = {{"fit", AddFit},         {"evaluate", AddEvaluate},
                                 {"predict", AddPredict}, {"call", AddCall},
                                 {"bench", AddBench},     {"info", AddInfo}};

constexpr char kFooter[] = R"(
A model is trained and used in four commands:

  graven-compile iris.mlir -o iris.so
  graven-run fit iris.so --train iris.csv --save iris.safetensors
  graven-run evaluate iris.so --state iris.safetensors --data test.csv
  graven-run predict iris.so --state iris.safetensors --data new.csv -o out.csv

Data: CSV with a header line (the label is the last column unless --label names
another), pairs of IDX files (images,labels) and of npy files, npz archives;
gzipped or not. 'graven-run COMMAND --help' tells more about a command.
)";

int Fail(int code, const std::string &message) {
  std::fflush(stdout);
  absl::FPrintF(stderr, "graven-run: error: %s\n", message);
  return code;
}

int Run(int argc, const char *const *argv) {
  CLI::App app("Trains, evaluates and applies models compiled by graven-compile.", "graven-run");
  app.formatter(std::make_shared<HelpFormatter>());
  app.require_subcommand(1);
  app.footer(kFooter);
  std::map<const CLI::App *, Action> actions;
  for (const Command &command : kCommands) {
    Action action = command.add(app);
    actions[app.get_subcommand(command.name)] = std::move(action);
  }
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) {
    std::cerr << app.help();
    return 2;
  }
  std::string unknown = FindUnknown(app, words);
  if (!unknown.empty()) return Fail(2, unknown);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp &) {
    const auto &chosen = app.get_subcommands();
    std::cout << (chosen.empty() ? app.help() : chosen[0]->help("graven-run"));
    return 0;
  } catch (const CLI::ParseError &error) {
    const auto &chosen = app.get_subcommands();
    std::string page = chosen.empty() ? "" : chosen[0]->get_name() + " ";
    return Fail(2, absl::StrFormat("%s; see 'graven-run %s--help'", error.what(), page));
  }
  absl::Status status = actions.at(app.get_subcommands()[0])();
  if (status.ok()) {
    // A result that could not be written (a full disk behind stdout) is an error too.
    if (std::fflush(stdout) != 0) return Fail(1, "cannot write to standard output");
    return 0;
  }
  if (absl::IsCancelled(status)) {
    std::fflush(stdout);
    absl::FPrintF(stderr, "%s\n", std::string(status.message()));
    return 130;
  }
  return Fail(1, std::string(status.message()));
}

}  // namespace

int Main(int argc, const char *const *argv) {
  try {
    return Run(argc, argv);
  } catch (const std::bad_alloc &) {
    return Fail(1, "out of memory; use less data at a time");
  } catch (const std::exception &error) {
    return Fail(1, error.what());
  }
}

void AddDeviceFlag(CLI::App *command, std::string *device) {
  command
      ->add_option(
          "--device", *device,
          "auto (what the model is compiled for, the default), cpu, cuda, or with a number "
          "cuda:1; 'graven-run info --devices' lists them")
      ->option_text("D");
}

absl::Status InterruptedStatus(const std::string &message) { return absl::CancelledError(message); }

int TerminalWidth() {
  const char *term = getenv("TERM");
  if (!isatty(STDOUT_FILENO) || (term != nullptr && strcmp(term, "dumb") == 0)) return 0;
  struct winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace graven::tools
