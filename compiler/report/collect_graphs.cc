// The text and the graphs: what was written, and which ops became of it.
#include <map>

#include "compiler/report/collector.h"
#include "compiler/report/tags.h"
#include "dialect/nn/nn.h"
#include "dialect/plan/plan.h"

using namespace mlir;

namespace graven::report {
namespace {

constexpr llvm::StringLiteral kGradient = "gradient of ";

Place placeOf(FileLineColLoc at) {
  return {static_cast<int64_t>(at.getLine()), static_cast<int64_t>(at.getColumn())};
}

// The places of `loc` from the line itself outwards through the calls that led to it.
void framesOf(Location loc, SmallVectorImpl<Place> &frames) {
  if (auto at = dyn_cast<FileLineColLoc>(loc)) {
    if (at.getLine()) frames.push_back(placeOf(at));
  } else if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    framesOf(call.getCallee(), frames);
    framesOf(call.getCaller(), frames);
  } else if (auto name = dyn_cast<NameLoc>(loc)) {
    framesOf(name.getChildLoc(), frames);
  } else if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location each : fused.getLocations())
      if (frames.empty()) framesOf(each, frames);
  }
}

// The op whose gradient rule made what has this location: "gradient of tanh", or "".
std::string ruleOf(Location loc) {
  std::string rule;
  loc->walk([&](Location each) {
    auto name = dyn_cast<NameLoc>(each);
    if (!name || !name.getName().getValue().starts_with("gradient")) return WalkResult::advance();
    rule = name.getName().str();
    return WalkResult::interrupt();
  });
  return rule;
}

void printOption(llvm::raw_ostream &out, Attribute value) {
  if (auto list = dyn_cast<ArrayAttr>(value)) {
    out << '[';
    llvm::interleaveComma(list, out, [&](Attribute each) { printOption(out, each); });
    out << ']';
  } else if (auto numbers = dyn_cast<DenseI64ArrayAttr>(value)) {
    out << '[';
    llvm::interleaveComma(numbers.asArrayRef(), out);
    out << ']';
  } else if (isa<DenseElementsAttr>(value) && !cast<DenseElementsAttr>(value).isSplat()) {
    out << "table";
  } else {
    value.print(out, /*elideType=*/true);
  }
}

// The options as written in the language, but those that the result's type tells.
std::string optionsOf(Operation *op) {
  std::string text;
  llvm::raw_string_ostream out(text);
  for (NamedAttribute option : op->getAttrs()) {
    StringRef name = option.getName();
    if (name == "shape" || name == "dtype") continue;
    if (!text.empty()) out << ", ";
    if (name != "value") out << name << " = ";
    printOption(out, option.getValue());
  }
  return text;
}

// Finds the line of the text that an op is shown under.
class Layers {
 public:
  explicit Layers(Report &report) : report_(report) {}

  // Of the frames of an op, the line of a model if there is one: a layer stays whole, whoever calls
  // the model and whatever functions the layer is written with. Else the line itself.
  std::optional<Place> lineOf(ArrayRef<Place> frames) const {
    if (frames.empty()) return std::nullopt;
    for (const Place &frame : llvm::reverse(frames))
      if (const Container *in = containerOf(frame.line); in && in->kind == "nn.model") return frame;
    return frames.front();
  }
  void note(std::optional<Place> line) {
    if (line) columns_.try_emplace(line->line, line->column);
  }
  // Once all lines are noted: the layers, in the order of the text.
  void finish() {
    StringRef text = report_.source;
    for (int64_t number = 1; !text.empty(); ++number) {
      auto [line, rest] = text.split('\n');
      if (auto noted = columns_.find(number); noted != columns_.end()) {
        StringRef code = line.split("//").first.trim();
        indices_[number] = report_.layers.size();
        report_.layers.push_back({code.str(), {number, noted->second}});
      }
      text = rest;
    }
  }
  int64_t indexOf(std::optional<Place> line) const {
    auto found = line ? indices_.find(line->line) : indices_.end();
    return found == indices_.end() ? -1 : found->second;
  }

 private:
  const Container *containerOf(int64_t line) const {
    const Container *in = nullptr;
    for (const Container &each : report_.containers)
      if (each.line <= line) in = &each;
    return in;
  }

  Report &report_;
  std::map<int64_t, int64_t> columns_, indices_;  // by number of the line
};

class EntryReader {
 public:
  EntryReader(graph::EntryOp entry, int64_t number, Layers &layers)
      : op_(entry), number_(number), layers_(layers) {}

