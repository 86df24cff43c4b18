#include "compiler/expand/state_table.h"

#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::expand {

StateTable::StateTable(ModuleOp module) : context_(module.getContext()) {
  for (auto op : module.getOps<graph::StateOp>())
    states_[op.getSymNameAttr()] =
        std::make_unique<State>(State{op.getSymNameAttr(), cast<RankedTensorType>(op.getType()),
                                      op.getRole(), op.getInitAttr(), op.getLoc(), nullptr});
}

FailureOr<const State *> StateTable::declare(StringRef name, RankedTensorType type, StringRef role,
                                             Attribute init, Location loc, Operation *owner) {
  StringAttr key = StringAttr::get(context_, name);
  std::unique_ptr<State> &place = states_[key];
  if (!place) place = std::make_unique<State>(State{key, type, role, init, loc, owner});
  const State &state = *place;
  auto conflict = [&](const Twine &what) -> LogicalResult {
    InFlightDiagnostic error = emitError(loc) << "the state '" << name << "' " << what.str();
    error.attachNote(state.loc) << "declared here";
    return error;
  };
  if (state.owner && state.owner != owner)
    return conflict("belongs to another line; give this line a name of its own: %name = ...");
  if (state.type != type)
    return conflict("has type " + graph::describe(state.type) + ", but is used here as " +
                    graph::describe(type));
  if (state.role != role)
    return conflict("has role " + state.role + ", but is used here as " + role);
  return &state;
}

const State *StateTable::find(StringRef name) const {
  auto found = states_.find(StringAttr::get(context_, name));
  return found == states_.end() ? nullptr : found->second.get();
}

const State *StateTable::findOrMakeControl(StringRef name, Location loc) {
  if (const State *state = find(name)) return state;
  Builder b(context_);
  struct Control {
    StringRef name;
    RankedTensorType type;
    Attribute init;
  };
  const Control controls[] = {
      {"seed", RankedTensorType::get({2}, b.getI32Type()), b.getStringAttr("seed")},
      {"step", RankedTensorType::get({}, b.getI64Type()), b.getI64IntegerAttr(0)},
      {"lr_scale", RankedTensorType::get({}, b.getF32Type()), b.getF64FloatAttr(1)}};
  for (const Control &control : controls)
    if (control.name == name)
      return *declare(name, control.type, "control", control.init, loc, nullptr);
  return nullptr;
}

SmallVector<StringRef> StateTable::names() const {
  SmallVector<StringRef> names;
  for (const State &state : states()) names.push_back(state.name);
  return names;
}

FailureOr<uint32_t> StateTable::site(StringRef name, Location loc) {
  uint32_t site = graph::siteOf(name);
  auto [entry, isNew] = sites_.insert({site, name.str()});
  if (isNew || entry->second == name) return site;
  return emitError(loc) << "the names '" << name << "' and '" << entry->second
                        << "' would draw the same random numbers; rename one of the two";
}

void StateTable::materialize(OpBuilder &builder) const {
  for (const State &state : states())
    graph::StateOp::create(builder, state.loc, state.name, TypeAttr::get(state.type),
                           builder.getStringAttr(state.role), Attribute());
}

}  // namespace graven::expand
