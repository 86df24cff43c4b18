// Pairs of bf16, the unit of the instruction vdpbf16ps.
//
// A pair holds the elements k and k + 1 of one row or column of a matrix, as one i32: the even k in
// its low half. docs/numerics.md says what the instruction computes.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_BF16_PAIRS_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_BF16_PAIRS_H_

#include "compiler/codegen/loops/emitter.h"
#include "compiler/strategy/target.h"

namespace graven::codegen::cpu {

// Least lanes of a vector of pairs that there is an instruction for.
constexpr int64_t kLeastPairLanes = 4;

// Whether products of `element` may be computed in pairs.
bool hasPairs(mlir::Type element, const strategy::Target &target);

// A pair for each of the emitter's lanes (one where `index` is uniform): the elements at `index`
// and `stride_k` behind it. Where not `both`, only the first is read, and the other is zero.
mlir::Value loadPairs(Emitter &emitter, mlir::Value pointer, const Index &index, int64_t stride_k,
                      bool both);
// Pairs that lie one after the other: elements 2 i and 2 i + 1 behind `first` in lane i. Those from
// `valid` on are not read, and zero.
mlir::Value loadPairsAlongK(Emitter &emitter, mlir::Value pointer, const Index &first,
                            const Index &valid);
// sum + left.odd right.odd + left.even right.even, added in this order; vectors of the emitter's
// lanes, `left` and `right` of pairs, `sum` of f32.
mlir::Value multiplyPairs(Emitter &emitter, mlir::Value left, mlir::Value right, mlir::Value sum);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_BF16_PAIRS_H_
