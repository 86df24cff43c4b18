#include "compiler/expand/inliner.h"

#include "compiler/expand/rules.h"
#include "dialect/graph/ir/shape_rules.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace graven::expand {

Location Inliner::locOf(Operation *op) const {
  // Where the text wrote the op, and through which calls it got here.
  Location loc = op->getLoc();
  for (Operation *call : llvm::reverse(calls_)) loc = CallSiteLoc::get(loc, call->getLoc());
  return loc;
}

Operation *Inliner::lookup(Operation *from, StringAttr name, StringRef kind) {
  if (Operation *found = SymbolTable::lookupSymbolIn(source_, name)) return found;
  SmallVector<StringRef> known;
  for (Operation &op : source_.getOps())
    if (auto symbol = dyn_cast<SymbolOpInterface>(op); symbol && !isa<graph::StateOp>(op))
      known.push_back(symbol.getName());
  InFlightDiagnostic error = emitError(locOf(from))
                             << "there is no " << kind << " @" << name.getValue();
  if (StringRef near = graph::nearestWord(name, known); !near.empty())
    error << "; did you mean @" << near << "?";
  return nullptr;
}

// --- numbers that take the element type of what they meet
// -----------------------------------------

FailureOr<Value> Inliner::typed(Known known, Type element) {
  if (!known.weak) return known.value;
  graph::GraphBuilder &g = entry_.g();
  Location outer = g.loc();
  auto restore = llvm::make_scope_exit([&] { g.setLoc(outer); });
  g.setLoc(locOf(known.weak));
  SmallVector<NamedAttribute> options(known.weak->getAttrs());
  FailureOr<Value> plain = g.tryCreate(known.weak->getName(), {}, options);
  if (failed(plain)) return failure();
  Type own = cast<RankedTensorType>(plain->getType()).getElementType();
  if (element && element != own) {
    plain->getDefiningOp()->erase();
    own = element;
    options.push_back(g.type("dtype", own));
    return g.tryCreate(known.weak->getName(), {}, options);
  }
  plain->getDefiningOp()->setAttr("dtype", TypeAttr::get(own));
  return plain;
}

FailureOr<Expr> Inliner::typedOperand(Value operand, Frame &frame) {
  FailureOr<Value> value = typed(frame.values.lookup(operand), Type());
  if (failed(value)) return failure();
  return Expr(entry_.g(), *value);
}

// The element type a number has where nothing else decides; null after an error was told.
static Type ownElement(graph::ConstantOp constant) {
  FailureOr<RankedTensorType> type = constant.inferType({}, [&] { return constant.emitOpError(); });
  return failed(type) ? Type() : type->getElementType();
}

FailureOr<SmallVector<Value>> Inliner::typedOperands(Operation *op, Frame &frame) {
  // What a fraction and what a whole number becomes in the company of these operands: a fraction
  // joins floats, a whole number joins floats, else integers.
  bool elementwise = isa<graph::ElementwiseOpInterface>(op);
  Type floats, integers;
  for (Value operand : op->getOperands()) {
    const Known &known = frame.values[operand];
    Type element = known.weak ? ownElement(known.weak)
                              : cast<RankedTensorType>(known.value.getType()).getElementType();
    if (!element) return failure();
    if (isa<FloatType>(element) && (!floats || !known.weak))
      floats = element;
    else if (!known.weak && !element.isInteger(1) && !integers)
      integers = element;
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    const Known &known = frame.values[operand];
    Type element;
    if (known.weak) {
      Type own = ownElement(known.weak);
      if (isa<FloatType>(own))
        element = floats;
      else if (elementwise && !own.isInteger(1))
        element = floats ? floats : integers;
    }
    FailureOr<Value> value = typed(known, element);
    if (failed(value)) return failure();
    operands.push_back(*value);
  }
  return operands;
}

