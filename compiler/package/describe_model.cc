#include "compiler/package/describe_model.h"

#include <map>

#include "dialect/graph/ir/graph.h"
#include "dialect/kernel/kernel.h"
#include "dialect/plan/plan.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace graven::package {
namespace {

std::optional<graven_dtype> dtypeOf(mlir::Type type) {
  if (type.isF16()) return GRAVEN_F16;
  if (type.isBF16()) return GRAVEN_BF16;
  if (type.isF32()) return GRAVEN_F32;
  if (type.isF64()) return GRAVEN_F64;
  if (type.isInteger(1)) return GRAVEN_I1;
  if (type.isInteger(32)) return GRAVEN_I32;
  if (type.isInteger(64)) return GRAVEN_I64;
  if (type.isInteger(8)) return GRAVEN_UI8;
  return std::nullopt;
}

std::optional<graven_role> roleOf(llvm::StringRef role) {
  return llvm::StringSwitch<std::optional<graven_role>>(role)
      .Case("parameter", GRAVEN_ROLE_PARAMETER)
      .Case("slot", GRAVEN_ROLE_SLOT)
      .Case("statistic", GRAVEN_ROLE_STATISTIC)
      .Case("control", GRAVEN_ROLE_CONTROL)
      .Case("metric", GRAVEN_ROLE_METRIC)
      .Default(std::nullopt);
}

static_assert(int(plan::Segment::Constant) == GRAVEN_SEGMENT_CONSTANT &&
              int(plan::Segment::State) == GRAVEN_SEGMENT_STATE &&
              int(plan::Segment::Metric) == GRAVEN_SEGMENT_METRIC &&
              int(plan::Segment::Arena) == GRAVEN_SEGMENT_ARENA &&
              int(plan::Segment::Input) == GRAVEN_SEGMENT_INPUT &&
              int(plan::Segment::Output) == GRAVEN_SEGMENT_OUTPUT);

// Attributes as JSON: what a dictionary in the model's text says, tools read as JSON.
llvm::json::Value toJson(mlir::Attribute attribute) {
  return llvm::TypeSwitch<mlir::Attribute, llvm::json::Value>(attribute)
      .Case<mlir::BoolAttr>([](auto each) { return llvm::json::Value(each.getValue()); })
      .Case<mlir::IntegerAttr>(
          [](auto each) { return llvm::json::Value(each.getValue().getSExtValue()); })
      .Case<mlir::FloatAttr>([](auto each) { return llvm::json::Value(each.getValueAsDouble()); })
      .Case<mlir::StringAttr>([](auto each) { return llvm::json::Value(each.getValue().str()); })
      .Case<mlir::ArrayAttr>([](auto each) {
        llvm::json::Array array;
        for (mlir::Attribute item : each) array.push_back(toJson(item));
        return llvm::json::Value(std::move(array));
      })
      .Case<mlir::DictionaryAttr>([](auto each) {
        llvm::json::Object object;
        for (mlir::NamedAttribute item : each)
          object[item.getName().getValue().str()] = toJson(item.getValue());
        return llvm::json::Value(std::move(object));
      })
      .Case<mlir::UnitAttr>([](auto) { return llvm::json::Value(true); })
      .Default([](auto) { return llvm::json::Value(nullptr); });
}

class Description {
 public:
  Description(mlir::ModuleOp module, const strategy::Target &target)
      : module_(module), strict_(target.strict()), tf32_(target.tf32()) {
    model_.target = target.triple;
    model_.device = target.device;
    model_.cpu_features = target.required_features;
  }

