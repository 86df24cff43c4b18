#include "dialect/kernel/kernel.h"

#include "llvm/ADT/TypeSwitch.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;

#include "dialect/kernel/kernel_dialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/kernel/kernel_attributes.cpp.inc"
#define GET_OP_CLASSES
#include "dialect/kernel/kernel.cpp.inc"

namespace graven::kernel {

void KernelDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/kernel/kernel_attributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/kernel/kernel.cpp.inc"
      >();
}

int64_t StrategyAttr::getInt(StringRef key) const {
  return cast<IntegerAttr>(getParams().get(key)).getInt();
}

StringRef FusedOp::getDefaultDialect() { return "graph"; }
StringRef FuncOp::getDefaultDialect() { return "graph"; }

ArrayRef<StringRef> kinds() {
  static constexpr StringRef kKinds[] = {"map",         "row",      "column",
                                         "contraction", "segments", "reference"};
  return kKinds;
}

LogicalResult FusedOp::verify() {
  if (!llvm::is_contained(kinds(), getKind()))
    return emitOpError() << "has unknown kind '" << getKind() << "'";
  Block &block = getBody().front();
  if (block.getArgumentTypes() != getInputs().getTypes())
    return emitOpError() << "has inputs whose types differ from its block's arguments";
  if (block.empty() || !isa<YieldOp>(block.back()) ||
      block.back().getOperandTypes() != getOutputs().getTypes())
    return emitOpError() << "has outputs whose types differ from those it yields";
  if (int64_t buffers = getNumOperands() + getNumResults(); buffers > kMostBuffers)
    return emitOpError() << "has " << buffers << " inputs and outputs; a kernel may have "
                         << kMostBuffers;
  return success();
}

SmallVector<Type> FuncOp::getInputTypes() {
  if (auto stored = getStoredTypes()) return llvm::to_vector(stored->getAsValueRange<TypeAttr>());
  return llvm::to_vector(getBody().front().getArgumentTypes());
}

bool FuncOp::mayShare(int64_t input, int64_t output) {
  return llvm::any_of(getSameIndex(), [&](Attribute pair) {
    ArrayRef<int64_t> places = cast<DenseI64ArrayAttr>(pair).asArrayRef();
    return places[0] == input && places[1] == output;
  });
}

}  // namespace graven::kernel
