#include "compiler/schedule/memory.h"

#include "llvm/ADT/APSInt.h"

using namespace mlir;

namespace graven::schedule {
namespace {

// One number as an element of `type`.
Attribute elementOf(Attribute number, Type type) {
  auto integer = dyn_cast<IntegerAttr>(number);
  bool isSigned = integer && !isa<BoolAttr>(number) && !integer.getType().isUnsignedInteger();
  if (auto floating = dyn_cast<FloatType>(type)) {
    if (!integer) return FloatAttr::get(floating, cast<FloatAttr>(number).getValueAsDouble());
    APFloat exact(floating.getFloatSemantics());
    exact.convertFromAPInt(integer.getValue(), isSigned, APFloat::rmNearestTiesToEven);
    return FloatAttr::get(floating, exact);
  }
  unsigned width = type.getIntOrFloatBitWidth();
  if (integer)
    return IntegerAttr::get(type, isSigned ? integer.getValue().sextOrTrunc(width)
                                           : integer.getValue().zextOrTrunc(width));
  llvm::APSInt whole(width, /*isUnsigned=*/false);
  bool exact;
  cast<FloatAttr>(number).getValue().convertToInteger(whole, APFloat::rmTowardZero, &exact);
  return IntegerAttr::get(type, static_cast<APInt>(whole));
}

// Appends the numbers of nested lists, outermost axis slowest.
void flatten(Attribute value, Type type, SmallVectorImpl<Attribute> &elements) {
  if (auto list = dyn_cast<ArrayAttr>(value)) {
    for (Attribute item : list) flatten(item, type, elements);
  } else if (auto numbers = dyn_cast<DenseI64ArrayAttr>(value)) {
    Builder b(type.getContext());
    for (int64_t number : numbers.asArrayRef())
      elements.push_back(elementOf(b.getI64IntegerAttr(number), type));
  } else {
    elements.push_back(elementOf(value, type));
  }
}

int64_t totalBytes(ArrayAttr types) {
  int64_t bytes = 0;
  for (Type type : types.getAsValueRange<TypeAttr>()) bytes += plan::bytesOf(type);
  return bytes;
}

}  // namespace

ElementsAttr elementsOf(graph::ConstantOp constant) {
  auto type = cast<RankedTensorType>(constant.getType());
  if (auto elements = dyn_cast<ElementsAttr>(constant.getValue())) return elements;
  SmallVector<Attribute> elements;
  flatten(constant.getValue(), type.getElementType(), elements);
  return DenseElementsAttr::get(type, elements);
}

std::optional<uint8_t> fillByteOf(graph::ConstantOp constant) {
  auto elements = dyn_cast<DenseElementsAttr>(elementsOf(constant));
  if (!elements || !elements.isSplat()) return std::nullopt;
  if (elements.getElementType().isInteger(1)) return elements.getSplatValue<bool>() ? 1 : 0;
  ArrayRef<char> bytes = elements.getRawData();
  if (!llvm::all_equal(bytes)) return std::nullopt;
  return static_cast<uint8_t>(bytes.front());
}

Value storageOf(Value value) {
  while (auto reshape = value.getDefiningOp<graph::ReshapeOp>()) value = reshape->getOperand(0);
  return value;
}

int64_t argumentBytes(plan::ProgramOp program) { return totalBytes(program.getArgTypes()); }
int64_t resultBytes(plan::ProgramOp program) { return totalBytes(program.getResultTypes()); }

int64_t trainingBytes(ModuleOp module) {
  int64_t persistent = plan::bytesAttribute(module, plan::kStateBytes) +
                       plan::bytesAttribute(module, plan::kMetricBytes) +
                       plan::bytesAttribute(module, plan::kConstantBytes);
  auto programs = module.getOps<plan::ProgramOp>();
  auto trains = [](plan::ProgramOp program) { return program.getPublicName() == "train_step"; };
  bool training = llvm::any_of(programs, trains);
  int64_t most = 0;
  for (plan::ProgramOp program : programs)
    if (!training || trains(program))
      most = std::max<int64_t>(most, static_cast<int64_t>(program.getArenaBytes()) +
                                         argumentBytes(program) + resultBytes(program));
  return persistent + most;
}

}  // namespace graven::schedule
