// Tensors as the tests hold them: every real as f64, every integer as i64, row-major.
#ifndef GRAVEN_TEST_OPS_TENSOR_H_
#define GRAVEN_TEST_OPS_TENSOR_H_

#include <vector>

#include "dialect/graph/ir/graph.h"

namespace graven::ops_test {

struct Tensor {
  llvm::SmallVector<int64_t> shape;
  mlir::Type element;
  std::vector<double> reals;      // of a float tensor
  std::vector<int64_t> integers;  // of any other: i1 holds 0 and 1, ui8 0 to 255

  bool isReal() const { return llvm::isa<mlir::FloatType>(element); }
  int64_t size() const;
  // Element `offset` as a number.
  double at(int64_t offset) const {
    return isReal() ? reals[offset] : static_cast<double>(integers[offset]);
  }
  mlir::RankedTensorType type() const { return mlir::RankedTensorType::get(shape, element); }
};

// Of `type`, all zero.
Tensor zeros(mlir::RankedTensorType type);
// Of `type`, holding numbers: rounded for f32, wrapped for integers.
Tensor tensorOf(mlir::RankedTensorType type, llvm::ArrayRef<double> numbers);

// `value` as an element of an integer type holds it: wrapped to its width.
int64_t wrap(int64_t value, mlir::Type element);
// `value` as an element of a float type holds it.
double roundTo(double value, mlir::Type element);

// Elements as memory holds them, row-major: i1 and ui8 are a byte each.
std::vector<char> encode(const Tensor &tensor);
Tensor decode(const char *bytes, mlir::RankedTensorType type);

// Calls `visit` with every index of `shape`, row-major.
void forEachIndex(llvm::ArrayRef<int64_t> shape,
                  llvm::function_ref<void(llvm::ArrayRef<int64_t>)> visit);
// Where `index` stands, row-major.
int64_t offsetOf(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> index);

}  // namespace graven::ops_test

#endif  // GRAVEN_TEST_OPS_TENSOR_H_
