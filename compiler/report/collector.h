// Fills a Report while a model is compiled.
//
// afterPhase() reads the IR at the end of each phase, and numbers ops and kernels in their
// locations so that they are found again later (tags.h). What is compiled does not change by it.
#ifndef GRAVEN_COMPILER_REPORT_COLLECTOR_H_
#define GRAVEN_COMPILER_REPORT_COLLECTOR_H_

#include "compiler/report/report.h"
#include "compiler/strategy/target.h"
#include "mlir/IR/BuiltinOps.h"

namespace graven::report {

class Collector {
 public:
  // Listens to the remarks of `context` from here on. `source` is the model text, `file` its name.
  Collector(mlir::MLIRContext *context, llvm::StringRef source, llvm::StringRef file,
            const strategy::Target &target);

  // To be called at the end of every phase, with its name.
  void afterPhase(llvm::StringRef phase, mlir::ModuleOp module);

  // What was gathered; figures that no IR tells (sizes, seconds) are for the caller to add.
  Report &report() { return report_; }

 private:
  struct Step {
    llvm::StringLiteral phase;
    void (*collect)(mlir::ModuleOp module, Report &report);
  };
  static const Step kSteps[];

  Report report_;
};

// The steps, in order. Each wants what the ones before have gathered.

// After `import`: the containers of the text.
void collectSource(mlir::ModuleOp module, Report &report);
// After `simplify`: layers, entries and their ops, states; numbers the ops.
void collectGraphs(mlir::ModuleOp module, Report &report);
// After `fuse`: kernels with their ops, and what the backward pass keeps; numbers the kernels.
void collectKernels(mlir::ModuleOp module, Report &report);
// After `strategy`: how each kernel is computed, what it costs.
void collectStrategies(mlir::ModuleOp module, Report &report);
// After `schedule`: commands, blocks of the arena, places of states.
void collectPlans(mlir::ModuleOp module, Report &report);

// A tensor's type as the report shows it: "128x784 f32".
std::string describeType(mlir::Type type);

}  // namespace graven::report

#endif  // GRAVEN_COMPILER_REPORT_COLLECTOR_H_
