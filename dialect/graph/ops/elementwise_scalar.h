// How elementwise ops are emitted on elements: named by the op records of elementwise.td.
#ifndef GRAVEN_DIALECT_GRAPH_OPS_ELEMENTWISE_SCALAR_H_
#define GRAVEN_DIALECT_GRAPH_OPS_ELEMENTWISE_SCALAR_H_

#include "dialect/element/element.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

namespace graven::graph {

using ScalarEmitter = mlir::Value (*)(mlir::OpBuilder &, mlir::Location, mlir::ValueRange);

template <typename OpTy>
mlir::Value emit(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange v) {
  return OpTy::create(b, loc, mlir::TypeRange{v[0].getType()}, v);
}
template <mlir::arith::CmpFPredicate predicate>
mlir::Value compareF(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange v) {
  return mlir::arith::CmpFOp::create(b, loc, predicate, v[0], v[1]);
}
template <mlir::arith::CmpIPredicate predicate>
mlir::Value compareI(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange v) {
  return mlir::arith::CmpIOp::create(b, loc, predicate, v[0], v[1]);
}
mlir::Value emitIdentity(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange v);
mlir::Value emitSelect(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange v);
mlir::Value emitNot(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange v);
mlir::Value emitSign(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange v);
mlir::Value emitIntSign(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange v);
mlir::Value emitIntAbs(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange v);
mlir::Value emitIntNegate(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange v);
mlir::Value emitIntDivide(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange v);

// A constant of `type`, a scalar or a vector (splat).
mlir::Value scalarConstant(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type, double value);
// `type` with its element type replaced; scalars and vectors.
mlir::Type withElementType(mlir::Type type, mlir::Type element);

// How an element of a tensor is held while it is computed with: ui8 as a signless i8, f16 and bf16
// as f32, the others as they are.
mlir::Type heldType(mlir::Type element);
// `v` (f32), rounded to the nearest value that `element` (f16 or bf16) has, as an f32.
mlir::Value emitRounding(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v, mlir::Type element);
// Converts elements between element types as `convert` defines it. Both are held (heldType); what
// they are is told by the tensors' element types.
mlir::Value emitConvert(mlir::OpBuilder &b, mlir::Location loc, mlir::Value v, mlir::Type from,
                        mlir::Type to);

}  // namespace graven::graph

#endif  // GRAVEN_DIALECT_GRAPH_OPS_ELEMENTWISE_SCALAR_H_
