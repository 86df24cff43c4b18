// Offsets for buffers with known lifetimes.
#ifndef GRAVEN_COMPILER_SCHEDULE_ARENA_H_
#define GRAVEN_COMPILER_SCHEDULE_ARENA_H_

#include <cstdint>

#include "llvm/ADT/ArrayRef.h"

namespace graven::schedule {

// A buffer that must keep its bytes from time `first` to time `last`, both included.
struct Buffer {
  int64_t bytes = 0;
  int64_t first = 0, last = 0;
  int64_t offset = 0;  // the answer, a multiple of 64
};

// The largest sum of sizes, each rounded up to 64, of buffers alive at one time: no placement takes
// fewer bytes.
int64_t livenessBound(llvm::ArrayRef<Buffer> buffers);

// Gives every buffer an offset so that no two alive at one time overlap, and returns the end of the
// last. Places in several orders, each buffer where it fits best among those placed before
// (offset assignment by size after Pisarchyk and Lee, arXiv:2001.03288), then improves the best
// order by moving forward what sits on top, until the bound is met or a fixed number of attempts is
// spent. Depends on its arguments alone.
int64_t placeBuffers(llvm::MutableArrayRef<Buffer> buffers);

}  // namespace graven::schedule

#endif  // GRAVEN_COMPILER_SCHEDULE_ARENA_H_
