// Reverse accumulation: what every gradient rule has in common.
#ifndef GRAVEN_COMPILER_DIFFERENTIATE_REVERSE_H_
#define GRAVEN_COMPILER_DIFFERENTIATE_REVERSE_H_

#include "dialect/graph/ir/graph.h"

namespace graven::differentiate {

// Appends the ops that compute the gradients `request` asks for in front of it, and replaces it by
// their results. The request stands in a block of typed primitives. Failure after an error was
// emitted at the op that is at fault; the request then stays.
llvm::LogicalResult serveRequest(graph::GradientOp request);

}  // namespace graven::differentiate

#endif  // GRAVEN_COMPILER_DIFFERENTIATE_REVERSE_H_
