// Functions of numbers that MLIR's math dialect has no op for.
#ifndef GRAVEN_DIALECT_ELEMENT_ELEMENT_TD
#define GRAVEN_DIALECT_ELEMENT_ELEMENT_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Element_Dialect : Dialect {
  let name = "element";
  let cppNamespace = "::graven::element";
  let summary = "Functions of numbers, beside those of the math dialect";
  let description = [{
    What graph ops are emitted as inside kernels, on scalars and vectors, where neither `arith` nor
    `math` has the function and a composition would lose digits. `--codegen-expand-math` rewrites
    them, as it does the elementary functions of `math`.
  }];
}

def Element_LogisticOp : Op<Element_Dialect, "logistic",
      [Pure, SameOperandsAndResultType, Elementwise, Scalarizable, Vectorizable, Tensorizable]> {
  let summary = "logistic function of a number or of each of a vector's";
  let description = "1 / (1 + e^-x), right also where e^-x overflows and the result is subnormal.";
  let arguments = (ins FloatLike:$x);
  let results = (outs FloatLike:$y);
  let assemblyFormat = "$x attr-dict `:` type($y)";
}

#endif  // GRAVEN_DIALECT_ELEMENT_ELEMENT_TD
