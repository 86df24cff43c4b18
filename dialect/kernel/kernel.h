// The kernel dialect: fused regions of graph ops, the strategies chosen for them, their calls.
#ifndef GRAVEN_DIALECT_KERNEL_KERNEL_H_
#define GRAVEN_DIALECT_KERNEL_KERNEL_H_

#include "dialect/graph/ir/graph.h"

#include "dialect/kernel/kernel_dialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/kernel/kernel_attributes.h.inc"
#define GET_OP_CLASSES
#include "dialect/kernel/kernel.h.inc"

namespace graven::kernel {

// Inputs and outputs that one kernel may have, on any device: their addresses are the parameters of
// a launch, of which the oldest CUDA drivers that take our kernels allow 4 KB. One more is left for
// scratch memory.
constexpr int64_t kMostBuffers = 511;

// What kernel.fused takes as `kind`.
llvm::ArrayRef<llvm::StringRef> kinds();

}  // namespace graven::kernel

#endif  // GRAVEN_DIALECT_KERNEL_KERNEL_H_
