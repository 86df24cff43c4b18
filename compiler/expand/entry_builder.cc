#include "compiler/expand/entry_builder.h"

#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::expand {

EntryBuilder::EntryBuilder(ModuleOp module, StateTable &states, StringRef symbol, int64_t batch,
                           bool training, Location loc)
    : states_(states),
      builder_(module.getContext()),
      g_(builder_, loc),
      batch_(batch),
      training_(training) {
  builder_.setInsertionPointToEnd(module.getBody());
  OperationState state(loc, graph::EntryOp::getOperationName());
  state.addAttribute("sym_name", builder_.getStringAttr(symbol));
  state.addAttribute("arg_names", builder_.getArrayAttr({}));
  state.addAttribute("result_names", builder_.getArrayAttr({}));
  state.addRegion()->emplaceBlock();
  entry_ = cast<graph::EntryOp>(builder_.create(state));
  builder_.setInsertionPointToStart(&entry_.getEntryBlock());
}

FailureOr<RankedTensorType> EntryBuilder::bind(Type type, Location loc) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !graph::isElementType(tensor.getElementType()))
    return emitError(loc) << "expected a tensor of f16, bf16, f32, f64, i1, i32, i64 or ui8, got "
                          << type;
  SmallVector<int64_t> shape(tensor.getShape());
  for (auto [axis, length] : llvm::enumerate(shape)) {
    if (!ShapedType::isDynamic(length)) continue;
    if (axis != 0)
      return emitError(loc) << "'?', the batch size, can be the first axis only, got "
                            << graph::describe(type);
    length = batch_;
  }
  return RankedTensorType::get(shape, tensor.getElementType());
}

FailureOr<Expr> EntryBuilder::argument(StringRef name, Type type, Attribute range, Location loc) {
  assert(!rows_.value() && "arguments come before the number of rows");
  FailureOr<RankedTensorType> bound = bind(type, loc);
  if (failed(bound)) return failure();
  Block &body = entry_.getEntryBlock();
  if (*bound != type) batched_.push_back(body.getNumArguments());
  argumentNames_.push_back(builder_.getStringAttr(name));
  ranges_.push_back(range && isa<DenseI64ArrayAttr>(range) ? range : builder_.getUnitAttr());
  return Expr(g_, body.addArgument(*bound, loc));
}

Expr EntryBuilder::rows() {
  if (rows_.value()) return rows_;
  argumentNames_.push_back(builder_.getStringAttr("rows"));
  ranges_.push_back(builder_.getUnitAttr());
  rows_ = Expr(g_, entry_.getEntryBlock().addArgument(
                       RankedTensorType::get({}, builder_.getI32Type()), entry_.getLoc()));
  return rows_;
}

FailureOr<Expr> EntryBuilder::state(StringRef name, RankedTensorType type, StringRef role,
                                    Attribute init, Location loc, Operation *owner) {
  FailureOr<const State *> declared = states_.declare(name, type, role, init, loc, owner);
  if (failed(declared)) return failure();
  return read(**declared, loc);
}

Expr EntryBuilder::read(const State &state, Location loc) {
  if (state.role == "parameter") {
    parameters_.insert(&state);
    for (Scope *scope : scopes_) scope->insert(&state);
  }
  Value &value = reads_[&state];
  if (!value) {
    // The value at entry, wherever it is asked for: at the start, one read for all.
    OpBuilder::InsertionGuard guard(builder_);
    if (lastRead_)
      builder_.setInsertionPointAfter(lastRead_);
    else
      builder_.setInsertionPointToStart(&entry_.getEntryBlock());
    value = graph::ReadOp::create(builder_, loc, state.type, FlatSymbolRefAttr::get(state.name),
                                  StringAttr());
    lastRead_ = value.getDefiningOp();
  }
  return Expr(g_, value);
}

Expr EntryBuilder::control(StringRef name) {
  return read(*states_.findOrMakeControl(name, g_.loc()), g_.loc());
}