LogicalResult Inliner::inlineGraphOp(Operation *op, Frame &frame) {
  graph::GraphBuilder &g = entry_.g();
  if (auto constant = dyn_cast<graph::ConstantOp>(op))
    if (!constant.getDtypeAttr() && !isa<DenseElementsAttr>(constant.getValue())) {
      frame.values[op->getResult(0)] = Known{Value(), constant};
      return success();
    }
  FailureOr<SmallVector<Value>> operands = typedOperands(op, frame);
  if (failed(operands)) return failure();
  SmallVector<NamedAttribute> options;
  bool drawn = false;
  for (NamedAttribute option : op->getAttrs()) {
    drawn |= option.getName() == "site";
    if (option.getName() != "name") options.push_back(option);
  }
  if (!drawn && llvm::is_contained(op->getRegisteredInfo()->getAttributeNames(), "site")) {
    FailureOr<uint32_t> site = siteOf(op, frame);
    if (failed(site)) return failure();
    options.push_back(g.integer("site", *site));
  }
  FailureOr<Value> result = g.tryCreate(op->getName(), *operands, options);
  if (failed(result)) return failure();
  frame.values[op->getResult(0)] = Known{*result, {}};
  return success();
}

FailureOr<uint32_t> Inliner::siteOf(Operation *op, Frame &frame) {
  auto name = op->getAttrOfType<StringAttr>("name");
  std::string path = frame.path;
  if (auto symbol = dyn_cast<SymbolOpInterface>(frame.callee); symbol && frame.path.empty())
    path = (symbol.getName() + ".").str();
  return entry_.states().site(path + (name ? name.getValue() : op->getName().stripDialect()).str(),
                              locOf(op));
}

// --- layers
// ---------------------------------------------------------------------------------------

LogicalResult Inliner::inlineLayer(Operation *op, Frame &frame) {
  const Rules::Layer *rule = Rules::get().layer(op);
  if (!rule) return op->emitOpError() << "has no rule: it cannot stand in a model";
  SmallVector<Expr> inputs;
  for (Value operand : op->getOperands()) {
    FailureOr<Expr> input = typedOperand(operand, frame);
    if (failed(input)) return failure();
    inputs.push_back(*input);
  }
  std::string name = frame.path + op->getAttrOfType<StringAttr>("name").str();
  std::string prefix = name;
  if (auto weights = op->getAttrOfType<StringAttr>("weights")) prefix = frame.path + weights.str();
  LayerContext context(entry_, op, name, prefix, locOf(op));
  if (adapting_)
    if (const Rules::Adapt *adapt = Rules::get().adapt(op))
      if (failed((*adapt)(context, op, inputs))) return failure();
  FailureOr<Expr> result = (*rule)(context, op, inputs);
  if (failed(result)) return failure();
  frame.values[op->getResult(0)] = Known{*result, {}};
  return success();
}

LogicalResult Inliner::inlineApply(nn::ApplyOp op, Frame &frame) {
  Operation *callee = lookup(op, op.getLayerAttr().getAttr(), "layer");
  if (!callee) return failure();
  if (!isa<nn::LayerOp>(callee))
    return emitError(locOf(op)) << "@" << op.getLayer() << " is no nn.layer; apply takes a layer, "
                                << "call a function or a model";
  SmallVector<Known> arguments;
  for (Value operand : op.getInputs()) arguments.push_back(frame.values[operand]);
  std::string name = (op.getWeights() ? *op.getWeights() : *op.getName()).str();
  FailureOr<SmallVector<Known>> results = enter(callee, op, arguments, frame.path + name + ".");
  if (failed(results)) return failure();
  if (results->size() != 1)
    return emitError(locOf(op)) << "the layer @" << op.getLayer() << " returns " << results->size()
                                << " values; a layer returns one";
  frame.values[op.getOutput()] = results->front();
  return success();
}

// --- calls
// ----------------------------------------------------------------------------------------

