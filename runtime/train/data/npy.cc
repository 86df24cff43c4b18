#include "runtime/train/data/npy.h"

#include <zip.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "runtime/train/data/file.h"
#include "runtime/train/status_macros.h"

namespace graven::train {
namespace {

constexpr char kMagic[] = "\x93NUMPY";

struct NpyType {
  const char *code;
  size_t bytes;
  graven_dtype dtype;  // after widening
};

constexpr NpyType kTypes[] = {{"f4", 4, GRAVEN_F32}, {"f8", 8, GRAVEN_F64}, {"b1", 1, GRAVEN_I1},
                              {"u1", 1, GRAVEN_UI8}, {"i4", 4, GRAVEN_I32}, {"i8", 8, GRAVEN_I64},
                              {"i1", 1, GRAVEN_I32}, {"i2", 2, GRAVEN_I32}, {"u2", 2, GRAVEN_I32},
                              {"u4", 4, GRAVEN_I64}, {"f2", 2, GRAVEN_F16}};

// The value of a key in the header's Python dictionary: a quoted string, a word, or a tuple.
std::optional<std::string> HeaderValue(const std::string &header, const std::string &key) {
  size_t at = header.find("'" + key + "'");
  if (at == std::string::npos) return std::nullopt;
  at = header.find(':', at);
  if (at == std::string::npos) return std::nullopt;
  ++at;
  while (at < header.size() && header[at] == ' ') ++at;
  if (at >= header.size()) return std::nullopt;
  char close = header[at] == '\'' ? '\'' : header[at] == '(' ? ')' : ',';
  size_t begin = close == ',' ? at : at + 1;
  size_t end = header.find(close, begin);
  if (end == std::string::npos) return std::nullopt;
  return header.substr(begin, end - begin);
}

absl::StatusOr<std::vector<int64_t>> ParseShape(const std::string &path, const std::string &text) {
  std::vector<int64_t> shape;
  size_t at = 0;
  while (at < text.size()) {
    size_t comma = std::min(text.find(',', at), text.size());
    std::string item(absl::StripAsciiWhitespace(text.substr(at, comma - at)));
    at = comma + 1;
    if (item.empty()) continue;
    int64_t extent = 0;
    if (!absl::SimpleAtoi(item, &extent) || extent < 0 || shape.size() == GRAVEN_MAX_RANK) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "%s: the npy shape (%s) is not understood: at most %d extents, none negative", path, text,
          GRAVEN_MAX_RANK));
    }
    shape.push_back(extent);
  }
  return shape;
}

