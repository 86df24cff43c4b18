#include "test/gpu_emulator/machine.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace graven::emulator {

Machine::Machine(const CompiledKernel &kernel, const Launch &launch,
                 std::span<const uint64_t> parameters, Memory &memory, const Options &options,
                 MachineParts *parts)
    : kernel_(kernel),
      launch_(launch),
      parameters_(parameters),
      memory_(memory),
      options_(options),
      serial_(memory.serial_),
      parts_(*parts),
      random_(options.seed) {}

void Machine::bad_launch(std::string text) {
  report_.findings.push_back(
      {Kind::kBadLaunch, kernel_.kernel->name, {}, {}, 0, std::move(text), ""});
}

bool Machine::prepare() {
  const Kernel &kernel = *kernel_.kernel;
  const uint64_t threads = launch_.block.count();
  if (parameters_.size() != kernel.parameters.size()) {
    bad_launch("launched with " + std::to_string(parameters_.size()) +
               " parameters, declared with " + std::to_string(kernel.parameters.size()));
  }
  if (threads == 0 || threads > 1024) {
    bad_launch("a block of " + std::to_string(threads) + " threads; 1 to 1024 are possible");
  } else if (kernel.max_threads != 0 && threads > kernel.max_threads) {
    bad_launch("a block of " + std::to_string(threads) + " threads, declared for at most " +
               std::to_string(kernel.max_threads));
  }
  if (launch_.grid.count() == 0) bad_launch("a grid without workgroups");
  const Layout &layout = kernel_.layout;
  const uint32_t dynamic = launch_.shared_bytes;
  const uint32_t begin_dynamic =
      std::max(layout.dynamic_offset, kSharedBegin + layout.shared_bytes);
  shared_end_ = begin_dynamic + dynamic;
  if (shared_end_ - kSharedBegin > kSharedLimit) {
    bad_launch(std::to_string(shared_end_ - kSharedBegin) +
               " bytes of shared memory; a workgroup has " + std::to_string(kSharedLimit));
  }
  if (layout.shared_bytes > 48 * 1024) {
    bad_launch(std::to_string(layout.shared_bytes) +
               " bytes of static shared memory; more than 49152 must be dynamic");
  }
  if (!report_.ok()) return false;

  regions_ = layout.regions;
  if (layout.dynamic_region >= 0) regions_[layout.dynamic_region].bytes = dynamic;
  allocations_.assign(regions_.size(), nullptr);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Region &region = regions_[i];
    region.base = parameters_[i];
    if (kernel.parameters[i].type.bytes() != 8) continue;  // a number, no address
    Memory::Allocation *allocation = memory_.find(region.base);
    const bool bounded = kernel.bounds.contains(i);
    if (!allocation) {
      // Without a comment the parameter may be a number; accesses through it find nothing then.
      if (bounded && region.bytes != 0) bad_launch(region.name + " points to no allocation");
      continue;
    }
    const uint64_t rest = allocation->base + allocation->bytes - region.base;
    if (!bounded) region.bytes = rest;
    if (region.bytes > rest) {
      bad_launch(region.name + " has " + std::to_string(region.bytes) + " bytes, its allocation " +
                 allocation->name + " only " + std::to_string(rest) + " from there on");
    }
    if (!allocation->name.empty()) region.name += " (" + allocation->name + ")";
    allocations_[i] = allocation;
    if (options_.checks == Checks::kFull) {
      allocation->shadow.prepare(allocation->bytes, kernel_.global_granule);
    }
  }
  if (!report_.ok()) return false;

  parts_.shared.resize(shared_end_);
  if (options_.checks == Checks::kFull && shared_end_ > kSharedBegin) {
    parts_.shared_shadow.prepare(shared_end_, kernel_.shared_granule);
    parts_.shared_shadow.clear();
  }
  parts_.local.resize(std::max<size_t>(threads * layout.local_bytes, 1));
  slots_ = std::vector<Slot>(threads);
  warp_serials_.assign((threads + 31) / 32, 0);
  if (serial_ > 0xf0000000u) {  // far beyond what one launch counts
    for (auto &allocation : memory_.allocations_) allocation->shadow.clear();
    serial_ = 0;
  }
  launch_serial_ = ++serial_;
  return true;
}

Report Machine::run() {
  if (!prepare()) return std::move(report_);
  const uint64_t groups = launch_.grid.count();
  // The order of workgroups: ascending with seed 0, else a walk that meets each once.
  uint64_t step = 1, at = 0;
  if (options_.seed != 0 && groups > 1) {
    at = random_() % groups;
    do {
      step = 1 + random_() % groups;
    } while (std::gcd(step, groups) != 1);
  }
  for (uint64_t i = 0; i < groups && !given_up_; ++i, at = (at + step) % groups) {
    run_workgroup({static_cast<uint32_t>(at % launch_.grid.x),
                   static_cast<uint32_t>(at / launch_.grid.x % launch_.grid.y),
                   static_cast<uint32_t>(at / launch_.grid.x / launch_.grid.y)});
  }
  return std::move(report_);
}

