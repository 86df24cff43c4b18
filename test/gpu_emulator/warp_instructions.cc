// Instructions that threads execute together.
#include <iterator>

#include "test/gpu_emulator/instructions.h"
#include "test/gpu_emulator/rendezvous.h"

namespace graven::emulator {
namespace {

using llvm::Value;

template <typename Mode>
struct Name {
  const char *name;
  Mode mode;
};

/// The mode whose name stands among the modifiers.
template <typename Mode, size_t kCount>
unsigned take_mode(Emitter &e, const Name<Mode> (&names)[kCount]) {
  for (const auto &known : names) {
    if (e.take(known.name)) return static_cast<unsigned>(known.mode);
  }
  e.fail(e.instruction().opcode + " without a mode that the emulator knows");
  return 0;
}

void take_sync(Emitter &e) {
  if (!e.take("sync")) e.fail(e.instruction().opcode + " without .sync");
}

Value *is_set(Emitter &e, Value *word) { return e.builder().CreateICmpNE(word, e.constant(32, 0)); }

/// shfl.sync.MODE.b32 d[|p], a, b, c, mask
void shfl(Emitter &e) {
  static constexpr Name<ShuffleMode> kModes[] = {{"up", ShuffleMode::kUp},
                                                 {"down", ShuffleMode::kDown},
                                                 {"bfly", ShuffleMode::kButterfly},
                                                 {"idx", ShuffleMode::kIndex}};
  take_sync(e);
  const unsigned mode = take_mode(e, kModes);
  e.take("b32");
  e.set_exchange(0, e.read(e.operand(4), 32));
  for (unsigned i = 1; i < 4; ++i) e.set_exchange(i, e.read(e.operand(i), 32));
  e.meet(&kShuffle, mode, 4);
  const Operand &result = e.operand(0);
  if (result.kind == Operand::kPair) {
    e.write(result.elements[0], e.exchange(0));
    e.write(result.elements[1], is_set(e, e.exchange(1)));
  } else {
    e.write(result, e.exchange(0));
  }
}

/// vote.sync.{all,any,uni}.pred p, q, mask and vote.sync.ballot.b32 d, q, mask
void vote(Emitter &e) {
  static constexpr Name<VoteMode> kModes[] = {{"all", VoteMode::kAll},
                                              {"any", VoteMode::kAny},
                                              {"uni", VoteMode::kUniform},
                                              {"ballot", VoteMode::kBallot}};
  take_sync(e);
  const unsigned mode = take_mode(e, kModes);
  e.take_any({"pred", "b32"});
  e.set_exchange(0, e.read(e.operand(2), 32));
  e.set_exchange(1, e.builder().CreateZExt(e.read_predicate(e.operand(1)), e.int_type(32)));
  e.meet(&kVote, mode, 2);
  const bool ballot = mode == static_cast<unsigned>(VoteMode::kBallot);
  e.write(e.operand(0), ballot ? e.exchange(0) : is_set(e, e.exchange(0)));
}

/// match.any.sync.bNN d, a, mask and match.all.sync.bNN d[|p], a, mask
void match(Emitter &e) {
  static constexpr Name<MatchMode> kModes[] = {{"any", MatchMode::kAny}, {"all", MatchMode::kAll}};
  take_sync(e);
  const unsigned mode = take_mode(e, kModes);
  const Type type = e.take_type();
  auto &builder = e.builder();
  Value *value = builder.CreateZExt(e.read(e.operand(1), type.bits), e.int_type(64));
  e.set_exchange(0, e.read(e.operand(2), 32));
  e.set_exchange(1, builder.CreateTrunc(value, e.int_type(32)));
  e.set_exchange(2, builder.CreateTrunc(builder.CreateLShr(value, 32), e.int_type(32)));
  e.meet(&kMatch, mode, 3);
  const Operand &result = e.operand(0);
  if (result.kind == Operand::kPair) {
    e.write(result.elements[0], e.exchange(0));
    e.write(result.elements[1], is_set(e, e.exchange(1)));
  } else {
    e.write(result, e.exchange(0));
  }
}

/// redux.sync.OPERATION.TYPE d, a, mask
void redux(Emitter &e) {
  take_sync(e);
  const std::string operation = e.take_any({"add", "min", "max", "and", "or", "xor"});
  const bool is_signed = e.take_type().is_signed();
  ReductionMode mode = ReductionMode::kAdd;
  if (operation == "min")
    mode = is_signed ? ReductionMode::kMinSigned : ReductionMode::kMinUnsigned;
  if (operation == "max")
    mode = is_signed ? ReductionMode::kMaxSigned : ReductionMode::kMaxUnsigned;
  if (operation == "and") mode = ReductionMode::kAnd;
  if (operation == "or") mode = ReductionMode::kOr;
  if (operation == "xor") mode = ReductionMode::kXor;
  if (operation.empty()) e.fail("redux without an operation that the emulator knows");
  e.set_exchange(0, e.read(e.operand(2), 32));
  e.set_exchange(1, e.read(e.operand(1), 32));
  e.meet(&kReduction, static_cast<unsigned>(mode), 2);
  e.write(e.operand(0), e.exchange(0));
}

void activemask(Emitter &e) {
  e.take("b32");
  e.meet(&kActiveMask, 0, 0);
  e.write(e.operand(0), e.exchange(0));
}

/// bar[rier][.cta].{sync,arrive,red}[.aligned] and bar.warp.sync mask
void barrier(Emitter &e) {
  if (e.take("warp")) {
    take_sync(e);
    e.set_exchange(0, e.read(e.operand(0), 32));
    e.meet(&kWarpBarrier, 0, 1);
    return;
  }
  static constexpr Name<BarrierReductionMode> kModes[] = {{"popc", BarrierReductionMode::kCount},
                                                          {"and", BarrierReductionMode::kAnd},
                                                          {"or", BarrierReductionMode::kOr}};
  e.take("cta");
  // Barriers that need not be aligned are held to the same rule: our kernels have no others.
  e.take("aligned");
  const bool reduces = e.take("red"), arrives = !reduces && e.take("arrive");
  if (!reduces && !arrives) take_sync(e);
  unsigned mode = 0;
  if (reduces) {
    mode = take_mode(e, kModes);
    e.take_any({"pred", "u32"});
  }
  // Operands: [result,] number [, threads] [, predicate]
  const size_t first = reduces ? 1 : 0;
  const size_t rest = e.operand_count() - first - (reduces ? 1 : 0);
  e.set_exchange(0, e.read(e.operand(first), 32));
  e.set_exchange(1, rest > 1 ? e.read(e.operand(first + 1), 32) : e.constant(32, 0));
  if (reduces) {
    Value *holds = e.read_predicate(e.operand(e.operand_count() - 1));
    e.set_exchange(2, e.builder().CreateZExt(holds, e.int_type(32)));
  }
  e.meet(reduces ? &kBarrierReduction : arrives ? &kBarrierArrive : &kBarrierSync, mode, 3);
  if (reduces) {
    const bool count = mode == static_cast<unsigned>(BarrierReductionMode::kCount);
    e.write(e.operand(0), count ? e.exchange(0) : is_set(e, e.exchange(0)));
  }
}

/// ldmatrix.sync.aligned.m8n8.{x1,x2,x4}[.trans].shared.b16 {d...}, [a]
void ldmatrix(Emitter &e) {
  take_sync(e);
  e.take("aligned");
  if (!e.take("m8n8")) e.fail("ldmatrix of another shape than m8n8");
  const std::string count = e.take_any({"x1", "x2", "x4"});
  const bool transposed = e.take("trans");
  if (!e.take("shared") && !e.take("shared::cta")) {
    e.fail("ldmatrix is modelled for addresses of .shared only");
  }
  e.take("b16");
  if (count.empty()) {
    e.fail("ldmatrix without .x1, .x2 or .x4");
    return;
  }
  const unsigned matrices = count[1] - '0';
  auto &builder = e.builder();
  Value *address = e.address(e.operand(1));
  e.set_exchange(0, builder.CreateTrunc(address, e.int_type(32)));
  e.set_exchange(1, builder.CreateTrunc(builder.CreateLShr(address, 32), e.int_type(32)));
  e.meet(&kLoadMatrix, matrices | (transposed ? 8 : 0), 2);
  const Operand &result = e.operand(0);
  for (unsigned i = 0; i < matrices; ++i) {
    e.write(matrices == 1 && result.elements.empty() ? result : result.elements[i], e.exchange(i));
  }
}

/// mma.sync.aligned.SHAPE.row.col.f32.A.B.f32 d, a, b, c. wgmma joins here, with a scope of four
/// warps.
void mma(Emitter &e) {
  struct Shape {
    const char *shape, *type;
    MatrixProductMode mode;
    unsigned a_words, b_words;
  };
  static constexpr Shape kShapes[] = {
      {"m16n8k16", "f16", MatrixProductMode::kF16K16, 4, 2},
      {"m16n8k16", "bf16", MatrixProductMode::kBf16K16, 4, 2},
      {"m16n8k8", "tf32", MatrixProductMode::kTf32K8, 4, 2},
      {"m16n8k8", "f16", MatrixProductMode::kF16K8, 2, 1},
      {"m16n8k8", "bf16", MatrixProductMode::kBf16K8, 2, 1},
      {"m16n8k4", "tf32", MatrixProductMode::kTf32K4, 2, 1},
  };
  take_sync(e);
  e.take("aligned");
  const std::string shape = e.take_any({"m16n8k16", "m16n8k8", "m16n8k4"});
  if (!e.take("row") || !e.take("col")) e.fail("mma with other layouts than .row.col");
  if (!e.take("f32")) e.fail("mma is modelled with f32 sums");
  const std::string type = e.take_any({"f16", "bf16", "tf32"});
  if (!e.take(type) || !e.take("f32")) {
    e.fail("mma is modelled with operands of one type and f32 sums");
  }
  for (const Shape &known : kShapes) {
    if (shape != known.shape || type != known.type) continue;
    const unsigned counts[] = {known.a_words, known.b_words, 4};
    unsigned word = 0;
    for (unsigned i = 0; i < 3; ++i) {
      const Operand &fragment = e.operand(i + 1);
      if (fragment.elements.size() != counts[i] && counts[i] != 1) {
        e.fail("mma with fragments of other lengths than its shape has");
        return;
      }
      for (unsigned j = 0; j < counts[i]; ++j) {
        const bool single = fragment.elements.empty();
        e.set_exchange(word++, e.read(single ? fragment : fragment.elements[j], 32));
      }
    }
    e.meet(&kMatrixProduct, static_cast<unsigned>(known.mode), word);
    if (e.operand(0).elements.size() != 4) {
      e.fail("mma with a result of other length than 4");
      return;
    }
    for (unsigned i = 0; i < 4; ++i) e.write(e.operand(0).elements[i], e.exchange(i));
    return;
  }
  e.fail("mma of the shape " + shape + " is not modelled for " + type);
}

}  // namespace

void add_warp_instructions(InstructionTable *table) {
  auto &t = *table;
  t["shfl"] = shfl;
  t["vote"] = vote;
  t["match"] = match;
  t["redux"] = redux;
  t["activemask"] = activemask;
  t["bar"] = barrier;
  t["barrier"] = barrier;
  t["ldmatrix"] = ldmatrix;
  t["mma"] = mma;
}

}  // namespace graven::emulator
