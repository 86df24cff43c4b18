#include "runtime/core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

namespace graven1 {
namespace {

constexpr ElementType kElementTypes[] = {
    {GRAVEN_F32, 4, "f32", "F32"}, {GRAVEN_F64, 8, "f64", "F64"},    {GRAVEN_I1, 1, "i1", "BOOL"},
    {GRAVEN_I32, 4, "i32", "I32"}, {GRAVEN_I64, 8, "i64", "I64"},    {GRAVEN_UI8, 1, "ui8", "U8"},
    {GRAVEN_F16, 2, "f16", "F16"}, {GRAVEN_BF16, 2, "bf16", "BF16"},
};

}  // namespace

bool is_text(const char *data, size_t bytes) {
  const unsigned char *p = reinterpret_cast<const unsigned char *>(data);
  const unsigned char *end = p + bytes;
  while (p < end) {
    uint32_t lead = *p++;
    if (lead == 0) return false;
    if (lead < 0x80) continue;
    int more;
    uint32_t code, least;
    if (lead >= 0xc2 && lead < 0xe0) {
      more = 1, code = lead & 0x1f, least = 0x80;
    } else if (lead >= 0xe0 && lead < 0xf0) {
      more = 2, code = lead & 0x0f, least = 0x800;
    } else if (lead >= 0xf0 && lead < 0xf5) {
      more = 3, code = lead & 0x07, least = 0x10000;
    } else {
      return false;
    }
    if (end - p < more) return false;
    for (; more > 0; --more, ++p) {
      if ((*p & 0xc0) != 0x80) return false;
      code = code << 6 | (*p & 0x3f);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  }
  return true;
}

const char *type_text(const graven_tensor_record &tensor, char (&buffer)[kTypeTextBytes]) {
  size_t used = 0;
  for (uint32_t d = 0; d < tensor.rank && d < GRAVEN_MAX_RANK; ++d) {
    used += snprintf(buffer + used, sizeof buffer - used, "%" PRId64 "x", tensor.dims[d]);
  }
  const ElementType *type = element_type(tensor.dtype);
  snprintf(buffer + used, sizeof buffer - used, "%s", type ? type->name : "?");
  return buffer;
}

const ElementType *element_type(uint32_t dtype) {
  for (const ElementType &type : kElementTypes) {
    if (type.dtype == dtype) return &type;
  }
  return nullptr;
}

bool is_float(uint32_t dtype) {
  return dtype == GRAVEN_F16 || dtype == GRAVEN_BF16 || dtype == GRAVEN_F32 || dtype == GRAVEN_F64;
}

const ElementType *element_type_from_safetensors(const char *name, size_t bytes) {
  for (const ElementType &type : kElementTypes) {
    if (strlen(type.safetensors) == bytes && memcmp(type.safetensors, name, bytes) == 0) {
      return &type;
    }
  }
  return nullptr;
}

}  // namespace graven1