FailureOr<SmallVector<Inliner::Known>> Inliner::enter(Operation *callee, Operation *call,
                                                      ArrayRef<Known> arguments, std::string path) {
  StringRef name = cast<SymbolOpInterface>(callee).getName();
  if (llvm::is_contained(callees_, callee)) {
    InFlightDiagnostic error = emitError(call->getLoc())
                               << "@" << name
                               << " calls itself; a graph is static, so calls must end";
    for (Operation *outer : llvm::reverse(calls_))
      error.attachNote(outer->getLoc()) << "through this call";
    return error;
  }
  auto model = dyn_cast<nn::ModelOp>(callee);
  Block &body = callee->getRegion(0).front();
  size_t wanted = model ? 1 : body.getNumArguments();
  if (arguments.size() != wanted)
    return emitError(locOf(call)) << "@" << name << " takes " << wanted << " value"
                                  << (wanted == 1 ? "" : "s") << ", got " << arguments.size();
  Frame frame{callee, std::move(path)};
  auto types = callee->getAttrOfType<ArrayAttr>("arg_types");
  for (auto [index, known] : llvm::enumerate(arguments)) {
    Type declared;
    Location declaredAt = callee->getLoc();
    if (model) {
      auto input = *body.getOps<nn::InputOp>().begin();
      SmallVector<int64_t> shape{ShapedType::kDynamic};
      llvm::append_range(shape, input.getShape());
      Type element = input.getDtype().value_or(Float32Type::get(callee->getContext()));
      declared = RankedTensorType::get(shape, element);
      declaredAt = input.getLoc();
    } else if (Type type = cast<TypeAttr>(types[index]).getValue();
               !isa<graph::UntypedType>(type)) {
      declared = type;
    }
    Known argument = known;
    if (declared) {
      FailureOr<RankedTensorType> bound = entry_.bind(declared, declaredAt);
      if (failed(bound)) return failure();
      FailureOr<Value> value = typed(known, bound->getElementType());
      if (failed(value)) return failure();
      if (value->getType() != *bound) {
        InFlightDiagnostic error = emitError(locOf(call))
                                   << "@" << name << " takes " << graph::describe(declared)
                                   << " as value " << index << ", got "
                                   << graph::describe(value->getType());
        error.attachNote(declaredAt) << "declared here; ? is the batch size, " << entry_.batch();
        return error;
      }
      argument = Known{*value, {}};
    }
    frame.values[model ? (*body.getOps<nn::InputOp>().begin()).getOutput()
                       : Value(body.getArgument(index))] = argument;
  }
  callees_.push_back(callee);
  calls_.push_back(call);
  EntryBuilder::Scope scope;
  entry_.openScope(&scope);
  LogicalResult inlined = inlineBlock(body, frame);
  entry_.closeScope();
  parameters_[callee].insert_range(scope);
  callees_.pop_back();
  calls_.pop_back();
  if (failed(inlined)) return failure();
  if (model) {
    for (Operation &line : llvm::reverse(body))
      if (line.getNumResults()) return SmallVector<Known>{frame.values[line.getResult(0)]};
  }
  return frame.results;
}

LogicalResult Inliner::inlineCall(graph::CallOp op, Frame &frame) {
  Operation *callee = lookup(op, op.getCalleeAttr().getAttr(), "function or model");
  if (!callee) return failure();
  if (!isa<graph::FuncOp, nn::ModelOp>(callee))
    return emitError(locOf(op)) << "@" << op.getCallee() << " is an '" << callee->getName()
                                << "'; call takes a graph.func or an nn.model"
                                << (isa<nn::LayerOp>(callee)
                                        ? ", layers are applied in models: nn.apply"
                                        : "");
  SmallVector<Known> arguments;
  for (Value operand : op.getInputs()) arguments.push_back(frame.values[operand]);
  FailureOr<SmallVector<Known>> results = enter(callee, op, arguments, frame.path);
  if (failed(results)) return failure();
  if (results->size() != op->getNumResults())
    return emitError(locOf(op)) << "@" << op.getCallee() << " returns " << results->size()
                                << " value" << (results->size() == 1 ? "" : "s") << ", but "
                                << op->getNumResults() << " are named here";
  for (auto [result, known] : llvm::zip(op->getResults(), *results)) frame.values[result] = known;
  return success();
}

// --- state and gradients
// --------------------------------------------------------------------------

LogicalResult Inliner::inlineRead(graph::ReadOp op, Frame &frame) {
  const State *state = entry_.states().findOrMakeControl(op.getState(), locOf(op));
  if (!state) {
    InFlightDiagnostic error = emitError(locOf(op)) << "there is no state @" << op.getState();
    if (StringRef near = graph::nearestWord(op.getState(), entry_.states().names()); !near.empty())
      return error << "; did you mean @" << near << "?";
    return error << "; declare it: graph.state @" << op.getState()
                 << " : tensor<...> role(parameter) init = zeros";
  }
  frame.values[op.getResult()] = Known{entry_.read(*state, locOf(op)), {}};
  return success();
}

LogicalResult Inliner::inlineWrite(graph::WriteOp op, Frame &frame) {
  if (!frame.isEntry)
    return emitError(locOf(op)) << "only an entry writes state, and @"
                                << cast<SymbolOpInterface>(frame.callee).getName()
                                << " is called by one; return the value and write it there";
  const State *state = entry_.states().findOrMakeControl(op.getState(), locOf(op));
  if (!state) return emitError(locOf(op)) << "there is no state @" << op.getState() << " to write";
  FailureOr<Value> value = typed(frame.values[op.getValue()], state->type.getElementType());
  if (failed(value)) return failure();
  return entry_.write(op.getState(), *value, locOf(op));
}

