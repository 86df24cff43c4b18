#include "compiler/simplify/passes.h"
#include "dialect/graph/build/expr.h"

namespace graven::simplify {

#define GEN_PASS_DEF_WIDENNARROWFLOATSPASS
#include "compiler/simplify/passes.h.inc"

namespace {

using namespace mlir;

Type elementOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getElementType() : Type();
}

bool isNarrow(Value value) {
  Type element = elementOf(value);
  return element && graph::isNarrowFloat(element);
}

struct WidenNarrowFloats : impl::WidenNarrowFloatsPassBase<WidenNarrowFloats> {
  void runOnOperation() override {
    SmallVector<Operation *> work;
    getOperation().walk([&](graph::ShapedGraphOpInterface op) {
      if (!op->hasTrait<graph::AnyPrecision>() && isNarrow(op->getResult(0)) &&
          llvm::any_of(op->getOperands(), isNarrow))
        work.push_back(op);
    });
    Type wide = Float32Type::get(&getContext());
    for (Operation *op : work) {
      OpBuilder builder(op);
      graph::GraphBuilder g(builder, op->getLoc());
      Value result = op->getResult(0);
      Type narrow = elementOf(result);
      if (op->hasTrait<graph::WidensResult>()) {
        op->setAttr("dtype", TypeAttr::get(wide));
      } else {
        for (OpOperand &operand : op->getOpOperands())
          operand.set(graph::widen(graph::Expr(g, operand.get())));
      }
      result.setType(cast<RankedTensorType>(result.getType()).clone(wide));
      builder.setInsertionPointAfter(op);
      Value rounded = graph::convert(graph::Expr(g, result), narrow);
      result.replaceAllUsesExcept(rounded, rounded.getDefiningOp());
    }
  }
};

}  // namespace
}  // namespace graven::simplify
