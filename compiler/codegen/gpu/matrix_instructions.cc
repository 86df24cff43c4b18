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

void copyAsync(OpBuilder &builder, Location loc, Value shared, Value global, int64_t bytes) {
  // 16 bytes go past the first-level cache: what shared memory holds is not read again.
  auto modifier = bytes == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
  NVVM::CpAsyncOp::create(builder, loc, shared, global, static_cast<uint32_t>(bytes), modifier,
                          /*cpSize=*/Value());
}

void commitCopies(OpBuilder &builder, Location loc) {
  NVVM::CpAsyncCommitGroupOp::create(builder, loc);
}

void waitForCopies(OpBuilder &builder, Location loc, int64_t pending) {
  NVVM::CpAsyncWaitGroupOp::create(builder, loc, static_cast<uint32_t>(pending));
}

void keepRolled(Value carried) {
  MLIRContext *context = carried.getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(context, /*disable=*/BoolAttr::get(context, true), {}, {},
                                          {}, {}, {}, {});
  auto annotation = LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, unroll, {}, {}, {}, {}, {},
                                                  {}, {}, {}, {}, {}, {});
  // The branch that the loop becomes takes the attribute over.
  carried.getDefiningOp<scf::ForOp>()->setAttr("loop_annotation", annotation);
}

}  // namespace graven::codegen::gpu
