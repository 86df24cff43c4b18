#include "runtime/core/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <new>

namespace graven1 {

Digest::Digest() {
  static_assert(sizeof(XXH64_state_t) == sizeof state_ && alignof(XXH64_state_t) <= 8);
  XXH64_reset(new (state_) XXH64_state_t, 0);
}

void Digest::add(const void *data, size_t bytes) {
  if (bytes != 0) XXH64_update(reinterpret_cast<XXH64_state_t *>(state_), data, bytes);
}

uint64_t Digest::value() const {
  return XXH64_digest(reinterpret_cast<const XXH64_state_t *>(state_));
}

}  // namespace graven1
