// The graph dialect, its source type, the options an op may take, and the classes every op derives
// from. One syntax serves every op:   %result = op(%values, option = word) : types
#ifndef GRAVEN_DIALECT_GRAPH_IR_GRAPH_BASE_TD
#define GRAVEN_DIALECT_GRAPH_IR_GRAPH_BASE_TD

include "dialect/graph/ir/graph_interfaces.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Graph_Dialect : Dialect {
  let name = "graph";
  let cppNamespace = "::graven::graph";
  let summary = "Static-shape tensor operations with value semantics";
  let description = [{
    The low-level language: tensors in, tensors out, no memory and no side effect. Forward and
    backward pass are written in the same operations. Parameters and other state are module-level
    symbols that an entry reads at its start and replaces at its end.
  }];
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::graven::element::ElementDialect"];
  let extraClassDeclaration = [{
    void registerOps();
    // Answers an unknown op name with the nearest known one.
    std::optional<ParseOpHook> getParseOperationHook(::llvm::StringRef name) const override;
  }];
}

def Graph_Untyped : TypeDef<Graph_Dialect, "Untyped"> {
  let mnemonic = "untyped";
  let summary = "a value of the model text, before `expand` has inferred its type";
}

def Graph_Tensor : Type<
    CPred<"::llvm::isa<::mlir::RankedTensorType, ::graven::graph::UntypedType>($_self)">,
    "a tensor">;

// Options. Summaries appear in messages: "option 'units' must be an integer".
class Graph_Option<Pred pred, string summary, string storage, string type, string convert,
                   string build> : Attr<pred, summary> {
  let storageType = storage;
  let returnType = type;
  let convertFromStorage = convert;
  let constBuilderCall = build;
}
def Graph_Int : Graph_Option<CPred<"::llvm::isa<::mlir::IntegerAttr>($_self) && !::llvm::isa<::mlir::BoolAttr>($_self)">,
    "an integer", "::mlir::IntegerAttr", "int64_t", "$_self.getInt()",
    "$_builder.getI64IntegerAttr($0)">;
def Graph_Number : Graph_Option<
    CPred<"::llvm::isa<::mlir::FloatAttr>($_self) || (::llvm::isa<::mlir::IntegerAttr>($_self) && !::llvm::isa<::mlir::BoolAttr>($_self))">,
    "a number", "::mlir::Attribute", "double", "::graven::graph::numberOf($_self)",
    "$_builder.getF64FloatAttr($0)">;
def Graph_Flag : Graph_Option<CPred<"::llvm::isa<::mlir::BoolAttr>($_self)">,
    "true or false", "::mlir::BoolAttr", "bool", "$_self.getValue()", "$_builder.getBoolAttr($0)">;
def Graph_Word : Graph_Option<CPred<"::llvm::isa<::mlir::StringAttr>($_self)">,
    "a word", "::mlir::StringAttr", "::llvm::StringRef", "$_self.getValue()",
    "$_builder.getStringAttr($0)">;
def Graph_Ints : Graph_Option<CPred<"::llvm::isa<::mlir::DenseI64ArrayAttr>($_self)">,
    "a list of integers", "::mlir::DenseI64ArrayAttr", "::llvm::ArrayRef<int64_t>",
    "$_self.asArrayRef()", "$_builder.getDenseI64ArrayAttr($0)">;
def Graph_Axes : Graph_Option<
    CPred<"::llvm::isa<::mlir::DenseI64ArrayAttr>($_self) || (::llvm::isa<::mlir::IntegerAttr>($_self) && !::llvm::isa<::mlir::BoolAttr>($_self))">,
    "an axis or a list of axes", "::mlir::Attribute", "::llvm::SmallVector<int64_t>",
    "::graven::graph::axesOf($_self)", "$_builder.getDenseI64ArrayAttr($0)">;
def Graph_DType : Graph_Option<
    CPred<"::llvm::isa<::mlir::TypeAttr>($_self) && ::graven::graph::isElementType(::llvm::cast<::mlir::TypeAttr>($_self).getValue())">,
    "an element type (f16, bf16, f32, f64, i1, i32, i64 or ui8)", "::mlir::TypeAttr", "::mlir::Type",
    "$_self.getValue()", "::mlir::TypeAttr::get($0)">;
def Graph_Ref : Graph_Option<CPred<"::llvm::isa<::mlir::FlatSymbolRefAttr>($_self)">,
    "an @name", "::mlir::FlatSymbolRefAttr", "::llvm::StringRef", "$_self.getValue()",
    "::mlir::FlatSymbolRefAttr::get($_builder.getContext(), $0)">;