  mlir::FailureOr<Model> run() {
    auto name = module_->getAttrOfType<mlir::StringAttr>("graph.model");
    model_.name = name ? name.getValue().str() : "model";
    model_.state_bytes = plan::bytesAttribute(module_, plan::kStateBytes);
    model_.metric_bytes = plan::bytesAttribute(module_, plan::kMetricBytes);
    llvm::json::Value signature = llvm::json::Object();
    if (auto given = module_->getAttrOfType<mlir::DictionaryAttr>("graph.signature"))
      signature = toJson(given);
    (*signature.getAsObject())["numerics"] = strict_ ? "strict" : "fast";
    if (tf32_) (*signature.getAsObject())["matmul"] = "tf32";
    model_.signature = llvm::formatv("{0}", signature).str();

    for (auto state : module_.getOps<graph::StateOp>())
      if (mlir::failed(addState(state))) return mlir::failure();
    model_.constants.assign(plan::bytesAttribute(module_, plan::kConstantBytes), '\0');
    for (auto constant : module_.getOps<plan::ConstantOp>())
      if (mlir::failed(addConstant(constant))) return mlir::failure();
    for (auto program : module_.getOps<plan::ProgramOp>())
      if (mlir::failed(addProgram(program))) return mlir::failure();
    if (mlir::failed(addMetrics())) return mlir::failure();
    if (model_.entries.empty())
      return module_.emitError() << "the model has no entry point; expected an nn.model, or a "
                                    "graph.func that is not private";
    return std::move(model_);
  }

 private:
  mlir::FailureOr<Tensor> tensorOf(mlir::Location location, mlir::Type type, llvm::StringRef what) {
    auto shaped = llvm::dyn_cast<mlir::RankedTensorType>(type);
    if (!shaped || !shaped.hasStaticShape())
      return mlir::emitError(location)
             << what << " has type " << type << "; expected a tensor of known shape";
    std::optional<graven_dtype> dtype = dtypeOf(shaped.getElementType());
    if (!dtype)
      return mlir::emitError(location)
             << what << " holds " << shaped.getElementType()
             << "; inputs, outputs and state hold f16, bf16, f32, f64, i1, i32, i64 or ui8";
    if (shaped.getRank() > GRAVEN_MAX_RANK)
      return mlir::emitError(location) << what << " has rank " << shaped.getRank() << "; at most "
                                       << GRAVEN_MAX_RANK << " is possible";
    return Tensor{*dtype, shaped.getShape().vec()};
  }

  mlir::LogicalResult addState(graph::StateOp op) {
    State state;
    state.name = op.getSymName().str();
    auto tensor = tensorOf(op.getLoc(), op.getType(), ("state '" + state.name + "'"));
    auto place = op->getAttrOfType<plan::RangeAttr>(plan::kPlace);
    std::optional<graven_role> role = roleOf(op.getRole());
    if (mlir::failed(tensor)) return mlir::failure();
    if (!place || !role)
      return op.emitError() << "state without " << (place ? "a known role" : "a place");
    state.tensor = *tensor;
    state.role = *role;
    state.offset = place.getOffset();
    states_[state.name] = static_cast<uint32_t>(model_.states.size());
    model_.states.push_back(std::move(state));
    return mlir::success();
  }

  mlir::LogicalResult addConstant(plan::ConstantOp op) {
    plan::RangeAttr place = op.getPlace();
    if (auto resource = llvm::dyn_cast<mlir::DenseResourceElementsAttr>(op.getValue())) {
      // Bytes as the artifact has them.
      mlir::AsmResourceBlob *blob = resource.getRawHandle().getBlob();
      if (!blob || blob->getData().size() != size_t(place.getBytes()) ||
          uint64_t(place.getEnd()) > model_.constants.size())
        return op.emitOpError() << "has no data, or not as many as its place";
      std::copy(blob->getData().begin(), blob->getData().end(),
                model_.constants.begin() + place.getOffset());
      return mlir::success();
    }
    auto elements = llvm::dyn_cast<mlir::DenseElementsAttr>(op.getValue());
    if (!elements || uint64_t(place.getEnd()) > model_.constants.size())
      return op.emitError() << "constant that cannot be written to the artifact";
    char *data = model_.constants.data() + place.getOffset();
    llvm::ArrayRef<char> raw = elements.getRawData();
    size_t bytes = place.getBytes();
    if (elements.getElementType().isInteger(1)) {
      // One byte for each, where MLIR packs bits.
      size_t i = 0;
      for (bool value : elements.getValues<bool>()) data[i++] = value;
    } else if (elements.isSplat()) {
      for (size_t i = 0; i + raw.size() <= bytes; i += raw.size())
        std::copy(raw.begin(), raw.end(), data + i);
    } else if (raw.size() == bytes) {
      std::copy(raw.begin(), raw.end(), data);
    } else {
      return op.emitError() << "constant of " << raw.size() << " bytes at a place of " << bytes;
    }
    return mlir::success();
  }

