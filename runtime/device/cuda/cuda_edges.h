// Which commands of a call must wait for which: what a graph of them needs as edges.
#ifndef GRAVEN_RUNTIME_DEVICE_CUDA_CUDA_EDGES_H_
#define GRAVEN_RUNTIME_DEVICE_CUDA_CUDA_EDGES_H_

#include <stddef.h>
#include <stdint.h>

#include "graven/graven.h"

namespace graven1::cuda {

// Bytes that a command touches, and how (GRAVEN_OPERAND_*).
struct Access {
  uint64_t address;
  uint64_t bytes;
  uint32_t how;
};

// One command: accesses [first, first + count) of a list.
struct Accesses {
  uint32_t first;
  uint32_t count;
};

// For each of `count` commands in turn: which earlier ones it must wait for because they share a
// byte that one of them writes. Those that it waits for through another are left out, so the edges
// are the fewest that keep the order.
class Edges {
 public:
  ~Edges();
  // Fails with OUT_OF_MEMORY. May be called again.
  graven_status find(const Access *accesses, const Accesses *commands, uint32_t count);
  // The commands that `command` waits for, latest first.
  const uint32_t *before(uint32_t command, uint32_t *count) const {
    *count = ends_[command + 1] - ends_[command];
    return list_ + ends_[command];
  }
  uint32_t size() const { return used_; }

 private:
  bool add(uint32_t command);
  void clear();

  uint32_t *ends_ = nullptr;  // count + 1
  uint32_t *list_ = nullptr;
  uint32_t used_ = 0, room_ = 0;
};

}  // namespace graven1::cuda

#endif  // GRAVEN_RUNTIME_DEVICE_CUDA_CUDA_EDGES_H_
