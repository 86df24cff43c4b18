// Instructions that the threads of a warp or of a workgroup execute together: who must come, and
// what happens when all are there. wgmma (four warps) and mbarrier waits join here.
#ifndef GRAVEN_TEST_GPU_EMULATOR_RENDEZVOUS_H_
#define GRAVEN_TEST_GPU_EMULATOR_RENDEZVOUS_H_

#include <cstdint>
#include <string>

#include "test/gpu_emulator/thread.h"

namespace graven::emulator {

/// The threads of one warp that execute an instruction together.
struct Meeting {
  Machine *machine;
  const MeetingSite *site;
  Thread *lanes[32];  ///< null where the lane does not take part
  uint32_t mask;      ///< of those that do
};

/// A kind of instruction for threads together.
struct Rendezvous {
  enum Scope {
    kWarp,     ///< the lanes named by a mask, which is the first word that is handed over
    kAligned,  ///< all lanes of the warp, at the same instruction
    kBarrier,  ///< threads of the workgroup: words are barrier number and count (0: all)
    kArrival,  ///< counts at a barrier without waiting
  };
  const char *name;
  Scope scope;
  /// Computes the results from the operands, in Thread::exchange. Null: nothing to compute.
  void (*resolve)(const Meeting &meeting);
};

// In warp.cc; the variants are what warp_instructions.cc passes.
extern const Rendezvous kShuffle, kVote, kMatch, kReduction, kWarpBarrier, kActiveMask;
extern const Rendezvous kBarrierSync, kBarrierReduction, kBarrierArrive;
extern const Rendezvous kLoadMatrix, kMatrixProduct;

enum class ShuffleMode : unsigned { kUp, kDown, kButterfly, kIndex };
enum class VoteMode : unsigned { kAll, kAny, kUniform, kBallot };
enum class MatchMode : unsigned { kAny, kAll };
enum class ReductionMode : unsigned {
  kAdd,
  kMinSigned,
  kMaxSigned,
  kMinUnsigned,
  kMaxUnsigned,
  kAnd,
  kOr,
  kXor
};
enum class BarrierReductionMode : unsigned { kCount, kAnd, kOr };
/// What mma.sync multiplies: m16n8 with k of 8 or 16, sums in f32.
enum class MatrixProductMode : unsigned { kF16K16, kBf16K16, kTf32K8, kF16K8, kBf16K8, kTf32K4 };

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_RENDEZVOUS_H_
