// XXH64, the digest of tables, artifacts and checkpoints: integrity, not origin.
#ifndef GRAVEN_RUNTIME_CORE_DIGEST_H_
#define GRAVEN_RUNTIME_CORE_DIGEST_H_

#include <stddef.h>
#include <stdint.h>

namespace graven1 {

// A digest, seed 0, over bytes that arrive in pieces. Lives on the stack.
class Digest {
 public:
  Digest();
  void add(const void *data, size_t bytes);
  uint64_t value() const;

 private:
  alignas(8) unsigned char state_[88];  // an XXH64_state_t
};

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_DIGEST_H_
