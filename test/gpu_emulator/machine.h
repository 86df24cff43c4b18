// Executes the workgroups of one launch: schedules threads as fibers, and checks what they do.
#ifndef GRAVEN_TEST_GPU_EMULATOR_MACHINE_H_
#define GRAVEN_TEST_GPU_EMULATOR_MACHINE_H_

#include <array>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "test/gpu_emulator/emulator.h"
#include "test/gpu_emulator/fiber.h"
#include "test/gpu_emulator/layout.h"
#include "test/gpu_emulator/rendezvous.h"
#include "test/gpu_emulator/shadow.h"

namespace graven::emulator {

/// A kernel ready to run.
struct CompiledKernel {
  const PtxModule *module = nullptr;
  const Kernel *kernel = nullptr;
  Layout layout;
  std::vector<AccessSite> accesses;
  std::vector<MeetingSite> meetings;
  bool copies = false;
  KernelFunction function = nullptr;
  unsigned shared_granule = 16, global_granule = 16;  ///< bytes of the narrowest access
};

/// What outlives a launch, so that the next need not make it again.
struct MachineParts {
  Stacks stacks;
  std::vector<uint8_t> shared;
  std::vector<uint8_t> local;
  Shadow shared_shadow;
};

class Machine {
 public:
  Machine(const CompiledKernel &kernel, const Launch &launch, std::span<const uint64_t> parameters,
          Memory &memory, const Options &options, MachineParts *parts);
  Report run();

  // ---- called by compiled code ----
  uint8_t *access(Thread *thread, uint64_t address, uint32_t site);
  void meet(Thread *thread, uint32_t site);
  void copy(Thread *thread, uint64_t destination, uint64_t source, uint32_t size, uint32_t filled,
            uint32_t destination_site, uint32_t source_site);
  void commit(Thread *thread);
  void wait(Thread *thread, int32_t pending);

  // ---- findings ----
  /// Notes a finding at this thread, if none of this kind is known at this line.
  void find(Kind kind, const Thread &thread, unsigned line, std::string text);
  /// Gives the launch up; does not return when a thread runs.
  void give_up();

  // ---- called by the resolvers of warp.cc ----
  /// The host address of shared memory that an instruction of a whole warp reads for a lane.
  const uint8_t *read_shared(Thread *thread, uint64_t address, uint32_t bytes, unsigned line);

 private:
  enum class Status : uint8_t { kReady, kMeeting, kBarrier, kDone };
  /// Bytes that a cp.async brings.
  struct Copy {
    uint64_t destination, source;
    uint32_t size, filled;
    uint32_t destination_site;
  };
  /// One thread of the workgroup.
  struct Slot {
    Thread thread;
    Context context;
    Status status = Status::kReady;
    const MeetingSite *site = nullptr;
    std::vector<Copy> open;
    std::vector<std::vector<Copy>> groups;  ///< oldest first
  };
  struct Barrier {
    std::vector<unsigned> waiting;  ///< threads
    uint32_t arrived = 0;           ///< by bar.arrive
    uint32_t expected = 0;          ///< 0: all threads of the workgroup
  };

  bool prepare();
  void bad_launch(std::string text);
  void run_workgroup(std::array<uint32_t, 3> id);
  void set_thread(Thread *thread, uint32_t index, std::array<uint32_t, 3> id);
  void run_plain();
  void run_scheduled();
  void resume(unsigned index);
  /// Back to the scheduler; returns when the thread is resumed.
  void suspend(Thread *thread);
  static void fiber_plain(void *machine);
  static void fiber_thread(void *slot);

  // schedule.cc
  bool resolve_meetings(unsigned warp);
  bool release_barriers();
  bool release(unsigned number, Barrier &barrier);
  void arrive(Slot &slot);
  void report_deadlock();
  uint32_t lanes_of(unsigned warp, Status status) const;
  std::string describe(const Slot &slot) const;

  // accesses.cc
  const Region *region_of(const AccessSite &site, Space space, uint64_t address) const;
  void report_bounds(const Thread &thread, const AccessSite &site, Space space, uint64_t address);
  void report_conflict(const Thread &thread, const AccessSite &site, const Region &region,
                       uint64_t address, const Conflict &conflict);
  void check_history(const Thread &thread, const AccessSite &site, const Region &region,
                     Space space, uint64_t address, uint16_t flags);
  Moment moment(const Thread &thread, unsigned line) const;
  void land(Slot &slot, const std::vector<Copy> &copies);
  Slot &slot_of(Thread *thread);

  const CompiledKernel &kernel_;
  const Launch &launch_;
  std::span<const uint64_t> parameters_;
  Memory &memory_;
  const Options &options_;
  uint32_t &serial_;  ///< of the memory: grows with each launch, workgroup and barrier
  MachineParts &parts_;
  Report report_;
  std::set<std::pair<Kind, unsigned>> known_;

  std::vector<Region> regions_;
  std::vector<Memory::Allocation *> allocations_;  ///< of each region that is an operand
  uint32_t shared_end_ = 0;                        ///< beyond the last shared byte
  uint32_t launch_serial_ = 0, group_serial_ = 0;
  std::vector<uint32_t> warp_serials_;
  std::vector<Slot> slots_;
  std::array<uint32_t, 3> group_{};
  std::array<Barrier, 16> barriers_;
  Context scheduler_;
  bool running_ = false;  ///< a fiber runs
  bool given_up_ = false;
  bool plain_done_ = false;
  std::mt19937_64 random_;
};

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_MACHINE_H_
