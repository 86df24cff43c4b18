// Opening an artifact that is a shared object. The dynamic loader trusts what it maps: a damaged
// file kills the process. So the trailer's digest is checked first, on a private copy. Weights are
// numbers that no loader interprets; they are mapped from the file itself, so that processes share
// them and opening costs no copy.
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/core/digest.h"
#include "runtime/core/error.h"
#include "runtime/core/model.h"

namespace graven1 {
namespace {

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr uint16_t kMachine = EM_RISCV;
#else
#error "the ELF machine number of this architecture is missing"
#endif

const char *machine_name(uint16_t machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "aarch64";
    case EM_RISCV:
      return "riscv64";
    default:
      return "another machine";
  }
}

graven_status io_failure(const char *path, const char *what, int error) {
  char text[kErrnoTextBytes];
  return fail(error == ENOENT ? GRAVEN_NOT_FOUND : GRAVEN_IO_ERROR, "cannot %s '%s': %s%s", what,
              shown(path), errno_text(error, text),
              error == ENOENT ? "; check the path, relative to the working directory"
                              : errno_remedy(error));
}

struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

// Copies the first `bytes` of `from` to `to` and takes their digest.
graven_status copy_file(const char *path, int from, int to, uint64_t bytes, uint64_t *digest) {
  char buffer[1 << 14];
  Digest sum;
  for (uint64_t at = 0; at < bytes;) {
    uint64_t left = bytes - at;
    ssize_t got =
        pread(from, buffer, left < sizeof buffer ? left : sizeof buffer, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_failure(path, "read", errno);
    if (got == 0) {
      return fail(GRAVEN_CORRUPT, "'%s' changed while it was read; try again", shown(path));
    }
    sum.add(buffer, static_cast<size_t>(got));
    for (ssize_t done = 0; done < got;) {
      ssize_t put = write(to, buffer + done, static_cast<size_t>(got - done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return fail_memory(bytes, "the artifact's copy in memory");
      done += put;
    }
    at += static_cast<uint64_t>(got);
  }
  *digest = sum.value();
  return GRAVEN_OK;
}

graven_status check_trailer(const char *path, int file, uint64_t bytes, graven_trailer *trailer) {
  if (bytes >= sizeof *trailer &&
      pread(file, trailer, sizeof *trailer, static_cast<off_t>(bytes - sizeof *trailer)) !=
          static_cast<ssize_t>(sizeof *trailer)) {
    return io_failure(path, "read", errno);
  }
  if (bytes < sizeof *trailer ||
      memcmp(trailer->magic, GRAVEN_TRAILER_MAGIC, sizeof trailer->magic) != 0) {
    return fail(GRAVEN_CORRUPT,
                "'%s' does not end as a Graven model does: it is cut off, was changed after it was "
                "compiled (by strip, for example), or is another kind of file; compile the model "
                "again",
                shown(path));
  }
  if (trailer->weights_bytes == 0 && trailer->weights_digest != 0) {
    return fail(GRAVEN_CORRUPT,
                "'%s' is damaged: its trailer has a digest of no weights; compile it again",
                shown(path));
  }
  uint64_t before = bytes - sizeof *trailer;
  if (trailer->file_bytes > before || trailer->weights_bytes != before - trailer->file_bytes ||
      (trailer->weights_bytes != 0 && trailer->file_bytes % GRAVEN_SEGMENT_ALIGNMENT != 0)) {
    return fail(GRAVEN_CORRUPT,
                "'%s' is damaged: it has %" PRIu64 " bytes before its trailer, expected %" PRIu64
                " of code and %" PRIu64 " of weights; copy or compile it again",
                shown(path), before, trailer->file_bytes, trailer->weights_bytes);
  }
  size_t name_bytes = strnlen(trailer->symbol, sizeof trailer->symbol);
  bool padded = name_bytes < sizeof trailer->symbol;
  for (size_t i = name_bytes; i < sizeof trailer->symbol; ++i) padded &= trailer->symbol[i] == 0;
  if (name_bytes == 0 || !padded) {
    return fail(GRAVEN_CORRUPT, "'%s' is damaged: its trailer names no model; compile it again",
                shown(path));
  }
  return GRAVEN_OK;
}

graven_status check_machine(const char *path, int file) {
  unsigned char start[20];
  ssize_t got = pread(file, start, sizeof start, 0);
  if (got < 0) return io_failure(path, "read", errno);
  if (got != static_cast<ssize_t>(sizeof start) || memcmp(start, ELFMAG, SELFMAG) != 0) {
    return fail(GRAVEN_CORRUPT, "'%s' is no shared object; compile the model again", shown(path));
  }
  uint16_t machine = static_cast<uint16_t>(start[18] | start[19] << 8);
  if (machine == kMachine) return GRAVEN_OK;
  return fail(GRAVEN_INCOMPATIBLE,
              "'%s' is compiled for %s and this program runs on %s; compile the model again with "
              "--target= for this machine",
              shown(path), machine_name(machine), machine_name(kMachine));
}

graven_status wrong_digest(const char *path, const char *what, uint64_t got, uint64_t expected) {
  return fail(GRAVEN_CORRUPT,
              "'%s' is damaged: the digest of its %s is %016" PRIx64 ", expected %016" PRIx64
              "; copy or compile it again",
              shown(path), what, got, expected);
}

// A mapped part of a file.
struct Mapping {
  void *address = nullptr;  // at a page's beginning
  size_t bytes = 0;
  ~Mapping() {
    if (address) munmap(address, bytes);
  }
};

// Maps the weights of `file`, checks their digest, and points `artifact` at them.
graven_status map_weights(const char *path, int file, const graven_trailer &trailer,
                          Mapping *mapping, graven_artifact *artifact) {
  if (trailer.weights_bytes == 0) return GRAVEN_OK;
  if (artifact->constants || artifact->constant_bytes != trailer.weights_bytes) {
    return fail(GRAVEN_CORRUPT,
                "'%s' is damaged: it comes with %" PRIu64
                " bytes of weights, its code expects "
                "%" PRIu64 "; compile it again",
                shown(path), trailer.weights_bytes,
                artifact->constants ? uint64_t{0} : artifact->constant_bytes);
  }
  // A mapping begins with a page, the weights at a multiple of 64.
  uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t lead = trailer.file_bytes % page;
  size_t bytes = static_cast<size_t>(lead + trailer.weights_bytes);
  void *address = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file,
                       static_cast<off_t>(trailer.file_bytes - lead));
  if (address == MAP_FAILED) return io_failure(path, "map the weights of", errno);
  mapping->address = address;
  mapping->bytes = bytes;
  const char *weights = static_cast<const char *>(address) + lead;
  Digest sum;
  sum.add(weights, static_cast<size_t>(trailer.weights_bytes));
  if (sum.value() != trailer.weights_digest) {
    return wrong_digest(path, "weights", sum.value(), trailer.weights_digest);
  }
  artifact->constants = weights;
  return GRAVEN_OK;
}

void close_library(const graven_model &model) {
  dlclose(model.library);
  ::close(model.descriptor);
  if (model.weights) munmap(model.weights, model.weights_bytes);
}

}  // namespace

graven_status open_model(const char *path, const char *wish, graven_model **model) {
  *model = nullptr;
  Descriptor file, copy;
  // Without O_NONBLOCK, opening a named pipe would wait for its writer.
  file.number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.number < 0) return io_failure(path, "open", errno);
  struct stat status;
  if (fstat(file.number, &status) != 0) return io_failure(path, "examine", errno);
  if (!S_ISREG(status.st_mode)) {
    return fail(GRAVEN_INVALID_ARGUMENT, "'%s' is not a file; give the path of a compiled model.so",
                shown(path));
  }
  uint64_t bytes = static_cast<uint64_t>(status.st_size);
  graven_trailer trailer;
  if (graven_status error = check_trailer(path, file.number, bytes, &trailer); error != GRAVEN_OK) {
    return error;
  }
  copy.number = memfd_create("graven", MFD_CLOEXEC);
  if (copy.number < 0) return io_failure(path, "make a copy in memory of", errno);
  uint64_t digest;
  // What was read of the file stays what it was: the trailer above, the code in the copy.
  if (graven_status error = copy_file(path, file.number, copy.number, trailer.file_bytes, &digest);
      error != GRAVEN_OK) {
    return error;
  }
  if (digest != trailer.digest) return wrong_digest(path, "code", digest, trailer.digest);
  if (graven_status error = check_machine(path, copy.number); error != GRAVEN_OK) return error;
  // The descriptor stays open as long as the library: the loader knows libraries by this name, and
  // a number used twice would give back the first library.
  char name[32];
  snprintf(name, sizeof name, "/proc/self/fd/%d", copy.number);
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    return fail(GRAVEN_INCOMPATIBLE, "the system cannot load '%s': %s", shown(path),
                reason ? reason : "no reason given");
  }
  const graven_artifact *artifact =
      static_cast<const graven_artifact *>(dlsym(library, trailer.symbol));
  Mapping mapping;
  graven_status error = GRAVEN_OK;
  if (!artifact) {
    error = fail(GRAVEN_CORRUPT, "'%s' is damaged: it does not define '%s'; compile it again",
                 shown(path), trailer.symbol);
  } else {
    graven_artifact whole = *artifact;
    error = map_weights(path, file.number, trailer, &mapping, &whole);
    if (error == GRAVEN_OK) error = create_model_on(&whole, wish, model);
  }
  if (error != GRAVEN_OK) {
    dlclose(library);
    return error;
  }
  (*model)->library = library;
  (*model)->descriptor = copy.number;
  (*model)->weights = mapping.address;
  (*model)->weights_bytes = mapping.bytes;
  (*model)->close = close_library;
  mapping.address = nullptr;
  copy.number = -1;
  return GRAVEN_OK;
}

}  // namespace graven1
