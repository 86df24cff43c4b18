#include "compiler/codegen/gpu/kernel_function.h"

#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/loops/rules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

constexpr int64_t kBufferAlignment = 64;

// Whether nothing that the kernel writes may lie where input `input` does.
bool isOnlyRead(kernel::FuncOp kernel, int64_t input) {
  for (int64_t output = 0; output < static_cast<int64_t>(kernel.getOutputTypes().size()); ++output)
    if (kernel.mayShare(input, output)) return false;
  return true;
}

}  // namespace

KernelFunction::KernelFunction(kernel::FuncOp kernel, StringRef stage, ModuleOp out)
    : kernel_(kernel), out_(out), builder_(kernel.getContext()) {
  MLIRContext *context = kernel.getContext();
  // Locations of graph ops say nothing at this level, and would only make kernels differ.
  Location loc = UnknownLoc::get(context);
  std::string name = kernel.getSymName().str();
  if (!stage.empty()) name += "_" + stage.str();
  int64_t grid = 0;
  for (auto each : kernel.getStages().getAsRange<kernel::StageAttr>())
    if (each.getName() == stage) {
      threads_ = each.getThreads();
      grid = each.getGrid();
    }
  inputs_ = body().getNumArguments();
  int64_t buffers =
      inputs_ + body().getTerminator()->getNumOperands() + (kernel.getScratchBytes() > 0 ? 1 : 0);
  auto pointer = LLVM::LLVMPointerType::get(context);
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context),
                                          SmallVector<Type>(buffers, pointer));
  builder_.setInsertionPointToEnd(out.getBody());
  auto function = LLVM::LLVMFuncOp::create(builder_, loc, name, type);
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), builder_.getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getReqntidAttrName(),
                    builder_.getDenseI32ArrayAttr({static_cast<int32_t>(threads_)}));
  for (int64_t input = 0; input < inputs_; ++input) {
    if (!isOnlyRead(kernel, input)) continue;
    function.setArgAttr(input, LLVM::LLVMDialect::getReadonlyAttrName(), builder_.getUnitAttr());
    function.setArgAttr(input, LLVM::LLVMDialect::getNoAliasAttrName(), builder_.getUnitAttr());
  }
  for (int64_t buffer = 0; buffer < buffers; ++buffer)
    function.setArgAttr(buffer, LLVM::LLVMDialect::getAlignAttrName(),
                        builder_.getI64IntegerAttr(kBufferAlignment));
  Block *entry = function.addEntryBlock(builder_);
  builder_.setInsertionPointToEnd(entry);
  auto end = LLVM::ReturnOp::create(builder_, loc, ValueRange());
  builder_.setInsertionPoint(end);
  for (BlockArgument argument : entry->getArguments()) pointers_.push_back(argument);

  emitter_ = std::make_unique<Emitter>(builder_, loc, out, name);
  emitter_->assumeAligned(kBufferAlignment);
  for (auto [input, address] : llvm::zip(body().getArguments(), pointers_))
    emitter_->bindMemory(input, address);
  auto number = [&](auto read, int64_t count) {
    read.setRangeAttr(LLVM::ConstantRangeAttr::get(
        context, APInt(32, 0), APInt(32, static_cast<uint64_t>(std::max<int64_t>(count, 1)))));
    Value wide = arith::ExtUIOp::create(builder_, loc, builder_.getI64Type(), read.getRes());
    return emitter_->wrap(wide, 0);
  };
  Type i32 = builder_.getI32Type();
  workgroup_ = number(NVVM::BlockIdXOp::create(builder_, loc, i32), grid);
  thread_ = number(NVVM::ThreadIdXOp::create(builder_, loc, i32), threads_);
}

Value KernelFunction::bufferPointer(int64_t first, int64_t stride, int64_t count,
                                    const Index &which) {
  Emitter &e = *emitter_;
  Value result = pointers_[first];
  for (int64_t number = 1; number < count; ++number) {
    Value here = arith::CmpIOp::create(builder_, e.loc(), arith::CmpIPredicate::eq,
                                       e.materialize(which), e.integer(number));
    result = arith::SelectOp::create(builder_, e.loc(), here, pointers_[first + number * stride],
                                     result);
  }
  return result;
}

Value KernelFunction::scratchPointer(int64_t byte_offset) {
  OpBuilder::InsertionGuard guard(builder_);
  if (byte_offset == 0) return pointers_.back();
  builder_.setInsertionPointToStart(cast<BlockArgument>(pointers_.back()).getOwner());
  return LLVM::GEPOp::create(builder_, emitter_->loc(), pointers_.back().getType(),
                             builder_.getI8Type(), pointers_.back(),
                             ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(byte_offset)});
}

Value KernelFunction::shared(int64_t bytes) {
  OpBuilder::InsertionGuard guard(builder_);
  auto function =
      cast<LLVM::LLVMFuncOp>(cast<BlockArgument>(pointers_.back()).getOwner()->getParentOp());
  builder_.setInsertionPointToStart(&function.getBody().front());
  return staticShared(builder_, emitter_->loc(), out_, function.getSymName(), bytes,
                      kBufferAlignment);
}

void KernelFunction::keepResident(int64_t count) {
  Operation *function = cast<BlockArgument>(pointers_.back()).getOwner()->getParentOp();
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), builder_.getI32IntegerAttr(count));
}

Index KernelFunction::globalThread() {
  return emitter_->add(emitter_->scale(workgroup_, threads_), thread_);
}

}  // namespace graven::codegen::gpu
