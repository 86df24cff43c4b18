// Names of kernels: <ops>_<element type>_<shape>[_<configuration>], a C identifier.
//
// Ops are the region's in order, without sources and movement; a contraction is called matmul; a
// long list is cut. Profiles and reports show these names.
#ifndef GRAVEN_COMPILER_STRATEGY_KERNEL_NAME_H_
#define GRAVEN_COMPILER_STRATEGY_KERNEL_NAME_H_

#include <string>

#include "compiler/strategy/strategy.h"

namespace graven::strategy {

std::string kernelName(kernel::FusedOp fused, const Plan &plan);

// "64x128" of a shape; "scalar" of none.
std::string shapeName(llvm::ArrayRef<int64_t> shape);

}  // namespace graven::strategy

#endif  // GRAVEN_COMPILER_STRATEGY_KERNEL_NAME_H_
