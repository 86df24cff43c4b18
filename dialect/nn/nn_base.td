// The nn dialect and the classes its ops derive from.
#ifndef GRAVEN_DIALECT_NN_NN_BASE_TD
#define GRAVEN_DIALECT_NN_NN_BASE_TD

include "dialect/graph/ir/graph_base.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::graven::nn";
  let summary = "Layers, losses, optimizers, metrics and models";
  let description = [{
    The high-level language: a model is a sequence of layers, its `train` part names a loss, an
    optimizer, metrics and the settings of `fit`. Ops of the graph dialect may stand between layers.
    `expand` defines every op of this dialect by ops of the graph dialect.
  }];
  let dependentDialects = ["::graven::graph::GraphDialect"];
  let extraClassDeclaration = [{
    void registerOps();
    // Answers an unknown op name with the nearest known one.
    std::optional<ParseOpHook> getParseOperationHook(::llvm::StringRef name) const override;
  }];
}

// What an op is for; a model's verifier and `expand` ask for these traits, never for an op's name.
class NN_Trait<string name> : NativeOpTrait<name> { let cppNamespace = "::graven::nn"; }
def NN_IsLayer : NN_Trait<"IsLayer">;
def NN_IsLoss : NN_Trait<"IsLoss">;
def NN_IsOptimizer : NN_Trait<"IsOptimizer">;
def NN_IsMetric : NN_Trait<"IsMetric">;
def NN_IsFitSettings : NN_Trait<"IsFitSettings">;

// Without operands a layer takes the value of the line above it. `name` is the name of its result;
// its weights are `name.kernel` and so on, or those of the layer that `weights` names.
class NN_Layer<string mnemonic, dag options = (ins)>
    : Graven_CallSyntax<NN_Dialect, mnemonic, [NN_IsLayer]> {
  let arguments = !con((ins Variadic<Graph_Tensor>:$inputs), options,
                       (ins OptionalAttr<Graph_Word>:$name, OptionalAttr<Graph_Word>:$weights));
  let results = (outs Graph_Tensor:$output);
  string maths = "";
  string example = "";
  let description = maths # "\n\n```mlir\n" # example # "\n```\n\n"
    # "Lifespan: written in a model; `expand` replaces it by graph ops and states.";
}

// A line of a model's `train` part.
class NN_Setting<string mnemonic, Trait kind, dag options = (ins)>
    : Graven_CallSyntax<NN_Dialect, mnemonic, [kind]> {
  let arguments = options;
  string maths = "";
  string example = "";
  let description = maths # "\n\n```mlir\n" # example # "\n```\n\n"
    # "Lifespan: written in a model's `train` part; `expand` builds it into the entries.";
}

#endif
