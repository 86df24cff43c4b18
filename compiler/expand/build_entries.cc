#include "compiler/expand/inliner.h"
#include "compiler/expand/passes.h"
#include "compiler/expand/rules.h"
#include "compiler/expand/signature.h"
#include "dialect/graph/ir/shape_rules.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace graven::expand {

#define GEN_PASS_DEF_BUILDENTRIES
#include "compiler/expand/passes.h.inc"

namespace {

constexpr int64_t kDefaultBatch = 32;

class ModuleBuilder {
 public:
  ModuleBuilder(ModuleOp module, const ExpandOptions &options)
      : module_(module), options_(options), states_(module) {}

  LogicalResult run();

 private:
  LogicalResult findSources();
  LogicalResult buildVariant(int64_t batch, StringRef suffix);
  LogicalResult buildWritten(graph::FuncOp function, int64_t batch, StringRef suffix);
  LogicalResult buildPredict(EntryBuilder &entry);
  LogicalResult buildAdapt(EntryBuilder &entry);
  LogicalResult buildStep(EntryBuilder &entry);
  LogicalResult buildInit(int64_t batch);
  LogicalResult buildResetMetrics();
  LogicalResult optimize(EntryBuilder &entry, Expr loss);
  FailureOr<Expr> inputOf(EntryBuilder &entry);
  LogicalResult keepMetric(EntryBuilder &entry, StringRef metric, Expr sum, Location loc);

  bool wanted(StringRef entry) const {
    return options_.freezes || options_.entries.empty() ||
           llvm::is_contained(options_.entries, entry);
  }
  bool derives(StringRef entry) const { return wanted(entry) && !functions_.contains(entry); }
  void writeAttributes();

