#include <atomic>

#include "dialect/element/element.h"
#include "dialect/graph/ir/graph.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;

#include "dialect/graph/ir/graph_dialect.cpp.inc"
#include "dialect/graph/ir/graph_interfaces.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialect/graph/ir/graph_types.cpp.inc"

namespace graven::graph {

void GraphDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/graph/ir/graph_types.cpp.inc"
      >();
  registerOps();
}

static std::atomic<SourceCheck> sourceCheck = nullptr;

void setSourceCheck(SourceCheck check) { sourceCheck = check; }

LogicalResult runSourceCheck(Operation *container) {
  SourceCheck check = sourceCheck;
  auto module = dyn_cast_if_present<ModuleOp>(container->getParentOp());
  if (!check || !module || module->hasAttr(kUnchecked)) return success();
  for (Operation &op : module.getOps())
    if (op.hasTrait<SourceContainer>()) return &op == container ? check(module) : success();
  return success();
}

std::optional<Dialect::ParseOpHook> GraphDialect::getParseOperationHook(StringRef) const {
  return reportUnknownOp;
}

void GraphDialect::registerOps() {
#define GET_OP_LIST
  addOperations<
#include "dialect/graph/ops/elementwise.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "dialect/graph/ops/structure.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "dialect/graph/ops/reduction.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "dialect/graph/ops/contraction.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "dialect/graph/ops/indexing.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "dialect/graph/ops/random.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "dialect/graph/ops/composite.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "dialect/graph/ops/control.cpp.inc"
      >();
}

}  // namespace graven::graph
