#include "tools/graven-compile/command.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <new>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compiler/api/compile.h"
#include "tools/graven-compile/flags.h"
#include "tools/graven-compile/output_files.h"

namespace graven::tools {
namespace {

namespace fs = std::filesystem;

constexpr int kModelError = 1;
constexpr int kCommandLineError = 2;

int fail(int code, const std::string &message) {
  std::fflush(stdout);
  absl::FPrintF(stderr, "graven-compile: error: %s\n", message);
  return code;
}

std::string text(const absl::Status &status) { return std::string(status.message()); }

// `example` names a file of the kind expected.
absl::StatusOr<std::string> readInput(const std::string &path, const char *example) {
  if (path == "-") {
    std::ostringstream content;
    content << std::cin.rdbuf();
    return content.str();
  }
  std::error_code code;
  if (fs::is_directory(path, code))
    return absl::InvalidArgumentError(absl::StrCat("'", path, "' is a folder; expected ", example));
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (file && file.peek() != std::ifstream::traits_type::eof()) content << file.rdbuf();
  if (!file.is_open() || file.bad())
    return absl::NotFoundError(absl::StrCat("cannot read '", path, "': ", std::strerror(errno)));
  return content.str();
}

// lib/<machine>-linux-gnu/libgraven_core.a beside the bin folder that this program stands in; so in
// the build tree and after installation.
std::string coreArchive(const std::string &target) {
  std::error_code code;
  fs::path program = fs::read_symlink("/proc/self/exe", code);
  std::string machine = target.substr(0, target.find('-'));
  if (machine.empty()) {
#if defined(__aarch64__)
    machine = "aarch64";
#else
    machine = "x86_64";
#endif
  }
  return program.parent_path().parent_path() / "lib" / (machine + "-linux-gnu") /
         "libgraven_core.a";
}

std::string jsonText(const std::string &value) {
  std::string quoted = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

void printStatistics(const std::string &format, const Artifact &artifact) {
  const CompileStatistics &s = artifact.statistics;
  const std::pair<const char *, uint64_t> sizes[] = {{"kernels", s.kernels},
                                                     {"state_bytes", s.state_bytes},
                                                     {"arena_bytes", s.arena_bytes},
                                                     {"constant_bytes", s.constant_bytes},
                                                     {"peak_bytes", s.peak_bytes},
                                                     {"training_bytes", s.training_bytes},
                                                     {"artifact_bytes", s.artifact_bytes}};
  if (format == "json") {
    absl::FPrintF(stderr, "{\"model\": %s, \"seconds\": {", jsonText(artifact.model_name));
    const char *separator = "";
    for (const auto &[phase, seconds] : s.seconds) {
      absl::FPrintF(stderr, "%s%s: %.6f", separator, jsonText(phase), seconds);
      separator = ", ";
    }
    absl::FPrintF(stderr, "}");
    for (const auto &[name, value] : sizes) absl::FPrintF(stderr, ", \"%s\": %d", name, value);
    absl::FPrintF(stderr, "}\n");
    return;
  }
  double total = 0;
  for (const auto &[phase, seconds] : s.seconds) {
    absl::FPrintF(stderr, "%-16s %9.1f ms\n", phase, seconds * 1e3);
    total += seconds;
  }
  absl::FPrintF(stderr, "%-16s %9.1f ms\n", "total", total * 1e3);
  for (const auto &[name, value] : sizes) absl::FPrintF(stderr, "%-16s %9d\n", name, value);
}

// Compiles and writes the temporary files; runs in the child process.
int compileAndWrite(CompileFlags &flags, const std::string &source, const OutputFiles &files) {
  int phase_number = 0;
  absl::Status dumped;
  if (!flags.dump_folder.empty()) {
    std::error_code code;
    fs::create_directories(flags.dump_folder, code);
    if (code)
      return fail(kModelError, absl::StrCat("cannot make the folder '", flags.dump_folder,
                                            "' for --dump-after-each: ", code.message()));
    flags.options.after_phase = [&](const std::string &phase, const std::string &ir) {
      std::string path =
          fs::path(flags.dump_folder) / absl::StrFormat("%02d-%s.mlir", phase_number++, phase);
      std::ofstream file(path, std::ios::binary);
      file << ir;
      if (!file.flush() && dumped.ok())
        dumped =
            absl::UnavailableError(absl::StrCat("cannot write '", path, "' for --dump-after-each"));
    };
  }
  absl::StatusOr<Artifact> artifact = compile(source, flags.options);
  if (!artifact.ok()) {
    std::string message = text(artifact.status());
    // Errors of the model bring their place; others are one sentence.
    if (message.empty() || message.back() != '\n') return fail(kModelError, message);
    absl::FPrintF(stderr, "%s", message);
    return kModelError;
  }
  if (!dumped.ok()) return fail(kModelError, text(dumped));
  absl::FPrintF(stderr, "%s", artifact->warnings);
  if (flags.output == "-") {
    if (std::fwrite(artifact->bytes.data(), 1, artifact->bytes.size(), stdout) !=
            artifact->bytes.size() ||
        std::fflush(stdout) != 0)
      return fail(kModelError,
                  absl::StrCat("cannot write to standard output: ", std::strerror(errno)));
  } else if (absl::Status status = files.write(flags.output, artifact->bytes); !status.ok()) {
    return fail(kModelError, text(status));
  }
  if (!flags.header.empty())
    if (absl::Status status = files.write(flags.header, artifact->header); !status.ok())
      return fail(kModelError, text(status));
  if (!flags.report.empty())
    if (absl::Status status = files.write(flags.report, artifact->report); !status.ok())
      return fail(kModelError, text(status));
  if (!flags.statistics.empty()) printStatistics(flags.statistics, *artifact);
  return 0;
}

// Runs `work` in a child process, so that a crash inside LLVM ends in a sentence. Returns its exit
// status.
template <typename Work>
int runInChild(const CompileFlags &flags, Work work) {
  std::fflush(nullptr);
  pid_t child = fork();
  if (child < 0)
    return fail(kModelError, absl::StrCat("cannot start a process: ", std::strerror(errno)));
  if (child == 0) {
    int code = kModelError;
    try {
      code = work();
    } catch (const std::bad_alloc &) {
      code = fail(kModelError, "out of memory");
    } catch (const std::exception &error) {
      code = fail(kModelError, error.what());
    }
    std::fflush(nullptr);
    _exit(code);
  }
  // The child gets the terminal's signals itself; this process outlives it to tidy up.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  int number = WTERMSIG(status);
  if (number == SIGINT || number == SIGTERM) return 128 + number;
  if (number == SIGKILL)
    return fail(kModelError,
                "the compiler was killed, most likely for want of memory; nothing was "
                "written");
  return fail(
      kModelError,
      absl::StrCat("the compiler crashed on '", flags.options.file_name, "' (", strsignal(number),
                   "); nothing was written. This is a defect of the compiler: please report "
                   "it with the model"));
}

}  // namespace

int compileMain(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  absl::StatusOr<CompileFlags> flags = parseFlags(argc, argv);
  if (!flags.ok()) return fail(kCommandLineError, text(flags.status()));
  if (flags->help || flags->version) {
    std::cout << (flags->help ? helpPage() : std::string("graven-compile 0.1.0\n"));
    std::cout.flush();
    return std::cout ? 0 : kModelError;
  }
  absl::StatusOr<std::string> source = readInput(flags->input, "a model text such as iris.mlir");
  if (!source.ok()) return fail(kModelError, text(source.status()));
  if (!flags->weights.empty()) {
    absl::StatusOr<std::string> weights =
        readInput(flags->weights, "a file of weights such as iris.safetensors");
    if (!weights.ok())
      return fail(kModelError, absl::StrCat("--weights: ", text(weights.status())));
    if (weights->empty())
      return fail(kModelError, absl::StrCat("--weights: '", flags->weights, "' is empty"));
    flags->options.weights = *std::move(weights);
    flags->options.weights_name = flags->weights;
  }
  flags->options.core_archive = coreArchive(flags->options.target);

  if (!flags->profile.empty()) {
    absl::StatusOr<std::string> profile =
        readInput(flags->profile, "a profile such as profile.json");
    if (!profile.ok()) return fail(kModelError, text(profile.status()));
    if (profile->empty())
      return fail(kModelError, absl::StrCat("the profile '", flags->profile, "' is empty"));
    flags->options.report_profile = *std::move(profile);
  }

  OutputFiles files({flags->output, flags->header, flags->report});
  if (absl::Status status = files.check(); !status.ok()) return fail(kModelError, text(status));
  int code = runInChild(*flags, [&] { return compileAndWrite(*flags, *source, files); });
  if (code != 0) {
    files.discard();
    return code;
  }
  if (absl::Status status = files.commit(); !status.ok()) return fail(kModelError, text(status));
  return 0;
}

}  // namespace graven::tools
