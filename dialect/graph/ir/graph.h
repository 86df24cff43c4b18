// The graph dialect: one include for everyone who reads or builds graph IR.
#ifndef GRAVEN_DIALECT_GRAPH_IR_GRAPH_H_
#define GRAVEN_DIALECT_GRAPH_IR_GRAPH_H_

#include "dialect/graph/ir/call_syntax.h"
#include "dialect/graph/ir/options.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace graven::graph {

class GraphBuilder;

// Trait: the op has no gradient, and that is meant (comparisons, counters, random numbers).
template <typename ConcreteOp>
class NotDifferentiable : public mlir::OpTrait::TraitBase<ConcreteOp, NotDifferentiable> {};

// Trait: the op may be named as a layer's activation.
template <typename ConcreteOp>
class Activation : public mlir::OpTrait::TraitBase<ConcreteOp, Activation> {};

// Trait: the op takes f16 and bf16 as they are, see graph_base.td.
template <typename ConcreteOp>
class AnyPrecision : public mlir::OpTrait::TraitBase<ConcreteOp, AnyPrecision> {};

// Trait: `dtype = f32` makes an f32 result of f16 or bf16 operands.
template <typename ConcreteOp>
class WidensResult : public mlir::OpTrait::TraitBase<ConcreteOp, WidensResult> {};

// A check of a whole module of source text, which a tool may set: the language server infers types.
// It must leave the module as it is.
using SourceCheck = llvm::LogicalResult (*)(mlir::ModuleOp module);
void setSourceCheck(SourceCheck check);
// Runs the check for the first container of a module (once for all); success where none is set.
llvm::LogicalResult runSourceCheck(mlir::Operation *container);
// The module's mark that keeps the check off it; on copies made by the check itself.
inline constexpr llvm::StringLiteral kUnchecked = "graph.unchecked";

// Attributes of a module that comes with trained values: a dictionary of state names and tensors,
// the name of the file they are from, and what that file knows about the data of its training.
// Lifespan: set by `import`; expand-freeze-state makes constants of them.
inline constexpr llvm::StringLiteral kWeights = "graph.weights";
inline constexpr llvm::StringLiteral kWeightsFile = "graph.weights_file";
inline constexpr llvm::StringLiteral kWeightsMetadata = "graph.weights_metadata";

// Trait: the op holds source text (graph.func, nn.layer, nn.model).
template <typename ConcreteOp>
class SourceContainer : public mlir::OpTrait::TraitBase<ConcreteOp, SourceContainer> {
 public:
  static llvm::LogicalResult verifyRegionTrait(mlir::Operation *op) { return runSourceCheck(op); }
};

// Checks a typed op against its shape rule; an op whose types are untyped passes.
llvm::LogicalResult verifyShape(mlir::Operation *op);

}  // namespace graven::graph

#include "dialect/graph/ir/graph_dialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialect/graph/ir/graph_interfaces.h.inc"
#include "dialect/graph/ir/graph_types.h.inc"
#define GET_OP_CLASSES
#include "dialect/graph/ops/elementwise.h.inc"
#define GET_OP_CLASSES
#include "dialect/graph/ops/structure.h.inc"
#define GET_OP_CLASSES
#include "dialect/graph/ops/reduction.h.inc"
#define GET_OP_CLASSES
#include "dialect/graph/ops/contraction.h.inc"
#define GET_OP_CLASSES
#include "dialect/graph/ops/indexing.h.inc"
#define GET_OP_CLASSES
#include "dialect/graph/ops/random.h.inc"
#define GET_OP_CLASSES
#include "dialect/graph/ops/composite.h.inc"
#define GET_OP_CLASSES
#include "dialect/graph/ops/control.h.inc"

#endif  // GRAVEN_DIALECT_GRAPH_IR_GRAPH_H_
