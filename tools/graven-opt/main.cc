// graven-opt: reads IR, runs passes, prints IR; the conventions of mlir-opt.
#include "compiler/codegen/cpu/codegen.h"
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
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<graven::graph::GraphDialect, graven::kernel::KernelDialect,
                  graven::nn::NNDialect, graven::plan::PlanDialect>();
  graven::differentiate::registerPasses();
  graven::simplify::registerPasses();
  graven::expand::registerPasses();
  graven::fuse::registerPasses();
  graven::schedule::registerPasses();
  graven::strategy::registerPasses([](llvm::StringRef target, llvm::StringRef cpu) {
    // The same IR on every host unless a target is named.
    return graven::codegen::cpu::resolveDevice(target.empty() ? "x86_64-linux-gnu" : target, cpu);
  });
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "graven-opt: runs Graven's passes on model text\n", registry));
}