LogicalResult Inliner::inlineParameter(graph::ParameterOp op, Frame &frame) {
  Expr like;
  if (op.getLike()) {
    FailureOr<Expr> operand = typedOperand(op.getLike(), frame);
    if (failed(operand)) return failure();
    like = *operand;
  }
  SmallVector<int64_t> shape(op.getShape());
  for (int64_t &length : shape) {
    if (length >= 1) continue;
    if (length != -1)
      return emitError(locOf(op))
             << "a parameter's lengths are at least 1, or -1 for the last axis of "
             << "the value given, got " << length;
    if (!like.value() || like.rank() == 0)
      return emitError(locOf(op)) << "-1 stands for the last axis of a value, and none is given; "
                                  << "write parameter(%x, shape = [-1, ...])";
    length = like.dim(like.rank() - 1);
  }
  Type element = Float32Type::get(op.getContext());
  if (op.getDtype())
    element = *op.getDtype();
  else if (like.value() && isa<FloatType>(like.element()))
    element = like.element();
  FailureOr<Expr> value =
      entry_.state(frame.path + op.getName()->str(), RankedTensorType::get(shape, element),
                   op.getRole().value_or("parameter"), op.getInitAttr(), locOf(op), op);
  if (failed(value)) return failure();
  frame.values[op.getResult()] = Known{*value, {}};
  return success();
}

static LogicalResult checkLoss(Expr loss, Location loc) {
  if (loss.rank() == 0 && isa<FloatType>(loss.element())) return success();
  return emitError(loc) << "a gradient is taken of one number, got " << graph::describe(loss.type())
                        << "; reduce it first: mean(%loss)";
}

LogicalResult Inliner::inlineGradient(graph::GradientOp op, Frame &frame) {
  FailureOr<Expr> of = typedOperand(op.getOf(), frame);
  if (failed(of) || failed(checkLoss(*of, locOf(op)))) return failure();
  if (op.getBy().size() != op->getNumResults())
    return emitError(locOf(op)) << "asks for gradients by " << op.getBy().size() << " values, but "
                                << op->getNumResults() << " are named here";
  SmallVector<Value> by;
  SmallVector<Type> types;
  for (Value operand : op.getBy()) {
    FailureOr<Expr> value = typedOperand(operand, frame);
    if (failed(value)) return failure();
    if (!isa<FloatType>(value->element()))
      return emitError(locOf(op)) << "gradients are taken by floats, got "
                                  << graph::describe(value->type());
    by.push_back(*value);
    types.push_back(value->type());
  }
  auto request = graph::GradientOp::create(entry_.g().builder(), locOf(op), types, *of, by);
  for (auto [source, result] : llvm::zip(op->getResults(), request->getResults()))
    frame.values[source] = Known{result, {}};
  return success();
}

LogicalResult Inliner::inlineForEach(graph::ForEachParameterOp op, Frame &frame) {
  if (!frame.isEntry)
    return emitError(locOf(op))
           << "for_each_parameter writes parameters, and only an entry writes; "
           << "move it to the function that is not private";
  Operation *model = lookup(op, op.getModelAttr().getAttr(), "model");
  if (!model) return failure();
  auto found = parameters_.find(model);
  if (found == parameters_.end() || found->second.empty())
    return emitError(locOf(op))
           << "@" << op.getModel()
           << " has no parameters that this entry read; call it above this line";
  FailureOr<Expr> loss = typedOperand(op.getLoss(), frame);
  if (failed(loss) || failed(checkLoss(*loss, locOf(op)))) return failure();
  SmallVector<const State *> states(found->second.begin(), found->second.end());
  SmallVector<Value> weights;
  for (const State *state : states) weights.push_back(entry_.read(*state, locOf(op)));
  SmallVector<Type> types =
      llvm::map_to_vector(weights, [](Value value) { return value.getType(); });
  auto gradients =
      graph::GradientOp::create(entry_.g().builder(), locOf(op), types, *loss, weights);
  for (auto [state, weight, gradient] : llvm::zip(states, weights, gradients->getResults())) {
    Frame body = frame;  // the region sees the values around it
    body.isEntry = false;
    body.results.clear();
    Block &region = op.getBody().front();
    body.values[region.getArgument(0)] = Known{weight, {}};
    body.values[region.getArgument(1)] = Known{gradient, {}};
    if (failed(inlineBlock(region, body))) return failure();
    if (body.results.size() != 1)
      return emitError(locOf(op))
             << "the region yields " << body.results.size()
             << " values; it yields one, the parameter's next value: yield(%next)";
    FailureOr<Value> next = typed(body.results.front(), state->type.getElementType());
    if (failed(next) || failed(entry_.write(state->name, *next, locOf(op)))) return failure();
  }
  return success();
}

