// The graph dialect: one include for everyone who reads or builds graph IR.
#ifndef GRAVEN_DIALECT_GRAPH_IR_GRAPH_H_
#define GRAVEN_DIALECT_GRAPH_IR_GRAPH_H_

#include "dialect/graph/ir/call_syntax.h"
#include "dialect/graph/ir/options.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
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

// Checks a typed op against its shape rule; an op whose types are untyped passes.
llvm::LogicalResult verifyShape(mlir::Operation *op);

}  // namespace graven::graph

#include "dialect/graph/ir/graph_dialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialect/graph/ir/graph_types.h.inc"
#include "dialect/graph/ir/graph_interfaces.h.inc"
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
