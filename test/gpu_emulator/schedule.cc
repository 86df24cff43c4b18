// The machine's order of execution: warps at random, and threads that wait for each other.
#include <algorithm>
#include <bit>
#include <map>
#include <sstream>

#include "test/gpu_emulator/machine.h"

namespace graven::emulator {
namespace {

/// "thread 3", "threads 0-31 and 40": what people read.
std::string list_of(std::vector<unsigned> numbers, const char *noun) {
  std::sort(numbers.begin(), numbers.end());
  std::ostringstream out;
  out << noun << (numbers.size() == 1 ? " " : "s ");
  unsigned ranges = 0;
  for (size_t i = 0; i < numbers.size();) {
    size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    if (++ranges > 4) {
      out << " and more";
      break;
    }
    out << (i ? ", " : "") << numbers[i];
    if (end - i > 1) out << '-' << numbers[end - 1];
    i = end;
  }
  return out.str();
}

std::vector<unsigned> lanes_in(uint32_t mask) {
  std::vector<unsigned> lanes;
  for (; mask != 0; mask &= mask - 1) lanes.push_back(std::countr_zero(mask));
  return lanes;
}

std::string hexadecimal(uint32_t value) {
  std::ostringstream out;
  out << "0x" << std::hex << value;
  return out.str();
}

}  // namespace

uint32_t Machine::lanes_of(unsigned warp, Status status) const {
  uint32_t mask = 0;
  const size_t end = std::min<size_t>(slots_.size(), (warp + 1) * 32);
  for (size_t i = warp * 32; i < end; ++i) {
    if (slots_[i].status == status) mask |= 1u << (i % 32);
  }
  return mask;
}

void Machine::run_scheduled() {
  for (unsigned i = 0; i < slots_.size(); ++i) {
    Slot &slot = slots_[i];
    set_thread(&slot.thread, i, group_);
    slot.status = Status::kReady;
    slot.open.clear();
    slot.groups.clear();
    slot.context.prepare(parts_.stacks.at(i), Stacks::kBytes, fiber_thread, &slot);
  }
  for (Barrier &barrier : barriers_) barrier = {};
  std::vector<unsigned> ready(warp_serials_.size());
  for (unsigned i = 0; i < ready.size(); ++i) ready[i] = i;
  while (true) {
    while (!ready.empty()) {
      // Any warp that can run runs to its next meeting; its lanes in a turned order.
      const size_t pick = random_() % ready.size();
      const unsigned warp = ready[pick];
      ready[pick] = ready.back();
      ready.pop_back();
      const size_t begin = warp * 32, count = std::min<size_t>(slots_.size() - begin, 32);
      const size_t turn = random_() % count;
      do {
        for (size_t i = 0; i < count; ++i) {
          const size_t index = begin + (i + turn) % count;
          if (slots_[index].status != Status::kReady) continue;
          resume(index);
          if (given_up_) return;
        }
        // A warp goes on alone until it waits for others, so that few choices are made.
      } while (resolve_meetings(warp) && !given_up_);
      if (given_up_) return;
    }
    if (!release_barriers()) break;
    if (given_up_) return;
    for (unsigned warp = 0; warp < warp_serials_.size(); ++warp) {
      if (lanes_of(warp, Status::kReady) != 0) ready.push_back(warp);
    }
  }
  const bool all_done = std::all_of(slots_.begin(), slots_.end(),
                                    [](const Slot &slot) { return slot.status == Status::kDone; });
  if (!all_done) report_deadlock();
}

void Machine::meet(Thread *thread, uint32_t site) {
  Slot &slot = slot_of(thread);
  slot.site = &kernel_.meetings[site];
  const Rendezvous::Scope scope = slot.site->kind->scope;
  if (scope == Rendezvous::kBarrier || scope == Rendezvous::kArrival) {
    arrive(slot);
    if (scope == Rendezvous::kArrival) return;
    slot.status = Status::kBarrier;
  } else {
    if (scope == Rendezvous::kWarp && !(thread->exchange[0] >> thread->lane & 1)) {
      find(Kind::kMask, *thread, slot.site->line,
           slot.site->name + " with the member mask " + hexadecimal(thread->exchange[0]) +
               ", which does not name lane " + std::to_string(thread->lane) + " that executes it");
      give_up();
    }
    slot.status = Status::kMeeting;
  }
  suspend(thread);
}

/// Completes every warp-wide instruction of this warp for which all lanes have come; whether one
/// was.
bool Machine::resolve_meetings(unsigned warp) {
  const uint32_t meeting = lanes_of(warp, Status::kMeeting);
  if (meeting == 0) return false;
  const size_t begin = warp * 32;
  const uint32_t done = lanes_of(warp, Status::kDone);
  const size_t count = std::min<size_t>(slots_.size() - begin, 32);
  const uint32_t alive = (count == 32 ? ~0u : (1u << count) - 1) & ~done;
  bool any = false;
  uint32_t open = meeting;
  while (open != 0) {
    Slot &first = slots_[begin + std::countr_zero(open)];
    const bool aligned = first.site->kind->scope == Rendezvous::kAligned;
    const uint32_t mask = aligned ? alive : first.thread.exchange[0] & alive;
    open &= open - 1;
    bool complete = (mask & ~meeting) == 0;
    for (uint32_t lanes = mask; complete && lanes != 0; lanes &= lanes - 1) {
      const Slot &other = slots_[begin + std::countr_zero(lanes)];
      complete = other.status == Status::kMeeting && other.site->kind == first.site->kind &&
                 other.site->variant == first.site->variant;
      if (aligned) {
        complete &= other.site == first.site;
      } else {
        complete &= other.thread.exchange[0] == first.thread.exchange[0];
      }
    }
    if (!complete) continue;
    Meeting all{this, first.site, {}, mask};
    for (unsigned lane = 0; lane < 32; ++lane) {
      if (mask >> lane & 1) all.lanes[lane] = &slots_[begin + lane].thread;
    }
    if (first.site->kind->resolve) first.site->kind->resolve(all);
    if (given_up_) return true;
    if (first.site->kind == &kWarpBarrier) ++warp_serials_[warp];
    for (uint32_t lanes = mask; lanes != 0; lanes &= lanes - 1) {
      slots_[begin + std::countr_zero(lanes)].status = Status::kReady;
    }
    open &= ~mask;
    any = true;
  }
  return any;
}

// ---- barriers of the workgroup ----

void Machine::arrive(Slot &slot) {
  const uint32_t number = slot.thread.exchange[0], expected = slot.thread.exchange[1];
  if (number >= barriers_.size() || expected % 32 != 0) {
    find(Kind::kDivergence, slot.thread, slot.site->line,
         slot.site->name + " at barrier " + std::to_string(number) + " with a count of " +
             std::to_string(expected) + "; there are 16 barriers and counts are multiples of 32");
    give_up();
  }
  Barrier &barrier = barriers_[number];
  if (!barrier.waiting.empty() && barrier.expected != expected) {
    find(Kind::kDivergence, slot.thread, slot.site->line,
         slot.site->name + " expects " + std::to_string(expected) + " threads at barrier " +
             std::to_string(number) + ", others " + std::to_string(barrier.expected));
    give_up();
  }
  barrier.expected = expected;
  if (slot.site->kind->scope == Rendezvous::kArrival) {
    ++barrier.arrived;
  } else {
    barrier.waiting.push_back(slot.thread.index);
  }
}

bool Machine::release_barriers() {
  for (unsigned number = 0; number < barriers_.size(); ++number) {
    if (release(number, barriers_[number])) return true;
  }
  return false;
}

bool Machine::release(unsigned number, Barrier &barrier) {
  const size_t expected = barrier.expected == 0 ? slots_.size() : barrier.expected;
  if (barrier.waiting.empty() || barrier.waiting.size() + barrier.arrived < expected) return false;
  // Every lane of a warp must stand at the same instruction.
  std::vector<const MeetingSite *> at(warp_serials_.size());
  for (unsigned index : barrier.waiting) {
    const Slot &slot = slots_[index];
    const MeetingSite *&site = at[index / 32];
    if (!site) site = slot.site;
    if (site != slot.site) {
      find(Kind::kDivergence, slot.thread, slot.site->line,
           "waits at barrier " + std::to_string(number) +
               " while a lane of the same warp waits at "
               "PTX line " +
               std::to_string(site->line) + "; a warp comes to bar.sync together");
      give_up();
      return true;
    }
  }
  uint32_t holding = 0;
  for (unsigned index : barrier.waiting) holding += slots_[index].thread.exchange[2] != 0;
  for (unsigned index : barrier.waiting) {
    Slot &slot = slots_[index];
    if (slot.site->kind == &kBarrierReduction) {
      const auto mode = static_cast<BarrierReductionMode>(slot.site->variant);
      slot.thread.exchange[0] = mode == BarrierReductionMode::kCount ? holding
                                : mode == BarrierReductionMode::kAnd
                                    ? holding == barrier.waiting.size()
                                    : holding != 0;
    }
    slot.status = Status::kReady;
  }
  barrier = {};
  // What came before happened before what comes now. A barrier of some threads only counts as one
  // of all: it may hide a race, but reports none that is not.
  ++serial_;
  return true;
}

// ---- threads that wait for ever ----

std::string Machine::describe(const Slot &slot) const {
  if (slot.status == Status::kDone) return "have ended";
  std::string text =
      "wait at " + slot.site->name + " in PTX line " + std::to_string(slot.site->line);
  if (slot.site->kind->scope == Rendezvous::kWarp) {
    text += " with the mask " + hexadecimal(slot.thread.exchange[0]);
  } else if (slot.status == Status::kBarrier) {
    text += " (barrier " + std::to_string(slot.thread.exchange[0]) + ")";
  }
  return text;
}

void Machine::report_deadlock() {
  std::map<std::string, std::vector<unsigned>> groups;
  for (const Slot &slot : slots_) groups[describe(slot)].push_back(slot.thread.index);
  std::string all;
  for (const auto &[what, threads] : groups) {
    all += (all.empty() ? "" : "; ") + list_of(threads, "thread") + " " + what;
  }
  // The cause nearest to a thread: a mask that cannot be met, a warp that has parted, or a barrier
  // that some never reach.
  for (unsigned warp = 0; warp < warp_serials_.size(); ++warp) {
    const size_t begin = warp * 32;
    const size_t end = std::min<size_t>(slots_.size(), begin + 32);
    const uint32_t done = lanes_of(warp, Status::kDone);
    for (size_t i = begin; i < end; ++i) {
      const Slot &slot = slots_[i];
      if (slot.status != Status::kMeeting) continue;
      if (slot.site->kind->scope == Rendezvous::kWarp) {
        uint32_t missing = 0;
        for (size_t j = begin; j < end; ++j) {
          const Slot &other = slots_[j];
          const bool named = slot.thread.exchange[0] >> (j - begin) & 1;
          const bool same = other.status == Status::kMeeting &&
                            other.site->kind == slot.site->kind &&
                            other.thread.exchange[0] == slot.thread.exchange[0];
          if (named && !same && !(done >> (j - begin) & 1)) missing |= 1u << (j - begin);
        }
        if (missing == 0) continue;
        find(Kind::kMask, slot.thread, slot.site->line,
             slot.site->name + " waits for " + list_of(lanes_in(missing), "lane") +
                 " of the mask " + hexadecimal(slot.thread.exchange[0]) +
                 ", which never come: " + all);
        return;
      }
      find(Kind::kDivergence, slot.thread, slot.site->line,
           slot.site->name + " needs the whole warp at this instruction: " + all);
      return;
    }
  }
  for (const Slot &slot : slots_) {
    if (slot.status != Status::kBarrier) continue;
    const bool ended = std::any_of(slots_.begin(), slots_.end(),
                                   [](const Slot &other) { return other.status == Status::kDone; });
    find(ended ? Kind::kDivergence : Kind::kDeadlock, slot.thread, slot.site->line,
         "waits for threads that never come to this barrier: " + all);
    return;
  }
}

}  // namespace graven::emulator
