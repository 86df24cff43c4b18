#include "compiler/expand/passes.h"
#include "dialect/nn/nn.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace graven::expand {

#define GEN_PASS_DEF_NAMELAYERS
#include "compiler/expand/passes.h.inc"

namespace {

// States and random numbers are known by the op's name.
bool isNamed(Operation *op) {
  if (op->getNumResults() != 1 || isa<graph::ReadOp>(op)) return false;
  ArrayRef<StringAttr> options = op->getRegisteredInfo()->getAttributeNames();
  return llvm::is_contained(options, "name");
}

// What a nameless op is called: its kind, or the layer that it applies.
StringRef defaultName(Operation *op) {
  if (isa<nn::InputOp>(op)) return "x";
  if (auto layer = op->getAttrOfType<FlatSymbolRefAttr>("layer")) return layer.getValue();
  return op->getName().stripDialect();
}

LogicalResult nameBody(Block &body) {
  llvm::StringMap<Operation *> taken;
  for (Operation &op : body) {
    auto name = op.getAttrOfType<StringAttr>("name");
    if (!isNamed(&op) || !name) continue;
    auto [first, isNew] = taken.insert({name.getValue(), &op});
    if (isNew) continue;
    InFlightDiagnostic error = op.emitOpError()
                               << "has the name '" << name.getValue() << "' of another line";
    error.attachNote(first->second->getLoc()) << "the other";
    return error;
  }
  for (Operation &op : body) {
    if (!isNamed(&op) || op.hasAttr("name")) continue;
    std::string base = defaultName(&op).str(), name = base;
    for (int number = 1; !taken.insert({name, &op}).second; ++number)
      name = base + "_" + std::to_string(number);
    op.setAttr("name", StringAttr::get(op.getContext(), name));
  }
  return success();
}

void chain(Block &body) {
  Value above;
  for (Operation &op : body) {
    bool takesAbove =
        op.hasTrait<nn::IsLayer>() && op.getNumOperands() == 0 && !isa<nn::InputOp>(op);
    if (takesAbove && above) op.insertOperands(0, above);
    if (op.getNumResults()) above = op.getResult(0);
  }
}

class NameLayersPass : public impl::NameLayersBase<NameLayersPass> {
  void runOnOperation() override {
    if (failed(nameLayers(getOperation()))) signalPassFailure();
  }
};

}  // namespace

LogicalResult nameLayers(ModuleOp module) {
  for (Operation &container : module.getOps()) {
    if (!isa<nn::ModelOp, nn::LayerOp, graph::FuncOp>(container)) continue;
    if (container.getRegion(0).empty())
      return container.emitOpError() << "is empty; it needs at least a line that makes a value";
    Block &body = container.getRegion(0).front();
    chain(body);
    if (failed(nameBody(body))) return failure();
  }
  return success();
}

}  // namespace graven::expand
