// Trained values become part of the program: reads of state are replaced by constants.
#include "compiler/expand/passes.h"
#include "dialect/graph/ir/graph.h"
#include "dialect/graph/ir/shape_rules.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace graven::expand {

#define GEN_PASS_DEF_FREEZESTATE
#include "compiler/expand/passes.h.inc"

namespace {

constexpr size_t kMostProblems = 4;  // told one by one

std::string quoted(StringRef name) { return ("'" + name + "'").str(); }

class Freezer {
 public:
  Freezer(ModuleOp module, ArrayRef<std::string> entries)
      : module_(module), values_(module->getAttrOfType<DictionaryAttr>(graph::kWeights)) {
    for (auto state : module.getOps<graph::StateOp>()) states_[state.getSymName()] = state;
    for (auto entry : module.getOps<graph::EntryOp>()) {
      bool kept = entries.empty() || llvm::is_contained(entries, entry.getPublicName());
      (kept ? kept_ : dropped_).push_back(entry);
    }
  }

  LogicalResult run() {
    if (failed(checkWrites()) || failed(checkValues())) return failure();
    for (graph::EntryOp entry : dropped_) entry.erase();
    SmallVector<Attribute> frozen = replaceReads();
    dropStates();
    describe(frozen);
    for (StringRef name : {graph::kWeights, graph::kWeightsFile, graph::kWeightsMetadata})
      module_->removeAttr(name);
    return success();
  }

 private:
  bool isMetric(StringRef state) {
    auto found = states_.find(state);
    return found != states_.end() && found->second.getRole() == "metric";
  }

  // The first state that `entry` changes, metrics aside; "" where there is none.
  StringRef stateWrittenBy(graph::EntryOp entry) {
    auto end = cast<graph::ReturnOp>(entry.getEntryBlock().getTerminator());
    if (!end.getWrites()) return "";
    for (auto state : end.getWritesAttr().getAsRange<FlatSymbolRefAttr>())
      if (!isMetric(state.getValue())) return state.getValue();
    return "";
  }

  // An artifact with constant weights has no other state than metrics.
  LogicalResult checkWrites() {
    SmallVector<StringRef> writers, readers;
    StringRef state;
    for (const auto &entries : {kept_, dropped_})
      for (graph::EntryOp entry : entries) {
        StringRef written = stateWrittenBy(entry), name = entry.getPublicName();
        bool isKept = llvm::is_contained(kept_, entry);
        if (written.empty() && !llvm::is_contained(readers, name)) readers.push_back(name);
        if (written.empty() || !isKept || llvm::is_contained(writers, name)) continue;
        writers.push_back(name);
        if (state.empty()) state = written;
      }
    if (writers.empty()) return success();
    InFlightDiagnostic error = module_.emitError() << "weights from a file are constant, but "
                                                   << llvm::join(writers, ", ")
                                                   << (writers.size() == 1 ? " changes" : " change")
                                                   << " state such as " << quoted(state);
    if (readers.empty())
      return error << ", as do all entries of this model; compile it without --weights";
    return error << "; keep entries that change none: --entries=" << llvm::join(readers, ",");
  }

  LogicalResult checkValues() {
    SmallVector<std::string> problems;
    for (NamedAttribute value : values_) {
      StringRef name = value.getName();
      auto type = cast<ElementsAttr>(value.getValue()).getShapedType();
      auto state = states_.find(name);
      if (state == states_.end() || isMetric(name))
        problems.push_back("it holds " + quoted(name) + ", which the model has not" +
                           suggestion(name));
      else if (state->second.getType() != type)
        problems.push_back(quoted(name) + " is " + graph::describe(type) + " there, expected " +
                           graph::describe(state->second.getType()));
    }
    for (auto &[name, state] : states_)
      if (!isMetric(name) && !values_.get(name) && isRead(name))
        problems.push_back("it lacks " + quoted(name) + " (" + graph::describe(state.getType()) +
                           ")");
    if (problems.empty()) return success();
    size_t told = std::min(problems.size(), kMostProblems);
    auto file = module_->getAttrOfType<StringAttr>(graph::kWeightsFile);
    InFlightDiagnostic error = module_.emitError()
                               << "the weights" << (file ? " " + quoted(file) : "")
                               << " do not fit the model: "
                               << llvm::join(ArrayRef(problems).take_front(told), "; ");
    if (problems.size() > told) error << "; and " << problems.size() - told << " more";
    return error << "; use a file saved from this very model";
  }

