#include "compiler/strategy/pack_constants.h"

#include <cstring>

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace graven::strategy {
namespace {

// The bytes of the constant that `value` is, reshaped or not; none where they are not there one
// element after the other.
ArrayRef<char> bytesOf(Value value) {
  while (auto reshape = value.getDefiningOp<graph::ReshapeOp>()) value = reshape->getOperand(0);
  auto constant = value.getDefiningOp<graph::ConstantOp>();
  if (!constant) return {};
  auto type = cast<RankedTensorType>(constant.getType());
  unsigned bits = type.getElementTypeBitWidth();
  ArrayRef<char> bytes;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue())) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob()) bytes = blob->getData();
  } else if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue())) {
    if (!dense.isSplat()) bytes = dense.getRawData();
  }
  if (bits % 8 || int64_t(bytes.size()) != type.getNumElements() * (bits / 8)) return {};
  return bytes;
}

}  // namespace

bool isStoredConstant(Value value) { return !bytesOf(value).empty(); }

Value packConstant(OpBuilder &builder, Value value, const Plan::Packed &packed) {
  ArrayRef<char> from = bytesOf(value);
  auto type = cast<RankedTensorType>(value.getType());
  size_t bytes = type.getElementTypeBitWidth() / 8;
  std::vector<char> to(packed.elements * bytes);
  for (int64_t i = 0; i < packed.elements; ++i)
    if (int64_t source = packed.source(i); source >= 0)
      memcpy(&to[i * bytes], &from[source * bytes], bytes);
  auto image = RankedTensorType::get({packed.elements}, type.getElementType());
  return graph::ConstantOp::create(builder, value.getLoc(), image,
                                   DenseElementsAttr::getFromRawBuffer(image, to),
                                   /*shape=*/nullptr, /*dtype=*/nullptr);
}

}  // namespace graven::strategy