  ModuleOp module_;
  const ExpandOptions &options_;
  StateTable states_;
  nn::ModelOp model_;  // the one entries are derived from; may be null
  TrainPart train_;
  llvm::MapVector<StringRef, graph::FuncOp> functions_;  // entries that the text defines
  SmallVector<Operation *> sources_;
  SmallVector<std::string> metrics_;
  int64_t classes_ = 0;
  bool adapts_ = false;
};

LogicalResult ModuleBuilder::findSources() {
  SmallVector<nn::ModelOp> models;
  for (Operation &op : module_.getOps()) {
    if (isa<nn::ModelOp, nn::LayerOp, graph::FuncOp, graph::StateOp>(op)) sources_.push_back(&op);
    if (auto model = dyn_cast<nn::ModelOp>(op)) models.push_back(model);
    if (auto function = dyn_cast<graph::FuncOp>(op);
        function && function.getSymVisibility() != "private")
      functions_[function.getSymName()] = function;
  }
  // Several models: the one that is trained speaks for the artifact.
  SmallVector<nn::ModelOp> trained(llvm::make_filter_range(
      models, [](nn::ModelOp model) { return !model.getTraining().empty(); }));
  if (trained.size() > 1) {
    InFlightDiagnostic error = trained[1].emitOpError()
                               << "is a second model with a `train` part; an artifact has one";
    error.attachNote(trained[0].getLoc()) << "the first";
    return error;
  }
  if (!trained.empty())
    model_ = trained.front();
  else if (models.size() == 1)
    model_ = models.front();
  train_ = TrainPart::of(model_);
  if (train_.fit && !train_.loss && !functions_.contains("train_step"))
    return train_.fit.emitOpError()
           << "has nothing to train with: the `train` part names no loss and "
              "no optimizer, and the text has no train_step of its own";
  if (!model_ && functions_.empty())
    return emitError(module_.getLoc())
           << "the text defines neither an nn.model nor a graph.func that is "
              "not private, so there is nothing to compile";
  for (StringRef name : options_.entries) {
    static constexpr StringRef kDerived[] = {"init",      "adapt",   "train_step",
                                             "eval_step", "predict", "reset_metrics"};
    if (functions_.contains(name) || llvm::is_contained(kDerived, name)) continue;
    InFlightDiagnostic error = emitError(module_.getLoc())
                               << "there is no entry '" << name << "' to keep; a model has "
                               << llvm::join(ArrayRef(kDerived), ", ");
    for (auto &[own, function] : functions_) error << ", " << own;
    return error;
  }
  return success();
}

FailureOr<Expr> ModuleBuilder::inputOf(EntryBuilder &entry) {
  auto input = *model_.getLayers().front().getOps<nn::InputOp>().begin();
  SmallVector<int64_t> shape{ShapedType::kDynamic};
  llvm::append_range(shape, input.getShape());
  Type element = input.getDtype().value_or(Float32Type::get(module_.getContext()));
  return entry.argument(*input.getName(), RankedTensorType::get(shape, element), Attribute(),
                        input.getLoc());
}

LogicalResult ModuleBuilder::keepMetric(EntryBuilder &entry, StringRef metric, Expr sum,
                                        Location loc) {
  if (!llvm::is_contained(metrics_, metric)) metrics_.push_back(metric.str());
  return entry.accumulate(metric, sum, loc);
}

static Expr asF64(Expr x) { return convert(x, Float64Type::get(x.type().getContext())); }

LogicalResult ModuleBuilder::buildPredict(EntryBuilder &entry) {
  FailureOr<Expr> x = inputOf(entry);
  if (failed(x)) return failure();
  FailureOr<Expr> y = Inliner(module_, entry).model(model_, *x);
  if (failed(y)) return failure();
  return entry.finish({y->value()}, {"y"}, model_.getLoc());
}

LogicalResult ModuleBuilder::buildAdapt(EntryBuilder &entry) {
  FailureOr<Expr> x = inputOf(entry);
  if (failed(x)) return failure();
  if (failed(Inliner(module_, entry).model(model_, *x, /*adapting=*/true))) return failure();
  return entry.finish({}, {}, model_.getLoc());
}

// train_step and eval_step: the loss of a batch, its metrics, and in training the next parameters.
LogicalResult ModuleBuilder::buildStep(EntryBuilder &entry) {
  graph::GraphBuilder &g = entry.g();
  FailureOr<Expr> x = inputOf(entry);
  if (failed(x)) return failure();
  FailureOr<Expr> value = Inliner(module_, entry).model(model_, *x);
  if (failed(value)) return failure();
  Location loc = train_.loss->getLoc();
  g.setLoc(loc);
  if (value->rank() == 0 || value->dim(0) != entry.batch())
    return train_.loss->emitOpError()
           << "expects a value for each row of the batch (" << entry.batch() << " rows), got "
           << graph::describe(value->type());
  // Losses, metrics and updates are computed in f32 at least.
  *value = graph::widen(*value);
  const Rules::Loss &rule = *Rules::get().loss(train_.loss);
  FailureOr<Target> target = rule.target(train_.loss, value->type());
  if (failed(target)) return failure();
  SmallVector<int64_t> shape(target->type.getShape());
  shape[0] = ShapedType::kDynamic;
  Attribute range;
  if (target->classes) range = g.builder().getDenseI64ArrayAttr({0, target->classes});
  FailureOr<Expr> wanted = entry.argument(
      target->name, RankedTensorType::get(shape, target->type.getElementType()), range, loc);
  if (failed(wanted)) return failure();
  classes_ = target->classes;

  Expr each = rule.each(train_.loss, *value, *wanted);
  Expr loss(g, g.create<graph::MeanOp>({each}, {}));
  loss = entry.addPenalties(loss);
  if (failed(keepMetric(entry, "loss", asF64(loss) * asF64(entry.rows()), loc))) return failure();
  for (Operation *metric : train_.metrics) {
    g.setLoc(metric->getLoc());
    FailureOr<Expr> row = (*Rules::get().metric(metric))(metric, *value, *wanted, *target);
    if (failed(row)) return failure();
    if (failed(keepMetric(entry, metric->getName().stripDialect(), asF64(sumAll(*row)),
                          metric->getLoc())))
      return failure();
  }
  if (entry.training() && failed(optimize(entry, loss))) return failure();
  return entry.finish({loss.value()}, {"loss"}, loc);
}

LogicalResult ModuleBuilder::optimize(EntryBuilder &entry, Expr loss) {
  graph::GraphBuilder &g = entry.g();
  Location loc = train_.optimizer->getLoc();
  g.setLoc(loc);
  SmallVector<const State *> states(entry.parameters());
  if (states.empty())
    return train_.optimizer->emitOpError()
           << "has nothing to train: the model has no parameters; add a "
              "layer that has some, for instance dense(units = 1)";
  SmallVector<Value> weights;
  for (const State *state : states) weights.push_back(entry.read(*state, loc));
  SmallVector<Type> types =
      llvm::map_to_vector(weights, [](Value value) { return value.getType(); });
  auto gradients = graph::GradientOp::create(g.builder(), loc, types, loss, weights);
  SmallVector<Expr> clipped;
  for (Value gradient : gradients->getResults()) clipped.push_back(graph::widen(Expr(g, gradient)));
  clipGradients(nn::clippingOf(train_.optimizer), clipped);
  StringRef name = train_.optimizer->getName().stripDialect();
  for (auto [state, weight, gradient] : llvm::zip(states, weights, clipped)) {
    OptimizerContext context(entry, *state, name, loc);
    FailureOr<Expr> next = (*Rules::get().optimizer(train_.optimizer))(
        context, train_.optimizer, graph::widen(Expr(g, weight)), gradient);
    if (failed(next)) return failure();
    Expr rounded = convert(*next, state->type.getElementType());
    if (failed(entry.write(state->name, rounded, loc))) return failure();
  }
  return success();
}

LogicalResult ModuleBuilder::buildWritten(graph::FuncOp function, int64_t batch, StringRef suffix) {
  StringRef name = function.getSymName();
  bool trains = name == "train_step", steps = trains || name == "eval_step";
  EntryBuilder entry(module_, states_, (name + suffix).str(), batch, trains, function.getLoc());
  FailureOr<SmallVector<Expr>> results = Inliner(module_, entry).entryBody(function);
  if (failed(results)) return failure();
  if (!suffix.empty() && !entry.hasBatch()) {  // the same for every batch size
    entry.op().erase();
    return success();
  }
  entry.g().setLoc(function.getLoc());
  // The first result of a step, if it is a number, is its loss.
  bool hasLoss = steps && !results->empty() && results->front().rank() == 0 &&
                 isa<FloatType>(results->front().element());
  if (hasLoss && entry.hasBatch())
    if (failed(keepMetric(entry, "loss", asF64(results->front()) * asF64(entry.rows()),
                          function.getLoc())))
      return failure();
  SmallVector<std::string> names;
  SmallVector<Value> values;
  for (auto [index, result] : llvm::enumerate(*results)) {
    values.push_back(result);
    if (index == 0 && hasLoss)
      names.push_back("loss");
    else
      names.push_back(results->size() == 1 ? "y" : "y" + std::to_string(index));
  }
  if (ArrayAttr ranges = function.getArgRangesAttr(); ranges && steps && !classes_)
    for (Attribute range : ranges)
      if (auto limits = dyn_cast<DenseI64ArrayAttr>(range); limits && limits[0] == 0)
        classes_ = limits[1];
  return entry.finish(values, names, function.getLoc());
}

LogicalResult ModuleBuilder::buildVariant(int64_t batch, StringRef suffix) {
  auto derive = [&](StringRef name, bool training,
                    LogicalResult (ModuleBuilder::*build)(EntryBuilder &)) {
    if (!derives(name)) return success();
    EntryBuilder entry(module_, states_, (name + suffix).str(), batch, training, model_.getLoc());
    return (this->*build)(entry);
  };
  if (model_) {
    bool measures = false;
    module_.walk([&](Operation *op) { measures |= Rules::get().adapt(op) != nullptr; });
    if (measures) {
      if (failed(derive("adapt", false, &ModuleBuilder::buildAdapt))) return failure();
      adapts_ = derives("adapt");
    }
    if (train_.loss && (failed(derive("train_step", true, &ModuleBuilder::buildStep)) ||
                        failed(derive("eval_step", false, &ModuleBuilder::buildStep))))
      return failure();
    if (failed(derive("predict", false, &ModuleBuilder::buildPredict))) return failure();
  }
  for (auto [name, function] : functions_)
    if (name != "init" && name != "reset_metrics" && wanted(name))
      if (failed(buildWritten(function, batch, suffix))) return failure();
  adapts_ |= functions_.contains("adapt");
  return success();
}

// The first value of every state, unless the text's own init gives it.
LogicalResult ModuleBuilder::buildInit(int64_t batch) {
  if (!wanted("init")) return success();
  graph::FuncOp own = functions_.lookup("init");
  bool any =
      llvm::any_of(states_.states(), [](const State &state) { return state.role != "metric"; });
  if (!own && !any) return success();
  Location loc = own ? own.getLoc() : model_ ? model_.getLoc() : module_.getLoc();
  EntryBuilder entry(module_, states_, "init", batch, false, loc);
  auto keyType = RankedTensorType::get({2}, IntegerType::get(module_.getContext(), 32));
  Expr key;
  SmallVector<Value> values;
  SmallVector<std::string> names;
  if (own) {
    FailureOr<SmallVector<Expr>> results = Inliner(module_, entry).entryBody(own);
    if (failed(results)) return failure();
    for (auto [index, result] : llvm::enumerate(*results)) {
      values.push_back(result);
      names.push_back("y" + std::to_string(index));
    }
    for (auto [index, name] : llvm::enumerate(own.getArgNames().getAsValueRange<StringAttr>()))
      if (Value argument = entry.op().getEntryBlock().getArgument(index);
          name == "seed" && argument.getType() == keyType)
        key = Expr(entry.g(), argument);
  } else {
    key = *entry.argument("seed", keyType, Attribute(), loc);
  }
  SmallVector<State> states(states_.states());
  for (const State &state : states) {
    if (state.role == "metric" || entry.writes(state.name)) continue;
    FailureOr<Expr> first = firstValue(entry.g(), states_, state, key);
    if (failed(first) || failed(entry.write(state.name, *first, state.loc))) return failure();
  }
  return entry.finish(values, names, loc);
}

LogicalResult ModuleBuilder::buildResetMetrics() {
  if (graph::FuncOp own = functions_.lookup("reset_metrics"); own && wanted("reset_metrics"))
    return buildWritten(own, kDefaultBatch, "");
  SmallVector<State> metrics(llvm::make_filter_range(
      states_.states(), [](const State &state) { return state.role == "metric"; }));
  if (metrics.empty() || !wanted("reset_metrics")) return success();
  EntryBuilder entry(module_, states_, "reset_metrics", kDefaultBatch, false, module_.getLoc());
  for (const State &state : metrics)
    if (failed(entry.write(state.name, entry.g().constant(0.0, state.type), state.loc)))
      return failure();
  return entry.finish({}, {}, module_.getLoc());
}

void ModuleBuilder::writeAttributes() {
  Builder b(module_.getContext());
  SmallVector<Attribute> metrics;
  for (const std::string &name : metrics_)
    metrics.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("name", b.getStringAttr(name)),
         b.getNamedAttr("numerator", FlatSymbolRefAttr::get(b.getContext(), name + ".sum")),
         b.getNamedAttr("denominator", FlatSymbolRefAttr::get(b.getContext(), name + ".count"))}));
  module_->setAttr("graph.metrics", b.getArrayAttr(metrics));
  std::string name = "model";
  if (auto given = module_->getAttrOfType<StringAttr>("graph.model"))
    name = given.str();
  else if (model_)
    name = model_.getSymName().str();
  else if (auto file = dyn_cast<FileLineColLoc>(module_.getLoc());
           file && file.getFilename() != "<stdin>" && file.getFilename() != "-")
    name = llvm::sys::path::stem(file.getFilename()).str();
  module_->setAttr("graph.model", b.getStringAttr(name));
  module_->setAttr("graph.signature",
                   signatureOf(name, model_, train_, classes_, adapts_, metrics_, b.getContext()));
}

