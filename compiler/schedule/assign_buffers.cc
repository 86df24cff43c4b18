// From values to bytes. Every value of an entry gets one home; what must lie elsewhere too is
// copied.
#include "compiler/schedule/arena.h"
#include "compiler/schedule/memory.h"
#include "compiler/schedule/passes.h"

using namespace mlir;

namespace graven::schedule {
#define GEN_PASS_DEF_ASSIGNBUFFERSPASS
#include "compiler/schedule/passes.h.inc"

namespace {

using plan::RangeAttr;
using plan::Segment;

// A copy, or a fill where there is no source.
struct Move {
  RangeAttr source, destination;
  std::optional<uint8_t> byte;
  Location loc;
};

class EntryPlanner {
 public:
  EntryPlanner(graph::EntryOp entry, SymbolTable &symbols)
      : entry_(entry),
        symbols_(symbols),
        end_(cast<graph::ReturnOp>(entry.getEntryBlock().getTerminator())) {
    for (auto call : entry.getOps<kernel::CallOp>()) {
      time_[call] = calls_.size();
      calls_.push_back(call);
    }
    now_ = calls_.size();
    size_t writes = end_.getWrites() ? end_.getWrites()->size() : 0;
    results_ = end_.getValues().drop_back(writes);
    written_ = end_.getValues().take_back(writes);
    for (size_t i = 0; i < writes; ++i)
      states_.push_back(symbols.lookup<graph::StateOp>(
          cast<FlatSymbolRefAttr>((*end_.getWrites())[i]).getValue()));
  }

  plan::ProgramOp run(OpBuilder &b) {
    giveHomesToGivenValues();
    writeStateInPlace();
    writeResultsInPlace();
    SmallVector<Move> first, last;
    collectMoves(first, last);
    useArena(last);
    return emit(b, first, last);
  }

 private:
  RangeAttr range(Segment segment, int64_t slot, int64_t offset, int64_t bytes, int64_t value) {
    return RangeAttr::get(entry_.getContext(), segment, slot, offset, bytes, value);
  }
  RangeAttr placeOf(graph::StateOp state) { return state->getAttrOfType<RangeAttr>(plan::kPlace); }
  kernel::FuncOp kernelOf(kernel::CallOp call) {
    return symbols_.lookup<kernel::FuncOp>(call.getCallee());
  }

  // What lies somewhere before the program begins.
  void giveHomesToGivenValues() {
    auto give = [&](Value value, RangeAttr place) {
      homes_[value] = place;
      if (!llvm::is_contained(initial_, place)) initial_.push_back(place);
    };
    for (BlockArgument argument : entry_.getEntryBlock().getArguments())
      give(argument, range(Segment::Input, argument.getArgNumber(), 0,
                           plan::bytesOf(argument.getType()), nextValue_++));
    llvm::StringMap<int64_t> values;
    auto valueOf = [&](StringRef name) {
      auto [at, isNew] = values.try_emplace(name, nextValue_);
      if (isNew) ++nextValue_;
      return at->second;
    };
    for (Operation &op : entry_.getEntryBlock()) {
      if (auto read = dyn_cast<graph::ReadOp>(op)) {
        auto state = symbols_.lookup<graph::StateOp>(read.getState());
        RangeAttr place = placeOf(state).withValue(valueOf(("state." + read.getState()).str()));
        give(read->getResult(0), place);
        oldValues_[state].push_back(read->getResult(0));
      } else if (auto read = dyn_cast<plan::ReadConstantOp>(op)) {
        auto constant = symbols_.lookup<plan::ConstantOp>(read.getConstant());
        give(read.getResult(),
             constant.getPlace().withValue(valueOf(("constant." + read.getConstant()).str())));
      }
    }
  }

  // The uses of `value` by calls, reshapes seen through; `leaves` tells whether it is returned.
  SmallVector<OpOperand *> usesByCalls(Value value, bool &leaves) {
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : value.getUses()) {
      if (isa<graph::ReturnOp>(use.getOwner()))
        leaves = true;
      else if (auto reshape = dyn_cast<graph::ReshapeOp>(use.getOwner()))
        llvm::append_range(uses, usesByCalls(reshape->getResult(0), leaves));
      else
        uses.push_back(&use);
    }
    return uses;
  }

