// A kernel taken apart: one launch for each op that loops over its operands.
#ifndef GRAVEN_COMPILER_CODEGEN_LOOPS_STEPS_H_
#define GRAVEN_COMPILER_CODEGEN_LOOPS_STEPS_H_

#include <string>
#include <vector>

#include "compiler/codegen/loops/emitter.h"

namespace graven::codegen {

// One launch: a value that goes to memory.
struct Step {
  std::string name;  // of the stage
  mlir::Value value;
  int64_t place = 0;    // output number, or ~offset in scratch memory
  bool costly = false;  // later steps read the value from memory
};

// A step for each op that loops over its operands, lest every reader run the loop again; then one
// for each output that is not stored yet.
struct Steps {
  std::vector<Step> steps;
  int64_t scratch_bytes = 0;
};

// `visit` is told of each step before the values that it stores count as stored: what lies in
// memory by then is what the predicate says.
using StepVisitor =
    llvm::function_ref<void(const Step &, llvm::function_ref<bool(mlir::Value)> stored)>;
Steps stepsOf(mlir::Block &body, StepVisitor visit);

// Whether every op of `body` can be emitted.
bool hasRules(mlir::Block &body);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_LOOPS_STEPS_H_
