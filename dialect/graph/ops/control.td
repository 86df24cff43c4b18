// Functions, entries, state, gradient requests.
#ifndef GRAVEN_DIALECT_GRAPH_OPS_CONTROL_TD
#define GRAVEN_DIALECT_GRAPH_OPS_CONTROL_TD

include "dialect/graph/ir/graph_base.td"

class Graph_ControlOp<string mnemonic, list<Trait> traits = []>
    : Graven_CallSyntax<Graph_Dialect, mnemonic, traits> {
  string maths = "";
  string example = "";
  string lifespan = "";
  let description = maths # "\n\n```mlir\n" # example # "\n```\n\nLifespan: " # lifespan;
}

def Graph_FuncOp : Graven_Function<Graph_Dialect, "func"> {
  let summary = "function of tensors, as written";
  let description = [{
    Arguments are typed (`?` is the batch size, the same everywhere in one entry); the body is
    inferred. A function that is not private is an entry point; `init`, `train_step`, `eval_step`
    and `predict` replace the generated ones. An argument may declare a range: `%label: tensor<?xi32>
    in [0, 3)`.

    ```mlir
    graph.func @predict(%x: tensor<?x4xf32>) {
      %y = relu(%x)
      return(%y)
    }
    ```

    Lifespan: written in model text; `expand` inlines it into entries.
  }];
}

def Graph_EntryOp : Op<Graph_Dialect, "entry", [Symbol, IsolatedFromAbove, SingleBlock,
      DeclareOpInterfaceMethods<OpAsmOpInterface, ["getDefaultDialect", "getAsmBlockArgumentNames"]>]> {
  let summary = "entry point, typed and inlined";
  let arguments = (ins SymbolNameAttr:$sym_name, DefaultValuedOptionalAttr<I64Attr, "0">:$batch, UnitAttr:$partial,
                       StrArrayAttr:$arg_names, StrArrayAttr:$result_names, OptionalAttr<ArrayAttr>:$arg_ranges);
  let regions = (region SizedRegion<1>:$body);
  let description = [{
    A pure function old state -> new state. `batch` is the compiled batch size (0: the entry has no
    batch axis); with `partial` it takes fewer rows, whose number is the argument named `rows`.
    Several variants of one entry differ in batch size; their symbols are `name` and `name$B`.

    ```mlir
    graph.entry @predict(%x: tensor<16x4xf32>, %rows: tensor<i32>) attributes {batch = 16, partial, result_names = ["y"]} {
      %0 = relu(%x) : (tensor<16x4xf32>) -> tensor<16x4xf32>
      return(%0) : (tensor<16x4xf32>) -> ()
    }
    ```

    Lifespan: made by `expand`; `schedule` turns it into a plan.program.
  }];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Block &getEntryBlock() { return getBody().front(); }
    // The name users call it by: the symbol without the variant's suffix.
    ::llvm::StringRef getPublicName() { return getSymName().split('$').first; }
  }];
}

def Graph_StateOp : Op<Graph_Dialect, "state", [Symbol]> {
  let summary = "named state";
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type, StrAttr:$role,
                       OptionalAttr<AnyAttr>:$init);
  let assemblyFormat = "$sym_name `:` $type `role` `(` custom<Word>($role) `)` (`init` `=` custom<Init>($init)^)? attr-dict";
  let hasVerifier = 1;
  let description = [{
    A tensor that outlives a call. Roles: parameter, slot (optimizer), statistic, control (seed, step,
    lr_scale), metric. Its first value is what the entry `init` writes, zero where that writes none.
    In model text the first value may stand here, as a number or an initializer.

    ```mlir
    graph.state @hidden.kernel : tensor<4x16xf32> role(parameter) init = glorot_uniform
    ```

    Lifespan: written in model text, or made by `expand` from layers; `package` writes its record.
  }];
}

