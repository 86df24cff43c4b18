// graven-opt: reads IR, runs passes, prints IR; the conventions of mlir-opt.
#include "compiler/pipeline/pipeline.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  graven::pipeline::registerDialects(registry);
  graven::pipeline::registerPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "graven-opt: runs Graven's passes on model text\n", registry));
}