LogicalResult ModuleBuilder::run() {
  if (failed(findSources())) return failure();
  SmallVector<int64_t> batches(options_.batches.begin(), options_.batches.end());
  if (batches.empty())
    batches.push_back(train_.fit && train_.fit.getBatchSize() ? *train_.fit.getBatchSize()
                                                              : kDefaultBatch);
  for (auto [index, batch] : llvm::enumerate(batches)) {
    if (batch < 1)
      return emitError(module_.getLoc()) << "a batch size is at least 1, got " << batch;
    if (llvm::is_contained(ArrayRef(batches).take_front(index), batch)) continue;
    if (failed(buildVariant(batch, index ? "$" + std::to_string(batch) : ""))) return failure();
  }
  // Last, since they speak of all states.
  if (failed(buildResetMetrics()) || failed(buildInit(batches.front()))) return failure();
  writeAttributes();
  for (Operation *source : sources_) source->erase();
  // `init` comes first, as it is called first.
  auto entries = llvm::to_vector(module_.getOps<graph::EntryOp>());
  if (!entries.empty() && entries.back().getSymName() == "init")
    entries.back()->moveBefore(module_.getBody(), module_.getBody()->begin());
  OpBuilder builder = OpBuilder::atBlockBegin(module_.getBody());
  states_.materialize(builder);
  return success();
}

class BuildEntriesPass : public impl::BuildEntriesBase<BuildEntriesPass> {
 public:
  using BuildEntriesBase::BuildEntriesBase;

 private:
  void runOnOperation() override {
    ExpandOptions options;
    options.batches.assign(batches.begin(), batches.end());
    options.entries.assign(entries.begin(), entries.end());
    options.freezes = freezes;
    if (failed(buildEntries(getOperation(), options))) signalPassFailure();
  }
};

}  // namespace

LogicalResult buildEntries(ModuleOp module, const ExpandOptions &options) {
  return ModuleBuilder(module, options).run();
}

}  // namespace graven::expand
