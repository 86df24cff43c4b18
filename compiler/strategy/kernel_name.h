// Names of kernels: <ops>_<element type>_<shape>[_<configuration>], a C identifier.
//
// Ops are the region's in order, each once, without sources and movement; a contraction is called
// matmul. Of a long list stay those that tell most: contractions, reductions and random numbers
// first, then elementary functions, then arithmetic, then comparisons and choices. An optimizer's
// formula is called update: all of a kernel whose results are new values of states, or what follows
// from its contraction or reduction. Profiles and reports show these names.
#ifndef GRAVEN_COMPILER_STRATEGY_KERNEL_NAME_H_
#define GRAVEN_COMPILER_STRATEGY_KERNEL_NAME_H_

#include <string>

#include "compiler/strategy/strategy.h"

namespace graven::strategy {

std::string kernelName(kernel::FusedOp fused, const Plan &plan);

// Whether every result of `fused` is the new value of a state, and of nothing else, made from old
// ones.
bool isUpdate(kernel::FusedOp fused);

// "64x128" of a shape; "scalar" of none.
std::string shapeName(llvm::ArrayRef<int64_t> shape);

}  // namespace graven::strategy

#endif  // GRAVEN_COMPILER_STRATEGY_KERNEL_NAME_H_
