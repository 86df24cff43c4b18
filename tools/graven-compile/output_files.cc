#include "tools/graven-compile/output_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"

namespace graven::tools {
namespace {

namespace fs = std::filesystem;

absl::Status failure(const std::string &what, const std::string &path, int code,
                     const std::string &remedy) {
  return absl::UnavailableError(
      absl::StrCat("cannot ", what, " '", path, "': ", std::strerror(code), remedy));
}

std::string remedyFor(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space or choose another place with -o";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; choose a place that you may write to with -o";
    case ENOENT:
      return "; make the folder first or choose another place with -o";
    case EISDIR:
      return "; -o takes the name of a file";
    default:
      return "";
  }
}

}  // namespace

OutputFiles::OutputFiles(std::vector<std::string> paths)
    : suffix_(absl::StrCat(".", getpid(), ".tmp")) {
  for (std::string &path : paths)
    if (!path.empty() && path != "-") paths_.push_back(std::move(path));
}

std::string OutputFiles::temporary(const std::string &path) const { return path + suffix_; }

absl::Status OutputFiles::check() const {
  for (const std::string &path : paths_) {
    struct stat status;
    if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
      return failure("write to", path, EISDIR, remedyFor(EISDIR));
    std::string folder = fs::path(path).parent_path();
    if (folder.empty()) folder = ".";
    if (access(folder.c_str(), W_OK | X_OK) != 0) {
      int code = errno;
      return failure("write to", path, code, remedyFor(code));
    }
  }
  return absl::OkStatus();
}

absl::Status OutputFiles::write(const std::string &path, const std::string &bytes) const {
  std::string name = temporary(path);
  int file = open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) {
    int code = errno;
    return failure("write to", path, code, remedyFor(code));
  }
  size_t done = 0;
  int code = 0;
  while (done < bytes.size()) {
    ssize_t count = ::write(file, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      code = errno;
      break;
    }
    done += static_cast<size_t>(count);
  }
  if (code == 0 && fsync(file) != 0 && errno != EINVAL) code = errno;
  if (close(file) != 0 && code == 0) code = errno;
  if (code == 0) return absl::OkStatus();
  unlink(name.c_str());
  return failure("write to", path, code, remedyFor(code));
}

absl::Status OutputFiles::commit() const {
  for (const std::string &path : paths_)
    if (rename(temporary(path).c_str(), path.c_str()) != 0) {
      int code = errno;
      discard();
      return failure("give its name to", path, code, remedyFor(code));
    }
  return absl::OkStatus();
}

void OutputFiles::discard() const {
  for (const std::string &path : paths_) unlink(temporary(path).c_str());
}

}  // namespace graven::tools
