// Passes of the phase `differentiate`.
#ifndef GRAVEN_COMPILER_DIFFERENTIATE_PASSES_TD
#define GRAVEN_COMPILER_DIFFERENTIATE_PASSES_TD

include "mlir/Pass/PassBase.td"

def AppendGradientsPass : Pass<"differentiate-append-gradients", "::mlir::ModuleOp"> {
  let summary = "replace gradient requests by gradient ops";
  let description = [{
    Serves the requests of every entry in order, each by reverse accumulation: gradient ops are
    appended in front of the request and replace it. They are ordinary graph ops, so a later request
    may differentiate an earlier one's results.

    Before: typed entries of primitives (`expand`). After: no `graph.gradient` is left. A primitive
    on the way that has no rule is an error that names op, operand and remedy; a value that the
    differentiated one does not depend on has gradient zero, with a warning. Each op appended carries
    the location of the op whose gradient it is part of, named "gradient of <op>".

    ```mlir
    %0 = tanh(%x) : (tensor<f32>) -> tensor<f32>
    %1 = gradient(%0, %x) : (tensor<f32>, tensor<f32>) -> tensor<f32>   // 1 - %0 * %0
    ```
  }];
  let dependentDialects = ["::graven::graph::GraphDialect"];
}

#endif
