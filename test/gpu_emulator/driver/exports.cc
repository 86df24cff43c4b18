// The functions of libcuda.so.1 that the runtime uses, and those by which a test asks and steers.
// Signatures follow the CUDA driver API; handles are pointers to the machine's records.
#include <cstring>

#include "runtime/device/cuda/cuda_driver.h"
#include "test/gpu_emulator/driver/machine.h"

namespace graven::standin {
extern thread_local std::vector<Context *> context_stack;
namespace {

using graven1::cuda::Address;

// Holds the machine for a call.
struct Call {
  Machine &m = Machine::get();
  std::lock_guard<std::mutex> lock{m.mutex};
  Result entered;
  explicit Call(const char *function, bool needs_context = true)
      : entered(m.enter(function, needs_context)) {}
};
#define ENTER(...)        \
  Call call(__VA_ARGS__); \
  Machine &m = call.m;    \
  (void)m;                \
  if (call.entered != kSuccess) return call.entered

template <typename T>
Result known(Machine &m, const std::set<T *> &all, T *one, const char *what) {
  return all.count(one) ? kSuccess
                        : m.complain(kInvalidHandle, std::string("there is no such ") + what);
}
#define KNOWN(all, one, what) \
  if (Result result = known(m, m.all, one, what); result != kSuccess) return result

std::string name(const Stream *stream) { return " s" + std::to_string(stream->number); }
std::string name(const Event *event) { return " e" + std::to_string(event->number); }

std::vector<uint64_t> read_parameters(int count, void **parameters) {
  std::vector<uint64_t> values;
  for (int i = 0; i < count; ++i) values.push_back(*static_cast<uint64_t *>(parameters[i]));
  return values;
}

Operation run(std::function<Result()> work) {
  Operation made;
  made.run = std::move(work);
  return made;
}

// A transfer between host and device. Pageable host memory is read at once, as by a real driver;
// page-locked memory when the stream comes to it. Into pageable memory the driver waits.
Result transfer(Machine &m, Stream *stream, char *host, Address device, size_t bytes,
                bool to_device) {
  KNOWN(streams, stream, "stream");
  if (Result result = m.check_memory("a transfer", device, bytes); result != kSuccess)
    return result;
  auto next = m.pinned.upper_bound(host);
  bool locked = false;
  if (next != m.pinned.begin()) {
    const auto &[first, size] = *std::prev(next);
    locked = host + bytes <= first + size;
  }
  m.add(to_device ? "bytes_to_device" : "bytes_to_host", static_cast<long>(bytes));
  m.note((to_device ? "to device" : "to host") + name(stream) + (locked ? " locked" : " pageable"));
  char *memory = reinterpret_cast<char *>(device);
  if (to_device && !locked) {
    std::vector<char> copy(host, host + bytes);
    m.push(stream, run([=] { return memcpy(memory, copy.data(), copy.size()), kSuccess; }));
    return kSuccess;
  }
  m.push(stream, run([=] {
           memcpy(to_device ? memory : host, to_device ? host : memory, bytes);
           return kSuccess;
         }));
  return locked ? kSuccess : m.run_until([&] { return stream->operations.empty(); });
}

Result add_node(Machine &m, Graph *graph, const size_t *const *before, size_t count, Node node,
                size_t **handle) {
  KNOWN(graphs, graph, "graph");
  for (size_t i = 0; i < count; ++i) {
    if (!before[i] || *before[i] >= graph->nodes.size() ||
        graph->handles[*before[i]].get() != before[i]) {
      return m.complain(kInvalidValue, "a node waits for one of another graph");
    }
    node.before.push_back(*before[i]);
  }
  m.add("graph_edges", static_cast<long>(count));
  graph->handles.push_back(std::make_unique<size_t>(graph->nodes.size()));
  *handle = graph->handles.back().get();
  graph->nodes.push_back(std::move(node));
  return kSuccess;
}

}  // namespace
}  // namespace graven::standin

