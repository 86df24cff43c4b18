#include "compiler/codegen/cpu/strategies/bf16_pairs.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen::cpu {

bool hasPairs(Type element, const strategy::Target &target) {
  return element.isBF16() && !target.bf16_products.empty() && !target.strict();
}

Value loadPairs(Emitter &e, Value pointer, const Index &index, int64_t stride_k, bool both) {
  OpBuilder &b = e.builder();
  Location loc = e.loc();
  Type half = b.getI16Type(), whole = b.getI32Type();
  // Both halves by one load, which is aligned to one of them.
  if (both && stride_k == 1 && index.isUniform())
    return LLVM::LoadOp::create(b, loc, whole, e.pointerTo(pointer, half, index), /*alignment=*/2);
  auto load = [&](const Index &at) -> Value {
    Value value = e.load(pointer, half, at);
    Type type = whole;
    if (auto vector = dyn_cast<VectorType>(value.getType())) type = vector.clone(whole);
    return arith::ExtUIOp::create(b, loc, type, value);
  };
  Value even = load(index);
  if (!both) return even;
  Value odd = load(e.add(index, stride_k));
  Value shift = arith::ConstantOp::create(b, loc, [&]() -> TypedAttr {
    if (auto vector = dyn_cast<VectorType>(odd.getType()))
      return DenseElementsAttr::get(vector, b.getI32IntegerAttr(16).getValue());
    return b.getI32IntegerAttr(16);
  }());
  odd = arith::ShLIOp::create(b, loc, odd, shift);
  return arith::OrIOp::create(b, loc, even, odd);
}

Value loadPairsAlongK(Emitter &e, Value pointer, const Index &first, const Index &valid) {
  OpBuilder &b = e.builder();
  int64_t lanes = e.lanes();
  e.setLanes(2 * lanes);
  Value elements;
  auto load = [&] { elements = e.load(pointer, b.getI16Type(), e.lanesFrom(first)); };
  if (valid.isConstant() && valid.offset >= 2 * lanes)
    load();
  else
    e.masked(e.firstLanes(valid), e.depth(), load);
  e.setLanes(lanes);
  return vector::BitCastOp::create(b, e.loc(), VectorType::get({lanes}, b.getI32Type()), elements);
}

Value multiplyPairs(Emitter &e, Value left, Value right, Value sum) {
  OpBuilder &b = e.builder();
  auto type = VectorType::get({2 * e.lanes()}, b.getBF16Type());
  auto halves = [&](Value pairs) -> Value {
    return LLVM::BitcastOp::create(b, e.loc(), type, pairs);
  };
  std::string name = "llvm.x86.avx512bf16.dpbf16ps." + std::to_string(32 * e.lanes());
  return LLVM::CallIntrinsicOp::create(b, e.loc(), sum.getType(), b.getStringAttr(name),
                                       ValueRange{sum, halves(left), halves(right)})
      .getResult(0);
}

}  // namespace graven::codegen::cpu