  uint32_t kernelIndex(llvm::StringRef kernel, llvm::StringRef stage) {
    std::string symbol = stageSymbol(kernel, stage);
    auto [place, isNew] =
        kernels_.try_emplace(symbol, static_cast<uint32_t>(model_.kernels.size()));
    if (!isNew) return place->second;
    Kernel added = {symbol};
    if (auto function = module_.lookupSymbol<kernel::FuncOp>(kernel))
      for (auto each : function.getStages().getAsRange<kernel::StageAttr>())
        if (each.getName() == stage) {
          added.threads = static_cast<uint32_t>(each.getThreads());
          added.shared_bytes = static_cast<uint32_t>(each.getSharedBytes());
        }
    model_.kernels.push_back(added);
    return place->second;
  }

  static Operand operand(plan::RangeAttr range, uint32_t access) {
    return {
        static_cast<graven_segment>(range.getSegment()), static_cast<uint32_t>(range.getSlot()),
        static_cast<uint64_t>(range.getOffset()),        static_cast<uint64_t>(range.getBytes()),
        static_cast<uint32_t>(range.getValue()),         access};
  }
  static plan::RangeAttr rangeOf(mlir::Attribute attribute) {
    return llvm::cast<plan::RangeAttr>(attribute);
  }

  Command commandOf(plan::LaunchOp op) {
    Command command;
    command.kind = GRAVEN_COMMAND_LAUNCH;
    command.kernel = kernelIndex(op.getKernel(), op.getStage());
    command.grid = op.getGrid();
    command.flops = op.getFlops();
    command.bytes = op.getBytes();
    for (mlir::Attribute each : op.getArgs())
      command.operands.push_back(operand(rangeOf(each), GRAVEN_OPERAND_READ));
    for (mlir::Attribute each : op.getResults())
      command.operands.push_back(operand(rangeOf(each), GRAVEN_OPERAND_WRITE));
    for (mlir::Attribute each : op.getScratch())
      command.operands.push_back(
          operand(rangeOf(each), GRAVEN_OPERAND_READ | GRAVEN_OPERAND_WRITE));
    return command;
  }
  Command commandOf(plan::CopyOp op) {
    Command command;
    command.kind = GRAVEN_COMMAND_COPY;
    command.bytes = 2 * op.getSource().getBytes();
    command.operands = {operand(op.getSource(), GRAVEN_OPERAND_READ),
                        operand(op.getDestination(), GRAVEN_OPERAND_WRITE)};
    return command;
  }
  Command commandOf(plan::FillOp op) {
    Command command;
    command.kind = GRAVEN_COMMAND_FILL;
    command.bytes = op.getDestination().getBytes();
    command.fill_byte = static_cast<uint32_t>(op.getByte());
    command.operands = {operand(op.getDestination(), GRAVEN_OPERAND_WRITE)};
    return command;
  }

  // Whether axis 0 of a port is the batch axis: `expand` lists those that are. In a program that
  // says nothing, an axis as long as the batch is one.
  static bool isBatched(plan::ProgramOp program, const Tensor &tensor, bool input, int64_t index) {
    if (program.getBatch() == 0 || tensor.dims.empty() ||
        tensor.dims[0] != int64_t(program.getBatch()))
      return false;
    auto batched =
        program->getAttrOfType<mlir::DenseI64ArrayAttr>(input ? "batched_args" : "batched_results");
    return !batched || llvm::is_contained(batched.asArrayRef(), index);
  }