def Graph_ReturnOp : Graph_ControlOp<"return", [Terminator]> {
  let summary = "results of a function";
  let arguments = (ins Variadic<Graph_Tensor>:$values, OptionalAttr<ArrayAttr>:$writes);
  let maths = "Ends a function or entry. In an entry the last operands are the new values of the states in `writes`, in order.";
  let example = "return(%loss)";
  let lifespan = "stands to the end of the entry.";
}
def Graph_YieldOp : Graph_ControlOp<"yield", [Terminator]> {
  let summary = "result of a region";
  let arguments = (ins Variadic<Graph_Tensor>:$values);
  let maths = "Ends the region of `for_each_parameter`: the parameter's next value.";
  let example = "yield(%next)";
  let lifespan = "written in model text; removed by `expand` with its region.";
}
def Graph_ReadOp : Graph_ControlOp<"read", [Pure]> {
  let summary = "value of a state";
  let arguments = (ins Graph_Ref:$state, OptionalAttr<Graph_Word>:$name);
  let results = (outs Graph_Tensor:$result);
  let maths = "The value at entry, wherever it stands.";
  let example = "%w = read(@hidden.kernel)";
  let lifespan = "written, or made by `expand`; `schedule` turns it into a place in the state segment.";
}
def Graph_WriteOp : Graph_ControlOp<"write"> {
  let summary = "next value of a state";
  let arguments = (ins Graph_Ref:$state, Graph_Tensor:$value);
  let maths = "Takes effect at exit, at most once per state and entry; only entries write.";
  let example = "write(@count, %next)";
  let lifespan = "written in model text; `expand` turns it into operands of `return`.";
}
def Graph_ParameterOp : Graph_ControlOp<"parameter"> {
  let summary = "trained weight";
  let arguments = (ins Optional<Graph_Tensor>:$like, Graph_Ints:$shape, OptionalAttr<AnyAttr>:$init,
                       OptionalAttr<Graph_DType>:$dtype, OptionalAttr<Graph_Word>:$role, OptionalAttr<Graph_Word>:$name);
  let results = (outs Graph_Tensor:$result);
  let maths = "State of role parameter, made where the layer is used and named after it. In `shape`, -1 is the length of the last axis of the operand.";
  let example = "%w = parameter(%x, shape = [-1, 16], init = glorot_uniform)";
  let lifespan = "written in layers; `expand` makes a graph.state and a read of it.";
}
def Graph_CallOp : Graph_ControlOp<"call"> {
  let summary = "call of a function or a model";
  let arguments = (ins Graph_Ref:$callee, Variadic<Graph_Tensor>:$inputs);
  let results = (outs Variadic<Graph_Tensor>:$outputs);
  let maths = "Applies a graph.func, or an nn.model to its input. What `train_step` calls is in training; what other entries call is not.";
  let example = "%scores = call(@iris, %x)";
  let lifespan = "written in model text; inlined by `expand`.";
}
def Graph_GradientOp : Graph_ControlOp<"gradient", [Pure]> {
  let summary = "gradient request";
  let arguments = (ins Graph_Tensor:$of, Variadic<Graph_Tensor>:$by);
  let results = (outs Variadic<Graph_Tensor>:$gradients);
  let maths = "The gradients of a scalar (the first value) by each of the others. Requests are served in order; a later one may differentiate an earlier one's results.";
  let example = "%dw, %db = gradient(%loss, %w, %b)";
  let lifespan = "written, or made by `expand`; `differentiate` replaces it by gradient ops.";
}
def Graph_ForEachParameterOp : Op<Graph_Dialect, "for_each_parameter", [NoTerminator, SingleBlock,
      DeclareOpInterfaceMethods<OpAsmOpInterface, ["getDefaultDialect", "getAsmBlockArgumentNames"]>]> {
  let summary = "update of every parameter of a model";
  let arguments = (ins Graph_Ref:$model, Graph_Tensor:$loss, OptionalAttr<ArrayAttr>:$arg_names);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let description = [{
    The region is applied to each parameter and its gradient of the loss; what it yields is the
    parameter's value from the next step on.

    ```mlir
    for_each_parameter(@iris, %loss) as (%w, %dw) {
      %rate = constant(0.05)
      %move = multiply(%rate, %dw)
      %next = subtract(%w, %move)
      yield(%next)
    }
    ```

    Lifespan: written in model text; unrolled by `expand`.
  }];
  let extraClassDefinition = [{
    ::mlir::ParseResult $cppClass::parse(::mlir::OpAsmParser &parser, ::mlir::OperationState &state) {
      return ::graven::graph::parseForEach(parser, state);
    }
    void $cppClass::print(::mlir::OpAsmPrinter &printer) { ::graven::graph::printForEach(*this, printer); }
    ::llvm::StringRef $cppClass::getDefaultDialect() { return "graph"; }
    void $cppClass::getAsmBlockArgumentNames(::mlir::Region &region, ::mlir::OpAsmSetValueNameFn setName) {
      ::graven::graph::nameArguments(*this, region, setName);
    }
  }];
}

#endif
