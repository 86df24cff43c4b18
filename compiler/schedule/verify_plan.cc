// The proof that a plan is right: every program is run on bytes that carry the number of the value
// that lies there, instead of the value.
#include <map>

#include "compiler/schedule/memory.h"
#include "compiler/schedule/passes.h"

using namespace mlir;

namespace graven::schedule {
#define GEN_PASS_DEF_VERIFYPLANPASS
#include "compiler/schedule/passes.h.inc"

namespace {

using plan::RangeAttr;
using plan::Segment;

bool isStored(Segment segment) { return segment == Segment::State || segment == Segment::Metric; }
bool isReadOnly(Segment segment) {
  return segment == Segment::Constant || segment == Segment::Input;
}

std::string describe(RangeAttr range) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << stringifySegment(range.getSegment());
  if (range.getSegment() == Segment::Input || range.getSegment() == Segment::Output)
    stream << " " << range.getSlot();
  stream << " [" << range.getOffset() << ", " << range.getEnd() << ")";
  return text;
}

// Which value lies in each byte.
class Stamps {
 public:
  void stamp(RangeAttr range) {
    if (range.getBytes() == 0) return;
    auto &runs = segments_[{range.getSegment(), range.getSlot()}];
    cut(runs, range.getOffset());
    cut(runs, range.getEnd());
    runs.erase(runs.lower_bound(range.getOffset()), runs.lower_bound(range.getEnd()));
    runs[range.getOffset()] = {range.getEnd(), range.getValue()};
  }

  // The first value found in `range` that is not its own (0: nothing was ever written there), or
  // nothing if all its bytes hold its value.
  std::optional<int64_t> intruder(RangeAttr range) const {
    auto segment = segments_.find({range.getSegment(), range.getSlot()});
    int64_t at = range.getOffset();
    while (at < range.getEnd()) {
      if (segment == segments_.end()) return 0;
      auto run = segment->second.upper_bound(at);
      if (run == segment->second.begin() || std::prev(run)->second.first <= at) return 0;
      --run;
      if (run->second.second != range.getValue()) return run->second.second;
      at = run->second.first;
    }
    return std::nullopt;
  }

 private:
  // Runs of bytes by their first: end, value.
  using Runs = std::map<int64_t, std::pair<int64_t, int64_t>>;

  static void cut(Runs &runs, int64_t at) {
    auto run = runs.lower_bound(at);
    if (run == runs.begin()) return;
    --run;
    auto [end, value] = run->second;
    if (end <= at) return;
    run->second.first = at;
    runs[at] = {end, value};
  }

  std::map<std::pair<Segment, int64_t>, Runs> segments_;
};

class ProgramReplay {
 public:
  ProgramReplay(plan::ProgramOp program, SymbolTable &symbols)
      : program_(program), symbols_(symbols) {
    Operation *module = program->getParentOp();
    sizes_ = {{Segment::Constant, plan::bytesAttribute(module, plan::kConstantBytes)},
              {Segment::State, plan::bytesAttribute(module, plan::kStateBytes)},
              {Segment::Metric, plan::bytesAttribute(module, plan::kMetricBytes)},
              {Segment::Arena, static_cast<int64_t>(program.getArenaBytes())}};
    for (Operation &op : module->getRegion(0).front()) {
      if (auto state = dyn_cast<graph::StateOp>(op)) {
        if (auto place = state->getAttrOfType<RangeAttr>(plan::kPlace)) given_.push_back(place);
      } else if (auto constant = dyn_cast<plan::ConstantOp>(op)) {
        given_.push_back(constant.getPlace());
      }
    }
  }

  LogicalResult run() {
    if (failed(begin())) return failure();
    for (Operation &op : program_.getBody().front()) {
      LogicalResult result = success();
      if (auto launch = dyn_cast<plan::LaunchOp>(op))
        result = replay(launch);
      else if (auto copy = dyn_cast<plan::CopyOp>(op))
        result = replay(copy);
      else if (auto fill = dyn_cast<plan::FillOp>(op))
        result = write(fill, fill.getDestination());
      if (failed(result)) return failure();
      if (!isa<plan::LaunchOp>(op) && failed(endStages(&op))) return failure();
    }
    if (failed(endStages(program_))) return failure();
    return finish();
  }

 private:
  LogicalResult begin() {
    SmallVector<RangeAttr> seen;
    for (RangeAttr range : program_.getInitial().getAsRange<RangeAttr>()) {
      if (failed(inBounds(program_, range))) return failure();
      Segment segment = range.getSegment();
      if (segment == Segment::Arena || segment == Segment::Output)
        return program_.emitOpError() << "expects value " << range.getValue() << " in "
                                      << describe(range) << ", which holds nothing at the start";
      auto isRange = [&](RangeAttr place) { return place.samePlace(range); };
      if (segment != Segment::Input && llvm::none_of(given_, isRange))
        return program_.emitOpError() << "expects value " << range.getValue() << " in "
                                      << describe(range) << ", where no state or constant lies";
      for (RangeAttr other : seen)
        if (other.overlaps(range) || other.getValue() == range.getValue())
          return program_.emitOpError() << "expects values " << other.getValue() << " and "
                                        << range.getValue() << " to lie in " << describe(other)
                                        << " and " << describe(range) << " at the start";
      seen.push_back(range);
      stamps_.stamp(range);
    }
    return success();
  }

