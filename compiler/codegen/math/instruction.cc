#include "compiler/codegen/math/instruction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
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

// A row of 16 numbers, of which each lane of `index` picks one.
mlir::Value pickFrom(const Scope &scope, mlir::Value row, mlir::Value index) {
  mlir::OpBuilder &b = scope.builder();
  return mlir::LLVM::CallIntrinsicOp::create(b, scope.loc(), row.getType(),
                                             b.getStringAttr("llvm.x86.avx512.permvar.sf.512"),
                                             mlir::ValueRange{row, index})
      .getResults();
}

// `compute`, for registers of `least` (at least 4) to 16 lanes, on values of the scope's shape.
Real byRegisters(const Scope &scope, Values values, int64_t least,
                 llvm::function_ref<mlir::Value(Values)> compute) {
  mlir::OpBuilder &b = scope.builder();
  mlir::Location loc = scope.loc();
  auto shape = llvm::dyn_cast<mlir::VectorType>(scope.realType());
  if (!shape) {
    for (mlir::Value &value : values)
      value = vector::BroadcastOp::create(b, loc, mlir::VectorType::get({least}, value.getType()),
                                          value);
    return scope.wrap(vector::ExtractOp::create(b, loc, compute(values), 0));
  }
  int64_t count = shape.getNumElements();
  for (mlir::Value &value : values) {
    auto type = llvm::cast<mlir::VectorType>(value.getType());
    auto flat = mlir::VectorType::get({count}, type.getElementType());
    if (flat != type) value = vector::ShapeCastOp::create(b, loc, flat, value);
  }
  mlir::Value all;
  for (int64_t at = 0; at < count;) {
    int64_t lanes = std::max<int64_t>(count - at > 8 ? 16 : count - at > 4 ? 8 : 4, least);
    int64_t used = std::min(lanes, count - at);
    Values parts = values;
    if (lanes != count) {
      llvm::SmallVector<int64_t> pick(lanes, vector::ShuffleOp::kPoisonIndex);
      for (int64_t lane = 0; lane < used; ++lane) pick[lane] = at + lane;
      for (mlir::Value &part : parts) part = vector::ShuffleOp::create(b, loc, part, part, pick);
    }
    mlir::Value part = compute(parts);
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
  if (all.getType() != shape) all = vector::ShapeCastOp::create(b, loc, shape, all);
  return scope.wrap(all);
}

}  // namespace

Real onElements(Instruction instruction, llvm::ArrayRef<Real> operands) {
  const Scope &scope = *operands[0].scope;
  Values values;
  for (const Real &operand : operands) values.push_back(operand.value);
  return byRegisters(scope, values, 4,
                     [&](Values parts) { return onRegisters(scope, instruction, parts); });
}

Real lookUp(Int index, const Row16 &row) {
  const Scope &scope = *index.scope;
  mlir::OpBuilder &b = scope.builder();
  auto type = mlir::VectorType::get({16}, b.getF32Type());
  llvm::SmallVector<float> numbers(std::begin(row), std::end(row));
  mlir::Value table = mlir::arith::ConstantOp::create(
      b, scope.loc(), mlir::DenseElementsAttr::get(type, llvm::ArrayRef<float>(numbers)));
  return byRegisters(scope, {index.value}, 16,
                     [&](Values parts) { return pickFrom(scope, table, parts[0]); });
}

Real piecewisePolynomial(Real x, Int index, llvm::ArrayRef<Row16> coefficients) {
  Real sum = lookUp(index, coefficients.back());
  for (const Row16 &row : llvm::reverse(coefficients.drop_back()))
    sum = fma(sum, x, lookUp(index, row));
  return sum;
}

}  // namespace graven::codegen
