#include "compiler/simplify/passes.h"
#include "compiler/simplify/patterns/identities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace graven::simplify {

#define GEN_PASS_DEF_APPLYIDENTITIESPASS
#include "compiler/simplify/passes.h.inc"

namespace {

struct ApplyIdentities : impl::ApplyIdentitiesPassBase<ApplyIdentities> {
  llvm::LogicalResult initialize(mlir::MLIRContext *context) override {
    mlir::RewritePatternSet set(context);
    Identities identities(set);
    addConstantIdentities(identities);
    addAlgebraIdentities(identities);
    addConversionIdentities(identities);
    addMovementIdentities(identities);
    addContractionIdentities(identities);
    addOneHotIdentities(identities);
    patterns_ = std::move(set);
    return llvm::success();
  }

  void runOnOperation() override {
    mlir::GreedyRewriteConfig config;
    config.setRegionSimplificationLevel(mlir::GreedySimplifyRegionLevel::Disabled);
    // Every identity removes an op or moves one toward the front, so the work ends by itself.
    config.setMaxIterations(mlir::GreedyRewriteConfig::kNoLimit);
    if (failed(mlir::applyPatternsGreedily(getOperation(), patterns_, config))) signalPassFailure();
  }

 private:
  mlir::FrozenRewritePatternSet patterns_;
};

}  // namespace
}  // namespace graven::simplify