// Reorders elements of `bytes` bytes from column-major to row-major.
void Transpose(const std::vector<int64_t> &shape, size_t bytes, const uint8_t *source,
               uint8_t *target) {
  int64_t count = ElementCount(shape).value_or(0);
  std::vector<int64_t> index(shape.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t offset = 0;
    for (size_t axis = shape.size(); axis-- > 0;) offset = offset * shape[axis] + index[axis];
    memcpy(target + static_cast<size_t>(i) * bytes, source + static_cast<size_t>(offset) * bytes,
           bytes);
    for (size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

// Stores element `i` of a widened type.
void Widen(const std::string &code, const uint8_t *source, Tensor *tensor, int64_t i) {
  if (code == "i1") {
    tensor->as<int32_t>()[i] = static_cast<int8_t>(*source);
  } else if (code == "i2") {
    int16_t value;
    memcpy(&value, source, 2);
    tensor->as<int32_t>()[i] = value;
  } else if (code == "u2") {
    uint16_t value;
    memcpy(&value, source, 2);
    tensor->as<int32_t>()[i] = value;
  } else {
    uint32_t value;
    memcpy(&value, source, 4);
    tensor->as<int64_t>()[i] = value;
  }
}

}  // namespace

bool LooksLikeNpy(const std::string &bytes) { return bytes.compare(0, 6, kMagic) == 0; }
bool LooksLikeNpz(const std::string &bytes) { return bytes.compare(0, 2, "PK") == 0; }

absl::StatusOr<Tensor> ParseNpy(const std::string &path, const std::string &bytes) {
  if (!LooksLikeNpy(bytes)) {
    return absl::InvalidArgumentError(path +
                                      ": is no npy file (it does not begin with \\x93NUMPY)");
  }
  const auto *data = reinterpret_cast<const uint8_t *>(bytes.data());
  size_t prefix = 8 > bytes.size() || data[6] == 1 ? 10 : 12;
  if (bytes.size() < prefix) {
    return absl::DataLossError(path + ": truncated within the npy header");
  }
  if (data[6] < 1 || data[6] > 3) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: npy version %d; expected 1, 2 or 3", path, data[6]));
  }
  size_t header_bytes = data[8] | size_t{data[9]} << 8;
  if (prefix == 12) header_bytes |= size_t{data[10]} << 16 | size_t{data[11]} << 24;
  if (bytes.size() - prefix < header_bytes) {
    return absl::DataLossError(
        absl::StrFormat("%s: truncated within the npy header: it claims %d bytes, %d are there",
                        path, header_bytes, bytes.size() - prefix));
  }
  std::string header = bytes.substr(prefix, header_bytes);
  std::optional<std::string> descr = HeaderValue(header, "descr");
  std::optional<std::string> fortran = HeaderValue(header, "fortran_order");
  std::optional<std::string> shape_text = HeaderValue(header, "shape");
  if (!descr || !fortran || !shape_text || descr->size() < 2) {
    return absl::InvalidArgumentError(path +
                                      ": the npy header lacks descr, fortran_order or shape");
  }
  char order = (*descr)[0];
  std::string code = descr->substr(1);
  const auto *type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const NpyType &t) { return code == t.code; });
  if (type == std::end(kTypes) || std::string("<>|=").find(order) == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: numpy type '%s' is not supported; convert it first, for example with "
                        "astype('float32')",
                        path, *descr));
  }
  GRAVEN_ASSIGN_OR_RETURN(std::vector<int64_t> shape, ParseShape(path, *shape_text));
  absl::StatusOr<int64_t> count = ElementCount(shape);
  size_t present = bytes.size() - prefix - header_bytes;
  if (!count.ok() || present % type->bytes != 0 ||
      static_cast<uint64_t>(*count) != present / type->bytes) {
    return absl::DataLossError(absl::StrFormat(
        "%s: the npy header promises shape (%s) of %d-byte elements, the file holds %d bytes after "
        "it; it is truncated or damaged",
        path, *shape_text, type->bytes, present));
  }
  TensorBytes raw(data + prefix + header_bytes, data + bytes.size());
  if (order == '>') {
    for (size_t at = 0; at < raw.size(); at += type->bytes) {
      std::reverse(raw.begin() + at, raw.begin() + at + type->bytes);
    }
  }
  if (fortran->compare(0, 4, "True") == 0 && shape.size() > 1) {
    TensorBytes ordered(raw.size());
    Transpose(shape, type->bytes, raw.data(), ordered.data());
    raw = std::move(ordered);
  }
  Tensor tensor;
  tensor.dtype = type->dtype;
  tensor.shape = std::move(shape);
  if (type->bytes == DtypeBytes(type->dtype)) {
    tensor.data = std::move(raw);
  } else {
    tensor.data.resize(static_cast<size_t>(*count) * DtypeBytes(type->dtype));
    for (int64_t i = 0; i < *count; ++i) Widen(code, raw.data() + i * type->bytes, &tensor, i);
  }
  if (type->dtype == GRAVEN_I1) {
    for (uint8_t &value : tensor.data) value = value != 0 ? 1 : 0;
  }
  return tensor;
}