// The syntax shared by every op of the graph and nn languages (dialect/graph/ir/call_syntax.cc).
class Graven_CallSyntax<Dialect dialect, string mnemonic, list<Trait> traits>
    : Op<dialect, mnemonic,
         !listconcat(traits, [DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>])> {
  let hasCustomAssemblyFormat = 1;
  code syntaxDefinition = [{
    ::mlir::ParseResult $cppClass::parse(::mlir::OpAsmParser &parser, ::mlir::OperationState &state) {
      return ::graven::graph::parseCall(parser, state);
    }
    void $cppClass::print(::mlir::OpAsmPrinter &printer) { ::graven::graph::printCall(*this, printer); }
    void $cppClass::getAsmResultNames(::mlir::OpAsmSetValueNameFn setName) {
      ::graven::graph::nameResults(*this, setName);
    }
  }];
  let extraClassDefinition = syntaxDefinition;
}

// Holds source text, which the verifier may hand to a tool's check (graph.h).
def SourceContainer : NativeOpTrait<"SourceContainer"> {
  let cppNamespace = "::graven::graph";
}

// A function whose arguments carry types and whose body need not (call_syntax.cc).
class Graven_Function<Dialect dialect, string mnemonic, list<Trait> traits = []>
    : Op<dialect, mnemonic, !listconcat(traits, [Symbol, IsolatedFromAbove, NoTerminator, SingleBlock, SourceContainer,
          DeclareOpInterfaceMethods<OpAsmOpInterface, ["getDefaultDialect", "getAsmBlockArgumentNames"]>])> {
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<StrAttr>:$sym_visibility,
                       ArrayAttr:$arg_types, ArrayAttr:$arg_names, OptionalAttr<ArrayAttr>:$arg_ranges);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let extraClassDefinition = [{
    ::mlir::ParseResult $cppClass::parse(::mlir::OpAsmParser &parser, ::mlir::OperationState &state) {
      return ::graven::graph::parseFunction(parser, state);
    }
    void $cppClass::print(::mlir::OpAsmPrinter &printer) { ::graven::graph::printFunction(*this, printer); }
    ::llvm::StringRef $cppClass::getDefaultDialect() { return "graph"; }
    void $cppClass::getAsmBlockArgumentNames(::mlir::Region &region, ::mlir::OpAsmSetValueNameFn setName) {
      ::graven::graph::nameArguments(*this, region, setName);
    }
  }];
}

// A pure op with one result whose type follows from its operands and options.
class Graph_PureOp<string mnemonic, list<Trait> traits = []>
    : Graven_CallSyntax<Graph_Dialect, mnemonic,
        !listconcat(traits, [Pure, DeclareOpInterfaceMethods<ShapedGraphOpInterface>])> {
  let results = (outs Graph_Tensor:$result);
  let hasVerifier = 1;
  code verifyDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() { return ::graven::graph::verifyShape(*this); }
  }];
  code moreDefinition = "";
  let extraClassDefinition = syntaxDefinition # verifyDefinition # moreDefinition;
}

// The op serves f16 and bf16 as they are: it computes nothing that needs rounding, or rounds once by
// itself. Any other op on them is computed on f32, and its result rounded.
def AnyPrecision : NativeOpTrait<"AnyPrecision"> {
  let cppNamespace = "::graven::graph";
}

// Of f16 and bf16 operands the op can make an f32 result, which its option `dtype` asks for.
def WidensResult : NativeOpTrait<"WidensResult"> {
  let cppNamespace = "::graven::graph";
}

// Owns a gradient rule (or NotDifferentiable) and a lowering.
class Graph_Primitive<string mnemonic, list<Trait> traits = []>
    : Graph_PureOp<mnemonic, traits> {
  string maths = "";
  string example = "";
  let description = maths # "\n\n```mlir\n" # example # "\n```\n\n"
    # "Lifespan: written in model text, or made by `expand` and `differentiate`; `fuse` moves it into a "
    # "kernel, where `codegen` turns it into machine code.";
}

// Owns neither: `expand` replaces it by its decomposition.
class Graph_Composite<string mnemonic, list<Trait> traits = []>
    : Graph_PureOp<mnemonic, !listconcat(traits, [DeclareOpInterfaceMethods<CompositeOpInterface>])> {
  string maths = "";
  string example = "";
  let description = maths # "\n\n```mlir\n" # example # "\n```\n\n"
    # "Lifespan: written in model text; `expand` replaces it by primitives.";
}

// The op may be named as a layer's activation: one float operand, no option that must be given.
def Activation : NativeOpTrait<"Activation"> {
  let cppNamespace = "::graven::graph";
}

// The gradient of any result by any operand is zero or undefined, and that is meant.
def NotDifferentiable : NativeOpTrait<"NotDifferentiable"> {
  let cppNamespace = "::graven::graph";
}

#endif
