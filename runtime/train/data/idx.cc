#include "runtime/train/data/idx.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"

namespace graven::train {
namespace {

struct IdxType {
  uint8_t code;
  size_t bytes;
  graven_dtype dtype;  // after widening
};

constexpr IdxType kTypes[] = {{0x08, 1, GRAVEN_UI8}, {0x09, 1, GRAVEN_I32}, {0x0B, 2, GRAVEN_I32},
                              {0x0C, 4, GRAVEN_I32}, {0x0D, 4, GRAVEN_F32}, {0x0E, 8, GRAVEN_F64}};

uint32_t BigEndian32(const uint8_t *p) {
  return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | uint32_t{p[3]};
}

}  // namespace

bool LooksLikeIdx(const std::string &bytes) {
  return bytes.size() >= 2 && bytes[0] == 0 && bytes[1] == 0;
}

absl::StatusOr<Tensor> ParseIdx(const std::string &path, const std::string &bytes) {
  const auto *data = reinterpret_cast<const uint8_t *>(bytes.data());
  if (bytes.size() < 4) {
    return absl::DataLossError(
        absl::StrFormat("%s: an IDX header has at least 4 bytes, got %d", path, bytes.size()));
  }
  const auto *type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const IdxType &t) { return t.code == data[2]; });
  if (type == std::end(kTypes)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: unknown IDX element type 0x%02x at byte 2; expected 08 09 0b 0c 0d or 0e", path,
        data[2]));
  }
  size_t rank = data[3];
  if (rank < 1 || rank > GRAVEN_MAX_RANK) {
    return absl::InvalidArgumentError(absl::StrFormat("%s: IDX rank %d at byte 3; expected 1 to %d",
                                                      path, rank, GRAVEN_MAX_RANK));
  }
  size_t header = 4 + 4 * rank;
  if (bytes.size() < header) {
    return absl::DataLossError(
        absl::StrFormat("%s: truncated within the IDX header: expected %d bytes, got %d", path,
                        header, bytes.size()));
  }
  std::vector<int64_t> shape;
  for (size_t axis = 0; axis < rank; ++axis) shape.push_back(BigEndian32(data + 4 + 4 * axis));
  absl::StatusOr<int64_t> count = ElementCount(shape);
  size_t present = bytes.size() - header;
  // Compared by division, so that a header with huge extents cannot overflow or allocate.
  if (!count.ok() || present % type->bytes != 0 ||
      static_cast<uint64_t>(*count) != present / type->bytes) {
    return absl::DataLossError(absl::StrFormat(
        "%s: the IDX header promises %s elements of %d bytes, the file holds %d bytes after it; "
        "it is truncated or damaged: copy it again",
        path, TypeText(0, shape).substr(0, TypeText(0, shape).size() - 2), type->bytes, present));
  }
  Tensor tensor = Tensor::Zeros(type->dtype, shape);
  const uint8_t *source = data + header;
  for (int64_t i = 0; i < *count; ++i, source += type->bytes) {
    switch (type->code) {
      case 0x08:
        tensor.data[i] = *source;
        break;
      case 0x09:
        tensor.as<int32_t>()[i] = static_cast<int8_t>(*source);
        break;
      case 0x0B:
        tensor.as<int32_t>()[i] = static_cast<int16_t>(uint16_t{source[0]} << 8 | source[1]);
        break;
      case 0x0E: {
        uint64_t bits = uint64_t{BigEndian32(source)} << 32 | BigEndian32(source + 4);
        memcpy(tensor.as<double>() + i, &bits, 8);
        break;
      }
      default: {  // i32 and f32: four bytes, order reversed
        uint32_t bits = BigEndian32(source);
        memcpy(tensor.data.data() + 4 * i, &bits, 4);
      }
    }
  }
  return tensor;
}

}  // namespace graven::train
