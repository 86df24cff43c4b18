// Dense constants become bytes of the artifact, equal ones once for all entries.
#include "compiler/schedule/memory.h"
#include "compiler/schedule/passes.h"

using namespace mlir;

namespace graven::schedule {
#define GEN_PASS_DEF_PLACECONSTANTSPASS
#include "compiler/schedule/passes.h.inc"

namespace {

struct PlaceConstantsPass : impl::PlaceConstantsPassBase<PlaceConstantsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    // Attributes are unique in their context, so equal constants are one key; the order of
    // insertion is that of the module.
    llvm::MapVector<Attribute, plan::ConstantOp> placed;
    int64_t end = plan::bytesAttribute(module, plan::kConstantBytes);
    OpBuilder b(module.getContext());
    b.setInsertionPointToStart(module.getBody());
    for (auto entry : module.getOps<graph::EntryOp>()) {
      for (auto constant : llvm::make_early_inc_range(entry.getOps<graph::ConstantOp>())) {
        auto leaves = [](Operation *user) { return isa<graph::ReturnOp>(user); };
        if (fillByteOf(constant) && llvm::all_of(constant->getUsers(), leaves)) continue;
        ElementsAttr value = elementsOf(constant);
        plan::ConstantOp &op = placed[value];
        if (!op) {
          int64_t bytes = plan::bytesOf(constant.getType());
          auto place =
              plan::RangeAttr::get(&getContext(), plan::Segment::Constant, 0, end, bytes, 0);
          end += plan::aligned(bytes);
          op = plan::ConstantOp::create(
              b, constant.getLoc(), "constant_" + std::to_string(placed.size() - 1), value, place);
          symbols.insert(op, b.getInsertionPoint());
        }
        OpBuilder at(constant);
        auto read = plan::ReadConstantOp::create(at, constant.getLoc(), constant.getType(),
                                                 FlatSymbolRefAttr::get(op.getSymNameAttr()));
        constant.replaceAllUsesWith(read.getResult());
        constant.erase();
      }
    }
    module->setAttr(plan::kConstantBytes, b.getI64IntegerAttr(end));
  }
};

}  // namespace
}  // namespace graven::schedule
