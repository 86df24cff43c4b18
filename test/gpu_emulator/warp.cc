// What instructions of a whole warp compute. Operands and results stand in Thread::exchange; word 0
// of those with a mask is the mask.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "test/gpu_emulator/machine.h"
#include "test/gpu_emulator/numbers.h"

namespace graven::emulator {
namespace {

template <typename Visit>
void each_lane(const Meeting &meeting, Visit &&visit) {
  for (uint32_t lanes = meeting.mask; lanes != 0; lanes &= lanes - 1) {
    visit(*meeting.lanes[std::countr_zero(lanes)]);
  }
}

/// mask, value, lane or distance, clamp and segments -> value, whether the source was in range.
void shuffle(const Meeting &meeting) {
  const auto mode = static_cast<ShuffleMode>(meeting.site->variant);
  uint32_t values[32] = {};
  each_lane(meeting, [&](Thread &thread) { values[thread.lane] = thread.exchange[1]; });
  each_lane(meeting, [&](Thread &thread) {
    const int lane = thread.lane;
    const int distance = thread.exchange[2] & 31;
    const int clamp = thread.exchange[3] & 31, segments = thread.exchange[3] >> 8 & 31;
    const int last = (lane & segments) | (clamp & ~segments);
    const int first = lane & segments;
    int source = lane;
    bool inside = false;
    switch (mode) {
      case ShuffleMode::kUp:
        source = lane - distance;
        inside = source >= last;
        break;
      case ShuffleMode::kDown:
        source = lane + distance;
        inside = source <= last;
        break;
      case ShuffleMode::kButterfly:
        source = lane ^ distance;
        inside = source <= last;
        break;
      case ShuffleMode::kIndex:
        source = first | (distance & ~segments);
        inside = source <= last;
        break;
    }
    if (!inside) source = lane;
    if (!(meeting.mask >> source & 1)) {
      meeting.machine->find(Kind::kMask, thread, meeting.site->line,
                            meeting.site->name + " reads lane " + std::to_string(source) +
                                ", which does not take part; look at the member mask and at the "
                                "lanes that left before");
    }
    thread.exchange[0] = values[source];
    thread.exchange[1] = inside;
  });
}

/// mask, predicate -> predicate, or a bit for each lane.
void vote(const Meeting &meeting) {
  const auto mode = static_cast<VoteMode>(meeting.site->variant);
  uint32_t holds = 0;
  each_lane(meeting, [&](Thread &thread) {
    if (thread.exchange[1] != 0) holds |= 1u << thread.lane;
  });
  const bool all = holds == meeting.mask, any = holds != 0;
  const uint32_t result = mode == VoteMode::kAll       ? all
                          : mode == VoteMode::kAny     ? any
                          : mode == VoteMode::kUniform ? all || !any
                                                       : holds;
  each_lane(meeting, [&](Thread &thread) { thread.exchange[0] = result; });
}

/// mask, value (two words) -> lanes with the same value, whether all have it.
void match(const Meeting &meeting) {
  const auto mode = static_cast<MatchMode>(meeting.site->variant);
  uint32_t same[32] = {};
  each_lane(meeting, [&](Thread &thread) {
    each_lane(meeting, [&](Thread &other) {
      const bool equal =
          thread.exchange[1] == other.exchange[1] && thread.exchange[2] == other.exchange[2];
      if (equal) same[thread.lane] |= 1u << other.lane;
    });
  });
  each_lane(meeting, [&](Thread &thread) {
    const bool all = same[thread.lane] == meeting.mask;
    thread.exchange[0] = mode == MatchMode::kAny || all ? same[thread.lane] : 0;
    thread.exchange[1] = all;
  });
}

/// mask, value -> the value reduced over the lanes.
void reduce(const Meeting &meeting) {
  const auto mode = static_cast<ReductionMode>(meeting.site->variant);
  bool first = true;
  uint32_t total = 0;
  each_lane(meeting, [&](Thread &thread) {
    const uint32_t value = thread.exchange[1];
    const auto s = [](uint32_t bits) { return static_cast<int32_t>(bits); };
    if (std::exchange(first, false)) {
      total = value;
      return;
    }
    switch (mode) {
      case ReductionMode::kAdd:
        total += value;
        break;
      case ReductionMode::kMinSigned:
        total = s(value) < s(total) ? value : total;
        break;
      case ReductionMode::kMaxSigned:
        total = s(value) > s(total) ? value : total;
        break;
      case ReductionMode::kMinUnsigned:
        total = std::min(total, value);
        break;
      case ReductionMode::kMaxUnsigned:
        total = std::max(total, value);
        break;
      case ReductionMode::kAnd:
        total &= value;
        break;
      case ReductionMode::kOr:
        total |= value;
        break;
      case ReductionMode::kXor:
        total ^= value;
        break;
    }
  });
  each_lane(meeting, [&](Thread &thread) { thread.exchange[0] = total; });
}

void active_mask(const Meeting &meeting) {
  each_lane(meeting, [&](Thread &thread) { thread.exchange[0] = meeting.mask; });
}

/// An instruction that the ISA leaves undefined where lanes of the warp have ended.
bool whole(const Meeting &meeting) {
  if (meeting.mask == ~0u) return true;
  meeting.machine->find(Kind::kDivergence, *meeting.lanes[std::countr_zero(meeting.mask)],
                        meeting.site->line,
                        meeting.site->name + " in a warp of which lanes are missing or have ended");
  meeting.machine->give_up();
  return false;
}

/// ldmatrix: the shared addresses (two words) of rows of eight 16-bit elements -> for each matrix
/// the two elements of a lane. The variant is the number of matrices, plus 8 for .trans.
void load_matrix(const Meeting &meeting) {
  if (!whole(meeting)) return;
  const unsigned matrices = meeting.site->variant & 7;
  const bool transposed = meeting.site->variant & 8;
  uint16_t elements[4][8][8] = {};
  for (unsigned row = 0; row < 8 * matrices; ++row) {
    Thread &thread = *meeting.lanes[row];
    const uint64_t address = thread.exchange[0] | uint64_t{thread.exchange[1]} << 32;
    const uint8_t *from = meeting.machine->read_shared(&thread, address, 16, meeting.site->line);
    if (!from) return meeting.machine->give_up();
    std::memcpy(elements[row / 8][row % 8], from, 16);
  }
  each_lane(meeting, [&](Thread &thread) {
    const unsigned slow = thread.lane / 4, fast = thread.lane % 4 * 2;
    for (unsigned i = 0; i < matrices; ++i) {
      const auto &matrix = elements[i];
      const uint16_t low = transposed ? matrix[fast][slow] : matrix[slow][fast];
      const uint16_t high = transposed ? matrix[fast + 1][slow] : matrix[slow][fast + 1];
      thread.exchange[i] = low | uint32_t{high} << 16;
    }
  });
}

/// How mma.sync reads its operands.
struct Product {
  unsigned depth;     ///< k
  unsigned per_word;  ///< elements in a register
  double (*value)(uint32_t word, unsigned element);
};
double f16_element(uint32_t word, unsigned i) { return f16_to_f32(word >> 16 * i & 0xffff); }
double bf16_element(uint32_t word, unsigned i) { return bf16_to_f32(word >> 16 * i & 0xffff); }
/// The hardware looks at 19 bits of a tf32 operand; what stands below is ignored.
double tf32_element(uint32_t word, unsigned) { return bits_to_f32(word & 0xffffe000u); }

constexpr Product kProducts[] = {
    {16, 2, f16_element}, {16, 2, bf16_element}, {8, 1, tf32_element},
    {8, 2, f16_element},  {8, 2, bf16_element},  {4, 1, tf32_element},
};

/// mma.sync m16n8: fragments of A (16 x k, by rows), of B (k x 8, by columns) and of C -> D, all of
/// f32 sums. Products are exact and added in f64 from k = 0, rounded once; the hardware's order and
/// rounding of a sum are its own.
void multiply_matrices(const Meeting &meeting) {
  if (!whole(meeting)) return;
  const Product &product = kProducts[meeting.site->variant];
  // A register holds `per_word` neighbours along k; 4 lanes cover 4 * per_word of k.
  const unsigned covered = 4 * product.per_word, steps = product.depth / covered;
  const unsigned a_words = 2 * steps, b_words = steps;
  double a[16][16], b[16][8], c[16][8];
  each_lane(meeting, [&](Thread &thread) {
    const unsigned group = thread.lane / 4, member = thread.lane % 4;
    for (unsigned step = 0; step < steps; ++step) {
      for (unsigned i = 0; i < product.per_word; ++i) {
        const unsigned k = step * covered + member * product.per_word + i;
        a[group][k] = product.value(thread.exchange[2 * step], i);
        a[group + 8][k] = product.value(thread.exchange[2 * step + 1], i);
        b[k][group] = product.value(thread.exchange[a_words + step], i);
      }
    }
    for (unsigned i = 0; i < 4; ++i) {
      c[group + i / 2 * 8][member * 2 + i % 2] =
          bits_to_f32(thread.exchange[a_words + b_words + i]);
    }
  });
  for (unsigned row = 0; row < 16; ++row) {
    for (unsigned k = 0; k < product.depth; ++k) {
      for (unsigned column = 0; column < 8; ++column) c[row][column] += a[row][k] * b[k][column];
    }
  }
  each_lane(meeting, [&](Thread &thread) {
    const unsigned group = thread.lane / 4, member = thread.lane % 4;
    for (unsigned i = 0; i < 4; ++i) {
      const double sum = c[group + i / 2 * 8][member * 2 + i % 2];
      thread.exchange[i] = f32_to_bits(static_cast<float>(sum));
    }
  });
}

}  // namespace

const Rendezvous kShuffle{"shfl", Rendezvous::kWarp, shuffle};
const Rendezvous kVote{"vote", Rendezvous::kWarp, vote};
const Rendezvous kMatch{"match", Rendezvous::kWarp, match};
const Rendezvous kReduction{"redux", Rendezvous::kWarp, reduce};
const Rendezvous kWarpBarrier{"bar.warp", Rendezvous::kWarp, nullptr};
const Rendezvous kActiveMask{"activemask", Rendezvous::kAligned, active_mask};
const Rendezvous kBarrierSync{"bar", Rendezvous::kBarrier, nullptr};
const Rendezvous kBarrierReduction{"bar.red", Rendezvous::kBarrier, nullptr};
const Rendezvous kBarrierArrive{"bar.arrive", Rendezvous::kArrival, nullptr};
const Rendezvous kLoadMatrix{"ldmatrix", Rendezvous::kAligned, load_matrix};
const Rendezvous kMatrixProduct{"mma", Rendezvous::kAligned, multiply_matrices};

}  // namespace graven::emulator
