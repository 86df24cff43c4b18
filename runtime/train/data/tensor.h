// A dense row-major tensor in host memory, and conversion between element types.
#ifndef GRAVEN_RUNTIME_TRAIN_DATA_TENSOR_H_
#define GRAVEN_RUNTIME_TRAIN_DATA_TENSOR_H_

#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graven/artifact_format.h"

namespace graven::train {

// Bytes of one element; 0 for a value that is no graven_dtype.
size_t DtypeBytes(uint32_t dtype);
// "f32", "i1", ...; "?" for a value that is no graven_dtype.
const char *DtypeName(uint32_t dtype);
// The inverse of DtypeName; an error lists the names.
absl::StatusOr<graven_dtype> ParseDtype(const std::string &name);
// Whether elements are floating-point numbers.
bool IsFloat(uint32_t dtype);
// "128x784xf32"; a scalar is "f32".
std::string TypeText(uint32_t dtype, const std::vector<int64_t> &shape);
// Product of `shape`; 1 for a scalar. Fails on a negative extent or when the product overflows.
absl::StatusOr<int64_t> ElementCount(const std::vector<int64_t> &shape);

// Where elements lie: at a multiple of 64 bytes, so that kernels may store large results past the
// caches (graven.h).
template <typename T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};

  LineAllocator() = default;
  template <typename U>
  LineAllocator(const LineAllocator<U> &) {}
  T *allocate(size_t count) {
    return static_cast<T *>(::operator new(count * sizeof(T), kAlignment));
  }
  void deallocate(T *memory, size_t) { ::operator delete(memory, kAlignment); }
  template <typename U>
  bool operator==(const LineAllocator<U> &) const {
    return true;
  }
};
using TensorBytes = std::vector<uint8_t, LineAllocator<uint8_t>>;

struct Tensor {
  graven_dtype dtype = GRAVEN_F32;
  std::vector<int64_t> shape;
  TensorBytes data;

  // Number of elements that `data` holds.
  int64_t elements() const { return static_cast<int64_t>(data.size() / DtypeBytes(dtype)); }
  // Elements and bytes of one row (the axes after axis 0); `shape` must not be empty.
  int64_t row_elements() const;
  size_t row_bytes() const { return static_cast<size_t>(row_elements()) * DtypeBytes(dtype); }

  template <typename T>
  T *as() {
    return reinterpret_cast<T *>(data.data());
  }
  template <typename T>
  const T *as() const {
    return reinterpret_cast<const T *>(data.data());
  }
  // Element `index` as a number; exact for every type but large i64.
  double at(int64_t index) const;

  // A zero-filled tensor. `shape` must be sound (ElementCount succeeds).
  static Tensor Zeros(graven_dtype dtype, std::vector<int64_t> shape);
};

// Converts element by element. To a float: nearest value (a large i64 to f16 or
// bf16 by way of f64). To an integer: the value must be whole and
// fit, else the error names the first offending index. From ui8 the value is taken as it is.
// `what` begins the error message ("train.csv: labels").
absl::StatusOr<Tensor> Convert(Tensor tensor, graven_dtype dtype, const std::string &what);

// The index of the first element that is NaN or infinite, or -1.
int64_t FindNonFinite(const Tensor &tensor);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_DATA_TENSOR_H_
