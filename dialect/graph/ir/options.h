// Reading an op's options, whichever way they were written.
#ifndef GRAVEN_DIALECT_GRAPH_IR_OPTIONS_H_
#define GRAVEN_DIALECT_GRAPH_IR_OPTIONS_H_

#include "llvm/ADT/SmallVector.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

namespace graven::graph {

// The element types of tensors: f16 bf16 f32 f64 i1 i32 i64 ui8.
bool isElementType(mlir::Type type);
// f16 or bf16: stored in 16 bits, computed on as f32.
bool isNarrowFloat(mlir::Type type);
// A number written as 1 or 1.0.
double numberOf(mlir::Attribute attribute);
// Axes written as 1 or [0, 1]; as written, not normalized.
llvm::SmallVector<int64_t> axesOf(mlir::Attribute attribute);
// `axes` (none: all of them) as ascending numbers in [0, rank); failure names the one out of range.
mlir::FailureOr<llvm::SmallVector<int64_t>> normalizeAxes(
    mlir::Attribute axes, int64_t rank, llvm::function_ref<mlir::InFlightDiagnostic()> error);
// One axis in [-rank, rank) as a number in [0, rank).
mlir::FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank,
                                       llvm::function_ref<mlir::InFlightDiagnostic()> error);
// FNV-1a (64 bit) of `text`, folded to 32 bits: the `site` of a random draw from a name.
uint32_t siteOf(llvm::StringRef text);

}  // namespace graven::graph

#endif  // GRAVEN_DIALECT_GRAPH_IR_OPTIONS_H_