  // Whether result `result` of `call` may lie where its argument `argument` lies.
  bool mayShare(kernel::CallOp call, int64_t argument, int64_t result) {
    kernel::FuncOp kernel = kernelOf(call);
    Type from = call.getInputs()[argument].getType(), to = call.getOutputs()[result].getType();
    return kernel.mayShare(argument, result) &&
           getElementTypeOrSelf(from) == getElementTypeOrSelf(to) &&
           plan::bytesOf(from) == plan::bytesOf(to);
  }

  bool isWrittenToOtherState(Value old, graph::StateOp state) {
    for (auto [index, value] : llvm::enumerate(written_))
      if (storageOf(value) == old && states_[index] != state) return true;
    return false;
  }

  // Whether `made`, a kernel's result, can be written over the old value of `state`.
  bool canOverwrite(graph::StateOp state, Value made) {
    auto call = cast<kernel::CallOp>(made.getDefiningOp());
    int64_t result = cast<OpResult>(made).getResultNumber();
    for (Value old : oldValues_.lookup(state)) {
      // A result that returns the old value is copied before the first launch; a state that takes
      // it over is written after the last.
      if (isWrittenToOtherState(old, state)) return false;
      bool leaves = false;
      for (OpOperand *use : usesByCalls(old, leaves)) {
        auto reader = cast<kernel::CallOp>(use->getOwner());
        if (reader == call ? !mayShare(call, use->getOperandNumber(), result)
                           : time_.lookup(reader) > time_.lookup(call))
          return false;
      }
    }
    return true;
  }

  void writeStateInPlace() {
    for (auto [index, value] : llvm::enumerate(written_)) {
      Value made = storageOf(value);
      if (!made.getDefiningOp<kernel::CallOp>() || homes_.count(made)) continue;
      if (canOverwrite(states_[index], made))
        homes_[made] = placeOf(states_[index]).withValue(nextValue_++);
    }
  }

  RangeAttr outputPlace(size_t index, int64_t value) {
    return range(Segment::Output, index, 0, plan::bytesOf(results_[index].getType()), value);
  }

  void writeResultsInPlace() {
    for (auto [index, value] : llvm::enumerate(results_)) {
      Value made = storageOf(value);
      if (made.getDefiningOp<kernel::CallOp>() && !homes_.count(made))
        homes_[made] = outputPlace(index, nextValue_++);
    }
  }

  // What has to be moved to results and states, before the first launch and after the last.
  void collectMoves(SmallVectorImpl<Move> &first, SmallVectorImpl<Move> &last) {
    auto move = [&](Value value, RangeAttr destination, SmallVectorImpl<Move> &moves) {
      if (auto constant = value.getDefiningOp<graph::ConstantOp>()) {
        int64_t id = fills_.try_emplace(value, nextValue_).first->second;
        if (id == nextValue_) ++nextValue_;
        destination = destination.withValue(id);
        if (destination.getBytes())
          moves.push_back({RangeAttr(), destination, fillByteOf(constant), value.getLoc()});
        final_.push_back(destination);
        return;
      }
      RangeAttr home = homes_.lookup(value);
      // A value for which no place was found yet gets one in the arena.
      if (!home)
        home = homes_[value] = range(Segment::Arena, 0, 0, destination.getBytes(), nextValue_++);
      final_.push_back(destination.withValue(home.getValue()));
      if (!home.samePlace(destination) && destination.getBytes())
        moves.push_back({home, final_.back(), std::nullopt, value.getLoc()});
    };
    for (auto [index, value] : llvm::enumerate(results_)) {
      // Old values and arguments leave before any launch could overwrite them.
      Value storage = storageOf(value);
      bool given = !storage.getDefiningOp<kernel::CallOp>();
      move(storage, outputPlace(index, 0), given ? first : last);
    }
    SmallVector<Move> writes;
    for (auto [index, value] : llvm::enumerate(written_))
      move(storageOf(value), placeOf(states_[index]), writes);
    orderWrites(writes, last);
  }

