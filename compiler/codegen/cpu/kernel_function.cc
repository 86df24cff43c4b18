#include "compiler/codegen/cpu/kernel_function.h"

#include "compiler/codegen/loops/rules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace graven::codegen::cpu {

KernelFunction::KernelFunction(kernel::FuncOp kernel, StringRef stage, ModuleOp out)
    : kernel_(kernel), builder_(kernel.getContext()) {
  // Locations of graph ops say nothing at this level, and would only make kernels differ.
  Location loc = UnknownLoc::get(kernel.getContext());
  std::string name = kernel.getSymName().str();
  if (!stage.empty()) name += "_" + stage.str();
  auto pointer = LLVM::LLVMPointerType::get(kernel.getContext());
  Type i64 = builder_.getI64Type();
  builder_.setInsertionPointToEnd(out.getBody());
  auto function =
      func::FuncOp::create(builder_, loc, name, builder_.getFunctionType({pointer, i64, i64}, {}));
  entry_ = function.addEntryBlock();
  builder_.setInsertionPointToEnd(entry_);
  auto end = func::ReturnOp::create(builder_, loc);
  builder_.setInsertionPoint(end);
  buffers_ = entry_->getArgument(0);
  lo_ = entry_->getArgument(1);
  hi_ = entry_->getArgument(2);
  emitter_ = std::make_unique<Emitter>(builder_, loc, out, name);
  inputs_ = body().getNumArguments();
  int64_t buffers =
      inputs_ + body().getTerminator()->getNumOperands() + (kernel.getScratchBytes() > 0 ? 1 : 0);
  for (int64_t number = 0; number < buffers; ++number) {
    Value place = LLVM::GEPOp::create(builder_, loc, pointer, pointer, buffers_,
                                      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(number)});
    pointers_.push_back(LLVM::LoadOp::create(builder_, loc, pointer, place));
  }
  for (auto [input, address] : llvm::zip(body().getArguments(), pointers_))
    emitter_->bindMemory(input, address);
}

Value KernelFunction::bufferPointer(const Index &number) {
  auto pointer = LLVM::LLVMPointerType::get(builder_.getContext());
  Value place = LLVM::GEPOp::create(builder_, emitter_->loc(), pointer, pointer, buffers_,
                                    ArrayRef<LLVM::GEPArg>{emitter_->materialize(number)});
  return LLVM::LoadOp::create(builder_, emitter_->loc(), pointer, place);
}

Value KernelFunction::scratchPointer(int64_t byte_offset) {
  OpBuilder::InsertionGuard guard(builder_);
  builder_.setInsertionPointAfterValue(pointers_.back());
  if (byte_offset == 0) return pointers_.back();
  return LLVM::GEPOp::create(builder_, emitter_->loc(), pointers_.back().getType(),
                             builder_.getI8Type(), pointers_.back(),
                             ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(byte_offset)});
}

Value KernelFunction::stackPointer(int64_t bytes) {
  OpBuilder::InsertionGuard guard(builder_);
  builder_.setInsertionPointToStart(entry_);
  Value count = LLVM::ConstantOp::create(builder_, emitter_->loc(), builder_.getI64Type(),
                                         builder_.getI64IntegerAttr(bytes));
  return LLVM::AllocaOp::create(builder_, emitter_->loc(),
                                LLVM::LLVMPointerType::get(builder_.getContext()),
                                builder_.getI8Type(), count, /*alignment=*/64);
}

std::pair<Index, Index> KernelFunction::range() {
  return {emitter_->wrap(lo_, 0), emitter_->wrap(hi_, 0)};
}

void KernelFunction::forEachWorkgroup(function_ref<void(Index)> body) {
  auto [lo, hi] = range();
  emitter_->loop(lo, hi, 1, body);
}

void KernelFunction::streaming(ArrayRef<int64_t> outputs, const strategy::Target &target,
                               function_ref<void()> body) {
  if (outputs.empty()) return body();
  Emitter &e = *emitter_;
  Location loc = e.loc();
  SmallVector<Value> pointers;
  Value bits;
  for (int64_t output : outputs) {
    pointers.push_back(outputPointer(output));
    Value address = LLVM::PtrToIntOp::create(builder_, loc, builder_.getI64Type(), pointers.back());
    bits = bits ? arith::OrIOp::create(builder_, loc, bits, address).getResult() : address;
  }
  // Vectors of strict rows may take several registers.
  int64_t alignment = target.strict() ? 64 : target.vector_bytes;
  bits = arith::AndIOp::create(builder_, loc, bits, e.integer(alignment - 1));
  // What is overwritten where it was read lies in the caches already.
  for (auto pair : kernel_.getSameIndex().getAsRange<DenseI64ArrayAttr>()) {
    if (!llvm::is_contained(outputs, pair[1])) continue;
    Value in_place = LLVM::ICmpOp::create(builder_, loc, LLVM::ICmpPredicate::eq,
                                          inputPointer(pair[0]), outputPointer(pair[1]));
    bits = arith::OrIOp::create(
        builder_, loc, bits,
        arith::ExtUIOp::create(builder_, loc, builder_.getI64Type(), in_place));
  }
  for (bool aligned : {true, false}) {
    auto sense = aligned ? arith::CmpIPredicate::eq : arith::CmpIPredicate::ne;
    Value here = arith::CmpIOp::create(builder_, loc, sense, bits, e.integer(0));
    e.when(here, [&] {
      if (aligned) e.stream(pointers);
      body();
      e.stream({});
      // Elsewhere the release that ends a launch orders these stores too.
      if (aligned && StringRef(target.triple).starts_with("x86_64"))
        LLVM::CallIntrinsicOp::create(builder_, loc, builder_.getStringAttr("llvm.x86.sse.sfence"),
                                      ValueRange());
    });
  }
}

SmallVector<int64_t> streamedOutputs(Block &body, const strategy::Target &target) {
  auto bytes = [](Value value) { return productOf(shapeOf(value)) * bytesOf(elementOf(value)); };
  int64_t total = 0;
  for (Value argument : body.getArguments()) total += bytes(argument);
  for (Value output : body.getTerminator()->getOperands()) total += bytes(output);
  SmallVector<int64_t> outputs;
  if (total <= target.l3_bytes) return outputs;
  for (auto [number, output] : llvm::enumerate(body.getTerminator()->getOperands()))
    if (bytes(output) > target.l3_bytes / 2) outputs.push_back(number);
  return outputs;
}

}  // namespace graven::codegen::cpu