absl::StatusOr<std::vector<std::pair<std::string, Tensor>>> ReadNpz(const std::string &path) {
  int error = 0;
  zip_t *archive = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &error);
  if (archive == nullptr) {
    zip_error_t details;
    zip_error_init_with_code(&details, error);
    std::string reason = zip_error_strerror(&details);
    zip_error_fini(&details);
    return absl::DataLossError(absl::StrFormat("%s: cannot be read as npz: %s", path, reason));
  }
  absl::Cleanup closer = [archive] { zip_discard(archive); };
  std::vector<std::pair<std::string, Tensor>> arrays;
  uint64_t total = 0;
  zip_int64_t entries = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < entries; ++i) {
    zip_stat_t info;
    if (zip_stat_index(archive, i, 0, &info) != 0 || (info.valid & ZIP_STAT_NAME) == 0 ||
        (info.valid & ZIP_STAT_SIZE) == 0 || (info.valid & ZIP_STAT_COMP_SIZE) == 0) {
      return absl::DataLossError(absl::StrFormat("%s: member %d cannot be read", path, i));
    }
    std::string member = absl::StrCat(path, "[", info.name, "]");
    // Deflate never shrinks by more than 1032: a larger claim is a lie, refused before allocating.
    if (info.size > kMaxDataBytes - total || info.size / 1032 > info.comp_size + 16) {
      return absl::DataLossError(
          absl::StrFormat("%s: claims %d bytes, which its %d packed bytes cannot give", member,
                          info.size, info.comp_size));
    }
    total += info.size;
    zip_file_t *file = zip_fopen_index(archive, i, 0);
    if (file == nullptr) {
      return absl::DataLossError(absl::StrCat(member, ": ", zip_strerror(archive)));
    }
    std::string bytes(info.size, '\0');
    zip_int64_t got = zip_fread(file, &bytes[0], info.size);
    // A read past the end makes libzip compare the checksum.
    char past_end = 0;
    zip_int64_t rest = got < 0 ? got : zip_fread(file, &past_end, 1);
    zip_fclose(file);
    if (got < 0 || static_cast<uint64_t>(got) != info.size || rest != 0) {
      return absl::DataLossError(member + ": truncated or damaged");
    }
    GRAVEN_ASSIGN_OR_RETURN(Tensor tensor, ParseNpy(member, bytes));
    arrays.emplace_back(std::string(absl::StripSuffix(info.name, ".npy")), std::move(tensor));
  }
  if (arrays.empty()) return absl::InvalidArgumentError(path + ": holds no arrays");
  return arrays;
}

std::string NpyBytes(const Tensor &given) {
  // The format knows no bf16; f32 holds all its values.
  Tensor widened;
  if (given.dtype == GRAVEN_BF16) widened = Convert(given, GRAVEN_F32, "").value_or(Tensor());
  const Tensor &tensor = given.dtype == GRAVEN_BF16 ? widened : given;
  const auto *type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const NpyType &t) { return t.dtype == tensor.dtype; });
  std::string shape;
  for (int64_t extent : tensor.shape) absl::StrAppend(&shape, extent, ", ");
  if (tensor.shape.size() > 1) shape.resize(shape.size() - 2);
  if (tensor.shape.size() == 1) shape.resize(shape.size() - 1);
  std::string header = absl::StrFormat("{'descr': '%c%s', 'fortran_order': False, 'shape': (%s), }",
                                       type->bytes == 1 ? '|' : '<', type->code, shape);
  // Padded with spaces and a line end, so that the elements begin at a multiple of 64.
  size_t padded = (10 + header.size() + 1 + 63) / 64 * 64;
  header.append(padded - 10 - header.size() - 1, ' ');
  header.push_back('\n');
  std::string bytes(kMagic, 6);
  bytes.push_back(1);
  bytes.push_back(0);
  bytes.push_back(static_cast<char>(header.size() & 0xff));
  bytes.push_back(static_cast<char>(header.size() >> 8));
  bytes += header;
  bytes.append(reinterpret_cast<const char *>(tensor.data.data()), tensor.data.size());
  return bytes;
}

absl::Status WriteNpy(const std::string &path, const Tensor &tensor) {
  return WriteFileAtomically(path, NpyBytes(tensor));
}

}  // namespace graven::train