  // Appends the moves into states in an order in which each source is read before it is
  // overwritten. Where they form a ring (two states that swap), one source is set aside first.
  void orderWrites(SmallVectorImpl<Move> &writes, SmallVectorImpl<Move> &last) {
    while (!writes.empty()) {
      auto clobbers = [&](const Move &move) {
        return llvm::any_of(writes, [&](const Move &other) {
          return &other != &move && other.source && other.source.overlaps(move.destination);
        });
      };
      auto free = llvm::find_if(writes, [&](const Move &move) { return !clobbers(move); });
      if (free != writes.end()) {
        last.push_back(*free);
        writes.erase(free);
        continue;
      }
      Move &blocked = writes.front();
      RangeAttr aside = range(Segment::Arena, 0, 0, blocked.destination.getBytes(), 0);
      for (Move &other : writes) {
        if (!other.source || !other.source.overlaps(blocked.destination)) continue;
        aside = aside.withValue(other.source.getValue());
        if (other.source.getSegment() == Segment::Arena) continue;
        if (!asideOf_.count(other.source)) {
          asideOf_.insert(other.source);
          last.push_back({other.source, aside, std::nullopt, other.loc});
        }
        other.source = aside;
      }
    }
  }

  // Offsets for everything whose home is the arena.
  void useArena(SmallVectorImpl<Move> &last) {
    llvm::MapVector<Value, size_t> bufferOf;
    for (kernel::CallOp call : calls_) {
      int64_t now = time_.lookup(call);
      llvm::SmallDenseSet<size_t> reused;
      for (OpResult result : call->getResults()) {
        auto home = homes_.find(result);
        if (home != homes_.end() && home->second.getSegment() != Segment::Arena) continue;
        bool leaves = false;
        int64_t until = now;
        for (OpOperand *use : usesByCalls(result, leaves))
          until = std::max<int64_t>(until, time_.lookup(use->getOwner()));
        if (leaves) until = now_;
        std::optional<size_t> shared = dyingInput(call, result, bufferOf, reused);
        if (shared) {
          reused.insert(*shared);
          buffers_[*shared].last = until;
          bufferOf[result] = *shared;
          continue;
        }
        bufferOf[result] = buffers_.size();
        buffers_.push_back({plan::bytesOf(result.getType()), now, until, 0});
      }
      if (int64_t bytes = kernelOf(call).getScratchBytes()) {
        scratch_[call] = buffers_.size();
        buffers_.push_back({bytes, now, now, 0});
      }
    }
    // Sources set aside, alive among the moves at the end.
    llvm::DenseMap<int64_t, size_t> aside;
    for (Move &move : last)
      if (move.source && move.destination.getSegment() == Segment::Arena) {
        aside[move.destination.getValue()] = buffers_.size();
        buffers_.push_back({move.destination.getBytes(), now_, now_, 0});
      }

    bound_ = livenessBound(buffers_);
    arenaBytes_ = placeBuffers(buffers_);

    auto at = [&](size_t buffer, int64_t bytes, int64_t value) {
      return range(Segment::Arena, 0, buffers_[buffer].offset, bytes, value);
    };
    llvm::DenseMap<int64_t, RangeAttr> places;
    for (auto &[value, buffer] : bufferOf) {
      RangeAttr &home = homes_[value];
      home = at(buffer, plan::bytesOf(value.getType()), home ? home.getValue() : nextValue_++);
      places[home.getValue()] = home;
    }
    for (Move &move : last) {
      auto settle = [&](RangeAttr &place) {
        if (!place || place.getSegment() != Segment::Arena) return;
        auto found = aside.find(place.getValue());
        place = found == aside.end() ? places.lookup(place.getValue())
                                     : at(found->second, place.getBytes(), place.getValue());
      };
      settle(move.source);
      settle(move.destination);
    }
  }

