// The machine's memory: bounds, rights, alignment, history, and copies that land later.
#include <algorithm>
#include <cstring>
#include <sstream>

#include "test/gpu_emulator/machine.h"

namespace graven::emulator {
namespace {

bool within(const Region &region, uint64_t address, uint32_t bytes) {
  return region.bytes >= bytes && address - region.base <= region.bytes - bytes;
}

const char *verb(Access access) {
  return access == Access::kRead ? "reads" : access == Access::kWrite ? "writes" : "updates";
}

std::string decimal(uint64_t value) { return std::to_string(value); }

bool on_device(Space space) { return space == Space::kGlobal || space == Space::kConst; }

}  // namespace

Moment Machine::moment(const Thread &thread, unsigned line) const {
  return {launch_serial_, group_serial_,
          serial_,        warp_serials_[thread.warp],
          line,           static_cast<uint16_t>(thread.index)};
}

const Region *Machine::region_of(const AccessSite &site, Space space, uint64_t address) const {
  for (unsigned number : site.regions) {
    const Region &region = regions_[number];
    if ((region.space == space || (on_device(region.space) && on_device(space))) &&
        within(region, address, site.bytes)) {
      return &region;
    }
  }
  if (!site.regions.empty()) return nullptr;
  // The address comes from nowhere that the translation could follow.
  for (const Region &region : regions_) {
    if ((region.space == space || (on_device(region.space) && on_device(space))) &&
        within(region, address, site.bytes)) {
      return &region;
    }
  }
  return nullptr;
}

void Machine::report_bounds(const Thread &thread, const AccessSite &site, Space space,
                            uint64_t address) {
  std::ostringstream text;
  text << verb(site.access) << ' ' << site.bytes << " bytes ";
  const Region *meant = site.regions.empty() ? nullptr : &regions_[site.regions[0]];
  if (meant && meant->space == space && site.regions.size() == 1) {
    const int64_t offset = static_cast<int64_t>(address - meant->base);
    text << "at byte " << offset << " of " << meant->name << ", which has " << meant->bytes
         << " bytes";
    for (const Region &other : regions_) {
      if (&other != meant && other.space == space && within(other, address, site.bytes)) {
        text << " (there lies " << other.name << ")";
        break;
      }
    }
  } else {
    text << "at address 0x" << std::hex << address << std::dec << ", which lies in none of ";
    if (site.regions.empty()) {
      text << "the operands and variables of the kernel";
    } else {
      for (size_t i = 0; i < site.regions.size(); ++i) {
        text << (i ? ", " : "") << regions_[site.regions[i]].name;
      }
    }
  }
  text << "; look at the bound that guards this access and at the index it is made of";
  find(Kind::kOutOfBounds, thread, site.line, text.str());
}

void Machine::report_conflict(const Thread &thread, const AccessSite &site, const Region &region,
                              uint64_t address, const Conflict &conflict) {
  std::ostringstream text;
  text << verb(site.access) << " byte " << address - region.base << " of " << region.name;
  const Touch &other = conflict.other;
  switch (conflict.what) {
    case Conflict::kUninitialized:
      text << ", which no thread of this workgroup has written; look for the store that is missing "
              "or goes elsewhere";
      find(Kind::kUninitialized, thread, site.line, text.str());
      return;
    case Conflict::kPending:
      text << ", to which thread " << other.thread << " copies at PTX line " << other.line
           << " without having waited for the copy; look at the count of cp.async.wait_group and "
              "at the stage that is used";
      find(Kind::kPendingCopy, thread, site.line, text.str());
      return;
    default:
      break;
  }
  text << ", which "
       << (conflict.other_group ? "another workgroup" : "thread " + decimal(other.thread));
  if (!conflict.other_group && (other.flags & (Touch::kSeveralLanes | Touch::kSeveralWarps))) {
    text << " among others";
  }
  text << (conflict.other_writes ? " writes" : " reads") << " at PTX line " << other.line;
  text << (conflict.other_group ? " in the same launch"
                                : " with no barrier between; look for a missing bar.sync, or for "
                                  "two threads with the same index");
  find(Kind::kRace, thread, site.line, text.str());
}

void Machine::check_history(const Thread &thread, const AccessSite &site, const Region &region,
                            Space space, uint64_t address, uint16_t flags) {
  Conflict conflict;
  Moment now = moment(thread, site.line);
  if (space == Space::kShared) {
    now.launch = now.group;  // each workgroup has its own
    conflict = parts_.shared_shadow.touch(address, site.bytes, site.access, now, true, flags);
  } else if (on_device(space)) {
    const size_t number = &region - regions_.data();
    Memory::Allocation *allocation = allocations_[number];
    if (!allocation) return;  // a variable of the module, which is only read
    conflict =
        allocation->shadow.touch(address - allocation->base, site.bytes, site.access, now, false);
  }
  if (conflict.what != Conflict::kNone) report_conflict(thread, site, region, address, conflict);
}

uint8_t *Machine::access(Thread *thread, uint64_t address, uint32_t number) {
  const AccessSite &site = kernel_.accesses[number];
  Space space = site.space;
  if (site.generic) {
    const uint64_t local = reinterpret_cast<uint64_t>(thread->local);
    if (address - kSharedWindow < (uint64_t{1} << 32)) {
      space = Space::kShared;
      address -= kSharedWindow;
    } else if (address - local < kernel_.layout.local_bytes) {
      space = Space::kLocal;
    } else {
      space = Space::kGlobal;
    }
  }
  if (space == Space::kLocal) {
    const uint64_t local = reinterpret_cast<uint64_t>(thread->local);
    if (address - local > kernel_.layout.local_bytes ||
        site.bytes > kernel_.layout.local_bytes - (address - local)) {
      report_bounds(*thread, site, space, address);
      give_up();
    }
    return reinterpret_cast<uint8_t *>(address);
  }
  const Region *region = region_of(site, space, address);
  if (!region) {
    report_bounds(*thread, site, space, address);
    give_up();
  }
  if ((address & (site.alignment - 1)) != 0) {
    find(Kind::kMisaligned, *thread, site.line,
         "accesses " + decimal(site.bytes) + " bytes at byte " + decimal(address - region->base) +
             " of " + region->name + "; the address must be a multiple of " +
             decimal(site.alignment));
    give_up();
  }
  if (site.access != Access::kRead && !region->writable) {
    find(Kind::kReadOnly, *thread, site.line,
         std::string(verb(site.access)) + " " + region->name + ", which is only read");
    give_up();
  }
  if (site.access != Access::kWrite && !region->readable) {
    find(Kind::kWriteOnly, *thread, site.line,
         std::string(verb(site.access)) + " " + region->name +
             ", which is only written: what stands there is of an earlier kernel");
  }
  if (options_.checks == Checks::kFull) check_history(*thread, site, *region, space, address, 0);
  return space == Space::kShared ? parts_.shared.data() + address
                                 : reinterpret_cast<uint8_t *>(address);
}

const uint8_t *Machine::read_shared(Thread *thread, uint64_t address, uint32_t bytes,
                                    unsigned line) {
  AccessSite site;
  site.line = line;
  site.space = Space::kShared;
  site.bytes = site.alignment = bytes;
  const Region *region = region_of(site, Space::kShared, address);
  if (!region) {
    report_bounds(*thread, site, Space::kShared, address);
    return nullptr;
  }
  if (address % bytes != 0) {
    find(Kind::kMisaligned, *thread, line,
         "reads a row at byte " + decimal(address - region->base) + " of " + region->name +
             "; rows begin at multiples of " + decimal(bytes));
    return nullptr;
  }
  if (options_.checks == Checks::kFull) {
    check_history(*thread, site, *region, Space::kShared, address, 0);
  }
  return parts_.shared.data() + address;
}

// ---- cp.async: the bytes land at the wait, as late as the hardware may ----

void Machine::copy(Thread *thread, uint64_t destination, uint64_t source, uint32_t size,
                   uint32_t filled, uint32_t destination_site, uint32_t source_site) {
  const AccessSite &to = kernel_.accesses[destination_site];
  if (filled > size) {
    find(Kind::kOutOfBounds, *thread, to.line,
         "copies " + decimal(filled) + " bytes into " + decimal(size));
    give_up();
  }
  if (filled != 0) {
    // Only the bytes that are copied must be readable.
    const AccessSite &from = kernel_.accesses[source_site];
    if (filled == size) {
      access(thread, source, source_site);
    } else {
      AccessSite part = from;
      part.bytes = filled;
      const Region *region = region_of(part, Space::kGlobal, source);
      if (!region) {
        report_bounds(*thread, part, Space::kGlobal, source);
        give_up();
      }
      if (source % size != 0) {
        find(Kind::kMisaligned, *thread, part.line,
             "copies from byte " + decimal(source - region->base) + " of " + region->name +
                 "; the address must be a multiple of " + decimal(size));
        give_up();
      }
      if (options_.checks == Checks::kFull) {
        check_history(*thread, part, *region, Space::kGlobal, source, 0);
      }
    }
  }
  const Region *region = region_of(to, Space::kShared, destination);
  if (!region) {
    report_bounds(*thread, to, Space::kShared, destination);
    give_up();
  }
  if (destination % size != 0) {
    find(Kind::kMisaligned, *thread, to.line,
         "copies to byte " + decimal(destination - region->base) + " of " + region->name +
             "; the address must be a multiple of " + decimal(size));
    give_up();
  }
  if (options_.checks == Checks::kFull) {
    check_history(*thread, to, *region, Space::kShared, destination, Touch::kPending);
  }
  slot_of(thread).open.push_back({destination, source, size, filled, destination_site});
}

void Machine::commit(Thread *thread) {
  Slot &slot = slot_of(thread);
  slot.groups.push_back(std::move(slot.open));
  slot.open.clear();
}

void Machine::land(Slot &slot, const std::vector<Copy> &copies) {
  for (const Copy &copy : copies) {
    uint8_t *to = parts_.shared.data() + copy.destination;
    std::memcpy(to, reinterpret_cast<const void *>(copy.source), copy.filled);
    std::memset(to + copy.filled, 0, copy.size - copy.filled);
    if (options_.checks == Checks::kFull) {
      const unsigned line = kernel_.accesses[copy.destination_site].line;
      parts_.shared_shadow.land(copy.destination, copy.size, moment(slot.thread, line));
    }
  }
}

void Machine::wait(Thread *thread, int32_t pending) {
  Slot &slot = slot_of(thread);
  const size_t stay = pending < 0 ? 0 : std::min<size_t>(pending, slot.groups.size());
  const size_t landing = slot.groups.size() - stay;
  for (size_t i = 0; i < landing; ++i) land(slot, slot.groups[i]);
  slot.groups.erase(slot.groups.begin(), slot.groups.begin() + landing);
  if (pending < 0) {
    land(slot, slot.open);
    slot.open.clear();
  }
}

}  // namespace graven::emulator
