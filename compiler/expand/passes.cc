#include "compiler/expand/passes.h"

#include "dialect/graph/ir/graph.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace graven::expand {

void addExpandPasses(OpPassManager &passes, const ExpandOptions &options) {
  // Names first: states and random numbers are known by them.
  passes.addPass(createNameLayers());
  BuildEntriesOptions build;
  build.batches.assign(options.batches.begin(), options.batches.end());
  build.entries.assign(options.entries.begin(), options.entries.end());
  build.freezes = options.freezes;
  passes.addPass(createBuildEntries(build));
  // Before entries are worked on that would be dropped.
  if (options.freezes) passes.addPass(createFreezeState(FreezeStateOptions{build.entries}));
  OpPassManager &entries = passes.nest<graph::EntryOp>();
  // Masks go on primitive reductions, and on means as long as they are whole.
  DecomposeCompositesOptions keepMeans;
  keepMeans.keepMeans = true;
  entries.addPass(createDecomposeComposites(keepMeans));
  entries.addPass(createMaskPartialBatches());
  entries.addPass(createDecomposeComposites());
}

LogicalResult checkSource(ModuleOp module) {
  OwningOpRef<ModuleOp> copy = module.clone();
  (*copy)->setAttr(graph::kUnchecked, UnitAttr::get(module.getContext()));
  {
    // What is not well-formed cannot be inlined; the module's own verifier tells of it.
    ScopedDiagnosticHandler silent(module.getContext(), [](Diagnostic &) { return success(); });
    if (failed(verify(*copy))) return success();
  }
  return success(succeeded(nameLayers(*copy)) && succeeded(buildEntries(*copy, {})));
}

}  // namespace graven::expand
