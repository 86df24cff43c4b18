// Plans: the commands in order, and who lies in the arena when.
#include <map>

#include "compiler/report/collector.h"
#include "compiler/report/tags.h"
#include "dialect/plan/plan.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace graven::report {
namespace {

class ProgramReader {
 public:
  ProgramReader(plan::ProgramOp program, const Report &report, Entry &entry)
      : program_(program), report_(report), entry_(entry) {}

  void read() {
    entry_.arena_bytes = program_.getArenaBytes();
    entry_.liveness_bound = program_.getLivenessBound();
    for (Type type : program_.getArgTypes().getAsValueRange<TypeAttr>())
      entry_.argument_bytes += plan::bytesOf(type);
    for (Type type : program_.getResultTypes().getAsValueRange<TypeAttr>())
      entry_.result_bytes += plan::bytesOf(type);
    for (Operation &op : program_.getBody().front())
      llvm::TypeSwitch<Operation *>(&op).Case<plan::LaunchOp, plan::CopyOp, plan::FillOp>(
          [&](auto each) { readCommand(each); });
    findPeak();
  }

 private:
  int64_t now() const { return static_cast<int64_t>(entry_.commands.size()); }

  void readCommand(plan::LaunchOp launch) {
    Command command;
    if (std::optional<Tag> tag = tagOf(launch.getLoc(), kKernelTag)) command.kernel = tag->index;
    command.stage = launch.getStage().str();
    command.grid = launch.getGrid();
    for (auto range : launch.getArgs().getAsRange<plan::RangeAttr>()) use(range);
    const Kernel *kernel = command.kernel < 0 ? nullptr : &entry_.kernels[command.kernel];
    // A strategy may give a kernel more results than it had; those are nobody's values.
    for (auto [index, range] : llvm::enumerate(launch.getResults().getAsRange<plan::RangeAttr>())) {
      int64_t op = kernel && index < kernel->outputs.size() ? kernel->outputs[index] : -1;
      if (op >= 0) owners_.try_emplace(range.getValue(), op);
      Block &block = use(range);
      block.kernel = command.kernel;
    }
    for (auto range : launch.getScratch().getAsRange<plan::RangeAttr>()) {
      Block &block = use(range);
      block.kernel = command.kernel;
      block.what = "scratch";
    }
    entry_.commands.push_back(std::move(command));
  }

  void readCommand(plan::CopyOp copy) {
    use(copy.getSource());
    use(copy.getDestination());
    Command command;
    command.kind = Command::Kind::kCopy;
    command.bytes = copy.getDestination().getBytes();
    command.what = nameOf(copy.getDestination());
    entry_.commands.push_back(std::move(command));
  }

  void readCommand(plan::FillOp fill) {
    use(fill.getDestination());
    Command command;
    command.kind = Command::Kind::kFill;
    command.bytes = fill.getDestination().getBytes();
    command.what = nameOf(fill.getDestination());
    entry_.commands.push_back(std::move(command));
  }

  // What lies at `range`, for a reader.
  std::string nameOf(plan::RangeAttr range) {
    bool metric = range.getSegment() == plan::Segment::Metric;
    if (metric || range.getSegment() == plan::Segment::State)
      for (const State &state : report_.states)
        if ((state.role == "metric") == metric && state.offset == range.getOffset())
          return state.name;
    if (range.getSegment() == plan::Segment::Output) {
      auto names = program_.getResultNames();
      if (static_cast<size_t>(range.getSlot()) < names.size())
        return cast<StringAttr>(names[range.getSlot()]).str();
    }
    return stringifySegment(range.getSegment()).str();
  }

  // Notes that the command under way uses `range`; its block, or a block that is not kept where the
  // range lies elsewhere than in the arena.
  Block &use(plan::RangeAttr range) {
    if (range.getSegment() != plan::Segment::Arena || range.getBytes() == 0) return elsewhere_;
    auto [found, isNew] =
        blocks_.try_emplace({range.getValue(), range.getOffset()}, entry_.blocks.size());
    if (isNew) {
      Block block;
      block.offset = range.getOffset();
      block.bytes = range.getBytes();
      block.first = now();
      if (auto owner = owners_.find(range.getValue()); owner != owners_.end())
        block.op = owner->second;
      entry_.blocks.push_back(std::move(block));
    }
    Block &block = entry_.blocks[found->second];
    block.last = now();
    return block;
  }

  // Bytes alive while each command runs; blocks that share memory count once.
  void findPeak() {
    for (int64_t command = 0; command < now(); ++command) {
      std::map<int64_t, int64_t> ends;  // of the blocks alive, by offset
      for (const Block &block : entry_.blocks)
        if (block.first <= command && command <= block.last) {
          int64_t &end = ends[block.offset];
          end = std::max(end, block.offset + plan::aligned(block.bytes));
        }
      int64_t bytes = 0, covered = 0;
      for (auto [offset, end] : ends) {
        bytes += std::max<int64_t>(end - std::max(offset, covered), 0);
        covered = std::max(covered, end);
      }
      if (bytes <= entry_.peak_bytes) continue;
      entry_.peak_bytes = bytes;
      entry_.peak_command = command;
    }
  }

  plan::ProgramOp program_;
  const Report &report_;
  Entry &entry_;
  std::map<std::pair<int64_t, int64_t>, size_t> blocks_;  // by value and offset
  std::map<int64_t, int64_t> owners_;                     // ops, by value
  Block elsewhere_;
};

State describeState(graph::StateOp op) {
  State state;
  state.name = op.getSymName().str();
  state.role = op.getRole().str();
  state.type = describeType(op.getType());
  state.bytes = plan::bytesOf(op.getType());
  if (auto place = op->getAttrOfType<plan::RangeAttr>(plan::kPlace))
    state.offset = place.getOffset();
  return state;
}

}  // namespace

void collectPlans(ModuleOp module, Report &report) {
  report.state_bytes = plan::bytesAttribute(module, plan::kStateBytes);
  report.metric_bytes = plan::bytesAttribute(module, plan::kMetricBytes);
  report.constant_bytes = plan::bytesAttribute(module, plan::kConstantBytes);
  for (auto state : module.getOps<graph::StateOp>()) report.states.push_back(describeState(state));
  for (auto program : module.getOps<plan::ProgramOp>())
    for (Entry &entry : report.entries)
      if (entry.symbol == program.getSymName()) ProgramReader(program, report, entry).read();
}

}  // namespace graven::report
