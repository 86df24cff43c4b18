// The passes of the phase `strategy`.
#ifndef GRAVEN_COMPILER_STRATEGY_PASSES_TD
#define GRAVEN_COMPILER_STRATEGY_PASSES_TD

include "mlir/Pass/PassBase.td"

def ChooseStrategies : Pass<"strategy-choose-strategies", "::mlir::ModuleOp"> {
  let summary = "Every kernel has a strategy and a name";
  let description = [{
    Takes for each kernel.fused the first strategy of the device's table that matches, outlines the
    region as a kernel.func that carries the plan, and leaves a kernel.call in its place. Equal
    regions become one kernel.func. Names tell ops, element type, shape and configuration.
  }];
  let options = [
    Option<"device_name", "device", "std::string", /*default=*/"\"cpu\"", "device to compile for">,
    Option<"target", "target", "std::string", /*default=*/"",
           "machine to compile for, as a triple; x86_64-linux-gnu if empty">,
    Option<"cpu", "cpu", "std::string", /*default=*/"", "CPU of the target">,
    Option<"numerics", "numerics", "std::string", /*default=*/"\"fast\"", "fast or strict">,
    Option<"matmul", "matmul", "std::string", /*default=*/"\"f32\"", "f32 or tf32">,
    Option<"only", "only", "std::string", /*default=*/"",
           "considers the strategy of this name alone; for tests">,
    Option<"force", "force", "std::string", /*default=*/"",
           "NAME[:PARAM=NUMBER,...]: takes the strategy of this name, with these parameters, for "
           "every kernel that it can compute; for tests">,
  ];
  // A device has no default: see createChooseStrategiesPass.
  let constructor = "nullptr";
  let dependentDialects = ["::graven::kernel::KernelDialect"];
}

#endif