using namespace graven::standin;
#define EXPORT extern "C" __attribute__((visibility("default"))) Result
using graven1::cuda::KernelNode;
using graven1::cuda::MemcpyNode;
using graven1::cuda::MemsetNode;

// --- for tests
// -------------------------------------------------------------------------------------

// Starts anew with other options, all counts 0. Nothing of before may be used any more.
extern "C" __attribute__((visibility("default"))) void graven_standin_configure(const char *text) {
  Machine &m = Machine::get();
  std::lock_guard<std::mutex> lock(m.mutex);
  m.configure(text);
}
// How often function or event `name` was called or happened since.
extern "C" __attribute__((visibility("default"))) long graven_standin_count(const char *name) {
  Machine &m = Machine::get();
  std::lock_guard<std::mutex> lock(m.mutex);
  return m.count(name);
}
// Makes the `call`-th call of `function` from here on (from 1) fail with `code`.
extern "C" __attribute__((visibility("default"))) void graven_standin_fail(const char *function,
                                                                           long code, long call) {
  Machine &m = Machine::get();
  std::lock_guard<std::mutex> lock(m.mutex);
  m.options.fail_function = function;
  m.options.fail_code = code;
  m.options.fail_call = m.count(function) + call;
}
// The log of calls since, with log=1: until the next call of any function.
extern "C" __attribute__((visibility("default"))) const char *graven_standin_log() {
  Machine &m = Machine::get();
  std::lock_guard<std::mutex> lock(m.mutex);
  return m.log.c_str();
}
// Bytes of device memory in use.
extern "C" __attribute__((visibility("default"))) long graven_standin_allocated() {
  Machine &m = Machine::get();
  std::lock_guard<std::mutex> lock(m.mutex);
  return static_cast<long>(m.allocated);
}

// --- start, devices, contexts
// ----------------------------------------------------------------------

