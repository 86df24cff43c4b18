// Constants in the order in which a kernel reads them.
#ifndef GRAVEN_COMPILER_STRATEGY_PACK_CONSTANTS_H_
#define GRAVEN_COMPILER_STRATEGY_PACK_CONSTANTS_H_

#include "compiler/strategy/strategy.h"

namespace graven::strategy {

// Whether `value`, an input of a kernel, is a constant whose elements lie in memory of the compiler
// one by one, so that the artifact can hold them in any order.
bool isStoredConstant(mlir::Value value);

// The constant `packed` describes, made from the constant `value`; a tensor of one axis.
mlir::Value packConstant(mlir::OpBuilder &builder, mlir::Value value, const Plan::Packed &packed);

}  // namespace graven::strategy

#endif  // GRAVEN_COMPILER_STRATEGY_PACK_CONSTANTS_H_