void Machine::set_thread(Thread *thread, uint32_t index, std::array<uint32_t, 3> id) {
  const Extents &block = launch_.block, &grid = launch_.grid;
  *thread = Thread{
      .tid = {index % block.x, index / block.x % block.y, index / block.x / block.y},
      .ntid = {block.x, block.y, block.z},
      .ctaid = {id[0], id[1], id[2]},
      .nctaid = {grid.x, grid.y, grid.z},
      .lane = index % 32,
      .warp = index / 32,
      .warps = static_cast<uint32_t>(warp_serials_.size()),
      .index = index,
      .parameters = parameters_.data(),
      .local = parts_.local.data() + uint64_t{index} * kernel_.layout.local_bytes,
      .branches_left = options_.branch_limit,
      .machine = this,
      .exchange = {},
      .perturb = options_.approximations == Approximations::kPerturbed,
  };
}

void Machine::run_workgroup(std::array<uint32_t, 3> id) {
  group_ = id;
  group_serial_ = ++serial_;
  // Bytes that are read before they are written are NaN in every format.
  if (shared_end_ > kSharedBegin) {
    std::memset(parts_.shared.data() + kSharedBegin, 0xff, shared_end_ - kSharedBegin);
  }
  if (kernel_.meetings.empty()) {
    run_plain();
  } else {
    run_scheduled();
  }
}

// ---- kernels without barriers: threads are calls, one after another, on one stack ----

void Machine::fiber_plain(void *machine) {
  auto &self = *static_cast<Machine *>(machine);
  for (Slot &slot : self.slots_) {
    self.set_thread(&slot.thread, &slot - self.slots_.data(), self.group_);
    self.kernel_.function(&slot.thread);
  }
  self.plain_done_ = true;
  self.suspend(&self.slots_[0].thread);
}

void Machine::run_plain() {
  slots_[0].context.prepare(parts_.stacks.at(0), Stacks::kBytes, fiber_plain, this);
  running_ = true;
  Context::change(scheduler_, slots_[0].context);
  running_ = false;
}

// ---- kernels with barriers: a fiber for each thread ----

void Machine::fiber_thread(void *slot) {
  auto &self = *static_cast<Slot *>(slot);
  Machine &machine = *self.thread.machine;
  machine.kernel_.function(&self.thread);
  self.status = Status::kDone;
  machine.suspend(&self.thread);
}

void Machine::resume(unsigned index) {
  running_ = true;
  Context::change(scheduler_, slots_[index].context);
  running_ = false;
}

void Machine::suspend(Thread *thread) {
  // Plain threads share the first one's stack.
  Slot &slot = kernel_.meetings.empty() ? slots_[0] : slot_of(thread);
  Context::change(slot.context, scheduler_);
}

Machine::Slot &Machine::slot_of(Thread *thread) { return slots_[thread->index]; }

// ---- findings ----

void Machine::find(Kind kind, const Thread &thread, unsigned line, std::string text) {
  if (!known_.emplace(kind, line).second) return;
  const auto &lines = kernel_.module->lines;
  std::string source = line >= 1 && line <= lines.size() ? lines[line - 1] : "";
  source.erase(0, source.find_first_not_of(" \t"));
  report_.findings.push_back({kind,
                              kernel_.kernel->name,
                              group_,
                              {thread.tid[0], thread.tid[1], thread.tid[2]},
                              line,
                              std::move(text),
                              std::move(source)});
  if (report_.findings.size() >= options_.finding_limit) give_up();
}

void Machine::give_up() {
  given_up_ = true;
  if (!running_) return;
  // The stack of the thread that ran is abandoned; only compiled code and this call stand on it.
  Context abandoned;
  Context::change(abandoned, scheduler_);
}

// ---- what compiled code calls ----

uint8_t *graven_emulator_access(Thread *thread, uint64_t address, uint32_t site) {
  return thread->machine->access(thread, address, site);
}
void graven_emulator_meet(Thread *thread, uint32_t site) { thread->machine->meet(thread, site); }
void graven_emulator_copy(Thread *thread, uint64_t destination, uint64_t source, uint32_t size,
                          uint32_t filled, uint32_t destination_site, uint32_t source_site) {
  thread->machine->copy(thread, destination, source, size, filled, destination_site, source_site);
}
void graven_emulator_commit(Thread *thread) { thread->machine->commit(thread); }
void graven_emulator_wait(Thread *thread, int32_t pending) {
  thread->machine->wait(thread, pending);
}
void graven_emulator_endless(Thread *thread, uint32_t line) {
  thread->machine->find(Kind::kEndless, *thread, line,
                        "the thread took more backward branches than the limit; look at the "
                        "condition of this loop");
  thread->machine->give_up();
}
void graven_emulator_trap(Thread *thread, uint32_t line) {
  thread->machine->find(Kind::kTrap, *thread, line, "the thread came to a trap");
  thread->machine->give_up();
}

}  // namespace graven::emulator
