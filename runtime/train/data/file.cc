#include "runtime/train/data/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_format.h"
#include "runtime/train/status_macros.h"

namespace graven::train {
namespace {

std::string FolderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status Inflate(const std::string &path, const std::string &packed, std::string *plain) {
  z_stream stream = {};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) {
    return absl::ResourceExhaustedError(path + ": no memory to inflate the file");
  }
  absl::Cleanup end = [&stream] { inflateEnd(&stream); };
  size_t consumed = 0;
  int result = Z_OK;
  std::string chunk(size_t{1} << 20, '\0');
  while (true) {
    // zlib counts in 32 bits: hand over at most 1 GiB at a time.
    size_t piece = std::min<size_t>(packed.size() - consumed, size_t{1} << 30);
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data() + consumed));
    stream.avail_in = static_cast<uInt>(piece);
    stream.next_out = reinterpret_cast<Bytef *>(&chunk[0]);
    stream.avail_out = static_cast<uInt>(chunk.size());
    result = inflate(&stream, Z_NO_FLUSH);
    consumed += piece - stream.avail_in;
    plain->append(chunk.data(), chunk.size() - stream.avail_out);
    if (plain->size() > kMaxDataBytes) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s: inflates to more than %d GiB", path, kMaxDataBytes >> 30));
    }
    if (result == Z_STREAM_END) {
      bool another = packed.size() - consumed >= 2 && packed[consumed] == '\x1f' &&
                     packed[consumed + 1] == '\x8b';
      if (!another) return absl::OkStatus();
      if (inflateReset(&stream) != Z_OK) break;
      continue;
    }
    if (result == Z_BUF_ERROR ||
        (result == Z_OK && consumed == packed.size() && stream.avail_out != 0)) {
      return absl::DataLossError(absl::StrFormat(
          "%s: the gzip stream ends early, after %d bytes; the file is truncated: copy it again",
          path, packed.size()));
    }
    if (result != Z_OK) break;
  }
  return absl::DataLossError(absl::StrFormat("%s: damaged gzip stream near byte %d%s%s", path,
                                             consumed, stream.msg != nullptr ? ": " : "",
                                             stream.msg != nullptr ? stream.msg : ""));
}

absl::Status ReadInto(const std::string &path, std::string *bytes) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return absl::NotFoundError(path + ": no such file");
    return absl::PermissionDeniedError(absl::StrFormat("%s: %s", path, strerror(errno)));
  }
  absl::Cleanup closer = [fd] { close(fd); };
  struct stat info;
  if (fstat(fd, &info) != 0) {
    return absl::UnavailableError(absl::StrFormat("%s: %s", path, strerror(errno)));
  }
  if (S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(path + ": is a folder; expected a file");
  }
  if (static_cast<uint64_t>(info.st_size) > kMaxDataBytes) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: is %d bytes long; at most %d GiB are read", path, info.st_size, kMaxDataBytes >> 30));
  }
  bytes->reserve(static_cast<size_t>(info.st_size));
  std::vector<char> chunk(size_t{1} << 18);
  // A pipe has no size: the limit is watched while reading too.
  while (true) {
    ssize_t got = read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::UnavailableError(absl::StrFormat("%s: %s", path, strerror(errno)));
    if (got == 0) return absl::OkStatus();
    bytes->append(chunk.data(), static_cast<size_t>(got));
    if (bytes->size() > kMaxDataBytes) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s: holds more than %d GiB", path, kMaxDataBytes >> 30));
    }
  }
}

}  // namespace

bool FileExists(const std::string &path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

absl::StatusOr<std::string> ReadFile(const std::string &path) {
  std::string bytes;
  GRAVEN_RETURN_IF_ERROR(ReadInto(path, &bytes));
  return bytes;
}

absl::StatusOr<std::string> ReadMaybeGzip(const std::string &path) {
  GRAVEN_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path));
  if (bytes.size() < 2 || bytes[0] != '\x1f' || bytes[1] != '\x8b') return bytes;
  std::string plain;
  GRAVEN_RETURN_IF_ERROR(Inflate(path, bytes, &plain));
  return plain;
}

absl::Status WriteFileAtomically(const std::string &path, const std::string &bytes) {
  std::string temporary = path + ".tmp-XXXXXX";
  int fd = mkostemp(&temporary[0], O_CLOEXEC);
  if (fd < 0) {
    return absl::PermissionDeniedError(
        absl::StrFormat("cannot write %s: %s", path, strerror(errno)));
  }
  int error = 0;
  size_t done = 0;
  while (done < bytes.size() && error == 0) {
    ssize_t put = write(fd, bytes.data() + done, bytes.size() - done);
    if (put >= 0) {
      done += static_cast<size_t>(put);
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  // mkostemp makes the file private; a result gets the permissions an ordinary new file has.
  mode_t mask = umask(0);
  umask(mask);
  if (error == 0 && fchmod(fd, 0666 & ~mask) != 0) error = errno;
  if (error == 0 && fsync(fd) != 0) error = errno;
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    unlink(temporary.c_str());
    return absl::UnavailableError(absl::StrFormat(
        "cannot write %s: %s; what stood there is unchanged", path, strerror(error)));
  }
  int folder = open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);
    close(folder);
  }
  return absl::OkStatus();
}

absl::Status CheckWritable(const std::string &path, const std::string &flag) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: %s is a folder; name a file in it", flag, path));
  }
  std::string folder = FolderOf(path);
  if (stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return absl::NotFoundError(absl::StrFormat(
        "%s: cannot write %s: there is no folder %s; create it first", flag, path, folder));
  }
  std::string probe = path + ".tmp-XXXXXX";
  int fd = mkostemp(&probe[0], O_CLOEXEC);
  if (fd < 0) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "%s: cannot write %s: %s; choose another path", flag, path, strerror(errno)));
  }
  close(fd);
  unlink(probe.c_str());
  return absl::OkStatus();
}

}  // namespace graven::train
