#include "test/tools/graven-run/tool_process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <regex>

namespace graven::testing {
namespace {

[[noreturn]] void Child(const std::string &folder, const std::vector<std::string> &words,
                        const ToolOptions &options) {
  std::vector<char *> arguments;
  for (const std::string &word : words) arguments.push_back(const_cast<char *>(word.c_str()));
  arguments.push_back(nullptr);
  setenv("TERM", "xterm", 1);
  if (options.file_limit > 0) {
    struct rlimit limit = {static_cast<rlim_t>(options.file_limit),
                           static_cast<rlim_t>(options.file_limit)};
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_IGN);
  }
  if (chdir(folder.c_str()) == 0) execv(arguments[0], arguments.data());
  _exit(127);
}

// Reads until all ends are closed; sends the signal when its time has come.
void Collect(pid_t child, std::vector<std::pair<int, std::string *>> ends,
             const ToolOptions &options) {
  const std::string &output = *ends[0].second;
  auto start = std::chrono::steady_clock::now();
  bool sent = options.kill_signal == 0;
  while (!ends.empty()) {
    std::vector<struct pollfd> polls;
    for (auto &[fd, text] : ends) polls.push_back({fd, POLLIN, 0});
    auto waited = std::chrono::duration_cast<std::chrono::microseconds>(
                      std::chrono::steady_clock::now() - start)
                      .count();
    bool due = options.kill_when.empty() ? waited >= options.kill_after
                                         : output.find(options.kill_when) != std::string::npos;
    if (!sent && due) {
      kill(child, options.kill_signal);
      sent = true;
    }
    bool timed = !sent && options.kill_when.empty();
    int64_t rest = timed ? options.kill_after - waited : 1000000;
    struct timespec timeout = {rest / 1000000, rest % 1000000 * 1000};
    ppoll(polls.data(), polls.size(), &timeout, nullptr);
    for (size_t i = polls.size(); i-- > 0;) {
      if (polls[i].revents == 0) continue;
      char chunk[4096];
      ssize_t got = read(polls[i].fd, chunk, sizeof chunk);
      if (got > 0) {
        ends[i].second->append(chunk, static_cast<size_t>(got));
      } else {
        close(ends[i].first);
        ends.erase(ends.begin() + static_cast<long>(i));
      }
    }
  }
}

}  // namespace

ToolResult RunTool(const std::string &folder, const std::vector<std::string> &words,
                   const ToolOptions &options) {
  ToolResult result;
  pid_t child;
  if (options.columns > 0) {
    struct winsize size = {24, static_cast<unsigned short>(options.columns), 0, 0};
    int terminal = -1;
    child = forkpty(&terminal, nullptr, nullptr, &size);
    if (child == 0) Child(folder, words, options);
    if (child < 0) return result;
    Collect(child, {{terminal, &result.output}}, options);
  } else {
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) return result;
    child = fork();
    if (child == 0) {
      dup2(out[1], STDOUT_FILENO);
      dup2(err[1], STDERR_FILENO);
      Child(folder, words, options);
    }
    close(out[1]);
    close(err[1]);
    if (child < 0) return result;
    Collect(child, {{out[0], &result.output}, {err[0], &result.errors}}, options);
  }
  int status = 0;
  waitpid(child, &status, 0);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::string WithoutTimes(const std::string &text) {
  std::string result = std::regex_replace(text, std::regex(R"([0-9.]+(us|ms|s)/step)"), "RATE");
  return std::regex_replace(result, std::regex(R"(\b[0-9]+s\b)"), "TIME");
}

}  // namespace graven::testing
