// What the phases ask of an op.
#ifndef GRAVEN_DIALECT_GRAPH_IR_GRAPH_INTERFACES_TD
#define GRAVEN_DIALECT_GRAPH_IR_GRAPH_INTERFACES_TD

include "mlir/IR/OpBase.td"

def ShapedGraphOpInterface : OpInterface<"ShapedGraphOpInterface"> {
  let cppNamespace = "::graven::graph";
  let description = [{
    The shape rule. `expand` asks it to type a source op, the verifier to check a typed one.
  }];
  let methods = [
    InterfaceMethod<[{
        The result's type for operands of these types, or failure after `error()` was told why.
        Operands of elementwise ops have been brought to one shape before.
      }],
      "::mlir::FailureOr<::mlir::RankedTensorType>", "inferType",
      (ins "::llvm::ArrayRef<::mlir::RankedTensorType>":$operands,
           "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$error)>,
  ];
}

def ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::graven::graph";
  let description = [{
    Each element of the result depends on the elements at the same index alone. `expand` broadcasts
    operands of such an op; `codegen` lowers it from here, with no case of its own for any op.
  }];
  let methods = [
    InterfaceMethod<[{
        Emits the op on scalars or on vectors of equal length (arith and math ops). i1 is a bit,
        ui8 a signless i8 that holds an unsigned value; f16 and bf16 are f32, of which `convert` alone
        makes such a value again.
      }],
      "::mlir::Value", "emitScalar",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::ValueRange":$operands)>,
  ];
}

def ReductionOpInterface : OpInterface<"ReductionOpInterface"> {
  let cppNamespace = "::graven::graph";
  let description = [{
    Folds elements along axes with an associative, commutative operation. The options `axis` (none:
    all axes) and `keep_dims` are common to all.
  }];
  let methods = [
    InterfaceMethod<"The value of an empty reduction, as a constant of `type` (scalar or vector).",
      "::mlir::Value", "emitNeutral",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::Type":$type)>,
    InterfaceMethod<"Combines two partial results, scalars or vectors.",
      "::mlir::Value", "emitCombine",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::Value":$lhs, "::mlir::Value":$rhs)>,
    InterfaceMethod<"The reduced axes, normalized: ascending, none negative.",
      "::llvm::SmallVector<int64_t>", "getReducedAxes", (ins)>,
  ];
}

def CompositeOpInterface : OpInterface<"CompositeOpInterface"> {
  let cppNamespace = "::graven::graph";
  let description = [{ An op that is defined by other ops. }];
  let methods = [
    InterfaceMethod<[{
        Builds the decomposition in front of this (typed) op and returns the value that replaces it.
        `g` carries builder and location.
      }],
      "::mlir::Value", "decompose", (ins "::graven::graph::GraphBuilder &":$g)>,
  ];
}

#endif