  mlir::FailureOr<std::vector<Port>> portsOf(plan::ProgramOp program, mlir::ArrayAttr names,
                                             mlir::ArrayAttr types, mlir::ArrayAttr ranges,
                                             bool inputs) {
    std::vector<Port> ports;
    for (auto [index, name, type] : llvm::enumerate(names, types)) {
      Port port;
      port.name = llvm::cast<mlir::StringAttr>(name).getValue().str();
      auto tensor = tensorOf(program.getLoc(), llvm::cast<mlir::TypeAttr>(type).getValue(),
                             (inputs ? "input '" : "output '") + port.name + "'");
      if (mlir::failed(tensor)) return mlir::failure();
      port.tensor = *tensor;
      bool rows = inputs && port.name == "rows" && program.getBatch() > 0 &&
                  port.tensor.dtype == GRAVEN_I32 && port.tensor.dims.empty();
      if (rows) port.kind = GRAVEN_PORT_ROWS;
      if (isBatched(program, port.tensor, inputs, index)) port.flags |= GRAVEN_PORT_BATCHED;
      if (ranges && index < ranges.size())
        if (auto range = llvm::dyn_cast<mlir::DenseI64ArrayAttr>(ranges[index])) {
          port.flags |= GRAVEN_PORT_HAS_RANGE;
          port.range_low = range[0];
          port.range_high = range[1];
        }
      ports.push_back(std::move(port));
    }
    return ports;
  }

  mlir::LogicalResult addProgram(plan::ProgramOp program) {
    Entry entry;
    entry.name = program.getPublicName().str();
    entry.batch = program.getBatch();
    if (program.getPartial()) entry.flags |= GRAVEN_ENTRY_PARTIAL;
    entry.arena_bytes = program.getArenaBytes();
    auto inputs = portsOf(program, program.getArgNames(), program.getArgTypes(),
                          program.getArgRangesAttr(), /*inputs=*/true);
    auto outputs = portsOf(program, program.getResultNames(), program.getResultTypes(), {},
                           /*inputs=*/false);
    if (mlir::failed(inputs) || mlir::failed(outputs)) return mlir::failure();
    entry.inputs = std::move(*inputs);
    entry.outputs = std::move(*outputs);
    for (mlir::Operation &op : program.getBody().front()) {
      std::optional<Command> command =
          llvm::TypeSwitch<mlir::Operation *, std::optional<Command>>(&op)
              .Case<plan::LaunchOp, plan::CopyOp, plan::FillOp>(
                  [&](auto each) { return commandOf(each); })
              .Default([](auto) { return std::nullopt; });
      if (!command) return op.emitOpError() << "is no command that an artifact can hold";
      entry.commands.push_back(std::move(*command));
    }
    model_.entries.push_back(std::move(entry));
    return mlir::success();
  }

  mlir::LogicalResult addMetrics() {
    auto metrics = module_->getAttrOfType<mlir::ArrayAttr>("graph.metrics");
    if (!metrics) return mlir::success();
    for (auto each : metrics.getAsRange<mlir::DictionaryAttr>()) {
      auto name = each.getAs<mlir::StringAttr>("name");
      auto stateOf = [&](llvm::StringRef role) {
        auto symbol = each.getAs<mlir::FlatSymbolRefAttr>(role);
        return symbol ? states_.find(symbol.getValue().str()) : states_.end();
      };
      auto numerator = stateOf("numerator"), denominator = stateOf("denominator");
      if (!name || numerator == states_.end() || denominator == states_.end())
        return module_.emitError()
               << "metric " << each
               << " does not name a numerator and a denominator among the states";
      model_.metrics.push_back({name.getValue().str(), numerator->second, denominator->second});
    }
    return mlir::success();
  }

  mlir::ModuleOp module_;
  bool strict_, tf32_;
  Model model_;
  std::map<std::string, uint32_t> states_, kernels_;
};

}  // namespace

mlir::FailureOr<Model> describeModel(mlir::ModuleOp module, const strategy::Target &target) {
  return Description(module, target).run();
}

std::string stageSymbol(llvm::StringRef kernel, llvm::StringRef stage) {
  return stage.empty() ? kernel.str() : (kernel + "_" + stage).str();
}

}  // namespace graven::package
