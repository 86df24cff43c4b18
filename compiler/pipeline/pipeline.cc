#include "compiler/pipeline/pipeline.h"

#include "compiler/codegen/backend.h"
#include "compiler/codegen/math/passes.h"
#include "compiler/differentiate/passes.h"
#include "compiler/expand/passes.h"
#include "compiler/fuse/passes.h"
#include "compiler/schedule/passes.h"
#include "compiler/simplify/passes.h"
#include "compiler/strategy/passes.h"
#include "dialect/graph/ir/graph.h"
#include "dialect/kernel/kernel.h"
#include "dialect/nn/nn.h"
#include "dialect/plan/plan.h"

using namespace mlir;

namespace graven::pipeline {
namespace {

// --- what may stand where
// -------------------------------------------------------------------------

bool isGraph(Operation *op) { return isa<graph::GraphDialect>(op->getDialect()); }
bool isKernel(Operation *op) { return isa<kernel::KernelDialect>(op->getDialect()); }
bool isPlan(Operation *op) { return isa<plan::PlanDialect>(op->getDialect()); }
bool inKernel(Operation *op) {
  return op->getParentOfType<kernel::FusedOp>() || op->getParentOfType<kernel::FuncOp>();
}

// Ops of the model text, which `expand` replaces.
bool isSource(Operation *op) {
  return isa<graph::FuncOp, graph::CallOp, graph::ParameterOp, graph::WriteOp, graph::YieldOp,
             graph::ForEachParameterOp, graph::CompositeOpInterface>(op) ||
         llvm::any_of(op->getResultTypes(), llvm::IsaPred<graph::UntypedType>);
}
bool typedGraph(Operation *op) { return isGraph(op) && !isSource(op); }
bool primitives(Operation *op) { return typedGraph(op) && !isa<graph::GradientOp>(op); }
// What moves no data and so needs no kernel.
bool isStoredOp(Operation *op) {
  return isa<graph::StateOp, graph::EntryOp, graph::ReadOp, graph::ConstantOp, graph::ReshapeOp,
             graph::ReturnOp>(op);
}
bool fusedKernels(Operation *op) {
  return inKernel(op) ? primitives(op) || isKernel(op) : isStoredOp(op) || isa<kernel::FusedOp>(op);
}
bool calledKernels(Operation *op) {
  if (inKernel(op)) return primitives(op) || isa<kernel::YieldOp>(op);
  return isStoredOp(op) || isa<kernel::FuncOp, kernel::CallOp>(op);
}
bool plans(Operation *op) {
  if (inKernel(op)) return primitives(op) || isa<kernel::YieldOp>(op);
  return isPlan(op) || isa<graph::StateOp, kernel::FuncOp>(op);
}

// --- the compiler on one screen
// -------------------------------------------------------------------

const Phase kPhases[] = {
    // First, since everything below asks for types, and for a batch size to compute shapes with.
    {"expand",
     "Inlines calls, binds the batch, infers types, expands layers and composites, derives "
     "entries.",
     [](OpPassManager &passes, const Options &options) {
       expand::ExpandOptions expand;
       expand.batches = options.batches;
       expand.entries = options.entries;
       expand.freezes = options.freezes;
       expand::addExpandPasses(passes, expand);
     },
     typedGraph},
    // Before anything is simplified or fused, so that rules see the ops that people wrote, and what
    // the gradient needs of the forward pass is known when kernels are formed.
    {"differentiate", "Appends the gradient ops of each request, first and higher order.",
     [](OpPassManager &passes, const Options &) { differentiate::addDifferentiatePasses(passes); },
     primitives},
    // On forward and backward pass alike: rules are written for the reader, not for speed.
    {"simplify", "Folds, cancels, shares and drops; moves transposes into contractions.",
     [](OpPassManager &passes, const Options &) { simplify::addSimplifyPasses(passes); },
     primitives},
    // The last phase that sees whole graphs.
    {"fuse", "Groups ops into kernels around contractions, reductions and maps.",
     [](OpPassManager &passes, const Options &) { fuse::addFusePasses(passes); }, fusedKernels},
    // Decides everything that `codegen` obeys, so that schedule knows grids and scratch memory.
    {"strategy", "Chooses how each kernel is computed on the target, outlines it, merges equals.",
     [](OpPassManager &passes, const Options &options) {
       const codegen::Backend *backend = codegen::findBackend(options.target.device);
       strategy::addStrategyPasses(passes, {options.target, backend->strategies()});
     },
     calledKernels},
    // Needs whole kernels with their in-place promises; leaves nothing to decide at run time.
    {"schedule", "Orders launches, places every value, updates state in place, proves the plan.",
     [](OpPassManager &passes, const Options &) { schedule::addSchedulePasses(passes); }, plans},
};

// --- checked boundaries
// ---------------------------------------------------------------------------

class VerifyPhasePass : public PassWrapper<VerifyPhasePass, OperationPass<ModuleOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(VerifyPhasePass)
  explicit VerifyPhasePass(const Phase &phase) : phase_(phase) {}
  StringRef getName() const override { return "VerifyPhase"; }
  void runOnOperation() override {
    ModuleOp module = getOperation();
    WalkResult result = module.walk([&](Operation *op) {
      if (op == module || phase_.isLegal(op)) return WalkResult::advance();
      op->emitError() << "internal error: '" << op->getName()
                      << "' must not be left after the phase '" << phase_.name << "'";
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted()) signalPassFailure();
  }

 private:
  const Phase &phase_;
};

}  // namespace

ArrayRef<Phase> phases() { return kPhases; }

const Phase *findPhase(StringRef name) {
  const Phase *found =
      llvm::find_if(kPhases, [&](const Phase &phase) { return phase.name == name; });
  return found == std::end(kPhases) ? nullptr : found;
}

void buildPipeline(OpPassManager &passes, const Options &options, StringRef last) {
  for (const Phase &phase : kPhases) {
    phase.addPasses(passes, options);
    passes.addPass(std::make_unique<VerifyPhasePass>(phase));
    if (phase.name == last) return;
  }
}

void registerDialects(DialectRegistry &registry) {
  registry.insert<graph::GraphDialect, nn::NNDialect, kernel::KernelDialect, plan::PlanDialect>();
  for (const codegen::Backend *backend : codegen::backends()) backend->registerDialects(registry);
}

void registerPasses() {
  expand::registerPasses();
  differentiate::registerPasses();
  simplify::registerPasses();
  fuse::registerPasses();
  strategy::registerPasses(
      [](StringRef device, StringRef target, StringRef cpu) -> llvm::Expected<strategy::Device> {
        llvm::Expected<const codegen::Backend *> backend = codegen::requireBackend(device);
        if (!backend) return backend.takeError();
        // The same IR on every host unless a target is named.
        auto resolved = (*backend)->resolve(target.empty() ? "x86_64-linux-gnu" : target, cpu);
        if (!resolved) return resolved.takeError();
        return strategy::Device{*resolved, (*backend)->strategies()};
      });
  schedule::registerPasses();
  codegen::registerPasses();
}

}  // namespace graven::pipeline
