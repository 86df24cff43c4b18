// graven-lsp-server: the language server of model texts. Beside syntax and names it infers types
// while you type, so that shapes that do not fit are underlined at once.
#include "compiler/expand/passes.h"
#include "dialect/graph/ir/graph.h"
#include "dialect/kernel/kernel.h"
#include "dialect/nn/nn.h"
#include "dialect/plan/plan.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<graven::graph::GraphDialect, graven::kernel::KernelDialect, graven::nn::NNDialect,
                  graven::plan::PlanDialect>();
  graven::graph::setSourceCheck(graven::expand::checkSource);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry)) ? 1 : 0;
}
