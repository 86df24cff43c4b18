#include "compiler/expand/rules.h"

using namespace mlir;

namespace graven::expand {

const Rules &Rules::get() {
  static const Rules rules = [] {
    Rules table;
    addLayerRules(table);
    addLossRules(table);
    addOptimizerRules(table);
    addMetricRules(table);
    addInitializerRules(table);
    return table;
  }();
  return rules;
}

SmallVector<StringRef> Rules::initializerNames() const {
  SmallVector<StringRef> names;
  for (const auto &entry : initializers_) names.push_back(entry.getKey());
  llvm::sort(names);
  return names;
}

FailureOr<Expr> LayerContext::parameter(StringRef suffix, ArrayRef<int64_t> shape, Type element,
                                        Attribute init, StringRef role) {
  return entry_.state(prefix_ + "." + suffix.str(), RankedTensorType::get(shape, element), role,
                      init, loc_, op_);
}

LogicalResult LayerContext::update(StringRef suffix, Expr value) {
  return entry_.write(prefix_ + "." + suffix.str(), value, loc_);
}

FailureOr<Expr> LayerContext::draw(ArrayRef<int64_t> shape, Type element) {
  FailureOr<uint32_t> site = entry_.states().site(name_, loc_);
  if (failed(site)) return failure();
  return randomUniform(entry_.control("seed"), entry_.control("step"), shape, graph::widen(element),
                       *site);
}

Expr LayerContext::asFloat(Expr x) {
  if (isa<FloatType>(x.element())) return x;
  return convert(x, Float32Type::get(op_->getContext()));
}

InFlightDiagnostic LayerContext::error() {
  return emitError(loc_) << "'" << op_->getName() << "' ";
}

Expr OptimizerContext::learningRate(double rate) {
  return convert(entry_.control("lr_scale") * rate, computed().getElementType());
}

Expr OptimizerContext::step() {
  Expr step = entry_.control("step");
  return convert(step + 1.0, computed().getElementType());
}

RankedTensorType OptimizerContext::computed() const {
  RankedTensorType type = parameter_.type;
  return type.clone(graph::widen(type.getElementType()));
}

std::string OptimizerContext::slotName(StringRef suffix) const {
  return (parameter_.name.getValue() + "." + optimizer_ + "." + suffix).str();
}

FailureOr<Expr> OptimizerContext::slot(StringRef suffix) {
  return entry_.state(slotName(suffix), computed(), "slot", Attribute(), loc_, nullptr);
}

LogicalResult OptimizerContext::setSlot(StringRef suffix, Expr value) {
  return entry_.write(slotName(suffix), value, loc_);
}

}  // namespace graven::expand
