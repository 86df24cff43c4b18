// A file that is replaced whole or not at all.
#ifndef GRAVEN_RUNTIME_CORE_ATOMIC_FILE_H_
#define GRAVEN_RUNTIME_CORE_ATOMIC_FILE_H_

#include <stddef.h>
#include <stdint.h>

#include "graven/graven.h"

namespace graven1 {

// Writes to ".NAME.graven-partial" in the folder of `path`, then fsyncs, renames, and fsyncs the
// folder. What a killed run leaves under that name is taken over by the next write; a lock keeps
// two processes from writing one file at a time. Until `commit` succeeds the old file is untouched.
class AtomicFile {
 public:
  AtomicFile() = default;
  ~AtomicFile();  // removes the temporary file unless committed
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;

  graven_status open(const char *path);
  graven_status write(const void *data, size_t bytes);
  graven_status commit();

 private:
  static constexpr size_t kPathBytes = 4096;
  static constexpr size_t kBufferBytes = 1 << 14;

  graven_status failure(const char *what, int error);
  graven_status open_temporary();
  graven_status flush();
  graven_status write_through(const char *data, size_t bytes);

  const char *path_ = nullptr;
  int file_ = -1;
  int folder_ = -1;
  const char *name_ = nullptr;  // within the folder
  char temporary_[kPathBytes];  // name within the folder
  size_t used_ = 0;
  char buffer_[kBufferBytes];
};

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_ATOMIC_FILE_H_
