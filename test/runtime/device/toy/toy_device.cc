#include "test/runtime/device/toy/toy_device.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "dialect/kernel/kernel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "runtime/core/error.h"
#include "test/ops/interpreter.h"

namespace graven::testing {
namespace {

using graven1::Device;
using graven1::DeviceCall;
using graven1::DeviceFeed;
using graven1::DeviceLaunch;
using graven1::fail;
using graven1::QueueOptions;

// Between a toy's addresses and those of the process, where no x86-64 or aarch64 address lies.
constexpr uintptr_t kDistance = uintptr_t{1} << 62;

char *host(const void *memory) {
  return reinterpret_cast<char *>(reinterpret_cast<uintptr_t>(memory) - kDistance);
}

struct Toy {
  Device device;
  uint64_t launches = 0, bytes = 0;
};
Toy toys[2];

// The kernels of one artifact.
struct Program {
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<kernel::FuncOp> kernels;  // by their number in the artifact
};

struct Queue {
  Toy *toy;
  Program *program;
};

graven_status allocate(void *self, size_t bytes, const char *purpose, void **memory) {
  *memory = nullptr;
  void *made = nullptr;
  if (posix_memalign(&made, GRAVEN_SEGMENT_ALIGNMENT, bytes != 0 ? bytes : 1) != 0)
    return fail(GRAVEN_OUT_OF_MEMORY, "a toy has no memory left for %s", purpose);
  std::memset(made, 0xff, bytes);  // NaN: undefined content
  static_cast<Toy *>(self)->bytes += bytes;
  *memory = reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(made) + kDistance);
  return GRAVEN_OK;
}

void release(void *self, void *memory, size_t bytes) {
  if (!memory) return;
  static_cast<Toy *>(self)->bytes -= bytes;
  std::free(host(memory));
}

graven_status upload(void *, void *destination, const void *source, size_t bytes) {
  if (bytes != 0) std::memcpy(host(destination), source, bytes);
  return GRAVEN_OK;
}

graven_status download(void *, void *destination, const void *source, size_t bytes) {
  if (bytes != 0) std::memcpy(destination, host(source), bytes);
  return GRAVEN_OK;
}

graven_status clear(void *, void *memory, size_t bytes) {
  if (bytes != 0) std::memset(host(memory), 0, bytes);
  return GRAVEN_OK;
}

graven_status load(void *, const graven_artifact *artifact, void **result) {
  *result = nullptr;
  const auto *table = static_cast<const graven_table_header *>(artifact->table);
  const char *base = static_cast<const char *>(artifact->table);
  const auto *images = reinterpret_cast<const graven_image_record *>(base + table->images_offset);
  if (table->images_count != 1 || images->kind != GRAVEN_IMAGE_OTHER)
    return fail(GRAVEN_INCOMPATIBLE, "the artifact has no image that a toy can read");
  auto program = std::make_unique<Program>();
  program->context.loadDialect<graph::GraphDialect, kernel::KernelDialect>();
  llvm::StringRef text(static_cast<const char *>(artifact->image) + images->offset, images->bytes);
  program->module = mlir::parseSourceString<mlir::ModuleOp>(text, &program->context);
  if (!program->module) return fail(GRAVEN_INCOMPATIBLE, "the artifact's image does not parse");
  const auto *records =
      reinterpret_cast<const graven_kernel_record *>(base + table->kernels_offset);
  for (uint32_t number = 0; number < table->kernels_count; ++number) {
    const char *name = base + table->strings_offset + records[number].name.offset;
    auto kernel = program->module->lookupSymbol<kernel::FuncOp>(name);
    if (!kernel) return fail(GRAVEN_INCOMPATIBLE, "the image lacks kernel %s", name);
    program->kernels.push_back(kernel);
  }
  *result = program.release();
  return GRAVEN_OK;
}

void unload(void *, void *program) { delete static_cast<Program *>(program); }

graven_status create_queue(void *self, const QueueOptions &options, void **queue) {
  *queue = new Queue{static_cast<Toy *>(self), static_cast<Program *>(options.program)};
  return GRAVEN_OK;
}

void destroy_queue(void *, void *queue) { delete static_cast<Queue *>(queue); }

graven_status begin(void *, const DeviceCall &, bool *replayed) {
  *replayed = false;
  return GRAVEN_OK;
}

graven_status feed(void *, const DeviceFeed &feed) {
  graven1::feed_host_memory(feed, host(feed.destination));
  return GRAVEN_OK;
}

graven_status launch(void *self, const DeviceLaunch &launch) {
  Queue &queue = *static_cast<Queue *>(self);
  ++queue.toy->launches;
  kernel::FuncOp kernel = queue.program->kernels[launch.kernel];
  std::vector<ops_test::Tensor> inputs;
  for (auto [number, type] : llvm::enumerate(kernel.getInputTypes()))
    inputs.push_back(
        ops_test::decode(host(launch.buffers[number]), mlir::cast<mlir::RankedTensorType>(type)));
  uint32_t buffer = static_cast<uint32_t>(inputs.size());
  for (const ops_test::Tensor &output : ops_test::interpret(kernel.getBody().front(), inputs)) {
    std::vector<char> bytes = ops_test::encode(output);
    std::memcpy(host(launch.buffers[buffer++]), bytes.data(), bytes.size());
  }
  if (buffer != launch.buffer_count)
    return fail(GRAVEN_DEVICE_FAILED, "a launch has %u buffers, its kernel %u", launch.buffer_count,
                buffer);
  return GRAVEN_OK;
}

graven_status copy(void *, void *destination, const void *source, size_t bytes) {
  std::memmove(host(destination), host(source), bytes);
  return GRAVEN_OK;
}

graven_status fill(void *, void *destination, uint8_t byte, size_t bytes) {
  std::memset(host(destination), byte, bytes);
  return GRAVEN_OK;
}

graven_status finish(void *) { return GRAVEN_OK; }

graven_status open(uint32_t ordinal, const Device **device) {
  if (ordinal >= std::size(toys)) return fail(GRAVEN_NOT_FOUND, "there are two toys");
  Toy &toy = toys[ordinal];
  toy.device = Device{"toy",
                      /*uses_host_memory=*/false,
                      /*executes=*/true,
                      /*times_commands=*/false,
                      /*staging_slots=*/1,
                      &toy,
                      allocate,
                      release,
                      upload,
                      download,
                      clear,
                      load,
                      unload,
                      create_queue,
                      destroy_queue,
                      begin,
                      feed,
                      launch,
                      copy,
                      fill,
                      finish,
                      /*close=*/nullptr};
  *device = &toy.device;
  return GRAVEN_OK;
}

bool describe(uint32_t ordinal, graven_device_info *info) {
  if (ordinal >= std::size(toys)) return false;
  std::snprintf(info->name, sizeof info->name, "toy:%u", ordinal);
  std::snprintf(info->description, sizeof info->description, "an interpreter of kernels");
  info->available = 1;
  return true;
}

}  // namespace

graven1::DeviceKind toy_kind = {"toy", open, describe};

uint64_t toy_launches(uint32_t ordinal) { return toys[ordinal].launches; }
uint64_t toy_bytes(uint32_t ordinal) { return toys[ordinal].bytes; }

}  // namespace graven::testing
