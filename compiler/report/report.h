// What `--report` shows of one compilation, as plain data.
//
// The collectors (collector.h) fill it phase by phase; json.h writes it as JSON, page.h as a page
// to look at. Numbers refer to places in the lists here: an op is known by its number in
// Entry::ops.
#ifndef GRAVEN_COMPILER_REPORT_REPORT_H_
#define GRAVEN_COMPILER_REPORT_REPORT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace graven::report {

// A place in the model text, counted from 1; line 0 where there is none.
struct Place {
  int64_t line = 0, column = 0;
};

// A model, layer or function of the model text, with the line where it begins.
struct Container {
  std::string kind, name;  // "nn.model", "iris"
  int64_t line = 0;
};

// A line of the model text that ops come from: a layer, a loss, a line of a function.
struct Layer {
  std::string text;  // as written, without its comment
  Place place;
};

// Why an op is not computed with one that it depends on: a remark of `fuse`.
struct Refusal {
  int64_t from = -1;  // an op of the kernel whose result is read from memory instead
  std::string reason;
};

// An op of an entry after `simplify`, an argument, or the read of a state.
struct Op {
  enum class Role { kArgument, kState, kConstant, kForward, kBackward };
  std::string name;  // "dot_general"; of arguments and states their own
  Role role = Role::kForward;
  std::string type;  // "f32 128x784"
  std::string options;
  std::string rule;  // of a gradient op the op whose rule made it: "gradient of tanh"
  int64_t bytes = 0;
  int64_t layer = -1;  // index into Report::layers
  Place place;         // of the line itself, in a layer of one's own rather than where that is used
  std::vector<int64_t> operands;
  std::vector<int64_t> kernels;  // the kernels that compute it: several where it is repeated
  std::vector<Refusal> apart;
};

// A kernel of an entry, as `fuse` formed it and `strategy` and `schedule` completed it.
struct Kernel {
  std::string name;  // of the machine code
  std::string kind;  // map, row, column, contraction, segments, reference
  std::vector<int64_t> ops;
  std::vector<int64_t> inputs, outputs;  // ops whose values it reads from and writes to memory
  std::string strategy;
  std::vector<std::pair<std::string, int64_t>> parameters;  // of the strategy
  int64_t scratch_bytes = 0, flops = 0, bytes = 0;
  bool in_cache = false;        // its bytes fit into a core's second cache
  double seconds = 0;           // estimate, by the ceilings of the target
  bool compute_bound = false;   // whether arithmetic, rather than memory, takes that time
  double measured_seconds = 0;  // in one call, by a profile; 0: not measured
};

// A value that an op of the backward pass reads of the forward pass.
struct Kept {
  // From memory that only the forward pass wrote; computed again; computed in the kernel that uses
  // it; or there anyway, as state or argument.
  enum class How { kStored, kRecomputed, kFused, kGiven };
  int64_t op = -1;      // the value's
  int64_t reader = -1;  // the op that the gradient rule made
  How how = How::kStored;
};

// A command of the plan.
struct Command {
  enum class Kind { kLaunch, kCopy, kFill };
  Kind kind = Kind::kLaunch;
  int64_t kernel = -1;  // index into Entry::kernels
  std::string stage;    // of the kernel; "" is its main stage
  int64_t grid = 0;     // workgroups
  int64_t bytes = 0;    // of a copy or fill
  std::string what;     // of a copy or fill: "state dense.bias"
};

// A value's stay in the arena, from the command that writes it to the last that reads it.
struct Block {
  int64_t offset = 0, bytes = 0, first = 0, last = 0;
  int64_t op = -1;      // whose value it is; -1: see `what`
  int64_t kernel = -1;  // that wrote it
  std::string what;     // "scratch"
};

// One entry point, compiled for one batch size.
struct Entry {
  std::string name;  // what users call
  std::string symbol;
  int64_t batch = 0;
  std::vector<Op> ops;
  std::vector<std::pair<std::string, int64_t>> results;  // name, op
  std::vector<std::pair<std::string, int64_t>> writes;   // state, op of its new value
  std::vector<Kernel> kernels;
  std::vector<Kept> kept;
  std::vector<Command> commands;
  std::vector<Block> blocks;
  int64_t arena_bytes = 0, liveness_bound = 0;
  int64_t peak_command = -1, peak_bytes = 0;  // where most of the arena is alive, and how much
  int64_t argument_bytes = 0, result_bytes = 0;
  // By a profile (profile.h): the median of a whole call, with so many threads; 0: not measured.
  double measured_seconds = 0;
  int64_t measured_threads = 0;
};

struct State {
  std::string name, role, type;
  int64_t bytes = 0, offset = 0;
};

// Nominal limits of one core of the target, to compare kernels with: not measured.
struct Ceilings {
  double flops_per_second = 0;
  double memory_bytes_per_second = 0, cache_bytes_per_second = 0;
  int64_t cache_bytes = 0;  // a core's second cache
};

struct Report {
  std::string model, file, source;
  std::string triple, cpu, instruction_set;
  std::string numerics = "fast";
  std::vector<std::pair<std::string, int64_t>> sizes;   // parts of the artifact, in bytes
  std::vector<std::pair<std::string, double>> seconds;  // for each phase; differs from run to run
  int64_t artifact_bytes = 0;
  int64_t state_bytes = 0, metric_bytes = 0, constant_bytes = 0;
  Ceilings ceilings;
  std::vector<Container> containers;  // in the order of the text
  std::vector<Layer> layers;          // likewise
  std::vector<State> states;
  std::vector<Entry> entries;
};

}  // namespace graven::report

#endif  // GRAVEN_COMPILER_REPORT_REPORT_H_
