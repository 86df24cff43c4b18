// NVIDIA's driver interface, as far as it is used here: declarations of our own, so that neither
// building nor linking needs CUDA, and functions that are found in libcuda.so.1 when a device is
// opened. Names, values and layouts are those of the CUDA driver API, version 12.0.
#ifndef GRAVEN_RUNTIME_DEVICE_CUDA_CUDA_DRIVER_H_
#define GRAVEN_RUNTIME_DEVICE_CUDA_CUDA_DRIVER_H_

#include <stddef.h>
#include <stdint.h>

#include "graven/graven.h"

namespace graven1::cuda {

using Result = int32_t;
using DeviceNumber = int32_t;
using Address = uint64_t;  // of device memory
using Context = struct ContextHandle *;
using Module = struct ModuleHandle *;
using Function = struct FunctionHandle *;
using Stream = struct StreamHandle *;
using Event = struct EventHandle *;
using Graph = struct GraphHandle *;
using GraphNode = struct GraphNodeHandle *;
using GraphExec = struct GraphExecHandle *;

enum : Result {
  kSuccess = 0,
  kOutOfMemory = 2,
  kNoDevice = 100,
};
enum : uint32_t { kStreamNonBlocking = 1, kEventDefault = 0, kEventDisableTiming = 2 };
enum DeviceAttribute : int32_t {
  kMultiprocessors = 16,
  kComputeCapabilityMajor = 75,
  kComputeCapabilityMinor = 76,
  kMaxSharedBytesOptIn = 97,
};
enum FunctionAttribute : int32_t { kStaticSharedBytes = 1, kMaxDynamicSharedBytes = 8 };
enum JitOption : int32_t { kJitErrorLog = 5, kJitErrorLogBytes = 6 };
enum MemoryType : int32_t { kMemoryHost = 1, kMemoryDevice = 2 };

struct KernelNode {  // CUDA_KERNEL_NODE_PARAMS_v1
  Function function;
  uint32_t grid_x, grid_y, grid_z;
  uint32_t block_x, block_y, block_z;
  uint32_t shared_bytes;
  void **parameters;  // one pointer to each
  void **extra;
};

struct MemsetNode {  // CUDA_MEMSET_NODE_PARAMS_v1
  Address destination;
  size_t pitch;
  uint32_t value;
  uint32_t element_bytes;  // 1, 2 or 4
  size_t width;            // in elements
  size_t height;
};

struct MemcpySide {
  size_t x_bytes, y, z, level;
  int32_t type;  // MemoryType
  const void *host;
  Address device;
  void *array;
  void *reserved;
  size_t pitch, height;
};
struct MemcpyNode {  // CUDA_MEMCPY3D_v2
  MemcpySide source, destination;
  size_t width_bytes, height, depth;
};

// One row per function: member, symbol, parameters. All return a Result.
#define GRAVEN_CUDA_FUNCTIONS(X)                                                                 \
  X(init, "cuInit", (uint32_t flags))                                                            \
  X(driver_version, "cuDriverGetVersion", (int32_t *version))                                    \
  X(error_name, "cuGetErrorName", (Result, const char **text))                                   \
  X(error_string, "cuGetErrorString", (Result, const char **text))                               \
  X(device_count, "cuDeviceGetCount", (int32_t *count))                                          \
  X(device_get, "cuDeviceGet", (DeviceNumber *, int32_t ordinal))                                \
  X(device_name, "cuDeviceGetName", (char *text, int32_t bytes, DeviceNumber))                   \
  X(device_memory, "cuDeviceTotalMem_v2", (size_t *bytes, DeviceNumber))                         \
  X(device_attribute, "cuDeviceGetAttribute", (int32_t *value, int32_t attribute, DeviceNumber)) \
  X(retain_context, "cuDevicePrimaryCtxRetain", (Context *, DeviceNumber))                       \
  X(release_context, "cuDevicePrimaryCtxRelease_v2", (DeviceNumber))                             \
  X(push_context, "cuCtxPushCurrent_v2", (Context))                                              \
  X(pop_context, "cuCtxPopCurrent_v2", (Context *))                                              \
  X(load_module, "cuModuleLoadDataEx",                                                           \
    (Module *, const void *image, uint32_t options, int32_t *names, void **values))              \
  X(unload_module, "cuModuleUnload", (Module))                                                   \
  X(get_function, "cuModuleGetFunction", (Function *, Module, const char *name))                 \
  X(function_attribute, "cuFuncGetAttribute", (int32_t *value, int32_t attribute, Function))     \
  X(set_function_attribute, "cuFuncSetAttribute", (Function, int32_t attribute, int32_t value))  \
  X(create_stream, "cuStreamCreate", (Stream *, uint32_t flags))                                 \
  X(destroy_stream, "cuStreamDestroy_v2", (Stream))                                              \
  X(synchronize, "cuStreamSynchronize", (Stream))                                                \
  X(wait_event, "cuStreamWaitEvent", (Stream, Event, uint32_t flags))                            \
  X(create_event, "cuEventCreate", (Event *, uint32_t flags))                                    \
  X(destroy_event, "cuEventDestroy_v2", (Event))                                                 \
  X(record_event, "cuEventRecord", (Event, Stream))                                              \
  X(synchronize_event, "cuEventSynchronize", (Event))                                            \
  X(elapsed_time, "cuEventElapsedTime", (float *milliseconds, Event begin, Event end))           \
  X(allocate, "cuMemAlloc_v2", (Address *, size_t bytes))                                        \
  X(release, "cuMemFree_v2", (Address))                                                          \
  X(memory_info, "cuMemGetInfo_v2", (size_t *free, size_t *total))                               \
  X(allocate_pinned, "cuMemHostAlloc", (void **memory, size_t bytes, uint32_t flags))            \
  X(release_pinned, "cuMemFreeHost", (void *memory))                                             \
  X(copy_to_device, "cuMemcpyHtoDAsync_v2", (Address, const void *, size_t bytes, Stream))       \
  X(copy_to_host, "cuMemcpyDtoHAsync_v2", (void *, Address, size_t bytes, Stream))               \
  X(copy_on_device, "cuMemcpyDtoDAsync_v2", (Address to, Address from, size_t bytes, Stream))    \
  X(set_bytes, "cuMemsetD8Async", (Address, uint8_t value, size_t bytes, Stream))                \
  X(launch_kernel, "cuLaunchKernel",                                                             \
    (Function, uint32_t grid_x, uint32_t grid_y, uint32_t grid_z, uint32_t block_x,              \
     uint32_t block_y, uint32_t block_z, uint32_t shared_bytes, Stream, void **parameters,       \
     void **extra))                                                                              \
  X(create_graph, "cuGraphCreate", (Graph *, uint32_t flags))                                    \
  X(destroy_graph, "cuGraphDestroy", (Graph))                                                    \
  X(add_kernel, "cuGraphAddKernelNode",                                                          \
    (GraphNode *, Graph, const GraphNode *before, size_t count, const KernelNode *))             \
  X(add_memcpy, "cuGraphAddMemcpyNode",                                                          \
    (GraphNode *, Graph, const GraphNode *before, size_t count, const MemcpyNode *, Context))    \
  X(add_memset, "cuGraphAddMemsetNode",                                                          \
    (GraphNode *, Graph, const GraphNode *before, size_t count, const MemsetNode *, Context))    \
  X(instantiate, "cuGraphInstantiateWithFlags", (GraphExec *, Graph, unsigned long long flags))  \
  X(update, "cuGraphExecUpdate", (GraphExec, Graph, GraphNode * failed, int32_t *result))        \
  X(destroy_exec, "cuGraphExecDestroy", (GraphExec))                                             \
  X(launch_graph, "cuGraphLaunch", (GraphExec, Stream))

struct Driver {
#define GRAVEN_CUDA_MEMBER(member, symbol, parameters) Result(*member) parameters;
  GRAVEN_CUDA_FUNCTIONS(GRAVEN_CUDA_MEMBER)
#undef GRAVEN_CUDA_MEMBER
};

// Finds the driver, checks its version and starts it. Fails with NOT_FOUND where there is none or
// it finds no GPU, INCOMPATIBLE where it is too old.
graven_status load_driver(Driver *driver);

// OK, or an error that says what the driver failed to do: "start a copy".
graven_status check(const Driver &driver, Result result, const char *what);

// Has a context current on this thread while it lives.
class Current {
 public:
  Current(const Driver &driver, Context context)
      : driver_(driver), pushed_(driver.push_context(context) == kSuccess) {}
  ~Current() {
    Context popped;
    if (pushed_) driver_.pop_context(&popped);
  }
  Current(const Current &) = delete;
  Current &operator=(const Current &) = delete;

 private:
  const Driver &driver_;
  bool pushed_;
};

}  // namespace graven1::cuda

#endif  // GRAVEN_RUNTIME_DEVICE_CUDA_CUDA_DRIVER_H_
