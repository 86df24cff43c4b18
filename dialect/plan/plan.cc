#include "dialect/plan/plan.h"

#include "llvm/ADT/TypeSwitch.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;

#include "dialect/plan/plan_dialect.cpp.inc"
#include "dialect/plan/plan_enums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/plan/plan_attributes.cpp.inc"
#define GET_OP_CLASSES
#include "dialect/plan/plan.cpp.inc"

namespace graven::plan {

void PlanDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/plan/plan_attributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/plan/plan.cpp.inc"
      >();
}

int64_t bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * ((tensor.getElementTypeBitWidth() + 7) / 8);
}

int64_t bytesAttribute(Operation *op, StringRef name) {
  auto bytes = op->getAttrOfType<IntegerAttr>(name);
  return bytes ? bytes.getInt() : 0;
}

LogicalResult ProgramOp::verify() {
  if (getArgNames().size() != getArgTypes().size())
    return emitOpError() << "names " << getArgNames().size() << " of its " << getArgTypes().size()
                         << " arguments";
  if (getResultNames().size() != getResultTypes().size())
    return emitOpError() << "names " << getResultNames().size() << " of its "
                         << getResultTypes().size() << " results";
  for (Operation &op : getBody().front())
    if (!isa<LaunchOp, CopyOp, FillOp>(op))
      return op.emitOpError() << "is no command; a program holds launch, copy and fill";
  return success();
}

SmallVector<RangeAttr> LaunchOp::getBuffers() {
  SmallVector<RangeAttr> buffers;
  for (ArrayAttr ranges : {getArgs(), getResults(), getScratch()})
    for (RangeAttr range : ranges.getAsRange<RangeAttr>()) buffers.push_back(range);
  return buffers;
}

LogicalResult LaunchOp::verify() {
  if (static_cast<int64_t>(getGrid()) < 0) return emitOpError() << "has a negative grid";
  if (getScratch().size() > 1) return emitOpError() << "has more than one range of scratch";
  return success();
}

LogicalResult CopyOp::verify() {
  if (getSource().getBytes() != getDestination().getBytes())
    return emitOpError() << "copies " << getSource().getBytes() << " bytes to "
                         << getDestination().getBytes();
  return success();
}

LogicalResult FillOp::verify() {
  if (getByte() > 255) return emitOpError() << "fills with " << getByte() << ", which is no byte";
  return success();
}

}  // namespace graven::plan
