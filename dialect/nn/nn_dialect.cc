#include "dialect/nn/nn.h"

using namespace mlir;

#include "dialect/nn/nn_dialect.cpp.inc"

namespace graven::nn {

void NNDialect::initialize() { registerOps(); }

void NNDialect::registerOps() {
#define GET_OP_LIST
  addOperations<
#include "dialect/nn/model.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "dialect/nn/layers.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "dialect/nn/losses.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "dialect/nn/optimizers.cpp.inc"
      >();
#define GET_OP_LIST
  addOperations<
#include "dialect/nn/metrics.cpp.inc"
      >();
}

std::optional<Dialect::ParseOpHook> NNDialect::getParseOperationHook(StringRef) const {
  return graph::reportUnknownOp;
}

}  // namespace graven::nn
