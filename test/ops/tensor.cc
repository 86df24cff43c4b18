#include "test/ops/tensor.h"

#include <cstring>

namespace graven::ops_test {

int64_t Tensor::size() const {
  int64_t count = 1;
  for (int64_t length : shape) count *= length;
  return count;
}

Tensor zeros(mlir::RankedTensorType type) {
  Tensor tensor;
  tensor.shape.assign(type.getShape().begin(), type.getShape().end());
  tensor.element = type.getElementType();
  if (tensor.isReal())
    tensor.reals.assign(type.getNumElements(), 0.0);
  else
    tensor.integers.assign(type.getNumElements(), 0);
  return tensor;
}

Tensor tensorOf(mlir::RankedTensorType type, llvm::ArrayRef<double> numbers) {
  Tensor tensor = zeros(type);
  assert(static_cast<int64_t>(numbers.size()) == tensor.size());
  for (int64_t i = 0; i < tensor.size(); ++i) {
    if (tensor.isReal())
      tensor.reals[i] = roundTo(numbers[i], tensor.element);
    else
      tensor.integers[i] = wrap(static_cast<int64_t>(numbers[i]), tensor.element);
  }
  return tensor;
}

int64_t wrap(int64_t value, mlir::Type element) {
  unsigned width = element.getIntOrFloatBitWidth();
  if (width == 1) return value & 1;
  if (width == 64) return value;
  uint64_t low = static_cast<uint64_t>(value) & ((uint64_t{1} << width) - 1);
  bool negative = !element.isUnsignedInteger() && (low >> (width - 1)) != 0;
  return static_cast<int64_t>(low) - (negative ? int64_t{1} << width : 0);
}

double roundTo(double value, mlir::Type element) {
  llvm::APFloat rounded(value);
  bool inexact;
  rounded.convert(llvm::cast<mlir::FloatType>(element).getFloatSemantics(),
                  llvm::APFloat::rmNearestTiesToEven, &inexact);
  return rounded.convertToDouble();
}

namespace {

// Narrow floats: two bytes each.
void encodeNarrow(const Tensor &tensor, std::vector<char> &bytes) {
  bytes.resize(tensor.size() * 2);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    llvm::APFloat value(tensor.reals[i]);
    bool inexact;
    value.convert(llvm::cast<mlir::FloatType>(tensor.element).getFloatSemantics(),
                  llvm::APFloat::rmNearestTiesToEven, &inexact);
    auto bits = static_cast<uint16_t>(value.bitcastToAPInt().getZExtValue());
    std::memcpy(bytes.data() + i * 2, &bits, 2);
  }
}

void decodeNarrow(const char *bytes, Tensor &tensor) {
  for (int64_t i = 0; i < tensor.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, bytes + i * 2, 2);
    llvm::APFloat value(llvm::cast<mlir::FloatType>(tensor.element).getFloatSemantics(),
                        llvm::APInt(16, bits));
    tensor.reals[i] = value.convertToDouble();
  }
}

template <typename T>
void encodeAs(const Tensor &tensor, std::vector<char> &bytes) {
  bytes.resize(tensor.size() * sizeof(T));
  for (int64_t i = 0; i < tensor.size(); ++i) {
    T value =
        tensor.isReal() ? static_cast<T>(tensor.reals[i]) : static_cast<T>(tensor.integers[i]);
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
}

template <typename T>
void decodeAs(const char *bytes, Tensor &tensor) {
  for (int64_t i = 0; i < tensor.size(); ++i) {
    T value;
    std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
    if (tensor.isReal())
      tensor.reals[i] = static_cast<double>(value);
    else
      tensor.integers[i] = static_cast<int64_t>(value);
  }
}

// Calls `visit` with a zero of the C++ type of an element.
template <typename Visit>
void withElement(mlir::Type element, Visit visit) {
  if (element.isF32()) return visit(float{});
  if (element.isF64()) return visit(double{});
  if (element.isInteger(64)) return visit(int64_t{});
  if (element.isInteger(32)) return visit(int32_t{});
  return visit(uint8_t{});
}

}  // namespace

std::vector<char> encode(const Tensor &tensor) {
  std::vector<char> bytes;
  if (graph::isNarrowFloat(tensor.element)) {
    encodeNarrow(tensor, bytes);
    return bytes;
  }
  withElement(tensor.element, [&](auto zero) { encodeAs<decltype(zero)>(tensor, bytes); });
  return bytes;
}

Tensor decode(const char *bytes, mlir::RankedTensorType type) {
  Tensor tensor = zeros(type);
  if (graph::isNarrowFloat(tensor.element)) {
    decodeNarrow(bytes, tensor);
    return tensor;
  }
  withElement(tensor.element, [&](auto zero) { decodeAs<decltype(zero)>(bytes, tensor); });
  return tensor;
}

void forEachIndex(llvm::ArrayRef<int64_t> shape,
                  llvm::function_ref<void(llvm::ArrayRef<int64_t>)> visit) {
  llvm::SmallVector<int64_t> index(shape.size(), 0);
  if (llvm::is_contained(shape, 0)) return;
  while (true) {
    visit(index);
    int64_t axis = static_cast<int64_t>(shape.size()) - 1;
    while (axis >= 0 && ++index[axis] == shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

int64_t offsetOf(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> index) {
  int64_t offset = 0;
  for (auto [length, place] : llvm::zip(shape, index)) offset = offset * length + place;
  return offset;
}

}  // namespace graven::ops_test
