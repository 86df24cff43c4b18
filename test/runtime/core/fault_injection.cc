#include "test/runtime/core/fault_injection.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

namespace graven::testing {

constinit thread_local FaultPlan allocation_faults;
constinit thread_local FaultPlan file_faults;

namespace {

// Whether this call of the family fails; sets errno.
bool fails(FaultPlan &plan) {
  bool hit = plan.calls++ == plan.at;
  if (!hit) return false;
  if (plan.fault == Fault::kCrash) _exit(77);
  if (plan.fault != Fault::kFail) return false;
  errno = plan.error;
  return true;
}

}  // namespace
}  // namespace graven::testing

using graven::testing::allocation_faults;
using graven::testing::fails;
using graven::testing::Fault;
using graven::testing::file_faults;

extern "C" {

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes) {
  return fails(allocation_faults) ? nullptr : __real_malloc(bytes);
}
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes) {
  return fails(allocation_faults) ? nullptr : __real_calloc(count, bytes);
}
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes) {
  return fails(allocation_faults) ? nullptr : __real_realloc(memory, bytes);
}
int __real_posix_memalign(void **memory, size_t alignment, size_t bytes);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes) {
  return fails(allocation_faults) ? ENOMEM : __real_posix_memalign(memory, alignment, bytes);
}

int __real_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, ...) {
  return fails(file_faults) ? -1 : __real_open(path, flags, 0666);
}
int __real_openat(int folder, const char *path, int flags, mode_t mode);
int __wrap_openat(int folder, const char *path, int flags, ...) {
  return fails(file_faults) ? -1 : __real_openat(folder, path, flags, 0666);
}
ssize_t __real_write(int file, const void *data, size_t bytes);
ssize_t __wrap_write(int file, const void *data, size_t bytes) {
  if (fails(file_faults)) return -1;
  bool is_short = file_faults.fault == Fault::kShortWrite && file_faults.calls > file_faults.at;
  return __real_write(file, data, is_short && bytes > 1 ? 1 : bytes);
}
ssize_t __real_pread(int file, void *data, size_t bytes, off_t offset);
ssize_t __wrap_pread(int file, void *data, size_t bytes, off_t offset) {
  return fails(file_faults) ? -1 : __real_pread(file, data, bytes, offset);
}
int __real_fsync(int file);
int __wrap_fsync(int file) { return fails(file_faults) ? -1 : __real_fsync(file); }
int __real_ftruncate(int file, off_t bytes);
int __wrap_ftruncate(int file, off_t bytes) {
  return fails(file_faults) ? -1 : __real_ftruncate(file, bytes);
}
int __real_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to) {
  return fails(file_faults) ? -1 : __real_renameat(from_folder, from, to_folder, to);
}
int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags) {
  return fails(file_faults) ? -1 : __real_memfd_create(name, flags);
}

}  // extern "C"
