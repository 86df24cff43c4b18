// The kernel dialect: fused regions of graph ops, the strategies chosen for them, their calls.
#ifndef GRAVEN_DIALECT_KERNEL_KERNEL_H_
#define GRAVEN_DIALECT_KERNEL_KERNEL_H_

#include "dialect/graph/ir/graph.h"

#include "dialect/kernel/kernel_dialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/kernel/kernel_attributes.h.inc"
#define GET_OP_CLASSES
#include "dialect/kernel/kernel.h.inc"

#endif  // GRAVEN_DIALECT_KERNEL_KERNEL_H_
