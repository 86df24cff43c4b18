// Models, layers of one's own, and the settings of fit.
#ifndef GRAVEN_DIALECT_NN_MODEL_TD
#define GRAVEN_DIALECT_NN_MODEL_TD

include "dialect/nn/nn_base.td"

def NN_ModelOp : Op<NN_Dialect, "model", [Symbol, IsolatedFromAbove, NoTerminator, SingleBlock, SourceContainer,
      DeclareOpInterfaceMethods<OpAsmOpInterface, ["getDefaultDialect"]>]> {
  let summary = "neural network: a sequence of layers, and how it is trained";
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region AnyRegion:$layers, AnyRegion:$training);
  let assemblyFormat = "$sym_name $layers (`train` $training^)? attr-dict";
  let hasRegionVerifier = 1;
  let description = [{
    One line is one layer and works on the value of the line above it, or on the values it is given;
    the model's value is its last line. The `train` part names a loss, an optimizer, metrics and the
    defaults of `fit`; with it the entries `train_step` and `eval_step` are derived, unless the text
    defines them.

    ```mlir
    nn.model @iris {
      input(shape = [4])
      dense(units = 16, activation = relu)
      dense(units = 3)
    } train {
      sparse_categorical_crossentropy(from_logits = true)
      adam(learning_rate = 0.01)
      accuracy()
      fit(batch_size = 16, epochs = 100)
    }
    ```

    Lifespan: written in model text; `expand` inlines it into entries.
  }];
}

def NN_LayerOp : Graven_Function<NN_Dialect, "layer"> {
  let summary = "layer of one's own";
  let description = [{
    A function of graph ops with parameters of its own, made anew for each line that applies it and
    named after that line.

    ```mlir
    nn.layer @scaled(%x) {
      %gain = parameter(%x, shape = [-1], init = ones)
      %y    = multiply(%x, %gain)
      return(%y)
    }
    ```

    Lifespan: written in model text; `expand` inlines it where it is applied.
  }];
}

def NN_FitOp : NN_Setting<"fit", NN_IsFitSettings, (ins
      OptionalAttr<Graph_Int>:$batch_size, OptionalAttr<Graph_Int>:$epochs,
      OptionalAttr<Graph_Number>:$validation_split, OptionalAttr<Graph_Flag>:$shuffle,
      OptionalAttr<Graph_Flag>:$early_stopping, OptionalAttr<Graph_Int>:$patience,
      OptionalAttr<Graph_Word>:$monitor, OptionalAttr<Graph_Number>:$min_delta,
      OptionalAttr<Graph_Flag>:$restore_best_weights)> {
  let summary = "defaults of training";
  let maths = "They travel in the artifact; the runner's flags override them. `batch_size` is also the batch size that is compiled. `patience` (epochs without improvement), `monitor` (`val_loss`, `loss`, `val_accuracy`...), `min_delta` and `restore_best_weights` belong to `early_stopping`.";
  let example = "fit(batch_size = 16, epochs = 100, validation_split = 0.2, early_stopping = true)";
  let hasVerifier = 1;
}

#endif