  Entry read() {
    entry_.name = op_.getPublicName().str();
    entry_.symbol = op_.getSymName().str();
    entry_.batch = op_.getBatch();
    for (auto [argument, name] : llvm::zip(op_.getEntryBlock().getArguments(), op_.getArgNames())) {
      Op &op = add(argument, argument.getLoc());
      op.name = cast<StringAttr>(name).str();
      op.role = Op::Role::kArgument;
      argument.setLoc(tagged(argument.getLoc(), kOpTag, {number_, index_.lookup(argument)}));
    }
    for (Operation &op : op_.getEntryBlock().without_terminator()) readOp(op);
    readEnd(cast<graph::ReturnOp>(op_.getEntryBlock().getTerminator()));
    return std::move(entry_);
  }

 private:
  Op &add(Value value, Location loc) {
    index_[value] = entry_.ops.size();
    Op op;
    op.type = describeType(value.getType());
    op.bytes = plan::bytesOf(value.getType());
    SmallVector<Place> frames;
    framesOf(loc, frames);
    if (!frames.empty()) op.place = frames.front();
    op.layer = layers_.indexOf(layers_.lineOf(frames));
    entry_.ops.push_back(std::move(op));
    return entry_.ops.back();
  }

  void readOp(Operation &source) {
    Op &op = add(source.getResult(0), source.getLoc());
    op.name = source.getName().stripDialect().str();
    op.rule = ruleOf(source.getLoc());
    op.role = op.rule.empty() ? Op::Role::kForward : Op::Role::kBackward;
    if (op.rule.find(kGradient) == std::string::npos) op.rule.clear();
    if (auto read = dyn_cast<graph::ReadOp>(source)) {
      op.name = read.getState().str();
      op.role = Op::Role::kState;
    } else {
      if (isa<graph::ConstantOp>(source)) op.role = Op::Role::kConstant;
      op.options = optionsOf(&source);
    }
    for (Value operand : source.getOperands()) op.operands.push_back(index_.lookup(operand));
    source.setLoc(tagged(source.getLoc(), kOpTag, {number_, index_.lookup(source.getResult(0))}));
  }

  void readEnd(graph::ReturnOp end) {
    size_t writes = end.getWrites() ? end.getWrites()->size() : 0;
    size_t results = end.getValues().size() - writes;
    for (auto [number, value] : llvm::enumerate(end.getValues())) {
      if (number < results) {
        std::string name = number < op_.getResultNames().size()
                               ? cast<StringAttr>(op_.getResultNames()[number]).str()
                               : "result" + std::to_string(number);
        entry_.results.emplace_back(name, index_.lookup(value));
      } else {
        auto state = cast<FlatSymbolRefAttr>((*end.getWrites())[number - results]);
        entry_.writes.emplace_back(state.getValue().str(), index_.lookup(value));
      }
    }
  }

  graph::EntryOp op_;
  int64_t number_;
  Layers &layers_;
  Entry entry_;
  llvm::DenseMap<Value, int64_t> index_;
};

}  // namespace

std::string describeType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  std::string text;
  llvm::raw_string_ostream out(text);
  llvm::interleave(tensor.getShape(), out, "x");
  out << (tensor.getRank() ? " " : "") << tensor.getElementType();
  return text;
}

void collectSource(ModuleOp module, Report &report) {
  for (Operation &op : module.getOps()) {
    auto at = dyn_cast<FileLineColLoc>(op.getLoc());
    if (!at || !isa<nn::ModelOp, nn::LayerOp, graph::FuncOp>(op)) continue;
    report.containers.push_back({op.getName().getStringRef().str(),
                                 SymbolTable::getSymbolName(&op).str(), placeOf(at).line});
  }
}

void collectGraphs(ModuleOp module, Report &report) {
  if (auto name = module->getAttrOfType<StringAttr>("graph.model")) report.model = name.str();
  Layers layers(report);
  auto note = [&](Location loc) {
    SmallVector<Place> frames;
    framesOf(loc, frames);
    layers.note(layers.lineOf(frames));
  };
  for (auto entry : module.getOps<graph::EntryOp>()) {
    for (BlockArgument argument : entry.getEntryBlock().getArguments()) note(argument.getLoc());
    for (Operation &op : entry.getEntryBlock().without_terminator()) note(op.getLoc());
  }
  layers.finish();
  for (auto entry : module.getOps<graph::EntryOp>())
    report.entries.push_back(EntryReader(entry, report.entries.size(), layers).read());
}

}  // namespace graven::report
