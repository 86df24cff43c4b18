// Estimates of a kernel's work, from its region alone.
#ifndef GRAVEN_COMPILER_STRATEGY_COST_H_
#define GRAVEN_COMPILER_STRATEGY_COST_H_

#include "dialect/kernel/kernel.h"

namespace graven::strategy {

struct Cost {
  int64_t flops = 0;  // operations on elements; an elementary function counts as several
  int64_t bytes = 0;  // inputs and outputs, each once
};

// What an elementary function counts as.
constexpr int64_t kElementary = 20;

Cost costOf(kernel::FusedOp fused);
// Operations that computing one element of `op`'s result takes, its operands given.
int64_t operationsPerElement(mlir::Operation *op);

}  // namespace graven::strategy

#endif  // GRAVEN_COMPILER_STRATEGY_COST_H_
