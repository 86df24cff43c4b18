#include "compiler/strategy/kernel_name.h"

#include "compiler/strategy/cost.h"

using namespace mlir;

namespace graven::strategy {
namespace {

constexpr size_t kLongest = 4;  // ops named
constexpr int kUnnamed = 4;     // the rank of ops that are named where there are no others

// How much an op tells a profile's reader about its kernel: 0 most.
int rankOf(Operation *op) {
  if (isa<graph::ConstantOp, graph::IotaOp, graph::BroadcastOp, graph::ReshapeOp, graph::ConvertOp,
          graph::StopGradientOp>(op))
    return kUnnamed;
  if (!isa<graph::ElementwiseOpInterface>(op)) return 0;
  if (operationsPerElement(op) >= kElementary) return 1;
  auto resultOf = [](Value value) { return getElementTypeOrSelf(value); };
  bool compares = resultOf(op->getResult(0)).isInteger(1);
  bool chooses = llvm::any_of(op->getOperands(),
                              [&](Value operand) { return resultOf(operand).isInteger(1); });
  return compares || chooses || op->getNumOperands() == 1 ? 3 : 2;
}

StringRef nameOf(Operation *op) {
  if (isa<graph::DotGeneralOp>(op)) return "matmul";
  if (isa<graph::RandomUniformOp, graph::RandomBitsOp>(op)) return "random";
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

bool isUpdate(kernel::FusedOp fused) {
  if (fused->use_empty() || llvm::none_of(fused.getInputs(), [](Value input) {
        return isa_and_nonnull<graph::ReadOp>(input.getDefiningOp());
      }))
    return false;
  return llvm::all_of(fused->getUses(), [](OpOperand &use) {
    auto end = dyn_cast<graph::ReturnOp>(use.getOwner());
    size_t writes = end && end.getWrites() ? end.getWrites()->size() : 0;
    return use.getOperandNumber() + writes >= use.getOwner()->getNumOperands();
  });
}

std::string kernelName(kernel::FusedOp fused, const Plan &plan) {
  Block &body = fused.getBody().front();
  bool update = isUpdate(fused);
  SmallVector<std::pair<StringRef, int>> ops;
  int most = update ? 0 : kUnnamed - 1;
  for (int limit : {most, kUnnamed}) {
    for (Operation &op : body.without_terminator()) {
      bool known = llvm::any_of(ops, [&](auto &other) { return other.first == nameOf(&op); });
      if (rankOf(&op) <= limit && !known) ops.push_back({nameOf(&op), rankOf(&op)});
    }
    if (!ops.empty() || update) break;
  }
  while (ops.size() > kLongest) {
    // The last of those that tell least.
    auto least = std::max_element(ops.rbegin(), ops.rend(),
                                  [](auto &a, auto &b) { return a.second < b.second; });
    ops.erase(std::next(least).base());
  }
  std::string name;
  for (auto &[op, rank] : ops) name += op.str() + "_";
  if (update) name += "update_";
  if (name.empty()) name = "copy_";
  if (fused.getSegments()) name += std::to_string(*fused.getSegments()) + "_segments_";
  Type element =
      cast<RankedTensorType>(body.getTerminator()->getOperand(0).getType()).getElementType();
  name += typeName(element) + "_" + plan.shape;
  if (!plan.config.empty()) name += "_" + plan.config;
  return name;
}

}  // namespace graven::strategy
