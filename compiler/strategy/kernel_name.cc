#include "compiler/strategy/kernel_name.h"

using namespace mlir;

namespace graven::strategy {
namespace {

constexpr size_t kLongest = 5;  // ops named

// Ops that a reader of a profile does not look for, where there are others.
bool isUnnamed(Operation *op) {
  return isa<graph::ConstantOp, graph::IotaOp, graph::BroadcastOp, graph::ReshapeOp,
             graph::ConvertOp, graph::StopGradientOp>(op);
}

StringRef nameOf(Operation *op) {
  if (isa<graph::DotGeneralOp>(op)) return "matmul";
  return op->getName().stripDialect();
}

std::string typeName(Type type) {
  if (type.isUnsignedInteger()) return "u" + std::to_string(type.getIntOrFloatBitWidth());
  if (isa<FloatType>(type)) return "f" + std::to_string(type.getIntOrFloatBitWidth());
  return "i" + std::to_string(type.getIntOrFloatBitWidth());
}

}  // namespace

std::string shapeName(ArrayRef<int64_t> shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (int64_t length : shape) text += (text.empty() ? "" : "x") + std::to_string(length);
  return text;
}

std::string kernelName(kernel::FusedOp fused, const Plan &plan) {
  SmallVector<StringRef> ops;
  bool more = false;
  Block &body = fused.getBody().front();
  for (bool all : {false, true}) {
    for (Operation &op : body.without_terminator()) {
      if ((!all && isUnnamed(&op)) || llvm::is_contained(ops, nameOf(&op))) continue;
      if (ops.size() == kLongest)
        more = true;
      else
        ops.push_back(nameOf(&op));
    }
    if (!ops.empty()) break;
  }
  if (ops.empty()) ops.push_back("copy");
  std::string name;
  for (StringRef op : ops) name += op.str() + "_";
  if (more) name += "etc_";
  if (fused.getSegments()) name += std::to_string(*fused.getSegments()) + "_segments_";
  Type element =
      cast<RankedTensorType>(body.getTerminator()->getOperand(0).getType()).getElementType();
  name += typeName(element) + "_" + plan.shape;
  if (!plan.config.empty()) name += "_" + plan.config;
  return name;
}

}  // namespace graven::strategy
