#include "runtime/device/cuda/cuda_edges.h"

#include <stdlib.h>

#include "runtime/core/error.h"

namespace graven1::cuda {
namespace {

bool conflict(const Access &a, const Access &b) {
  return ((a.how | b.how) & GRAVEN_OPERAND_WRITE) != 0 && a.bytes != 0 && b.bytes != 0 &&
         a.address < b.address + b.bytes && b.address < a.address + a.bytes;
}

bool conflict(const Access *accesses, const Accesses &a, const Accesses &b) {
  for (uint32_t i = a.first; i < a.first + a.count; ++i) {
    for (uint32_t j = b.first; j < b.first + b.count; ++j) {
      if (conflict(accesses[i], accesses[j])) return true;
    }
  }
  return false;
}

}  // namespace

Edges::~Edges() { clear(); }

void Edges::clear() {
  free(ends_);
  free(list_);
  ends_ = list_ = nullptr;
  used_ = room_ = 0;
}

bool Edges::add(uint32_t command) {
  if (used_ == room_) {
    const uint32_t room = room_ != 0 ? 2 * room_ : 64;
    void *grown = realloc(list_, room * sizeof *list_);
    if (!grown) return false;
    list_ = static_cast<uint32_t *>(grown);
    room_ = room;
  }
  list_[used_++] = command;
  return true;
}

graven_status Edges::find(const Access *accesses, const Accesses *commands, uint32_t count) {
  clear();
  // One row of bits per command: all that it waits for, directly or not.
  const size_t words = (count + size_t{63}) / 64;
  uint64_t *waits = static_cast<uint64_t *>(calloc(count * words + 1, sizeof(uint64_t)));
  ends_ = static_cast<uint32_t *>(calloc(count + size_t{1}, sizeof(uint32_t)));
  bool enough = waits && ends_;
  for (uint32_t command = 0; enough && command < count; ++command) {
    uint64_t *row = waits + command * words;
    // From the latest on, so that whatever is waited for through it is known before.
    for (uint32_t earlier = command; enough && earlier-- > 0;) {
      if ((row[earlier / 64] >> earlier % 64 & 1) != 0) continue;
      if (!conflict(accesses, commands[earlier], commands[command])) continue;
      enough = add(earlier);
      row[earlier / 64] |= uint64_t{1} << earlier % 64;
      const uint64_t *through = waits + earlier * words;
      for (size_t w = 0; w <= earlier / 64; ++w) row[w] |= through[w];
    }
    if (enough) ends_[command + 1] = used_;
  }
  free(waits);
  if (enough) return GRAVEN_OK;
  clear();
  return fail_memory(count * words * sizeof(uint64_t), "the order of a model's commands");
}

}  // namespace graven1::cuda
