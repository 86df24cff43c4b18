#include "runtime/core/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/core/error.h"

namespace graven1 {

AtomicFile::~AtomicFile() {
  if (file_ >= 0) {
    unlinkat(folder_, temporary_, 0);
    close(file_);
  }
  if (folder_ >= 0) close(folder_);
}

graven_status AtomicFile::failure(const char *what, int error) {
  char text[kErrnoTextBytes];
  return fail(GRAVEN_IO_ERROR, "cannot %s '%s': %s%s; nothing was overwritten", what, shown(path_),
              errno_text(error, text), errno_remedy(error));
}

graven_status AtomicFile::open(const char *path) {
  path_ = path;
  const char *slash = strrchr(path, '/');
  name_ = slash ? slash + 1 : path;
  char folder[kPathBytes];
  size_t folder_bytes = slash ? static_cast<size_t>(slash - path) + 1 : 0;
  if (folder_bytes + 1 > sizeof folder) return failure("write", ENAMETOOLONG);
  memcpy(folder, slash ? path : ".", slash ? folder_bytes : 1);
  folder[slash ? folder_bytes : 1] = 0;
  if (!*name_) return failure("write", EISDIR);
  folder_ = ::open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_ < 0) return failure("write", errno);
  struct stat status;
  if (fstatat(folder_, name_, &status, 0) == 0 && !S_ISREG(status.st_mode)) {
    if (S_ISDIR(status.st_mode)) return failure("write", EISDIR);
    return fail(GRAVEN_IO_ERROR, "cannot write '%s': it is not a plain file; choose another path",
                shown(path_));
  }
  int length = snprintf(temporary_, sizeof temporary_, ".%s.graven-partial", name_);
  if (length < 0 || static_cast<size_t>(length) >= sizeof temporary_) {
    return failure("write", ENAMETOOLONG);
  }
  return open_temporary();
}

// Opens the temporary file and locks it. Between the two another process may have renamed it to its
// final name: then the name no longer leads to the file that was opened, and the way is gone again.
graven_status AtomicFile::open_temporary() {
  for (int attempt = 0; attempt < 16; ++attempt) {
    int file = openat(folder_, temporary_, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file < 0) {
      // A leftover that is a link, or another user's, gives way to a file of our own.
      int error = errno;
      if ((error == ELOOP || error == EACCES) && unlinkat(folder_, temporary_, 0) == 0) continue;
      return failure("write", error);
    }
    if (flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      close(file);
      return fail(GRAVEN_BUSY,
                  "cannot write '%s': another process is writing it; wait, or choose another path",
                  shown(path_));
    }
    struct stat opened, named;
    bool same = fstat(file, &opened) == 0 &&
                fstatat(folder_, temporary_, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
                opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
    if (!same) {
      close(file);
      continue;
    }
    file_ = file;
    return ftruncate(file_, 0) == 0 ? GRAVEN_OK : failure("write", errno);
  }
  return fail(GRAVEN_BUSY, "cannot write '%s': other processes keep replacing it; try again",
              shown(path_));
}

graven_status AtomicFile::write_through(const char *data, size_t bytes) {
  while (bytes > 0) {
    ssize_t done = ::write(file_, data, bytes);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failure("write", errno);
    if (done == 0) return failure("write", ENOSPC);
    data += done;
    bytes -= static_cast<size_t>(done);
  }
  return GRAVEN_OK;
}

graven_status AtomicFile::flush() {
  size_t bytes = used_;
  used_ = 0;
  return write_through(buffer_, bytes);
}

graven_status AtomicFile::write(const void *data, size_t bytes) {
  if (bytes > sizeof buffer_ - used_) {
    if (graven_status status = flush(); status != GRAVEN_OK) return status;
  }
  if (bytes >= sizeof buffer_) return write_through(static_cast<const char *>(data), bytes);
  if (bytes != 0) memcpy(buffer_ + used_, data, bytes);
  used_ += bytes;
  return GRAVEN_OK;
}

graven_status AtomicFile::commit() {
  if (graven_status status = flush(); status != GRAVEN_OK) return status;
  if (fsync(file_) != 0) return failure("write", errno);
  if (renameat(folder_, temporary_, folder_, name_) != 0) return failure("rename to", errno);
  close(file_);
  file_ = -1;
  // Some file systems cannot fsync a folder and say EINVAL; they promise the order anyway.
  if (fsync(folder_) != 0 && errno != EINVAL) {
    char text[kErrnoTextBytes];
    int error = errno;
    return fail(GRAVEN_IO_ERROR,
                "'%s' is written, but its folder may not be on disk yet: %s%s; save again",
                shown(path_), errno_text(error, text), errno_remedy(error));
  }
  return GRAVEN_OK;
}

}  // namespace graven1
