#include "dialect/graph/ir/options.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;

namespace graven::graph {

bool isNarrowFloat(Type type) { return type.isF16() || type.isBF16(); }

bool isElementType(Type type) {
  return isNarrowFloat(type) || type.isF32() || type.isF64() || type.isSignlessInteger(1) ||
         type.isSignlessInteger(32) || type.isSignlessInteger(64) || type.isUnsignedInteger(8);
}

double numberOf(Attribute attribute) {
  if (auto number = dyn_cast<FloatAttr>(attribute)) return number.getValueAsDouble();
  return static_cast<double>(cast<IntegerAttr>(attribute).getValue().getSExtValue());
}

SmallVector<int64_t> axesOf(Attribute attribute) {
  if (!attribute) return {};
  if (auto one = dyn_cast<IntegerAttr>(attribute)) return {one.getInt()};
  return SmallVector<int64_t>(cast<DenseI64ArrayAttr>(attribute).asArrayRef());
}

FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank,
                                 function_ref<InFlightDiagnostic()> error) {
  if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  if (rank == 0) return error() << "has no axis " << axis << ": its operand is a scalar";
  return error() << "has no axis " << axis << ": its operand has axes 0 to " << rank - 1;
}

FailureOr<SmallVector<int64_t>> normalizeAxes(Attribute axes, int64_t rank,
                                              function_ref<InFlightDiagnostic()> error) {
  SmallVector<int64_t> result;
  if (!axes) {
    for (int64_t axis = 0; axis < rank; ++axis) result.push_back(axis);
    return result;
  }
  for (int64_t axis : axesOf(axes)) {
    FailureOr<int64_t> normal = normalizeAxis(axis, rank, error);
    if (failed(normal)) return failure();
    result.push_back(*normal);
  }
  llvm::sort(result);
  if (std::adjacent_find(result.begin(), result.end()) != result.end())
    return error() << "names an axis twice";
  return result;
}

uint32_t siteOf(StringRef text) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3ull;
  return static_cast<uint32_t>(hash ^ (hash >> 32));
}

}  // namespace graven::graph