  // An argument's buffer that `result` can take over: read for the last time by this call, of the
  // same type, and shareable by the kernel's word.
  std::optional<size_t> dyingInput(kernel::CallOp call, OpResult result,
                                   const llvm::MapVector<Value, size_t> &bufferOf,
                                   const llvm::SmallDenseSet<size_t> &reused) {
    for (OpOperand &operand : call->getOpOperands()) {
      Value input = storageOf(operand.get());
      auto buffer = bufferOf.find(input);
      if (buffer == bufferOf.end() || reused.contains(buffer->second)) continue;
      if (buffers_[buffer->second].last != time_.lookup(call)) continue;
      if (buffers_[buffer->second].bytes != plan::bytesOf(result.getType())) continue;
      // The same bytes may be several arguments of the call.
      bool shareable = llvm::all_of(call->getOpOperands(), [&](OpOperand &other) {
        return storageOf(other.get()) != input ||
               mayShare(call, other.getOperandNumber(), result.getResultNumber());
      });
      if (shareable) return buffer->second;
    }
    return std::nullopt;
  }

  plan::ProgramOp emit(OpBuilder &b, ArrayRef<Move> first, ArrayRef<Move> last);
  void emitLaunches(OpBuilder &b, kernel::CallOp call);
  static void emitMove(OpBuilder &b, const Move &move) {
    if (move.source)
      plan::CopyOp::create(b, move.loc, move.source, move.destination);
    else
      plan::FillOp::create(b, move.loc, move.destination, *move.byte);
  }

  graph::EntryOp entry_;
  SymbolTable &symbols_;
  graph::ReturnOp end_;
  std::vector<kernel::CallOp> calls_;
  llvm::DenseMap<Operation *, int64_t> time_;  // of a call: its place in the order
  int64_t now_;                                // the time after the last call
  ValueRange results_, written_;
  SmallVector<graph::StateOp> states_;  // those written, in the order of `written_`
  llvm::DenseMap<Operation *, SmallVector<Value>> oldValues_;  // reads of a state
  llvm::DenseMap<Value, RangeAttr> homes_;
  llvm::DenseMap<Value, int64_t> fills_;  // numbers of constants that become fills
  llvm::DenseSet<Attribute> asideOf_;
  SmallVector<RangeAttr> initial_, final_;
  int64_t nextValue_ = 1;
  SmallVector<Buffer> buffers_;
  llvm::DenseMap<Operation *, size_t> scratch_;
  int64_t bound_ = 0, arenaBytes_ = 0;
};

ArrayAttr toArray(OpBuilder &b, ArrayRef<RangeAttr> ranges) {
  return b.getArrayAttr(SmallVector<Attribute>(ranges.begin(), ranges.end()));
}

void EntryPlanner::emitLaunches(OpBuilder &b, kernel::CallOp call) {
  kernel::FuncOp kernel = kernelOf(call);
  auto homesOf = [&](ValueRange values) {
    SmallVector<RangeAttr> ranges;
    for (Value value : values) ranges.push_back(homes_.lookup(storageOf(value)));
    return toArray(b, ranges);
  };
  SmallVector<RangeAttr> scratch;
  if (auto buffer = scratch_.find(call); buffer != scratch_.end())
    scratch.push_back(range(Segment::Arena, 0, buffers_[buffer->second].offset,
                            kernel.getScratchBytes(), nextValue_++));
  // The cost known is that of the whole kernel; a stage that computes carries the part of its
  // workgroups.
  int64_t workgroups = 0;
  for (auto stage : kernel.getStages().getAsRange<kernel::StageAttr>())
    if (!stage.getMoves()) workgroups += stage.getGrid();
  for (auto stage : kernel.getStages().getAsRange<kernel::StageAttr>()) {
    auto part = [&](int64_t cost) {
      return workgroups
                 ? static_cast<int64_t>(static_cast<__int128>(cost) * stage.getGrid() / workgroups)
                 : 0;
    };
    int64_t moves = stage.getMoves();
    plan::LaunchOp::create(b, call.getLoc(), FlatSymbolRefAttr::get(kernel.getSymNameAttr()),
                           b.getStringAttr(stage.getName()), b.getI64IntegerAttr(stage.getGrid()),
                           homesOf(call.getInputs()), homesOf(call.getOutputs()),
                           toArray(b, scratch),
                           b.getI64IntegerAttr(moves ? 0 : part(kernel.getFlops())),
                           b.getI64IntegerAttr(moves ? moves : part(kernel.getBytes())));
  }
}

plan::ProgramOp EntryPlanner::emit(OpBuilder &b, ArrayRef<Move> first, ArrayRef<Move> last) {
  auto typesOf = [&](ValueRange values) {
    SmallVector<Attribute> types;
    for (Value value : values) types.push_back(TypeAttr::get(value.getType()));
    return b.getArrayAttr(types);
  };
  SmallVector<Attribute> resultNames(entry_.getResultNames().begin(),
                                     entry_.getResultNames().end());
  while (resultNames.size() < results_.size())
    resultNames.push_back(b.getStringAttr("result" + std::to_string(resultNames.size())));
  resultNames.resize(results_.size());

  auto program = plan::ProgramOp::create(
      b, entry_.getLoc(), entry_.getSymNameAttr(), b.getStringAttr(entry_.getPublicName()),
      b.getI64IntegerAttr(entry_.getBatch()), entry_.getPartialAttr(), entry_.getArgNamesAttr(),
      typesOf(entry_.getEntryBlock().getArguments()), entry_.getArgRangesAttr(),
      b.getArrayAttr(resultNames), typesOf(results_), b.getI64IntegerAttr(arenaBytes_),
      b.getI64IntegerAttr(bound_), toArray(b, initial_), toArray(b, final_));
  // What `expand` says to `package` about the entry, such as which arguments are batched.
  for (NamedAttribute said : entry_->getDiscardableAttrs())
    program->setAttr(said.getName(), said.getValue());
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&program.getBody());
  for (const Move &move : first) emitMove(b, move);
  for (kernel::CallOp call : calls_) emitLaunches(b, call);
  for (const Move &move : last) emitMove(b, move);
  return program;
}

