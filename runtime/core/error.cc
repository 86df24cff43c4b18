#include "runtime/core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

namespace graven1 {
namespace {

constexpr size_t kMessageBytes = 1024;
constinit thread_local char last_error[kMessageBytes] = {};

// strerror_r comes in two kinds; the overloads accept either result.
[[maybe_unused]] const char *error_string(int result, const char *buffer) {
  return result == 0 ? buffer : "";
}
[[maybe_unused]] const char *error_string(const char *result, const char *) { return result; }

}  // namespace

graven_status fail(graven_status status, const char *format, ...) {
  // The arguments may be earlier errors of this thread, so the text is built apart first.
  char message[kMessageBytes];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  if (length < 0) message[0] = 0;
  if (length >= static_cast<int>(sizeof message)) {
    size_t end = sizeof message - 4;
    while (end > 0 && (message[end] & 0xc0) == 0x80) --end;  // never split a UTF-8 sequence
    memcpy(message + end, "...", 4);
  }
  memcpy(last_error, message, sizeof message);
  return status;
}

graven_status fail_memory(size_t bytes, const char *purpose) {
  return fail(GRAVEN_OUT_OF_MEMORY,
              "out of memory: %zu bytes for %s are not to be had; free some memory, or compile the "
              "model with a smaller --batch",
              bytes, purpose);
}

const char *shown(const char *path) {
  constexpr size_t kMost = 400;
  size_t bytes = strlen(path);
  if (bytes <= kMost) return path;
  path += bytes - kMost;
  while ((*path & 0xc0) == 0x80) ++path;  // never split a UTF-8 sequence
  return path;
}

const char *errno_text(int error_number, char (&buffer)[kErrnoTextBytes]) {
  const char *text = error_string(strerror_r(error_number, buffer, sizeof buffer), buffer);
  if (text != buffer) {
    size_t length = strnlen(text, sizeof buffer - 1);
    memcpy(buffer, text, length);
    buffer[length] = 0;
  }
  return buffer;
}

const char *errno_remedy(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space on that disk or choose another folder";
    case EACCES:
    case EPERM:
      return "; check the permissions of the file and of its folder";
    case EROFS:
      return "; that file system is read-only, choose another folder";
    case ENOENT:
    case ENOTDIR:
      return "; create the folder first or correct the path";
    case EFBIG:
      return "; raise the limit on file sizes (ulimit -f) or use another file system";
    case EMFILE:
    case ENFILE:
      return "; too many files are open, close some or raise the limit (ulimit -n)";
    case ENAMETOOLONG:
      return "; choose a shorter name";
    case EISDIR:
      return "; give the path of a file in that folder";
    case EIO:
      return "; the disk reports a fault";
    default:
      return "";
  }
}

}  // namespace graven1

const char *graven_last_error(void) { return graven1::last_error; }

const char *graven_status_name(graven_status status) {
  switch (status) {
    case GRAVEN_OK:
      return "OK";
    case GRAVEN_INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case GRAVEN_NOT_FOUND:
      return "NOT_FOUND";
    case GRAVEN_CORRUPT:
      return "CORRUPT";
    case GRAVEN_INCOMPATIBLE:
      return "INCOMPATIBLE";
    case GRAVEN_OUT_OF_MEMORY:
      return "OUT_OF_MEMORY";
    case GRAVEN_IO_ERROR:
      return "IO_ERROR";
    case GRAVEN_BUSY:
      return "BUSY";
    case GRAVEN_DEVICE_FAILED:
      return "DEVICE_FAILED";
  }
  return "UNKNOWN";
}
