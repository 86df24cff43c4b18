// Executes the PTX that an artifact ships, on the host, and reports what a GPU would not tell.
//
//   std::string error;
//   std::unique_ptr<Module> module = Module::load(ptx, &error);   // parses all of it
//   Memory memory;
//   memory.add(x, bytes, "x");                                    // what the launch may touch
//   void *operands[] = {x, y};
//   Report report = module->launch({.kernel = "k", .grid = {4}, .block = {256}}, operands, memory);
//   if (!report.ok()) puts(report.text().c_str());
//
// A kernel is translated to LLVM IR and compiled when it is launched first. Threads of a workgroup
// run as fibers of the calling thread; workgroups run one after another. One launch at a time for
// each Module and for each Memory.
#ifndef GRAVEN_TEST_GPU_EMULATOR_EMULATOR_H_
#define GRAVEN_TEST_GPU_EMULATOR_EMULATOR_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace graven::emulator {

/// The allocations of the emulated device: addresses of host memory. Keeps who touched each byte
/// last, so that races between threads of one launch are found.
class Memory {
 public:
  Memory();
  ~Memory();
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  /// Makes [address, address + bytes) known; `name` stands in reports. Allocations are disjoint.
  void add(const void *address, size_t bytes, std::string name = "");
  /// Forgets the allocation that begins at `address`; false if there is none.
  bool remove(const void *address);
  /// Whether [address, address + bytes) lies within one allocation.
  bool contains(const void *address, size_t bytes) const;

  struct Allocation;
  /// The allocation around `address`, or null.
  Allocation *find(uint64_t address) const;

 private:
  friend class Machine;
  std::vector<std::unique_ptr<Allocation>> allocations_;  // ascending by address
  uint32_t serial_ = 0;  // of the last launch, workgroup or barrier
};

/// What is checked. Bounds, alignment, barriers, masks and deadlocks always are.
enum class Checks {
  kFast,  ///< no races, no reads of bytes never written
  kFull,
};

/// How instructions with an error bound (ex2.approx, rcp.approx, ...) round.
enum class Approximations {
  kPerturbed,  ///< a result that f32 does not hold exactly is off by about the documented bound
  kNearest,    ///< the f32 nearest to the exact result
};

struct Options {
  uint64_t seed = 0;  ///< of the order in which warps run
  Checks checks = Checks::kFull;
  Approximations approximations = Approximations::kPerturbed;
  /// Backward branches that one thread may take before it is reported as endless.
  uint64_t branch_limit = 50'000'000;
  /// Different findings that are collected before the launch is given up.
  unsigned finding_limit = 8;
};

/// Extents of a grid or block; missing ones are 1.
struct Extents {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t{x} * y * z; }
};

struct Launch {
  std::string_view kernel;
  Extents grid;
  Extents block;
  uint32_t shared_bytes = 0;  ///< dynamic shared memory
};

enum class Kind {
  kBadLaunch,      ///< unknown kernel, wrong number of parameters, block or shared memory too large
  kOutOfBounds,    ///< an access outside the operand (or variable) that its address comes from
  kReadOnly,       ///< a write to what is only read
  kWriteOnly,      ///< a read of an operand that is only written
  kMisaligned,     ///< an address that is no multiple of the access's size
  kUninitialized,  ///< a read of shared bytes that this workgroup has not written
  kPendingCopy,    ///< shared bytes touched before the wait of the cp.async that writes them
  kRace,           ///< two threads at the same bytes, one writes, no barrier between
  kMask,           ///< a member mask without the thread itself, or with threads that never come
  kDivergence,     ///< a warp-wide instruction or barrier that a warp does not reach together
  kDeadlock,       ///< threads that wait for ever
  kEndless,        ///< a thread that took more backward branches than allowed
  kTrap,           ///< a trap instruction, or a branch table without the index
};
/// The name that reports print, such as "race".
const char *name_of(Kind kind);

struct Finding {
  Kind kind;
  std::string kernel;
  std::array<uint32_t, 3> workgroup{};
  std::array<uint32_t, 3> thread{};
  unsigned line = 0;   ///< of the PTX text, from 1; 0 where none applies
  std::string text;    ///< what happened, with numbers, and what to look at
  std::string source;  ///< that line of the PTX
  /// One paragraph: "race in k, workgroup 3, thread 17, PTX line 120: ...".
  std::string str() const;
};

struct Report {
  std::vector<Finding> findings;  ///< different ones: another thread at the same line is not told
  bool ok() const { return findings.empty(); }
  /// Whether a finding of this kind is there.
  bool has(Kind kind) const;
  /// All findings, a paragraph each.
  std::string text() const;
};

/// What a kernel declares.
struct KernelInfo {
  std::string name;
  unsigned parameters = 0;
  uint32_t static_shared_bytes = 0;
  uint32_t max_threads = 0;             ///< of .maxntid or .reqntid; 0 if neither stands
  std::vector<uint64_t> operand_bytes;  ///< of the `// operand N:` comments; empty without
};

class Module {
 public:
  /// Parses `ptx`. Null and a sentence with the PTX line in `error` if it holds what the emulator
  /// does not know.
  static std::unique_ptr<Module> load(std::string_view ptx, std::string *error);
  ~Module();

  std::vector<KernelInfo> kernels() const;
  /// Null if the module has no such kernel.
  const KernelInfo *find(std::string_view kernel) const;

  /// Translates and compiles a kernel, or all of them with an empty name, without running it;
  /// false and a sentence with the PTX line if an instruction or modifier is unknown.
  bool compile(std::string_view kernel, std::string *error);

  /// Runs a whole grid. `parameters` are the values of the kernel's parameters, in order: addresses
  /// of buffers (narrower parameters take the low bytes). Every operand must lie in `memory`;
  /// without an `// operand` comment it is the rest of its allocation.
  Report launch(const Launch &launch, std::span<const uint64_t> parameters, Memory &memory,
                const Options &options = {});
  Report launch(const Launch &launch, std::span<void *const> pointers, Memory &memory,
                const Options &options = {});

  class State;

 private:
  explicit Module(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_EMULATOR_H_
