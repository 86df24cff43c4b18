// The phase `expand`: model text in; one typed graph.entry for each entry point out.
#ifndef GRAVEN_COMPILER_EXPAND_PASSES_H_
#define GRAVEN_COMPILER_EXPAND_PASSES_H_

#include <memory>

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace graven::expand {

#define GEN_PASS_DECL
#include "compiler/expand/passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/expand/passes.h.inc"

struct ExpandOptions {
  std::vector<int64_t> batches;      // batch sizes to build for; empty: the model's own, else 32
  std::vector<std::string> entries;  // to build, by name; empty: all
  bool freezes = false;              // the module brings values of its state, to be constants
};

inline void registerPasses() { registerExpandPasses(); }
// Appends the phase to a pipeline on modules.
void addExpandPasses(mlir::OpPassManager &passes, const ExpandOptions &options);

// What the passes of the same names do, for those who have no pass manager.
mlir::LogicalResult nameLayers(mlir::ModuleOp module);
mlir::LogicalResult buildEntries(mlir::ModuleOp module, const ExpandOptions &options);

// Builds the entries of a copy of the module, for the errors that shows: shapes that do not fit,
// names that are not known. The module stays as it is.
mlir::LogicalResult checkSource(mlir::ModuleOp module);

}  // namespace graven::expand

#endif  // GRAVEN_COMPILER_EXPAND_PASSES_H_