  std::string suggestion(StringRef name) {
    SmallVector<StringRef> names;
    for (const auto &[known, state] : states_)
      if (!isMetric(known)) names.push_back(known);
    StringRef nearest = graph::nearestWord(name, names);
    return nearest.empty() ? "" : " (is " + quoted(nearest) + " meant?)";
  }

  bool isRead(StringRef state) {
    return llvm::any_of(kept_, [&](graph::EntryOp entry) {
      return llvm::any_of(entry.getEntryBlock().getOps<graph::ReadOp>(),
                          [&](graph::ReadOp read) { return read.getState() == state; });
    });
  }

  // Returns names and types of the states that became constants.
  SmallVector<Attribute> replaceReads() {
    Builder b(module_.getContext());
    llvm::MapVector<StringRef, Attribute> frozen;
    for (graph::EntryOp entry : kept_)
      for (auto read : llvm::make_early_inc_range(entry.getEntryBlock().getOps<graph::ReadOp>())) {
        Attribute value = values_.get(read.getState());
        if (!value) continue;
        auto type = cast<RankedTensorType>(read->getResult(0).getType());
        auto name = values_.getNamed(read.getState())->getName();
        frozen[name] =
            b.getDictionaryAttr({b.getNamedAttr("name", name),
                                 b.getNamedAttr("type", b.getStringAttr(graph::describe(type)))});
        OpBuilder at(read);
        auto constant = graph::ConstantOp::create(at, read.getLoc(), type, value,
                                                  DenseI64ArrayAttr(), TypeAttr());
        read->getResult(0).replaceAllUsesWith(constant);
        read.erase();
      }
    return llvm::map_to_vector(frozen, [](auto &each) { return each.second; });
  }

  void dropStates() {
    llvm::StringSet<> needed;
    for (graph::EntryOp entry : kept_) {
      for (auto read : entry.getEntryBlock().getOps<graph::ReadOp>())
        needed.insert(read.getState());
      auto end = cast<graph::ReturnOp>(entry.getEntryBlock().getTerminator());
      if (!end.getWrites()) continue;
      for (auto state : end.getWritesAttr().getAsRange<FlatSymbolRefAttr>())
        needed.insert(state.getValue());
    }
    for (auto &[name, state] : states_)
      if (!needed.contains(name)) state.erase();
    auto metrics = module_->getAttrOfType<ArrayAttr>("graph.metrics");
    if (!metrics) return;
    SmallVector<Attribute> left;
    for (auto metric : metrics.getAsRange<DictionaryAttr>()) {
      auto counter = metric.getAs<FlatSymbolRefAttr>("denominator");
      if (counter && needed.contains(counter.getValue())) left.push_back(metric);
    }
    module_->setAttr("graph.metrics", ArrayAttr::get(module_.getContext(), left));
  }

  // What tools read of it.
  void describe(ArrayRef<Attribute> frozen) {
    Builder b(module_.getContext());
    auto signature = module_->getAttrOfType<DictionaryAttr>("graph.signature");
    NamedAttrList list(signature);
    SmallVector<Attribute> metrics;
    if (auto left = module_->getAttrOfType<ArrayAttr>("graph.metrics"))
      for (auto metric : left.getAsRange<DictionaryAttr>()) metrics.push_back(metric.get("name"));
    list.set("metrics", b.getArrayAttr(metrics));
    list.set("normalization", b.getBoolAttr(false));
    SmallVector<NamedAttribute> record = {b.getNamedAttr("states", b.getArrayAttr(frozen))};
    if (auto metadata = module_->getAttr(graph::kWeightsMetadata))
      record.push_back(b.getNamedAttr("metadata", metadata));
    list.set("frozen", b.getDictionaryAttr(record));
    module_->setAttr("graph.signature", list.getDictionary(b.getContext()));
  }

  ModuleOp module_;
  DictionaryAttr values_;
  llvm::MapVector<StringRef, graph::StateOp> states_;
  SmallVector<graph::EntryOp> kept_, dropped_;
};

class FreezeStatePass : public impl::FreezeStateBase<FreezeStatePass> {
 public:
  using FreezeStateBase::FreezeStateBase;

 private:
  void runOnOperation() override {
    if (!getOperation()->hasAttr(graph::kWeights)) return;
    std::vector<std::string> names(entries.begin(), entries.end());
    if (failed(Freezer(getOperation(), names).run())) signalPassFailure();
  }
};

}  // namespace
}  // namespace graven::expand
