#include "runtime/device/cuda/cuda_program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/error.h"

namespace graven1::cuda {
namespace {

// What a workgroup may have without being asked for.
constexpr int64_t kUsualSharedBytes = 48 << 10;
constexpr uint32_t kMostThreads = 1024;
constexpr int64_t kMostWorkgroups = 0x7fffffff;

// How well `image` suits: 0 not at all; cubins before PTX, later architectures before earlier.
uint32_t suitability(const graven_image_record &image, const Gpu &gpu) {
  const uint32_t major = image.architecture / 10, minor = image.architecture % 10;
  const uint32_t gpu_major = static_cast<uint32_t>(gpu.major);
  const uint32_t gpu_minor = static_cast<uint32_t>(gpu.minor);
  if (image.kind == GRAVEN_IMAGE_CUBIN && major == gpu_major && minor <= gpu_minor) {
    return 10000 + image.architecture;
  }
  if (image.kind == GRAVEN_IMAGE_PTX &&
      (major < gpu_major || (major == gpu_major && minor <= gpu_minor))) {
    return 1 + image.architecture;
  }
  return 0;
}

graven_status no_image(const Table &table, const Gpu &gpu) {
  uint32_t least = 0;
  for (uint32_t i = 0; i < table.header->images_count; ++i) {
    const uint32_t architecture = table.images[i].architecture;
    if (least == 0 || architecture < least) least = architecture;
  }
  return fail(
      GRAVEN_INCOMPATIBLE,
      "the model is compiled for GPUs of compute capability %" PRIu32 ".%" PRIu32
      " and later, '%s' (%s) has %d.%d; use such a one, or compile the model with --device=cpu",
      least / 10, least % 10, gpu.name, gpu.model, gpu.major, gpu.minor);
}

// The compiler's log in one line.
void join_lines(char *text) {
  for (; *text; ++text) {
    if (*text == '\n' || *text == '\r') *text = ' ';
  }
}

graven_status load_image(const Driver &driver, const Gpu &gpu, const graven_artifact &artifact,
                         const graven_image_record &image, Module *module) {
  char log[2048] = "";
  int32_t names[] = {kJitErrorLog, kJitErrorLogBytes};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  const char *data = static_cast<const char *>(artifact.image) + image.offset;
  Result result = driver.load_module(module, data, 2, names, values);
  if (result == kSuccess) return GRAVEN_OK;
  if (result == kOutOfMemory) return check(driver, result, "load the model's kernels");
  log[sizeof log - 1] = 0;
  join_lines(log);
  const char *name = nullptr;
  if (driver.error_name(result, &name) != kSuccess || !name) name = "an unknown error";
  return fail(GRAVEN_INCOMPATIBLE,
              "the driver of '%s' refuses the model's %s for sm_%" PRIu32 " (%s)%s%.600s", gpu.name,
              image.kind == GRAVEN_IMAGE_PTX ? "PTX" : "cubin", image.architecture, name,
              log[0] ? ": " : "; install a newer driver", log);
}

// Tries the images from the best to the least suitable: an old driver may not know a new cubin.
graven_status load_best_image(const Driver &driver, const Gpu &gpu, const graven_artifact &artifact,
                              const Table &table, Module *module) {
  graven_status status = GRAVEN_OK;
  bool tried = false;
  for (uint32_t below = UINT32_MAX;;) {
    const graven_image_record *best = nullptr;
    uint32_t best_suits = 0;
    for (uint32_t i = 0; i < table.header->images_count; ++i) {
      const uint32_t suits = suitability(table.images[i], gpu);
      if (suits < below && suits > best_suits) best = &table.images[i], best_suits = suits;
    }
    if (!best) return tried ? status : no_image(table, gpu);
    status = load_image(driver, gpu, artifact, *best, module);
    if (status != GRAVEN_INCOMPATIBLE) return status;
    tried = true;
    below = best_suits;
  }
}

graven_status load_kernel(const Driver &driver, const Gpu &gpu, const Program &program,
                          uint32_t index) {
  const graven_kernel_record &record = program.table.kernels[index];
  const char *name = program.table.text(record.name);
  Kernel &kernel = program.kernels[index];
  kernel.threads = record.threads;
  kernel.shared_bytes = record.shared_bytes;
  if (record.threads == 0 || record.threads > kMostThreads) {
    return fail(GRAVEN_CORRUPT,
                "kernel '%.200s' has workgroups of %" PRIu32
                " threads, expected 1 to 1024; compile the model again",
                name, record.threads);
  }
  Result result = driver.get_function(&kernel.function, program.module, name);
  if (result != kSuccess) {
    return fail(GRAVEN_CORRUPT, "the model's image has no kernel '%.200s'; compile the model again",
                name);
  }
  int32_t fixed = 0;
  result = driver.function_attribute(&fixed, kStaticSharedBytes, kernel.function);
  if (result != kSuccess) return check(driver, result, "tell about a kernel");
  const int64_t shared = int64_t{fixed} + record.shared_bytes;
  if (shared > gpu.most_shared_bytes) {
    return fail(GRAVEN_INCOMPATIBLE,
                "kernel '%.200s' needs %" PRId64
                " bytes of shared memory, '%s' (%s) has %d for a workgroup; compile the model "
                "again for that GPU",
                name, shared, gpu.name, gpu.model, gpu.most_shared_bytes);
  }
  if (shared <= kUsualSharedBytes) return GRAVEN_OK;
  result = driver.set_function_attribute(kernel.function, kMaxDynamicSharedBytes,
                                         static_cast<int32_t>(record.shared_bytes));
  return check(driver, result, "give a kernel more shared memory");
}

graven_status check_grids(const Table &table) {
  for (uint32_t i = 0; i < table.header->commands_count; ++i) {
    const graven_command_record &command = table.commands[i];
    if (command.kind != GRAVEN_COMMAND_LAUNCH || command.grid <= kMostWorkgroups) continue;
    return fail(GRAVEN_INCOMPATIBLE,
                "kernel '%.200s' is launched with %" PRId64 " workgroups, a GPU takes %" PRId64
                "; compile the model with a smaller --batch",
                table.text(table.kernels[command.kernel].name), command.grid, kMostWorkgroups);
  }
  return GRAVEN_OK;
}

}  // namespace

graven_status load_program(const Driver &driver, const Gpu &gpu, const graven_artifact &artifact,
                           Program **program) {
  *program = nullptr;
  Table table;
  graven_status status = verify_artifact(&artifact, &table);
  if (status == GRAVEN_OK) status = check_grids(table);
  if (status != GRAVEN_OK) return status;
  const uint32_t count = table.header->kernels_count;
  const size_t bytes = sizeof(Program) + count * sizeof(Kernel);
  Program *made = static_cast<Program *>(calloc(1, bytes));
  if (!made) return fail_memory(bytes, "a model's kernels");
  made->table = table;
  made->kernels = reinterpret_cast<Kernel *>(made + 1);
  if (count != 0) status = load_best_image(driver, gpu, artifact, table, &made->module);
  for (uint32_t i = 0; i < count && status == GRAVEN_OK; ++i) {
    status = load_kernel(driver, gpu, *made, i);
  }
  if (status != GRAVEN_OK) {
    unload_program(driver, made);
    return status;
  }
  *program = made;
  return GRAVEN_OK;
}

void unload_program(const Driver &driver, Program *program) {
  if (!program) return;
  if (program->module) driver.unload_module(program->module);
  free(program);
}

graven_status describe_gpu(const Driver &driver, uint32_t ordinal, Gpu *gpu, DeviceNumber *number) {
  memset(gpu, 0, sizeof *gpu);
  snprintf(gpu->name, sizeof gpu->name, "cuda:%" PRIu32, ordinal);
  int32_t count = 0;
  graven_status status = check(driver, driver.device_count(&count), "count the GPUs");
  if (status != GRAVEN_OK) return status;
  if (ordinal >= static_cast<uint32_t>(count)) {
    return fail(GRAVEN_NOT_FOUND,
                "there is no '%s': this machine has %d GPU%s, numbered from 0; see graven-run info "
                "--devices",
                gpu->name, count, count == 1 ? "" : "s");
  }
  size_t memory = 0;
  Result result = driver.device_get(number, static_cast<int32_t>(ordinal));
  if (result == kSuccess) result = driver.device_name(gpu->model, sizeof gpu->model, *number);
  if (result == kSuccess) result = driver.device_memory(&memory, *number);
  const struct {
    int32_t attribute;
    int32_t *value;
  } attributes[] = {{kComputeCapabilityMajor, &gpu->major},
                    {kComputeCapabilityMinor, &gpu->minor},
                    {kMultiprocessors, &gpu->multiprocessors},
                    {kMaxSharedBytesOptIn, &gpu->most_shared_bytes}};
  for (const auto &row : attributes) {
    if (result == kSuccess) result = driver.device_attribute(row.value, row.attribute, *number);
  }
  gpu->memory_bytes = memory;
  return check(driver, result, "describe a GPU");
}

}  // namespace graven1::cuda