// --- bodies
// ---------------------------------------------------------------------------------------

LogicalResult Inliner::inlineOp(Operation *op, Frame &frame) {
  entry_.g().setLoc(locOf(op));
  if (isa<graph::ShapedGraphOpInterface>(op)) return inlineGraphOp(op, frame);
  // The constructs: what has a meaning of its own, beyond that of a tensor operation.
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](graph::CallOp call) { return inlineCall(call, frame); })
      .Case([&](graph::ReadOp read) { return inlineRead(read, frame); })
      .Case([&](graph::WriteOp write) { return inlineWrite(write, frame); })
      .Case([&](graph::ParameterOp parameter) { return inlineParameter(parameter, frame); })
      .Case([&](graph::GradientOp gradient) { return inlineGradient(gradient, frame); })
      .Case([&](graph::ForEachParameterOp each) { return inlineForEach(each, frame); })
      .Case([&](nn::ApplyOp apply) { return inlineApply(apply, frame); })
      .Case([&](nn::InputOp) { return success(); })  // bound by `enter`
      .Case<graph::ReturnOp, graph::YieldOp>([&](Operation *end) {
        for (Value value : end->getOperands()) frame.results.push_back(frame.values[value]);
        return success();
      })
      .Default([&](Operation *other) { return inlineLayer(other, frame); });
}

LogicalResult Inliner::inlineBlock(Block &block, Frame &frame) {
  for (Operation &op : block)
    if (failed(inlineOp(&op, frame))) return failure();
  return success();
}

FailureOr<Expr> Inliner::model(nn::ModelOp model, Expr x, bool adapting) {
  adapting_ = adapting;
  Block &body = model.getLayers().front();
  auto input = *body.getOps<nn::InputOp>().begin();
  Frame frame{model, ""};
  frame.values[input.getOutput()] = Known{x, {}};
  callees_.push_back(model);
  EntryBuilder::Scope scope;
  entry_.openScope(&scope);
  LogicalResult inlined = inlineBlock(body, frame);
  entry_.closeScope();
  parameters_[model].insert_range(scope);
  callees_.pop_back();
  if (failed(inlined)) return failure();
  for (Operation &line : llvm::reverse(body))
    if (line.getNumResults()) return typedOperand(line.getResult(0), frame);
  return failure();
}

FailureOr<SmallVector<Expr>> Inliner::entryBody(graph::FuncOp function) {
  Block &body = function.getBody().front();
  Frame frame{function, "", /*isEntry=*/true};
  ArrayAttr ranges = function.getArgRangesAttr();
  for (auto [index, source] : llvm::enumerate(body.getArguments())) {
    Type type = cast<TypeAttr>(function.getArgTypes()[index]).getValue();
    StringRef name = cast<StringAttr>(function.getArgNames()[index]);
    if (isa<graph::UntypedType>(type))
      return function.emitOpError() << "is an entry, so its argument %" << name
                                    << " needs a type: %" << name << ": tensor<?x4xf32>";
    if (name == "rows")
      return function.emitOpError()
             << "names an argument %rows, which is the name of the number of "
             << "rows that an entry gets by itself; choose another name";
    FailureOr<Expr> argument =
        entry_.argument(name, type, ranges ? ranges[index] : Attribute(), function.getLoc());
    if (failed(argument)) return failure();
    frame.values[source] = Known{*argument, {}};
  }
  callees_.push_back(function);
  LogicalResult inlined = inlineBlock(body, frame);
  callees_.pop_back();
  if (failed(inlined)) return failure();
  SmallVector<Expr> results;
  for (Known known : frame.results) {
    FailureOr<Value> value = typed(known, Type());
    if (failed(value)) return failure();
    results.push_back(Expr(entry_.g(), *value));
  }
  return results;
}

}  // namespace graven::expand
