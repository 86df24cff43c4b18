// What compiled kernels and the machine that runs them share: the state of one GPU thread, and the
// functions that compiled code calls.
#ifndef GRAVEN_TEST_GPU_EMULATOR_THREAD_H_
#define GRAVEN_TEST_GPU_EMULATOR_THREAD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "test/gpu_emulator/ptx.h"

namespace graven::emulator {

class Machine;

/// Where the generic address space shows shared memory: generic = kSharedWindow + shared address.
inline constexpr uint64_t kSharedWindow = uint64_t{1} << 62;
/// The shared address of a workgroup's first byte, so that 0 is no variable's address.
inline constexpr uint32_t kSharedBegin = 1024;
/// Bytes of shared memory that a workgroup can have, static and dynamic (compute capability 9.0).
inline constexpr uint32_t kSharedLimit = 227 * 1024;

/// Registers of one thread that an instruction for a whole warp hands over or gets back.
inline constexpr unsigned kExchanged = 16;

/// One thread of the running workgroup. Compiled code reads and writes these fields.
struct Thread {
  uint32_t tid[3];
  uint32_t ntid[3];
  uint32_t ctaid[3];
  uint32_t nctaid[3];
  uint32_t lane;
  uint32_t warp;
  uint32_t warps;
  uint32_t index;  ///< within the workgroup
  const uint64_t *parameters;
  uint8_t *local;  ///< .local memory of the thread
  uint64_t branches_left;
  Machine *machine;
  uint32_t exchange[kExchanged];  ///< operands, then results
  uint64_t perturb;               ///< 1: approximate instructions err by their bound
};

/// A compiled kernel: runs one thread to its end.
using KernelFunction = void (*)(Thread *);

/// Why an address is used.
enum class Access : uint8_t { kRead, kWrite, kAtomic };

/// One load, store, atomic or copy of a kernel.
struct AccessSite {
  unsigned line = 0;
  Space space = Space::kGlobal;
  bool generic = false;  ///< the address says which space
  Access access = Access::kRead;
  uint32_t bytes = 0;
  uint32_t alignment = 1;
  /// Numbers of the regions that the address may come from; empty: any.
  std::vector<unsigned> regions;
};

/// An instruction that the threads of a warp, or of a workgroup, execute together.
struct Rendezvous;
struct MeetingSite {
  unsigned line = 0;
  const Rendezvous *kind = nullptr;
  std::string name;       ///< the opcode as written
  unsigned variant = 0;   ///< of `kind`: shuffle mode, reduction, matrix shape
  unsigned operands = 0;  ///< words of Thread::exchange that each thread hands over
};

/// A range of addresses that accesses may touch.
struct Region {
  std::string name;  ///< "operand 2" or a variable's name
  Space space = Space::kGlobal;
  uint64_t base = 0;  ///< host address; for shared memory the shared address
  uint64_t bytes = 0;
  bool readable = true;
  bool writable = true;
};

extern "C" {
// Called by compiled code. `site` counts the kernel's access or meeting sites.
/// The host address of what `address` names, after all checks; does not return after a finding
/// that leaves nothing to access.
uint8_t *graven_emulator_access(Thread *thread, uint64_t address, uint32_t site);
/// Waits until the others have come too; operands and results stand in thread->exchange.
void graven_emulator_meet(Thread *thread, uint32_t site);
/// cp.async: `size` bytes of which the first `filled` come from `source`, the others are zeros.
void graven_emulator_copy(Thread *thread, uint64_t destination, uint64_t source, uint32_t size,
                          uint32_t filled, uint32_t destination_site, uint32_t source_site);
/// cp.async.commit_group and .wait_group (all groups but `pending`; -1: all and what is open).
void graven_emulator_commit(Thread *thread);
void graven_emulator_wait(Thread *thread, int32_t pending);
/// A thread that used up its backward branches; does not return.
void graven_emulator_endless(Thread *thread, uint32_t line);
/// trap; does not return.
void graven_emulator_trap(Thread *thread, uint32_t line);
}

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_THREAD_H_
