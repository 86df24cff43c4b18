#include "compiler/codegen/gpu/matrix_instructions.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace graven::codegen::gpu {

Value globalPointer(OpBuilder &builder, Location loc, Value pointer) {
  auto type = LLVM::LLVMPointerType::get(builder.getContext(), 1);
  return LLVM::AddrSpaceCastOp::create(builder, loc, type, pointer);
}

void copyAsync(OpBuilder &builder, Location loc, Value shared, Value global, int64_t bytes,
               Value filled) {
  // 16 bytes go past the first-level cache: what shared memory holds is not read again.
  auto modifier = bytes == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
  NVVM::CpAsyncOp::create(builder, loc, shared, global, static_cast<uint32_t>(bytes), modifier,
                          filled);
}

void commitCopies(OpBuilder &builder, Location loc) {
  NVVM::CpAsyncCommitGroupOp::create(builder, loc);
}

void waitForCopies(OpBuilder &builder, Location loc, int64_t pending) {
  NVVM::CpAsyncWaitGroupOp::create(builder, loc, static_cast<uint32_t>(pending));
}

SmallVector<Value> loadMatrices(OpBuilder &b, Location loc, Value row, int64_t count,
                                bool transposed) {
  MLIRContext *context = b.getContext();
  Type word = b.getI32Type(), type = word;
  if (count > 1) type = LLVM::LLVMStructType::getLiteral(context, SmallVector<Type>(count, word));
  auto layout = transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row;
  Value read = NVVM::LdMatrixOp::create(b, loc, type, row, static_cast<uint32_t>(count), layout,
                                        NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
                                        NVVM::LdStMatrixEltType::B16);
  if (count == 1) return {read};
  SmallVector<Value> words;
  for (int64_t i = 0; i < count; ++i)
    words.push_back(LLVM::ExtractValueOp::create(b, loc, read, i));
  return words;
}

Value roundToTf32(OpBuilder &b, Location loc, Value value) {
  return NVVM::ConvertFloatToTF32Op::create(b, loc, b.getI32Type(), value,
                                            NVVM::FPRoundingMode::RNA);
}

SmallVector<Value> multiplyMatrices(OpBuilder &b, Location loc, Type element, ValueRange left,
                                    ValueRange right, ValueRange sums) {
  auto kind = element.isF32()    ? NVVM::MMATypes::tf32
              : element.isBF16() ? NVVM::MMATypes::bf16
                                 : NVVM::MMATypes::f16;
  auto words = [&](ValueRange values) {
    SmallVector<Value> result(values);
    if (!element.isF16()) return result;  // others are passed as they are in registers
    for (Value &value : result)
      value = LLVM::BitcastOp::create(b, loc, VectorType::get(2, element), value);
    return result;
  };
  Type type = LLVM::LLVMStructType::getLiteral(b.getContext(),
                                               SmallVector<Type>(sums.size(), b.getF32Type()));
  Value product = NVVM::MmaOp::create(
      b, loc, type, words(left), words(right), sums,
      ArrayRef<int64_t>{16, 8, element.isF32() ? 8 : 16}, std::nullopt, std::nullopt,
      std::array<NVVM::MMATypes, 2>{kind, kind},
      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
  SmallVector<Value> results;
  for (size_t i = 0; i < sums.size(); ++i)
    results.push_back(LLVM::ExtractValueOp::create(b, loc, product, i));
  return results;
}

}  // namespace graven::codegen::gpu
