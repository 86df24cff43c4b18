// The phase `schedule`: from entries that call kernels to programs with every byte placed.
#ifndef GRAVEN_COMPILER_SCHEDULE_PASSES_H_
#define GRAVEN_COMPILER_SCHEDULE_PASSES_H_

#include <memory>

#include "dialect/kernel/kernel.h"
#include "dialect/plan/plan.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace graven::schedule {

#define GEN_PASS_DECL
#include "compiler/schedule/passes.h.inc"

// Makes the passes of this phase known to graven-opt under their names.
void registerPasses();

// Appends the phase. Before: entries of graph.read, graph.constant and kernel.call. After: one
// verified plan.program for each entry; kernels as they were.
void addSchedulePasses(mlir::OpPassManager &manager);

}  // namespace graven::schedule

#endif  // GRAVEN_COMPILER_SCHEDULE_PASSES_H_
