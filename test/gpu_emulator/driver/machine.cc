#include "test/gpu_emulator/driver/machine.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace graven::standin {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

constexpr size_t kAlignment = 256;
constexpr int kUndefinedByte = 0xcd;

}  // namespace

Machine &Machine::get() {
  // Never destroyed: threads may still be in a call when the program ends.
  static Machine *machine = new Machine;
  return *machine;
}

Machine::Machine() {
  const char *text = getenv("GRAVEN_STANDIN");
  configure(text ? text : "");
  atexit([] { get().write_counts(); });
}

void Machine::configure(const std::string &text) {
  options = Options();
  const std::map<std::string, long *> numbers = {{"driver_version", &options.driver_version},
                                                 {"devices", &options.devices},
                                                 {"memory", &options.memory},
                                                 {"capability", &options.capability},
                                                 {"shared", &options.shared},
                                                 {"seed", &options.seed},
                                                 {"log", &options.log}};
  std::stringstream rows(text);
  for (std::string row; std::getline(rows, row, ',');) {
    const std::string key = row.substr(0, row.find('='));
    const std::string value = row.substr(std::min(row.size(), key.size() + 1));
    if (auto found = numbers.find(key); found != numbers.end()) {
      *found->second = std::stol(value);
    } else if (key == "fail") {
      std::stringstream parts(value);
      std::string code, call;
      std::getline(parts, options.fail_function, ':');
      std::getline(parts, code, ':');
      std::getline(parts, call, ':');
      options.fail_code = std::stol(code);
      options.fail_call = std::stol(call);
    } else {
      fprintf(stderr, "stand-in driver: GRAVEN_STANDIN has the unknown key '%s'\n", key.c_str());
      abort();
    }
  }
  counts_.clear();
  log.clear();
  streams_made = events_made = 0;
  if (getenv("GRAVEN_STANDIN_LOG")) options.log = 1;
  sticky_ = kSuccess;
  started = false;
  contexts.assign(static_cast<size_t>(options.devices), Context());
  for (size_t i = 0; i < contexts.size(); ++i) contexts[i].device = static_cast<int>(i);
  random.seed(static_cast<unsigned>(options.seed));
}

Result Machine::complain(Result result, const std::string &text) {
  fprintf(stderr, "stand-in driver: %s\n", text.c_str());
  ++counts_["complaints"];
  return result;
}

thread_local std::vector<Context *> context_stack;

Result Machine::enter(const char *function, bool needs_context) {
  const long call = ++counts_[function];
  if (options.fail_function == function && options.fail_call == call) {
    return static_cast<Result>(options.fail_code);
  }
  if (!started) return complain(kNotInitialized, std::string(function) + " before cuInit");
  if (!needs_context) return kSuccess;
  if (context_stack.empty() || context_stack.back()->retained == 0) {
    return complain(kInvalidContext, std::string(function) + " without a context");
  }
  while (random() % 4 == 0 && step()) {
  }
  return sticky_;
}

long Machine::count(const std::string &name) const {
  auto found = counts_.find(name);
  return found == counts_.end() ? 0 : found->second;
}

void Machine::write_counts() const {
  if (const char *path = getenv("GRAVEN_STANDIN_LOG")) std::ofstream(path) << log;
  const char *path = getenv("GRAVEN_STANDIN_COUNTS");
  if (!path) return;
  std::ofstream file(path);
  file << "{";
  const char *separator = "";
  for (const auto &[name, number] : counts_) {
    file << separator << "\"" << name << "\": " << number;
    separator = ", ";
  }
  file << "}\n";
}

bool Machine::step() {
  std::vector<Stream *> able;
  for (Stream *stream : streams) {
    if (stream->operations.empty()) continue;
    const Operation &next = stream->operations.front();
    if (next.kind != Operation::kWait || next.event->done >= next.time) able.push_back(stream);
  }
  if (able.empty()) return false;
  Stream *stream = able[random() % able.size()];
  Operation next = std::move(stream->operations.front());
  stream->operations.pop_front();
  if (next.kind == Operation::kRecord) {
    next.event->done = next.time;
    next.event->seconds = now();
  } else if (next.kind == Operation::kRun && sticky_ == kSuccess) {
    sticky_ = next.run();
  }
  return true;
}

Result Machine::run_until(const std::function<bool()> &done) {
  while (!done()) {
    if (!step()) return sticky_ = complain(kUnknown, "streams wait for one another for ever");
  }
  return sticky_;
}