  LogicalResult inBounds(Operation *op, RangeAttr range) {
    Segment segment = range.getSegment();
    int64_t size;
    if (segment == Segment::Input || segment == Segment::Output) {
      ArrayAttr types =
          segment == Segment::Input ? program_.getArgTypes() : program_.getResultTypes();
      if (range.getSlot() < 0 || range.getSlot() >= static_cast<int64_t>(types.size()))
        return op->emitOpError() << "refers to " << stringifySegment(segment) << " "
                                 << range.getSlot() << " of " << types.size();
      size = plan::bytesOf(cast<TypeAttr>(types[range.getSlot()]).getValue());
    } else {
      size = sizes_.at(segment);
      if (range.getOffset() % plan::kAlignment)
        return op->emitOpError() << "has " << describe(range) << ", whose offset is no multiple of "
                                 << plan::kAlignment;
    }
    if (range.getOffset() < 0 || range.getBytes() < 0 ||
        range.getBytes() > size - range.getOffset())
      return op->emitOpError() << "reaches " << describe(range) << ", beyond the " << size
                               << " bytes there";
    return success();
  }

  LogicalResult read(Operation *op, RangeAttr range) {
    if (failed(inBounds(op, range))) return failure();
    std::optional<int64_t> found = stamps_.intruder(range);
    if (!found) return success();
    InFlightDiagnostic error = op->emitOpError()
                               << "reads value " << range.getValue() << " from " << describe(range);
    if (*found) return error << ", where value " << *found << " lies";
    return error << ", where nothing was written";
  }

  LogicalResult write(Operation *op, RangeAttr range) {
    if (failed(inBounds(op, range))) return failure();
    if (isReadOnly(range.getSegment()))
      return op->emitOpError() << "writes to " << describe(range) << ", which is read-only";
    if (range.getValue() <= 0)
      return op->emitOpError() << "writes to " << describe(range) << " without naming the value";
    if (isStored(range.getSegment()) && range.getBytes()) writes_.emplace_back(op, range);
    stamps_.stamp(range);
    return success();
  }

  LogicalResult replay(plan::CopyOp copy) {
    RangeAttr source = copy.getSource(), destination = copy.getDestination();
    if (failed(read(copy, source))) return failure();
    if (source.overlaps(destination))
      return copy.emitOpError() << "copies " << describe(source) << " onto itself";
    if (source.getValue() != destination.getValue())
      return copy.emitOpError() << "copies value " << source.getValue() << " and calls it "
                                << destination.getValue();
    return write(copy, destination);
  }

  LogicalResult replay(plan::LaunchOp launch) {
    auto kernel = symbols_.lookup<kernel::FuncOp>(launch.getKernel());
    if (!kernel)
      return launch.emitOpError() << "runs @" << launch.getKernel() << ", which is no kernel";
    if (failed(checkStage(launch, kernel)) ||
        failed(checkSizes(launch, launch.getArgs(), kernel.getInputTypes(), "arguments")) ||
        failed(checkSizes(launch, launch.getResults(), kernel.getOutputTypes(), "results")) ||
        failed(checkOverlaps(launch, kernel)))
      return failure();
    int64_t scratch = kernel.getScratchBytes(), got = 0;
    if (!launch.getScratch().empty()) got = cast<RangeAttr>(launch.getScratch()[0]).getBytes();
    if (got < scratch)
      return launch.emitOpError() << "gives @" << launch.getKernel() << " " << got << " of "
                                  << scratch << " bytes of scratch";
    for (RangeAttr range : launch.getArgs().getAsRange<RangeAttr>()) {
      // What shares its place with a result holds, for the plan, the result from the first stage
      // on; that the kernel has read it by then is the kernel's promise (checkOverlaps).
      bool taken = stage_ > 0 && llvm::any_of(launch.getResults().getAsRange<RangeAttr>(),
                                              [&](RangeAttr r) { return r.samePlace(range); });
      if (!taken && failed(read(launch, range))) return failure();
    }
    for (RangeAttr range : launch.getScratch().getAsRange<RangeAttr>()) {
      if (range.getSegment() != Segment::Arena)
        return launch.emitOpError() << "has its scratch in " << describe(range);
      // What the first stage finds there is undefined; the others find what it left.
      if (stage_ > 0 && failed(read(launch, range))) return failure();
      if (failed(write(launch, range))) return failure();
    }
    for (RangeAttr range : launch.getResults().getAsRange<RangeAttr>())
      if (failed(write(launch, range))) return failure();
    return success();
  }

