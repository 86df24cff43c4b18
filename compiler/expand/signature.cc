#include "compiler/expand/signature.h"

using namespace mlir;

namespace graven::expand {

TrainPart TrainPart::of(nn::ModelOp model) {
  TrainPart part;
  if (!model || model.getTraining().empty()) return part;
  for (Operation &op : model.getTraining().front()) {
    if (op.hasTrait<nn::IsLoss>())
      part.loss = &op;
    else if (op.hasTrait<nn::IsOptimizer>())
      part.optimizer = &op;
    else if (op.hasTrait<nn::IsMetric>())
      part.metrics.push_back(&op);
    else if (auto fit = dyn_cast<nn::FitOp>(op))
      part.fit = fit;
  }
  return part;
}

// The options of fit as they were given, those of early stopping apart.
static DictionaryAttr fitSettings(nn::FitOp fit, Builder &b) {
  SmallVector<NamedAttribute> settings, stopping;
  for (NamedAttribute option : fit->getAttrs()) {
    StringRef name = option.getName();
    if (name == "early_stopping") continue;
    Attribute value = option.getValue();
    if (isa<IntegerAttr>(value) && (name == "validation_split" || name == "min_delta"))
      value = b.getF64FloatAttr(graph::numberOf(value));
    bool ofStopping =
        llvm::is_contained({"patience", "monitor", "min_delta", "restore_best_weights"}, name);
    (ofStopping ? stopping : settings).push_back(b.getNamedAttr(name, value));
  }
  if (fit.getEarlyStopping().value_or(false))
    settings.push_back(b.getNamedAttr("early_stopping", b.getDictionaryAttr(stopping)));
  return b.getDictionaryAttr(settings);
}

DictionaryAttr signatureOf(StringRef name, nn::ModelOp model, const TrainPart &train,
                           int64_t classes, bool adapts, ArrayRef<std::string> metrics,
                           MLIRContext *context) {
  Builder b(context);
  SmallVector<NamedAttribute> entries;
  auto add = [&](StringRef key, Attribute value) { entries.push_back(b.getNamedAttr(key, value)); };
  add("name", b.getStringAttr(name));
  if (train.loss) add("loss", b.getStringAttr(train.loss->getName().stripDialect()));
  if (train.optimizer) add("optimizer", b.getStringAttr(train.optimizer->getName().stripDialect()));
  if (model) {
    auto input = *model.getLayers().front().getOps<nn::InputOp>().begin();
    std::string dtype;
    llvm::raw_string_ostream(dtype) << input.getDtype().value_or(b.getF32Type());
    add("input", b.getDictionaryAttr({b.getNamedAttr("name", input.getNameAttr()),
                                      b.getNamedAttr("shape", b.getI64ArrayAttr(input.getShape())),
                                      b.getNamedAttr("dtype", b.getStringAttr(dtype))}));
  }
  if (classes) add("classes", b.getI64IntegerAttr(classes));
  if (train.fit) add("fit", fitSettings(train.fit, b));
  add("normalization", b.getBoolAttr(adapts));
  SmallVector<StringRef> names(metrics.begin(), metrics.end());
  add("metrics", b.getStrArrayAttr(names));
  return b.getDictionaryAttr(entries);
}

}  // namespace graven::expand