Result Machine::run_all() {
  return run_until([&] {
    return std::all_of(streams.begin(), streams.end(),
                       [](const Stream *stream) { return stream->operations.empty(); });
  });
}

bool Machine::in_memory(uint64_t address, size_t bytes) const {
  auto next = memory.upper_bound(address);
  if (next == memory.begin()) return false;
  const auto &[first, size] = *std::prev(next);
  return address - first <= size && bytes <= size - (address - first);
}

Result Machine::check_memory(const char *what, uint64_t address, size_t bytes) {
  if (in_memory(address, bytes)) return kSuccess;
  char text[128];
  snprintf(text, sizeof text, "%s of %zu bytes at 0x%llx is outside of device memory", what, bytes,
           static_cast<unsigned long long>(address));
  return complain(kInvalidValue, text);
}

Result Machine::allocate(size_t bytes, uint64_t *address) {
  if (bytes == 0) return kInvalidValue;
  const size_t limit = static_cast<size_t>(options.memory);
  if (bytes > limit || allocated > limit - bytes) return kOutOfMemory;
  void *block = aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  if (!block) return kOutOfMemory;
  memset(block, kUndefinedByte, bytes);
  *address = reinterpret_cast<uint64_t>(block);
  memory[*address] = bytes;
  allocated += bytes;
  return kSuccess;
}

Result Machine::release(uint64_t address) {
  auto found = memory.find(address);
  if (found == memory.end()) return complain(kInvalidValue, "memory is freed that is none");
  allocated -= found->second;
  memory.erase(found);
  free(reinterpret_cast<void *>(address));
  return kSuccess;
}

// `others`: grid and block in y and z, which must be 1.
Result Machine::check_launch(const Function &function, const Launch &launch,
                             const uint32_t *others) {
  for (int i = 0; i < 4; ++i) {
    if (others[i] != 1) return complain(kInvalidValue, "a launch has more than one dimension");
  }
  if (launch.grid == 0 || launch.grid > 0x7fffffff || launch.threads == 0 ||
      launch.threads > 1024) {
    return complain(kInvalidValue, "a launch of '" + function.name + "' has an impossible size");
  }
  if (launch.shared_bytes > function.most_dynamic_shared) {
    return complain(kInvalidValue, "'" + function.name + "' was not given as much shared memory");
  }
  for (uint64_t parameter : launch.parameters) {
    if (in_memory(parameter, 0)) continue;
    return complain(kInvalidValue,
                    "a parameter of '" + function.name + "' points outside of device memory");
  }
  return kSuccess;
}

Result Machine::run_node(const Node &node) {
  if (node.kind == Node::kKernel) {
    ++counts_["kernels_run"];
    const std::string fault = node.function->module->kernels->run(node.launch, random(), memory);
    return fault.empty() ? kSuccess : complain(kLaunchFailed, fault);
  }
  if (node.kind == Node::kCopy) {
    ++counts_["copies_run"];
    Result result = check_memory("a copy from", node.from, node.bytes);
    if (result == kSuccess) result = check_memory("a copy to", node.to, node.bytes);
    if (result == kSuccess) {
      memmove(reinterpret_cast<void *>(node.to), reinterpret_cast<const void *>(node.from),
              node.bytes);
    }
    return result;
  }
  ++counts_["fills_run"];
  Result result = check_memory("a fill", node.to, node.bytes);
  for (size_t at = 0; result == kSuccess && at < node.bytes; at += node.element_bytes) {
    memcpy(reinterpret_cast<char *>(node.to) + at, &node.value, node.element_bytes);
  }
  return result;
}

// The nodes one after the other, in a random order that the edges allow.
Result Machine::run_graph(const std::vector<Node> &nodes) {
  std::vector<bool> done(nodes.size());
  for (size_t count = 0; count < nodes.size(); ++count) {
    std::vector<size_t> able;
    for (size_t i = 0; i < nodes.size(); ++i) {
      const auto &before = nodes[i].before;
      if (!done[i] &&
          std::all_of(before.begin(), before.end(), [&](size_t b) { return done[b]; })) {
        able.push_back(i);
      }
    }
    const size_t chosen = able[random() % able.size()];
    if (Result result = run_node(nodes[chosen]); result != kSuccess) return result;
    done[chosen] = true;
  }
  return kSuccess;
}

}  // namespace graven::standin
