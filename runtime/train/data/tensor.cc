#include "runtime/train/data/tensor.h"

#include <cmath>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/train/data/narrow_float.h"

namespace graven::train {
namespace {

struct DtypeInfo {
  graven_dtype dtype;
  const char *name;
  size_t bytes;
};

constexpr DtypeInfo kDtypes[] = {{GRAVEN_F32, "f32", 4}, {GRAVEN_F64, "f64", 8},
                                 {GRAVEN_I1, "i1", 1},   {GRAVEN_I32, "i32", 4},
                                 {GRAVEN_I64, "i64", 8}, {GRAVEN_UI8, "ui8", 1},
                                 {GRAVEN_F16, "f16", 2}, {GRAVEN_BF16, "bf16", 2}};

const DtypeInfo *Find(uint32_t dtype) {
  for (const DtypeInfo &info : kDtypes) {
    if (info.dtype == dtype) return &info;
  }
  return nullptr;
}

// Calls `visit` with a null pointer of the C++ type that stores `dtype`.
template <typename Visitor>
auto Dispatch(graven_dtype dtype, Visitor visit) {
  switch (dtype) {
    case GRAVEN_F32:
      return visit(static_cast<float *>(nullptr));
    case GRAVEN_F64:
      return visit(static_cast<double *>(nullptr));
    case GRAVEN_I32:
      return visit(static_cast<int32_t *>(nullptr));
    case GRAVEN_I64:
      return visit(static_cast<int64_t *>(nullptr));
    case GRAVEN_F16:
      return visit(static_cast<F16 *>(nullptr));
    case GRAVEN_BF16:
      return visit(static_cast<Bf16 *>(nullptr));
    case GRAVEN_I1:
    case GRAVEN_UI8:
      break;
  }
  return visit(static_cast<uint8_t *>(nullptr));
}

// A number to compute with: narrow floats as f64, which holds them exactly.
template <typename T>
T Number(T value) {
  return value;
}
template <int kFractionBits>
double Number(NarrowFloat<kFractionBits> value) {
  return static_cast<double>(value);
}

// Whether `value` can be stored in integer type T (i1: 0 or 1) without change.
template <typename T, typename S>
bool Fits(S value, bool is_bool) {
  if constexpr (std::is_floating_point_v<S>) {
    if (!(std::floor(value) == value)) return false;  // NaN and fractions
    // 2^63 is exact in both float types, the largest i64 is not.
    double limit = std::ldexp(1.0, std::numeric_limits<T>::digits);
    double lowest = std::is_signed_v<T> ? -limit : 0.0;
    if (value < lowest || value >= limit) return false;
  } else {
    if (static_cast<__int128>(value) < static_cast<__int128>(std::numeric_limits<T>::min()) ||
        static_cast<__int128>(value) > static_cast<__int128>(std::numeric_limits<T>::max())) {
      return false;
    }
  }
  return !is_bool || value == S(0) || value == S(1);
}

}  // namespace

size_t DtypeBytes(uint32_t dtype) {
  const DtypeInfo *info = Find(dtype);
  return info == nullptr ? 0 : info->bytes;
}

const char *DtypeName(uint32_t dtype) {
  const DtypeInfo *info = Find(dtype);
  return info == nullptr ? "?" : info->name;
}

absl::StatusOr<graven_dtype> ParseDtype(const std::string &name) {
  std::string known;
  for (const DtypeInfo &info : kDtypes) {
    if (name == info.name) return info.dtype;
    absl::StrAppend(&known, known.empty() ? "" : ", ", info.name);
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("unknown element type '%s'; the types are %s", name, known));
}

bool IsFloat(uint32_t dtype) {
  return dtype == GRAVEN_F16 || dtype == GRAVEN_BF16 || dtype == GRAVEN_F32 || dtype == GRAVEN_F64;
}

std::string TypeText(uint32_t dtype, const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t extent : shape) absl::StrAppend(&text, extent, "x");
  return text + DtypeName(dtype);
}

absl::StatusOr<int64_t> ElementCount(const std::vector<int64_t> &shape) {
  int64_t count = 1;
  for (int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) {
      return absl::InvalidArgumentError("a shape with a negative or too large extent");
    }
  }
  return count;
}

int64_t Tensor::row_elements() const {
  int64_t count = 1;
  for (size_t axis = 1; axis < shape.size(); ++axis) count *= shape[axis];
  return count;
}

double Tensor::at(int64_t index) const {
  return Dispatch(dtype, [&](auto *type) -> double {
    using T = std::remove_pointer_t<decltype(type)>;
    return static_cast<double>(as<T>()[index]);
  });
}

Tensor Tensor::Zeros(graven_dtype dtype, std::vector<int64_t> shape) {
  Tensor tensor;
  tensor.dtype = dtype;
  int64_t count = ElementCount(shape).value_or(0);
  tensor.shape = std::move(shape);
  tensor.data.resize(static_cast<size_t>(count) * DtypeBytes(dtype));
  return tensor;
}

absl::StatusOr<Tensor> Convert(Tensor tensor, graven_dtype dtype, const std::string &what) {
  if (tensor.dtype == dtype) return tensor;
  Tensor result = Tensor::Zeros(dtype, tensor.shape);
  const int64_t count = tensor.elements();
  int64_t bad = -1;
  Dispatch(tensor.dtype, [&](auto *source_type) {
    using S = std::remove_pointer_t<decltype(source_type)>;
    const S *source = tensor.as<S>();
    Dispatch(dtype, [&](auto *target_type) {
      using T = std::remove_pointer_t<decltype(target_type)>;
      T *target = result.as<T>();
      for (int64_t i = 0; i < count; ++i) {
        const auto number = Number(source[i]);
        if constexpr (std::is_integral_v<T>) {
          if (!Fits<T>(number, dtype == GRAVEN_I1)) {
            bad = i;
            return;
          }
        }
        target[i] = static_cast<T>(number);
      }
    });
  });
  if (bad >= 0) {
    int64_t row_elements = tensor.shape.empty() ? 1 : std::max<int64_t>(1, tensor.row_elements());
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: row %d holds %g, which is no %s%s; the model wants %s here", what,
                        bad / row_elements, tensor.at(bad), DtypeName(dtype),
                        dtype == GRAVEN_I1 ? " (0 or 1)" : " (a whole number)", DtypeName(dtype)));
  }
  return result;
}

int64_t FindNonFinite(const Tensor &tensor) {
  if (!IsFloat(tensor.dtype)) return -1;
  const int64_t count = tensor.elements();
  for (int64_t i = 0; i < count; ++i) {
    if (!std::isfinite(tensor.at(i))) return i;
  }
  return -1;
}

}  // namespace graven::train
