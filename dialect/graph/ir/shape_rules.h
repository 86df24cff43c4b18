// Shape rules shared by families of ops; a rule of one op stands with the op.
#ifndef GRAVEN_DIALECT_GRAPH_IR_SHAPE_RULES_H_
#define GRAVEN_DIALECT_GRAPH_IR_SHAPE_RULES_H_

#include "dialect/graph/ir/graph.h"

namespace graven::graph {

using mlir::RankedTensorType;
using Error = llvm::function_ref<mlir::InFlightDiagnostic()>;

// Which element kinds an elementwise op takes.
struct Kinds {
  bool floats, integers, bools;
};
// From the operands' element types to the result's; failure after `error()` was told why.
using ElementRule = mlir::FailureOr<mlir::Type> (*)(llvm::ArrayRef<mlir::Type>, Error);
mlir::FailureOr<mlir::Type> sameElementType(llvm::ArrayRef<mlir::Type> types, Error error);
mlir::FailureOr<mlir::Type> boolElement(llvm::ArrayRef<mlir::Type> types, Error error);
mlir::FailureOr<mlir::Type> selectElement(llvm::ArrayRef<mlir::Type> types, Error error);

mlir::FailureOr<RankedTensorType> inferElementwise(mlir::Operation *op,
                                                   llvm::ArrayRef<RankedTensorType> operands,
                                                   Kinds kinds, ElementRule rule, Error error);
// The element type of sums of products of `operands`, where the option `dtype` may ask for another.
mlir::FailureOr<mlir::Type> inferProduct(mlir::Type operands, mlir::TypeAttr dtype, Error error);
// The first operand's type, which must be a float.
mlir::FailureOr<RankedTensorType> inferFloatLikeFirst(mlir::Operation *op,
                                                      llvm::ArrayRef<RankedTensorType> operands,
                                                      Error error);
// Options `axis` and `keep_dims`; the element type stays.
mlir::FailureOr<RankedTensorType> inferReduction(mlir::Operation *op,
                                                 llvm::ArrayRef<RankedTensorType> operands,
                                                 Error error);
// The shape that numpy's rules give operands of these shapes, or failure.
mlir::FailureOr<llvm::SmallVector<int64_t>> broadcastShape(
    llvm::ArrayRef<llvm::ArrayRef<int64_t>> shapes);

// "4x16xf32", for messages.
std::string describe(mlir::Type type);

}  // namespace graven::graph

#endif  // GRAVEN_DIALECT_GRAPH_IR_SHAPE_RULES_H_
