// Kernels: regions of graph ops that become one function of machine code.
#ifndef GRAVEN_DIALECT_KERNEL_KERNEL_TD
#define GRAVEN_DIALECT_KERNEL_KERNEL_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::graven::kernel";
  let summary = "Fused kernels and how they are to be computed";
  let description = [{
    A kernel is a region of graph ops on tensors, isolated from what surrounds it, that becomes one
    function of machine code over a grid of independent workgroups. `fuse` forms kernels, `strategy`
    decides how each is computed and outlines it, `codegen` obeys.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::graven::graph::GraphDialect"];
}

def Kernel_Strategy : AttrDef<Kernel_Dialect, "Strategy"> {
  let mnemonic = "strategy";
  let summary = "the chosen way to compute a kernel, and its parameters";
  let parameters = (ins StringRefParameter<"name in the device's strategy table">:$name,
                        "::mlir::DictionaryAttr":$params);
  let assemblyFormat = "`<` $name `,` $params `>`";
  let extraClassDeclaration = [{
    // The integer parameter `key`.
    int64_t getInt(::llvm::StringRef key) const;
  }];
}
def Kernel_Stage : AttrDef<Kernel_Dialect, "Stage"> {
  let mnemonic = "stage";
  let summary = "one launch of a kernel: its suffix (empty for the main stage) and number of workgroups";
  let description = [{
    `moves` is given for stages that compute nothing of the kernel's operations: the bytes that they
    move, as packing does. `threads` of one workgroup and `shared_bytes` of dynamic shared memory, on devices whose workgroups
    are several threads.
  }];
  let parameters = (ins StringRefParameter<"">:$name, "int64_t":$grid,
                        DefaultValuedParameter<"int64_t", "0">:$threads,
                        DefaultValuedParameter<"int64_t", "0">:$shared_bytes,
                        DefaultValuedParameter<"int64_t", "0">:$moves);
  let assemblyFormat = [{
    `<` $name `,` `grid` `=` $grid (`,` `moves` `=` $moves^)? (`,` `threads` `=` $threads^)?
    (`,` `shared_bytes` `=` $shared_bytes^)? `>`
  }];
}

class Kernel_Op<string mnemonic, list<Trait> traits = []> : Op<Kernel_Dialect, mnemonic, traits>;

def Kernel_FusedOp : Kernel_Op<"fused", [IsolatedFromAbove, Pure, SingleBlock,
      DeclareOpInterfaceMethods<OpAsmOpInterface, ["getDefaultDialect"]>]> {
  let summary = "graph ops that become one kernel";
  let description = [{
    `kind` tells the shape of the computation:

    - `map`: every result has the same shape, each element computed on its own;
    - `row`: reductions over the last axes of one space, with what leads to and follows from them;
    - `column`: a reduction over the first axes of one space;
    - `contraction`: one dot_general with what follows from it at the same index;
    - `segments`: the same map applied to several tensors of different shapes (the update of all
      parameters): `shared` scalars come first, then the arguments of each segment in turn; results
      likewise;
    - `reference`: anything else, element by element.

    ```mlir
    %y = kernel.fused(%x) {kind = "map"} : (tensor<16x4xf32>) -> tensor<16x4xf32> {
    ^bb0(%a: tensor<16x4xf32>):
      %0 = exp(%a) : (tensor<16x4xf32>) -> tensor<16x4xf32>
      kernel.yield %0 : tensor<16x4xf32>
    }
    ```

    Lifespan: made by `fuse`; `strategy` outlines it as a kernel.func.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, StrAttr:$kind,
                       OptionalAttr<I64Attr>:$segments, OptionalAttr<I64Attr>:$shared);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) $body";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
  }];
}

def Kernel_FuncOp : Kernel_Op<"func", [IsolatedFromAbove, Symbol, SingleBlock,
      DeclareOpInterfaceMethods<OpAsmOpInterface, ["getDefaultDialect"]>]> {
  let summary = "kernel with its strategy";
  let description = [{
    The block's arguments are the kernel's inputs, the operands of kernel.yield its outputs. Machine
    code receives one buffer for each input, then each output, then scratch memory if it asks for
    any. `stored_types`, where given, tells for each input its type in memory: an input may be stored in
    an order of the strategy's own (a constant packed for a product), which its argument does not show.
    `same_index` lists pairs (input, output) that may share memory: whatever the stages, an element
    of the input is read only by the workgroup that writes the element of the output at the same
    place, and before that, or by stages that are over by then.

    Lifespan: made by `strategy`; `codegen` lowers it to machine code.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$kind, OptionalAttr<I64Attr>:$segments,
                       OptionalAttr<I64Attr>:$shared, Kernel_Strategy:$strategy,
                       TypedArrayAttrBase<Kernel_Stage, "stages">:$stages,
                       DefaultValuedOptionalAttr<I64Attr, "0">:$scratch_bytes,
                       DefaultValuedOptionalAttr<ArrayAttr, "{}">:$same_index,
                       DefaultValuedOptionalAttr<I64Attr, "0">:$flops,
                       DefaultValuedOptionalAttr<I64Attr, "0">:$bytes,
                       OptionalAttr<TypeArrayAttr>:$stored_types);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
  let extraClassDeclaration = [{
    // Types of the inputs in memory.
    ::llvm::SmallVector<::mlir::Type> getInputTypes();
    ::mlir::TypeRange getOutputTypes() { return getBody().front().getTerminator()->getOperandTypes(); }
    // Whether output `output` may be written where input `input` lies.
    bool mayShare(int64_t input, int64_t output);
  }];
}

def Kernel_CallOp : Kernel_Op<"call", [Pure]> {
  let summary = "call of a kernel";
  let description = [{
    Lifespan: made by `strategy` from kernel.fused; `schedule` turns it into plan.launch.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyRankedTensor>:$inputs);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = "$callee `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs)";
}

def Kernel_YieldOp : Kernel_Op<"yield", [Pure, Terminator]> {
  let summary = "outputs of a kernel";
  let description = [{ Lifespan: that of its kernel. }];
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif
