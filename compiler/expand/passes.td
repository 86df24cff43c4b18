// The passes of the phase `expand`.
#ifndef GRAVEN_COMPILER_EXPAND_PASSES_TD
#define GRAVEN_COMPILER_EXPAND_PASSES_TD

include "mlir/Pass/PassBase.td"

def NameLayers : Pass<"expand-name-layers", "::mlir::ModuleOp"> {
  let summary = "Every layer has a name, and says which values it works on";
  let description = [{
    A layer without operands gets the value of the line above. A layer without a name gets Keras':
    `dense`, `dense_1`; the input is called `x`. Parameters and draws of random numbers are named in
    the same way, since their states and their random numbers depend on the name.
  }];
}

def BuildEntries : Pass<"expand-build-entries", "::mlir::ModuleOp"> {
  let summary = "The text is replaced by one typed graph.entry for each entry point and batch size";
  let description = [{
    Inlines calls, binds the batch size, infers types, inserts broadcasts, gives numbers the element
    type of what they meet, replaces layers, losses, optimizers and metrics by their rules, turns
    writes into operands of `return`, and derives `init`, `adapt`, `train_step`, `eval_step`,
    `predict` and `reset_metrics` where the text has a use for them and does not define them. States
    become graph.state ops; what metrics are kept and how the model is trained goes into the module's
    attributes `graph.metrics` and `graph.signature`. Entries with a batch axis get an argument `rows`.
  }];
  let options = [
    ListOption<"batches", "batch", "int64_t", "Batch sizes to build for; none: the model's own, else 32">,
    ListOption<"entries", "entries", "std::string", "Entries to build, by name; none: all">,
    Option<"freezes", "freezes", "bool", "false",
           "Build all entries all the same, so that expand-freeze-state sees all states">,
  ];
  let dependentDialects = ["::graven::graph::GraphDialect"];
}

def FreezeState : Pass<"expand-freeze-state", "::mlir::ModuleOp"> {
  let summary = "State that the module brings values for is constant";
  let description = [{
    For modules with the attribute `graph.weights` (a dictionary of state names and tensors; others
    stay as they are). Keeps the entries that are asked for; every state they read, metrics aside,
    becomes a constant with the value given there. States that no entry needs any longer go. An entry
    that writes such state is an error, and so are values that are missing, of another type, or of no
    state of the model. The module's `graph.signature` tells under `frozen` which states became
    constants, and holds the text of `graph.weights_metadata`.
  }];
  let options = [
    ListOption<"entries", "entries", "std::string", "Entries to keep, by name; none: all">,
  ];
  let dependentDialects = ["::graven::graph::GraphDialect"];
}

def DecomposeComposites : Pass<"expand-decompose-composites", "::graven::graph::EntryOp"> {
  let summary = "Entries hold primitives only";
  let description = [{
    Replaces composites by their definitions. With `keep-means`, all but `mean`: its definition
    divides by a number that expand-mask-partial-batches has yet to choose.
  }];
  let options = [
    Option<"keepMeans", "keep-means", "bool", "false", "Leave `mean` as it is">,
  ];
}

def MaskPartialBatches : Pass<"expand-mask-partial-batches", "::graven::graph::EntryOp"> {
  let summary = "An entry is exact for any number of rows, or takes exactly `batch` of them";
  let description = [{
    Follows the batch axis through the entry. A reduction over it sees its neutral value in rows that
    are not there (row number not below `rows`), a mean divides by the number of rows; such an entry
    gets `partial`. Where another op mixes rows, the entry loses its argument `rows`, which becomes
    the constant batch size, and a remark names the op.
  }];
}

#endif
