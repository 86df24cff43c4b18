// The plan dialect: what the runtime executes, with every byte placed.
#ifndef GRAVEN_DIALECT_PLAN_PLAN_H_
#define GRAVEN_DIALECT_PLAN_PLAN_H_

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/plan/plan_dialect.h.inc"
#include "dialect/plan/plan_enums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/plan/plan_attributes.h.inc"
#define GET_OP_CLASSES
#include "dialect/plan/plan.h.inc"

namespace graven::plan {

// Offsets in the segments constant, state, metric and arena are multiples of it.
constexpr int64_t kAlignment = 64;
// `bytes` rounded up to kAlignment.
constexpr int64_t aligned(int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Bytes of a tensor of static shape in memory: dense, row-major; i1 takes one byte.
int64_t bytesOf(mlir::Type type);

// Names of the attributes that hold places decided before programs exist.
constexpr llvm::StringLiteral kPlace = "plan.place";                   // on graph.state
constexpr llvm::StringLiteral kStateBytes = "plan.state_bytes";        // on the module
constexpr llvm::StringLiteral kMetricBytes = "plan.metric_bytes";      // on the module
constexpr llvm::StringLiteral kConstantBytes = "plan.constant_bytes";  // on the module

// The integer attribute `name` of `op`, 0 where it has none.
int64_t bytesAttribute(mlir::Operation *op, llvm::StringRef name);

}  // namespace graven::plan

#endif  // GRAVEN_DIALECT_PLAN_PLAN_H_
