// The whole compiler as a list of phases (pipeline.cc shows it on one screen).
#ifndef GRAVEN_COMPILER_PIPELINE_PIPELINE_H_
#define GRAVEN_COMPILER_PIPELINE_PIPELINE_H_

#include <cstdint>
#include <vector>

#include "compiler/strategy/target.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace graven::pipeline {

// What the user decides.
struct Options {
  strategy::Target target;
  // Batch sizes to compile for; empty: the model's own, else 32.
  std::vector<int64_t> batches;
  // Entries to keep, by name; empty: all.
  std::vector<std::string> entries;
  // The module brings values of its state (graph.weights), which become constants.
  bool freezes = false;
};

struct Phase {
  llvm::StringRef name;      // folder under compiler/, value of --compile-to
  llvm::StringRef sentence;  // what it does
  void (*addPasses)(mlir::OpPassManager &passes, const Options &options);
  // Whether `op` may stand in the IR at the phase's exit.
  bool (*isLegal)(mlir::Operation *op);
};

// The phases that work on IR, in order. What follows (`codegen`, `package`) makes bytes.
llvm::ArrayRef<Phase> phases();
// The phase called `name`, or null.
const Phase *findPhase(llvm::StringRef name);

// Appends all phases up to and including `last` ("": all), and after each a check that its exit
// holds legal IR only.
void buildPipeline(mlir::OpPassManager &passes, const Options &options, llvm::StringRef last = "");

// Registers Graven's dialects, and what lowering them needs.
void registerDialects(mlir::DialectRegistry &registry);
// Registers every pass by name, for graven-opt.
void registerPasses();

}  // namespace graven::pipeline

#endif  // GRAVEN_COMPILER_PIPELINE_PIPELINE_H_