struct AssignBuffersPass : impl::AssignBuffersPassBase<AssignBuffersPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    if (failed(checkUses(module, symbols))) return signalPassFailure();
    for (auto entry : llvm::make_early_inc_range(module.getOps<graph::EntryOp>())) {
      OpBuilder b(entry);
      EntryPlanner(entry, symbols).run(b);
      entry.erase();
    }
  }

  // Whether every symbol that entries refer to stands in the module and every state has its place.
  static LogicalResult checkUses(ModuleOp module, SymbolTable &symbols) {
    for (auto entry : module.getOps<graph::EntryOp>()) {
      auto isPlacedState = [&](StringRef name) -> LogicalResult {
        auto state = symbols.lookup<graph::StateOp>(name);
        if (!state) return entry.emitOpError() << "refers to @" << name << ", which is no state";
        if (!state->hasAttr(plan::kPlace))
          return state.emitOpError() << "has no place; run --schedule-place-state before";
        return success();
      };
      for (Operation &op : entry.getEntryBlock()) {
        if (auto read = dyn_cast<graph::ReadOp>(op)) {
          if (failed(isPlacedState(read.getState()))) return failure();
        } else if (auto call = dyn_cast<kernel::CallOp>(op)) {
          if (!symbols.lookup<kernel::FuncOp>(call.getCallee()))
            return call.emitOpError() << "calls @" << call.getCallee() << ", which is no kernel";
        } else if (auto end = dyn_cast<graph::ReturnOp>(op); end && end.getWrites()) {
          for (Attribute state : end.getWritesAttr())
            if (failed(isPlacedState(cast<FlatSymbolRefAttr>(state).getValue()))) return failure();
        } else if (auto constant = dyn_cast<graph::ConstantOp>(op)) {
          if (!fillByteOf(constant) || !llvm::all_of(op.getUsers(), llvm::IsaPred<graph::ReturnOp>))
            return constant.emitOpError() << "has no place; run --schedule-place-constants before";
        } else if (!isa<plan::ReadConstantOp, graph::ReshapeOp, graph::ReturnOp>(op)) {
          return op.emitOpError() << "belongs in a kernel; run the phases fuse and strategy before";
        }
      }
    }
    return success();
  }
};

}  // namespace
}  // namespace graven::schedule