EXPORT cuInit(uint32_t flags) {
  Machine &m = Machine::get();
  std::lock_guard<std::mutex> lock(m.mutex);
  m.started = true;
  if (Result result = m.enter("cuInit", false); result != kSuccess)
    return m.started = false, result;
  if (m.options.devices == 0) return m.started = false, kNoDevice;
  return flags == 0 ? kSuccess : kInvalidValue;
}
EXPORT cuDriverGetVersion(int32_t *version) {
  Machine &m = Machine::get();
  std::lock_guard<std::mutex> lock(m.mutex);
  *version = static_cast<int32_t>(m.options.driver_version);
  return kSuccess;
}
static const struct {
  Result result;
  const char *name, *text;
} kErrors[] = {{kSuccess, "CUDA_SUCCESS", "no error"},
               {kInvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
               {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
               {kNotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
               {kNoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
               {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
               {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
               {kNoBinary, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available"},
               {kInvalidPtx, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
               {kInvalidHandle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
               {kNotFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
               {kNotReady, "CUDA_ERROR_NOT_READY", "device not ready"},
               {kLaunchFailed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
               {kUnknown, "CUDA_ERROR_UNKNOWN", "unknown error"}};
EXPORT cuGetErrorName(Result error, const char **text) {
  for (const auto &row : kErrors) {
    if (row.result == error) return *text = row.name, kSuccess;
  }
  return *text = nullptr, kInvalidValue;
}
EXPORT cuGetErrorString(Result error, const char **text) {
  for (const auto &row : kErrors) {
    if (row.result == error) return *text = row.text, kSuccess;
  }
  return *text = nullptr, kInvalidValue;
}
EXPORT cuDeviceGetCount(int32_t *count) {
  ENTER("cuDeviceGetCount", false);
  return *count = static_cast<int32_t>(m.options.devices), kSuccess;
}
EXPORT cuDeviceGet(int32_t *device, int32_t ordinal) {
  ENTER("cuDeviceGet", false);
  if (ordinal < 0 || ordinal >= m.options.devices) return kInvalidDevice;
  return *device = ordinal, kSuccess;
}
EXPORT cuDeviceGetName(char *text, int32_t bytes, int32_t) {
  ENTER("cuDeviceGetName", false);
  snprintf(text, static_cast<size_t>(bytes), "Graven stand-in GPU");
  return kSuccess;
}
EXPORT cuDeviceTotalMem_v2(size_t *bytes, int32_t) {
  ENTER("cuDeviceTotalMem_v2", false);
  return *bytes = static_cast<size_t>(m.options.memory), kSuccess;
}
EXPORT cuDeviceGetAttribute(int32_t *value, int32_t attribute, int32_t) {
  ENTER("cuDeviceGetAttribute", false);
  switch (attribute) {
    case graven1::cuda::kMultiprocessors:
      return *value = 4, kSuccess;
    case graven1::cuda::kComputeCapabilityMajor:
      return *value = static_cast<int32_t>(m.options.capability / 10), kSuccess;
    case graven1::cuda::kComputeCapabilityMinor:
      return *value = static_cast<int32_t>(m.options.capability % 10), kSuccess;
    case graven1::cuda::kMaxSharedBytesOptIn:
      return *value = static_cast<int32_t>(m.options.shared), kSuccess;
    default:
      return m.complain(kInvalidValue, "an unknown attribute of the device was asked for");
  }
}
EXPORT cuDevicePrimaryCtxRetain(Context **context, int32_t device) {
  ENTER("cuDevicePrimaryCtxRetain", false);
  *context = &m.contexts.at(static_cast<size_t>(device));
  ++(*context)->retained;
  return kSuccess;
}
EXPORT cuDevicePrimaryCtxRelease_v2(int32_t device) {
  ENTER("cuDevicePrimaryCtxRelease_v2", false);
  Context &context = m.contexts.at(static_cast<size_t>(device));
  if (context.retained == 0) return m.complain(kInvalidContext, "a context is released twice");
  --context.retained;
  return kSuccess;
}
EXPORT cuCtxPushCurrent_v2(Context *context) {
  ENTER("cuCtxPushCurrent_v2", false);
  if (!context || context->retained == 0) return m.complain(kInvalidContext, "no such context");
  context_stack.push_back(context);
  return kSuccess;
}
EXPORT cuCtxPopCurrent_v2(Context **context) {
  ENTER("cuCtxPopCurrent_v2", false);
  if (context_stack.empty()) return m.complain(kInvalidContext, "no context is current");
  *context = context_stack.back();
  context_stack.pop_back();
  return kSuccess;
}

// --- modules
// ---------------------------------------------------------------------------------------

EXPORT cuModuleLoadDataEx(Module **module, const void *image, uint32_t options, int32_t *names,
                          void **values) {
  ENTER("cuModuleLoadDataEx");
  const char *data = static_cast<const char *>(image);
  if (memcmp(data, "\177ELF", 4) == 0) return kNoBinary;  // only PTX can be emulated
  auto made = std::make_unique<Module>();
  std::string log;
  made->kernels = load_kernels(data, &log);
  if (!made->kernels) {
    char *buffer = nullptr;
    size_t room = 0;
    for (uint32_t i = 0; i < options; ++i) {
      if (names[i] == graven1::cuda::kJitErrorLog) buffer = static_cast<char *>(values[i]);
      if (names[i] == graven1::cuda::kJitErrorLogBytes) room = reinterpret_cast<size_t>(values[i]);
    }
    if (buffer) snprintf(buffer, room, "%s", log.c_str());
    return kInvalidPtx;
  }
  *module = made.release();
  m.modules.insert(*module);
  return kSuccess;
}
EXPORT cuModuleUnload(Module *module) {
  ENTER("cuModuleUnload");
  KNOWN(modules, module, "module");
  m.modules.erase(module);
  delete module;
  return kSuccess;
}
EXPORT cuModuleGetFunction(Function **function, Module *module, const char *name) {
  ENTER("cuModuleGetFunction");
  KNOWN(modules, module, "module");
  auto made = std::make_unique<Function>();
  made->module = module;
  made->name = name;
  made->parameters = module->kernels->parameter_count(name);
  if (made->parameters < 0) return kNotFound;
  *function = made.get();
  module->functions.push_back(std::move(made));
  return kSuccess;
}
EXPORT cuFuncGetAttribute(int32_t *value, int32_t attribute, Function *function) {
  ENTER("cuFuncGetAttribute");
  if (attribute != graven1::cuda::kStaticSharedBytes) return kInvalidValue;
  *value = static_cast<int32_t>(function->module->kernels->static_shared_bytes(function->name));
  return kSuccess;
}
EXPORT cuFuncSetAttribute(Function *function, int32_t attribute, int32_t value) {
  ENTER("cuFuncSetAttribute");
  if (attribute != graven1::cuda::kMaxDynamicSharedBytes || value < 0 || value > m.options.shared) {
    return kInvalidValue;
  }
  return function->most_dynamic_shared = value, kSuccess;
}

// --- streams and events
// ----------------------------------------------------------------------------

EXPORT cuStreamCreate(Stream **stream, uint32_t) {
  ENTER("cuStreamCreate");
  *stream = new Stream;
  (*stream)->number = ++m.streams_made;
  m.streams.insert(*stream);
  return kSuccess;
}
EXPORT cuStreamDestroy_v2(Stream *stream) {
  ENTER("cuStreamDestroy_v2");
  KNOWN(streams, stream, "stream");
  if (!stream->operations.empty()) m.complain(kInvalidValue, "a stream is destroyed amid work");
  m.streams.erase(stream);
  delete stream;
  return kSuccess;
}
EXPORT cuStreamSynchronize(Stream *stream) {
  ENTER("cuStreamSynchronize");
  KNOWN(streams, stream, "stream");
  m.note("await" + name(stream));
  return m.run_until([&] { return stream->operations.empty(); });
}
EXPORT cuStreamWaitEvent(Stream *stream, Event *event, uint32_t) {
  ENTER("cuStreamWaitEvent");
  KNOWN(streams, stream, "stream");
  KNOWN(events, event, "event");
  m.note("wait" + name(stream) + name(event));
  Operation made;
  made.kind = Operation::kWait;
  made.event = event;
  made.time = event->recorded;
  m.push(stream, std::move(made));
  return kSuccess;
}
EXPORT cuEventCreate(Event **event, uint32_t) {
  ENTER("cuEventCreate");
  *event = new Event;
  (*event)->number = ++m.events_made;
  m.events.insert(*event);
  return kSuccess;
}
EXPORT cuEventDestroy_v2(Event *event) {
  ENTER("cuEventDestroy_v2");
  KNOWN(events, event, "event");
  if (event->done < event->recorded) m.complain(kInvalidValue, "an event is destroyed amid work");
  m.events.erase(event);
  delete event;
  return kSuccess;
}
EXPORT cuEventRecord(Event *event, Stream *stream) {
  ENTER("cuEventRecord");
  KNOWN(streams, stream, "stream");
  KNOWN(events, event, "event");
  m.note("record" + name(stream) + name(event));
  Operation made;
  made.kind = Operation::kRecord;
  made.event = event;
  made.time = ++event->recorded;
  m.push(stream, std::move(made));
  return kSuccess;
}
EXPORT cuEventSynchronize(Event *event) {
  ENTER("cuEventSynchronize");
  KNOWN(events, event, "event");
  m.note("await" + name(event));
  return m.run_until([&] { return event->done >= event->recorded; });
}
EXPORT cuEventElapsedTime(float *milliseconds, Event *begin, Event *end) {
  ENTER("cuEventElapsedTime");
  KNOWN(events, begin, "event");
  KNOWN(events, end, "event");
  if (begin->recorded == 0 || end->recorded == 0) return kInvalidHandle;
  if (begin->done < begin->recorded || end->done < end->recorded) return kNotReady;
  return *milliseconds = static_cast<float>((end->seconds - begin->seconds) * 1e3), kSuccess;
}

// --- memory
// ----------------------------------------------------------------------------------------

EXPORT cuMemAlloc_v2(Address *address, size_t bytes) {
  ENTER("cuMemAlloc_v2");
  return m.allocate(bytes, address);
}
EXPORT cuMemFree_v2(Address address) {
  ENTER("cuMemFree_v2");
  return m.release(address);
}
EXPORT cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
  ENTER("cuMemGetInfo_v2");
  *total = static_cast<size_t>(m.options.memory);
  return *free_bytes = *total - m.allocated, kSuccess;
}
EXPORT cuMemHostAlloc(void **memory, size_t bytes, uint32_t) {
  ENTER("cuMemHostAlloc");
  char *block = new char[bytes];
  memset(block, 0xcd, bytes);
  m.pinned[block] = bytes;
  m.add("bytes_locked", static_cast<long>(bytes));
  return *memory = block, kSuccess;
}
EXPORT cuMemFreeHost(void *memory) {
  ENTER("cuMemFreeHost");
  if (m.pinned.erase(static_cast<char *>(memory)) == 0) return kInvalidValue;
  delete[] static_cast<char *>(memory);
  return kSuccess;
}
EXPORT cuMemcpyHtoDAsync_v2(Address to, const void *from, size_t bytes, Stream *stream) {
  ENTER("cuMemcpyHtoDAsync_v2");
  return transfer(m, stream, static_cast<char *>(const_cast<void *>(from)), to, bytes, true);
}
EXPORT cuMemcpyDtoHAsync_v2(void *to, Address from, size_t bytes, Stream *stream) {
  ENTER("cuMemcpyDtoHAsync_v2");
  return transfer(m, stream, static_cast<char *>(to), from, bytes, false);
}
static Result push_node(Machine &m, Stream *stream, Node node) {
  KNOWN(streams, stream, "stream");
  m.push(stream, run([&m, node] { return m.run_node(node); }));
  return kSuccess;
}
EXPORT cuMemcpyDtoDAsync_v2(Address to, Address from, size_t bytes, Stream *stream) {
  ENTER("cuMemcpyDtoDAsync_v2");
  Node node;
  node.kind = Node::kCopy;
  node.to = to, node.from = from, node.bytes = bytes;
  return push_node(m, stream, std::move(node));
}
EXPORT cuMemsetD8Async(Address to, uint8_t value, size_t bytes, Stream *stream) {
  ENTER("cuMemsetD8Async");
  Node node;
  node.kind = Node::kFill;
  node.to = to, node.value = value, node.bytes = bytes;
  return push_node(m, stream, std::move(node));
}

// --- launches and graphs
// ---------------------------------------------------------------------------

EXPORT cuLaunchKernel(Function *function, uint32_t grid_x, uint32_t grid_y, uint32_t grid_z,
                      uint32_t block_x, uint32_t block_y, uint32_t block_z, uint32_t shared_bytes,
                      Stream *stream, void **parameters, void **) {
  ENTER("cuLaunchKernel");
  Node node;
  node.function = function;
  node.launch = {function->name, grid_x, block_x, shared_bytes,
                 read_parameters(function->parameters, parameters)};
  const uint32_t others[] = {grid_y, grid_z, block_y, block_z};
  Result result = m.check_launch(*function, node.launch, others);
  if (result != kSuccess) return result;
  m.note("launch" + (stream ? name(stream) : " s0"));
  return push_node(m, stream, std::move(node));
}
EXPORT cuGraphCreate(Graph **graph, uint32_t) {
  ENTER("cuGraphCreate");
  *graph = new Graph;
  m.graphs.insert(*graph);
  return kSuccess;
}
EXPORT cuGraphDestroy(Graph *graph) {
  ENTER("cuGraphDestroy");
  KNOWN(graphs, graph, "graph");
  m.graphs.erase(graph);
  delete graph;
  return kSuccess;
}
EXPORT cuGraphAddKernelNode(size_t **handle, Graph *graph, const size_t *const *before,
                            size_t count, const KernelNode *kernel) {
  ENTER("cuGraphAddKernelNode");
  Node node;
  node.function = reinterpret_cast<Function *>(kernel->function);
  node.launch = {node.function->name, kernel->grid_x, kernel->block_x, kernel->shared_bytes,
                 read_parameters(node.function->parameters, kernel->parameters)};
  const uint32_t others[] = {kernel->grid_y, kernel->grid_z, kernel->block_y, kernel->block_z};
  Result result = m.check_launch(*node.function, node.launch, others);
  return result != kSuccess ? result : add_node(m, graph, before, count, std::move(node), handle);
}
EXPORT cuGraphAddMemcpyNode(size_t **handle, Graph *graph, const size_t *const *before,
                            size_t count, const MemcpyNode *copy, Context *) {
  ENTER("cuGraphAddMemcpyNode");
  if (copy->source.type != graven1::cuda::kMemoryDevice ||
      copy->destination.type != graven1::cuda::kMemoryDevice || copy->height != 1 ||
      copy->depth != 1 || copy->width_bytes == 0) {
    return m.complain(kInvalidValue,
                      "a copy in a graph is not from memory to memory of the device");
  }
  Node node;
  node.kind = Node::kCopy;
  node.to = copy->destination.device, node.from = copy->source.device;
  node.bytes = copy->width_bytes;
  return add_node(m, graph, before, count, std::move(node), handle);
}
EXPORT cuGraphAddMemsetNode(size_t **handle, Graph *graph, const size_t *const *before,
                            size_t count, const MemsetNode *fill, Context *) {
  ENTER("cuGraphAddMemsetNode");
  const uint32_t size = fill->element_bytes;
  if ((size != 1 && size != 2 && size != 4) || fill->destination % size != 0 || fill->height != 1 ||
      fill->width == 0) {
    return m.complain(kInvalidValue, "a fill in a graph has an impossible form");
  }
  Node node;
  node.kind = Node::kFill;
  node.to = fill->destination, node.value = fill->value;
  node.element_bytes = size, node.bytes = fill->width * size;
  return add_node(m, graph, before, count, std::move(node), handle);
}
EXPORT cuGraphInstantiateWithFlags(Exec **exec, Graph *graph, unsigned long long) {
  ENTER("cuGraphInstantiateWithFlags");
  KNOWN(graphs, graph, "graph");
  *exec = new Exec{std::make_shared<const std::vector<Node>>(graph->nodes)};
  m.execs.insert(*exec);
  m.add("graphs", 1);
  return kSuccess;
}
EXPORT cuGraphExecUpdate(Exec *exec, Graph *graph, size_t **, int32_t *reason) {
  ENTER("cuGraphExecUpdate");
  KNOWN(execs, exec, "instantiated graph");
  KNOWN(graphs, graph, "graph");
  const std::vector<Node> &old = *exec->nodes;
  bool alike = old.size() == graph->nodes.size();
  for (size_t i = 0; alike && i < old.size(); ++i) {
    alike = old[i].kind == graph->nodes[i].kind && old[i].before == graph->nodes[i].before;
  }
  *reason = alike ? 0 : 2;
  if (!alike) return 910;  // CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE
  exec->nodes = std::make_shared<const std::vector<Node>>(graph->nodes);
  return kSuccess;
}
EXPORT cuGraphExecDestroy(Exec *exec) {
  ENTER("cuGraphExecDestroy");
  KNOWN(execs, exec, "instantiated graph");
  m.execs.erase(exec);
  m.add("graphs", -1);
  delete exec;
  return kSuccess;
}
EXPORT cuGraphLaunch(Exec *exec, Stream *stream) {
  ENTER("cuGraphLaunch");
  KNOWN(execs, exec, "instantiated graph");
  KNOWN(streams, stream, "stream");
  m.note("graph" + name(stream));
  m.push(stream, run([&m, nodes = exec->nodes] { return m.run_graph(*nodes); }));
  return kSuccess;
}