LogicalResult EntryBuilder::write(StringRef name, Value value, Location loc) {
  const State *state = states_.findOrMakeControl(name, loc);
  assert(state && "callers look the state up first");
  if (value.getType() != state->type)
    return emitError(loc) << "cannot write " << graph::describe(value.getType())
                          << " to the state '" << name << "' of type "
                          << graph::describe(state->type);
  auto [previous, isNew] = writes_.insert({state, Write{value, loc}});
  if (isNew) return success();
  InFlightDiagnostic error = emitError(loc)
                             << "the state '" << name
                             << "' is written twice; an entry gives a state one next value";
  error.attachNote(previous->second.loc) << "the first write";
  return error;
}

bool EntryBuilder::writes(StringRef name) const {
  const State *state = states_.find(name);
  return state && writes_.contains(state);
}

Expr EntryBuilder::addPenalties(Expr loss) {
  for (Expr term : penalties_) loss = loss + term;
  penalties_.clear();
  return loss;
}

LogicalResult EntryBuilder::accumulate(StringRef metric, Expr sum, Location loc) {
  RankedTensorType scalar = RankedTensorType::get({}, builder_.getF64Type());
  auto add = [&](StringRef suffix, Expr value) -> LogicalResult {
    std::string name = (metric + suffix).str();
    FailureOr<Expr> old = state(name, scalar, "metric", Attribute(), loc, nullptr);
    if (failed(old)) return failure();
    return write(name, *old + convert(value, scalar.getElementType()), loc);
  };
  return success(succeeded(add(".sum", sum)) && succeeded(add(".count", rows())));
}

// What the entries of fixed meaning may do to state.
LogicalResult EntryBuilder::checkState() {
  StringRef name = entry_.getPublicName();
  bool evaluates = name == "eval_step", predicts = name == "predict";
  if (!evaluates && !predicts) return success();
  for (auto &[state, write] : writes_) {
    if (predicts)
      return emitError(write.loc) << "predict writes nothing, but writes the state '"
                                  << state->name.getValue() << "' here";
    if (state->role != "metric")
      return emitError(write.loc) << "eval_step writes metrics only, but writes the state '"
                                  << state->name.getValue() << "' of role " << state->role
                                  << " here; move the write to train_step";
  }
  for (auto read : entry_.getEntryBlock().getOps<graph::ReadOp>()) {
    if (read.getState() != "seed") continue;
    Operation *user = *read->getUsers().begin();
    return emitError(user->getLoc())
           << name
           << " draws no random numbers from the state 'seed', but does so here; move it to "
           << "train_step, or take the key as an argument: %key: tensor<2xi32>";
  }
  return success();
}

LogicalResult EntryBuilder::finish(ValueRange results, ArrayRef<std::string> names, Location loc) {
  if (hasBatch()) rows();
  // A step that reads the step counter advances it, unless the text does.
  const State *step = states_.find("step");
  if (training_ && step && reads_.contains(step) && !writes_.contains(step))
    if (failed(write("step", control("step") + 1.0, loc))) return failure();

  SmallVector<Value> values(results);
  SmallVector<Attribute> written;
  for (auto &[state, write] : writes_) {
    values.push_back(write.value);
    written.push_back(FlatSymbolRefAttr::get(state->name));
  }
  graph::ReturnOp::create(builder_, loc, TypeRange(), values,
                          written.empty() ? ArrayAttr() : builder_.getArrayAttr(written));
  SmallVector<Attribute> resultNames;
  for (const std::string &name : names) resultNames.push_back(builder_.getStringAttr(name));
  entry_.setArgNamesAttr(builder_.getArrayAttr(argumentNames_));
  entry_.setResultNamesAttr(builder_.getArrayAttr(resultNames));
  if (llvm::any_of(ranges_, llvm::IsaPred<DenseI64ArrayAttr>))
    entry_.setArgRangesAttr(builder_.getArrayAttr(ranges_));
  if (hasBatch()) {
    entry_.setBatch(batch_);
    entry_->setAttr("batched_args", builder_.getDenseI64ArrayAttr(batched_));
  }
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(entry_.getEntryBlock())))
    if (isOpTriviallyDead(&op)) op.erase();
  return checkState();
}

}  // namespace graven::expand