  // Stages of one kernel follow one another, from the first to the last, on the same ranges.
  LogicalResult checkStage(plan::LaunchOp launch, kernel::FuncOp kernel) {
    size_t next = 0;
    if (previous_ && stage_ + 1 < previousStages_) {
      next = stage_ + 1;
      if (launch.getKernel() != previous_.getKernel() ||
          launch.getBuffers() != previous_.getBuffers())
        return endStages(launch);
    }
    ArrayAttr stages = kernel.getStages();
    auto stage = next < stages.size() ? cast<kernel::StageAttr>(stages[next]) : nullptr;
    if (!stage || stage.getName() != launch.getStage())
      return launch.emitOpError() << "runs stage \"" << launch.getStage() << "\" of @"
                                  << launch.getKernel() << " where stage " << next << " is due";
    if (stage.getGrid() != static_cast<int64_t>(launch.getGrid()))
      return launch.emitOpError() << "has a grid of " << launch.getGrid() << "; stage \""
                                  << launch.getStage() << "\" of @" << launch.getKernel() << " has "
                                  << stage.getGrid();
    previous_ = launch;
    previousStages_ = stages.size();
    stage_ = next;
    return success();
  }
  LogicalResult endStages(Operation *at) {
    if (previous_ && stage_ + 1 < previousStages_)
      return at->emitOpError() << "stands where stage " << stage_ + 1 << " of @"
                               << previous_.getKernel() << " is due";
    previous_ = nullptr;
    return success();
  }

  LogicalResult checkSizes(plan::LaunchOp launch, ArrayAttr ranges, TypeRange types,
                           StringRef what) {
    if (ranges.size() != types.size())
      return launch.emitOpError() << "has " << ranges.size() << " " << what << "; @"
                                  << launch.getKernel() << " has " << types.size();
    for (auto [range, type] : llvm::zip(ranges.getAsRange<RangeAttr>(), types))
      if (range.getBytes() != plan::bytesOf(type))
        return launch.emitOpError() << "gives " << describe(range) << " for a " << type
                                    << ", which takes " << plan::bytesOf(type) << " bytes";
    return success();
  }

  LogicalResult checkOverlaps(plan::LaunchOp launch, kernel::FuncOp kernel) {
    SmallVector<RangeAttr> buffers = launch.getBuffers();
    size_t args = launch.getArgs().size(), results = launch.getResults().size();
    for (size_t j = args; j < buffers.size(); ++j)
      for (size_t i = 0; i < j; ++i) {
        if (!buffers[i].overlaps(buffers[j])) continue;
        bool allowed = i < args && j < args + results && buffers[i].samePlace(buffers[j]) &&
                       kernel.mayShare(i, j - args);
        if (!allowed)
          return launch.emitOpError()
                 << "has operands " << i << " and " << j << " overlap in " << describe(buffers[j])
                 << ", which @" << launch.getKernel() << " does not allow";
      }
    return success();
  }

  LogicalResult finish() {
    SmallVector<RangeAttr> final(program_.getFinal().getAsRange<RangeAttr>());
    size_t results = program_.getResultTypes().size();
    if (final.size() < results)
      return program_.emitOpError()
             << "declares " << final.size() << " of its " << results << " results";
    for (auto [index, range] : llvm::enumerate(final)) {
      if (failed(read(program_, range))) return failure();
      if (index < results) {
        int64_t bytes = plan::bytesOf(cast<TypeAttr>(program_.getResultTypes()[index]).getValue());
        if (range.getSegment() != Segment::Output ||
            range.getSlot() != static_cast<int64_t>(index) || range.getOffset() ||
            range.getBytes() != bytes)
          return program_.emitOpError() << "has its result " << index << " in " << describe(range);
        continue;
      }
      if (!isStored(range.getSegment()) ||
          llvm::none_of(given_, [&](RangeAttr place) { return place.samePlace(range); }))
        return program_.emitOpError()
               << "declares a new value in " << describe(range) << ", where no state lies";
    }
    for (auto [op, range] : writes_)
      if (llvm::none_of(ArrayRef(final).drop_front(results),
                        [&, range = range](RangeAttr place) { return place.samePlace(range); }))
        return op->emitOpError() << "changes " << describe(range)
                                 << ", which the program does not declare";
    return success();
  }

  plan::ProgramOp program_;
  SymbolTable &symbols_;
  std::map<Segment, int64_t> sizes_;
  SmallVector<RangeAttr> given_;  // places of states and constants
  Stamps stamps_;
  SmallVector<std::pair<Operation *, RangeAttr>> writes_;  // to state and metrics
  plan::LaunchOp previous_;  // the launch before, if its kernel may have a stage left
  size_t previousStages_ = 0, stage_ = 0;
};

struct VerifyPlanPass : impl::VerifyPlanPassBase<VerifyPlanPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    bool sound = true;
    for (auto program : getOperation().getOps<plan::ProgramOp>())
      sound &= succeeded(ProgramReplay(program, symbols).run());
    if (!sound) signalPassFailure();
  }
};

}  // namespace
}  // namespace graven::schedule
