// Text as the tables and checkpoints hold it: UTF-8, and types as people read them.
#ifndef GRAVEN_RUNTIME_CORE_TEXT_H_
#define GRAVEN_RUNTIME_CORE_TEXT_H_

#include <stddef.h>
#include <stdint.h>

#include "graven/artifact_format.h"

namespace graven1 {

// Whether `data` is well-formed UTF-8 without NUL, overlong forms or surrogates.
bool is_text(const char *data, size_t bytes);

constexpr size_t kTypeTextBytes = 192;
// "4x16xf32", "f32" for a scalar; returns `buffer`.
const char *type_text(const graven_tensor_record &tensor, char (&buffer)[kTypeTextBytes]);

// One row per element type: everything that the core knows about it.
struct ElementType {
  uint32_t dtype;           // graven_dtype
  uint32_t bytes;           // of one element
  const char *name;         // as in model text: "f32"
  const char *safetensors;  // as in checkpoints: "F32"
};
// The row of `dtype`, or null when there is no such type.
const ElementType *element_type(uint32_t dtype);
// Whether elements of type `dtype` are floating-point numbers.
bool is_float(uint32_t dtype);
// The row whose safetensors name is the `bytes` at `name`, or null.
const ElementType *element_type_from_safetensors(const char *name, size_t bytes);

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_TEXT_H_
