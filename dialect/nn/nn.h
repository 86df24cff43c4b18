// The nn dialect: models, layers, losses, optimizers, metrics.
#ifndef GRAVEN_DIALECT_NN_NN_H_
#define GRAVEN_DIALECT_NN_NN_H_

#include <optional>

#include "dialect/graph/ir/graph.h"

namespace graven::nn {

// What an optimizer does to gradients before its rule: bounds of each element and of the Euclidean
// norm over all of them.
struct Clipping {
  std::optional<double> value, norm;
};
Clipping clippingOf(mlir::Operation *optimizer);
// Checks that the bounds are finite and above 0.
llvm::LogicalResult verifyClipping(mlir::Operation *optimizer);

// Traits by which a model's verifier and `expand` tell ops apart.
template <typename Op>
class IsLayer : public mlir::OpTrait::TraitBase<Op, IsLayer> {};
template <typename Op>
class IsLoss : public mlir::OpTrait::TraitBase<Op, IsLoss> {};
template <typename Op>
class IsOptimizer : public mlir::OpTrait::TraitBase<Op, IsOptimizer> {
 public:
  static llvm::LogicalResult verifyTrait(mlir::Operation *op) { return verifyClipping(op); }
};
template <typename Op>
class IsMetric : public mlir::OpTrait::TraitBase<Op, IsMetric> {};
template <typename Op>
class IsFitSettings : public mlir::OpTrait::TraitBase<Op, IsFitSettings> {};

// Checks that `word` (none: empty) names an activation: a graph op of that trait, or `linear`.
llvm::LogicalResult verifyActivation(mlir::Operation *op, llvm::StringRef word);

}  // namespace graven::nn

#include "dialect/nn/nn_dialect.h.inc"
#define GET_OP_CLASSES
#include "dialect/nn/model.h.inc"
#define GET_OP_CLASSES
#include "dialect/nn/layers.h.inc"
#define GET_OP_CLASSES
#include "dialect/nn/losses.h.inc"
#define GET_OP_CLASSES
#include "dialect/nn/optimizers.h.inc"
#define GET_OP_CLASSES
#include "dialect/nn/metrics.h.inc"

#endif  // GRAVEN_DIALECT_NN_NN_H_
