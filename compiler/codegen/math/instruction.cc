#include "compiler/codegen/math/instruction.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace graven::codegen {
namespace {

namespace vector = mlir::vector;
using Values = llvm::SmallVector<mlir::Value, 2>;

// On registers of 4, 8 or 16 lanes.
mlir::Value onRegisters(const Scope &scope, Instruction instruction, Values operands) {
  mlir::OpBuilder &b = scope.builder();
  auto type = llvm::cast<mlir::VectorType>(operands[0].getType());
  int64_t lanes = type.getNumElements();
  auto number = [&](unsigned width, int64_t value) -> mlir::Value {
    mlir::Type integer = b.getIntegerType(width);
    return mlir::LLVM::ConstantOp::create(b, scope.loc(), integer,
                                          b.getIntegerAttr(integer, value));
  };
  mlir::Value kept = operands[0];
  if (instruction.immediate) operands.push_back(number(32, *instruction.immediate));
  operands.push_back(kept);
  // All lanes are computed, so that the value kept in lanes masked off never shows.
  operands.push_back(number(lanes == 16 ? 16 : 8, -1));
  constexpr int64_t kCurrentRounding = 4;
  if (instruction.rounds && lanes == 16) operands.push_back(number(32, kCurrentRounding));
  std::string name =
      ("llvm.x86.avx512." + instruction.name + ".ps." + llvm::Twine(lanes * 32)).str();
  return mlir::LLVM::CallIntrinsicOp::create(b, scope.loc(), type, b.getStringAttr(name), operands)
      .getResults();
}

}  // namespace

Real onElements(Instruction instruction, llvm::ArrayRef<Real> operands) {
  const Scope &scope = *operands[0].scope;
  mlir::OpBuilder &b = scope.builder();
  mlir::Location loc = scope.loc();
  auto shape = llvm::dyn_cast<mlir::VectorType>(scope.realType());
  Values values;
  if (!shape) {
    auto quarter = mlir::VectorType::get({4}, scope.realType());
    for (const Real &operand : operands)
      values.push_back(vector::BroadcastOp::create(b, loc, quarter, operand.value));
    mlir::Value wide = onRegisters(scope, instruction, values);
    return scope.wrap(vector::ExtractOp::create(b, loc, wide, 0));
  }
  int64_t count = shape.getNumElements();
  auto flat = mlir::VectorType::get({count}, shape.getElementType());
  for (const Real &operand : operands)
    values.push_back(flat == shape ? operand.value
                                   : vector::ShapeCastOp::create(b, loc, flat, operand.value));
  mlir::Value all;
  for (int64_t at = 0; at < count;) {
    int64_t lanes = count - at > 8 ? 16 : count - at > 4 ? 8 : 4;
    int64_t used = std::min(lanes, count - at);
    Values parts = values;
    if (lanes != count) {
      llvm::SmallVector<int64_t> pick(lanes, vector::ShuffleOp::kPoisonIndex);
      for (int64_t lane = 0; lane < used; ++lane) pick[lane] = at + lane;
      for (mlir::Value &part : parts) part = vector::ShuffleOp::create(b, loc, part, part, pick);
    }
    mlir::Value part = onRegisters(scope, instruction, parts);
    llvm::SmallVector<int64_t> join;
    for (int64_t lane = 0; lane < at; ++lane) join.push_back(lane);
    for (int64_t lane = 0; lane < used; ++lane) join.push_back(at + lane);
    if (at == 0 && used == lanes) {
      all = part;
    } else if (at == 0) {
      all = vector::ShuffleOp::create(b, loc, part, part, join);
    } else {
      all = vector::ShuffleOp::create(b, loc, all, part, join);
    }
    at += used;
  }
  if (flat != shape) all = vector::ShapeCastOp::create(b, loc, shape, all);
  return scope.wrap(all);
}

}  // namespace graven::codegen
