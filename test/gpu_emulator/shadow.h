// Who touched memory last: finds races, reads of bytes never written, and bytes on their way.
#ifndef GRAVEN_TEST_GPU_EMULATOR_SHADOW_H_
#define GRAVEN_TEST_GPU_EMULATOR_SHADOW_H_

#include <cstdint>
#include <vector>

#include "test/gpu_emulator/emulator.h"
#include "test/gpu_emulator/thread.h"

namespace graven::emulator {

/// One access that a cell remembers. Serial numbers grow with every workgroup and every barrier, so
/// that those of the running launch, workgroup and phase are ranges.
struct Touch {
  enum Flags : uint16_t {
    kAtomic = 1,
    kPending = 2,         ///< a cp.async that has not landed
    kSeveralLanes = 4,    ///< of one warp
    kSeveralWarps = 8,    ///< or lanes of several warps
    kSeveralGroups = 16,  ///< several workgroups of one launch
  };
  uint32_t serial = 0;
  uint32_t warp_serial = 0;
  uint32_t line = 0;
  uint16_t thread = 0;
  uint16_t flags = 0;
};

/// The last write and the last reads of a few bytes.
struct Cell {
  Touch write, read;
};

/// When an access happens.
struct Moment {
  uint32_t launch;       ///< the first serial number of the launch
  uint32_t group;        ///< of the workgroup
  uint32_t phase;        ///< since the last barrier
  uint32_t warp_serial;  ///< counts the barriers of the warp
  uint32_t line;
  uint16_t thread;
};

/// What is wrong with an access.
struct Conflict {
  enum What { kNone, kRace, kUninitialized, kPending } what = kNone;
  Touch other;  ///< the access it conflicts with
  bool other_writes = false;
  bool other_group = false;  ///< in another workgroup
  uint64_t byte = 0;         ///< offset of the first cell concerned
};

/// Cells for a range of memory, each for `granule` bytes.
class Shadow {
 public:
  /// Makes room; cells of earlier launches may change their meaning, which their serial numbers
  /// make harmless.
  void prepare(uint64_t bytes, unsigned granule);
  void clear();
  /// Checks and notes an access; the first conflict is returned. `initialized`: reads must follow a
  /// write of this workgroup, to which the memory belongs alone. `flags` of the write that is
  /// noted.
  Conflict touch(uint64_t offset, uint32_t bytes, Access access, const Moment &moment,
                 bool initialized, uint16_t flags = 0);
  /// Bytes of a cp.async have arrived; from this moment on they are as if written now.
  void land(uint64_t offset, uint32_t bytes, const Moment &moment);

 private:
  std::vector<Cell> cells_;
  unsigned shift_ = 0;
};

struct Memory::Allocation {
  uint64_t base = 0;
  uint64_t bytes = 0;
  std::string name;
  Shadow shadow;
};

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_SHADOW_H_
