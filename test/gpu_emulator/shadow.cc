#include "test/gpu_emulator/shadow.h"

#include <algorithm>
#include <bit>

namespace graven::emulator {
namespace {

constexpr uint16_t kSeveral = Touch::kSeveralLanes | Touch::kSeveralWarps;

/// Whether what `touch` notes happened before this moment: in an earlier launch, before a barrier
/// of this workgroup, before a barrier of this warp, or by this thread.
bool ordered(const Touch &touch, const Moment &now) {
  if (touch.serial < now.launch) return true;
  if (touch.flags & Touch::kSeveralGroups) return false;
  if (touch.serial < now.group) return false;
  if (touch.serial < now.phase) return true;
  if (touch.flags & Touch::kSeveralWarps) return false;
  if (touch.thread / 32 != now.thread / 32) return false;
  if (touch.warp_serial < now.warp_serial) return true;
  return touch.thread == now.thread && !(touch.flags & Touch::kSeveralLanes);
}

Conflict race(const Touch &other, bool other_writes, const Moment &now) {
  Conflict conflict{Conflict::kRace, other, other_writes};
  conflict.other_group = other.serial < now.group || (other.flags & Touch::kSeveralGroups);
  return conflict;
}

/// Notes a read beside those that the cell knows.
void note_read(Touch &read, const Moment &now) {
  uint16_t flags = 0;
  if (read.serial >= now.launch) {
    if (read.serial < now.group) {
      flags = Touch::kSeveralGroups;
    } else {
      flags = read.flags & Touch::kSeveralGroups;
      if (read.serial == now.phase && !ordered(read, now)) {
        flags |= read.flags & kSeveral;
        flags |= read.thread / 32 == now.thread / 32 ? Touch::kSeveralLanes : Touch::kSeveralWarps;
      }
    }
  }
  read = {now.phase, now.warp_serial, now.line, now.thread, flags};
}

}  // namespace

void Shadow::prepare(uint64_t bytes, unsigned granule) {
  shift_ = std::countr_zero(granule);
  const uint64_t count = (bytes + granule - 1) >> shift_;
  if (cells_.size() < count) cells_.resize(count);
}

void Shadow::clear() { cells_.assign(cells_.size(), Cell{}); }

Conflict Shadow::touch(uint64_t offset, uint32_t bytes, Access access, const Moment &moment,
                       bool initialized, uint16_t flags) {
  Conflict conflict;
  Moment now = moment;
  // What earlier workgroups did to their shared memory is another memory's history.
  if (initialized) now.launch = now.group;
  const uint64_t end = (offset + bytes - 1) >> shift_;
  for (uint64_t i = offset >> shift_; i <= end; ++i) {
    Cell &cell = cells_[i];
    if (conflict.what == Conflict::kNone) {
      Conflict found;
      const bool own_write = cell.write.serial >= now.group;
      if ((cell.write.flags & Touch::kPending) && own_write) {
        found = {Conflict::kPending, cell.write, true};
      } else if (access != Access::kWrite && initialized && !own_write) {
        found.what = Conflict::kUninitialized;
      } else if (!ordered(cell.write, now) &&
                 !(access == Access::kAtomic && (cell.write.flags & Touch::kAtomic))) {
        found = race(cell.write, true, now);
      } else if (access != Access::kRead && !ordered(cell.read, now)) {
        found = race(cell.read, false, now);
      }
      if (found.what != Conflict::kNone) {
        conflict = found;
        conflict.byte = i << shift_;
      }
    }
    if (access == Access::kRead) {
      note_read(cell.read, now);
    } else if (access == Access::kAtomic && cell.write.serial == now.phase &&
               !(cell.write.flags & Touch::kAtomic)) {
      // A plain write of this phase stays: other threads' atomics are races with it.
    } else {
      if (access == Access::kAtomic) flags |= Touch::kAtomic;
      cell.write = {now.phase, now.warp_serial, now.line, now.thread, flags};
    }
  }
  return conflict;
}

void Shadow::land(uint64_t offset, uint32_t bytes, const Moment &now) {
  for (uint64_t i = offset >> shift_; i <= (offset + bytes - 1) >> shift_; ++i) {
    cells_[i].write = {now.phase, now.warp_serial, now.line, now.thread, 0};
  }
}

}  // namespace graven::emulator
