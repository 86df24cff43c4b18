// What the stand-in driver pretends: GPUs with memory, contexts, streams, events and graphs.
//
// Work on streams happens as late as it may, or at random earlier moments, in a random order that
// streams, events and the edges of graphs allow: a transfer out of page-locked memory reads it
// then, so that a missing wait or edge shows. What is wrong with a call is said on stderr.
#ifndef GRAVEN_TEST_GPU_EMULATOR_DRIVER_MACHINE_H_
#define GRAVEN_TEST_GPU_EMULATOR_DRIVER_MACHINE_H_

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "test/gpu_emulator/driver/backend.h"

namespace graven::standin {

using Result = int;
enum : Result {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kNoDevice = 100,
  kInvalidDevice = 101,
  kInvalidContext = 201,
  kNoBinary = 209,
  kInvalidPtx = 218,
  kInvalidHandle = 400,
  kNotFound = 500,
  kNotReady = 600,
  kLaunchFailed = 719,
  kUnknown = 999,
};

// From GRAVEN_STANDIN or `graven_standin_configure`: "key=value,key=value". Besides the numbers
// below: fail=FUNCTION:CODE:N makes the N-th call of FUNCTION (from 1) fail with CODE.
struct Options {
  long driver_version = 12040;
  long devices = 1;
  long memory = 4L << 30;  // bytes of each GPU
  long capability = 80;    // 80 for 8.0
  long shared = 166912;    // most bytes of shared memory of a workgroup
  long seed = 1;
  long log = 0;  // 1: calls that start or await work are noted in order
  std::string fail_function;
  long fail_code = 0, fail_call = 0;
};

struct Context {
  int device = 0;
  int retained = 0;
};

struct Event {
  int number = 0;                   // in the order they were made
  uint64_t recorded = 0, done = 0;  // times
  double seconds = 0;               // when last done
};

struct Operation {
  enum Kind { kRun, kRecord, kWait } kind = kRun;
  std::function<Result()> run;
  Event *event = nullptr;
  uint64_t time = 0;
};

struct Stream {
  int number = 0;  // in the order they were made
  std::deque<Operation> operations;
};

struct Module {
  std::unique_ptr<Kernels> kernels;
  std::vector<std::unique_ptr<struct Function>> functions;
};

struct Function {
  Module *module = nullptr;
  std::string name;
  int parameters = 0;
  long most_dynamic_shared = 48 << 10;
};

struct Node {
  enum Kind { kKernel, kCopy, kFill } kind = kKernel;
  Function *function = nullptr;
  Launch launch;
  uint64_t to = 0, from = 0;
  size_t bytes = 0;
  uint32_t value = 0, element_bytes = 1;
  std::vector<size_t> before;  // numbers of nodes
};

struct Graph {
  std::vector<Node> nodes;
  std::vector<std::unique_ptr<size_t>> handles;  // of the nodes: their numbers
};

struct Exec {
  std::shared_ptr<const std::vector<Node>> nodes;
};

// All of it. Its functions are called with `mutex` held.
class Machine {
 public:
  static Machine &get();

  void configure(const std::string &text);
  // Begins a call of `function`: counts it, makes it fail if asked to, checks that the driver was
  // started and, if `needs_context`, that the thread has a context; then maybe runs some work.
  Result enter(const char *function, bool needs_context = true);
  // Says on stderr what was wrong and returns `result`.
  Result complain(Result result, const std::string &text);
  long count(const std::string &name) const;
  void add(const std::string &name, long number) { counts_[name] += number; }
  void write_counts() const;
  // A line for the log: "cuEventRecord e3 s1". Streams and events are told by their numbers,
  // from 1.
  void note(const std::string &line) {
    if (options.log) log += line + "\n";
  }

  // Work on streams. The first result that is not a success stays for good, as a GPU's does.
  void push(Stream *stream, Operation operation) {
    stream->operations.push_back(std::move(operation));
  }
  Result run_until(const std::function<bool()> &done);
  Result run_all();

  // Whether all bytes lie in one allocation.
  bool in_memory(uint64_t address, size_t bytes) const;
  Result check_memory(const char *what, uint64_t address, size_t bytes);
  Result allocate(size_t bytes, uint64_t *address);
  Result release(uint64_t address);

  Result check_launch(const Function &function, const Launch &launch, const uint32_t *others);
  // A node's work, at once.
  Result run_node(const Node &node);
  Result run_graph(const std::vector<Node> &nodes);

  std::mutex mutex;
  Options options;
  std::string log;
  int streams_made = 0, events_made = 0;
  bool started = false;
  std::vector<Context> contexts;
  std::set<Stream *> streams;
  std::set<Event *> events;
  std::set<Module *> modules;
  std::set<Graph *> graphs;
  std::set<Exec *> execs;
  std::map<char *, size_t> pinned;
  MemoryMap memory;
  size_t allocated = 0;
  std::minstd_rand random;

 private:
  Machine();
  bool step();  // runs an operation that may run; false when there is none

  Result sticky_ = kSuccess;
  std::map<std::string, long> counts_;
};

}  // namespace graven::standin

#endif  // GRAVEN_TEST_GPU_EMULATOR_DRIVER_MACHINE_H_
