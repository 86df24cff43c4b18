// Passes of the phase `simplify`.
#ifndef GRAVEN_COMPILER_SIMPLIFY_PASSES_TD
#define GRAVEN_COMPILER_SIMPLIFY_PASSES_TD

include "mlir/Pass/PassBase.td"

def EraseStopGradientsPass : Pass<"simplify-erase-stop-gradients", "::graven::graph::EntryOp"> {
  let summary = "replace every stop_gradient by its operand";
  let description = [{
    Runs once no gradient request is left, when the cut has done its work.
  }];
}

def WidenNarrowFloatsPass : Pass<"simplify-widen-narrow-floats", "::graven::graph::EntryOp"> {
  let summary = "compute on f16 and bf16 in f32, and round each op's result once";
  let description = [{
    Makes the rounding of every op visible: operands are converted to f32, the result is converted
    back. Movement, choice and what else rounds nothing is left as it is (AnyPrecision); products
    keep their narrow operands and get an f32 result (WidensResult).

    ```mlir
    %1 = add(%x, %y) : (tensor<4xbf16>, tensor<4xbf16>) -> tensor<4xbf16>
    ```
    becomes
    ```mlir
    %1 = convert(%x, dtype = f32) : (tensor<4xbf16>) -> tensor<4xf32>
    %2 = convert(%y, dtype = f32) : (tensor<4xbf16>) -> tensor<4xf32>
    %3 = add(%1, %2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %4 = convert(%3, dtype = bf16) : (tensor<4xf32>) -> tensor<4xbf16>
    ```
  }];
}

def ApplyIdentitiesPass : Pass<"simplify-apply-identities", "::graven::graph::EntryOp"> {
  let summary = "rewrite by the identities of patterns/ until none applies, and drop dead ops";
  let description = [{
    Algebra, folding of constants, movement that moves nothing or moves twice, conversions that lose
    nothing, transpositions next to contractions. Identities hold bit by bit in IEEE arithmetic, for
    NaN and infinity too (x · 0 stays), but that x + 0 is x even where x is -0.

    ```mlir
    %1 = multiply(%x, %one) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>   // is %x
    ```
  }];
}

#endif
