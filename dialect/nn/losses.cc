#include "dialect/nn/nn.h"

using namespace mlir;
using namespace graven::nn;
#define GET_OP_CLASSES
#include "dialect/nn/losses.cpp.inc"
