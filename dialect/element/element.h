// The element dialect: functions of numbers that the math dialect does not have.
#ifndef GRAVEN_DIALECT_ELEMENT_ELEMENT_H_
#define GRAVEN_DIALECT_ELEMENT_ELEMENT_H_

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/element/element_dialect.h.inc"
#define GET_OP_CLASSES
#include "dialect/element/element.h.inc"

#endif  // GRAVEN_DIALECT_ELEMENT_ELEMENT_H_
