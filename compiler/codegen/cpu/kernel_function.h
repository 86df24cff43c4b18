// One function of machine code under construction: a stage of a kernel.
//
//   void name[_stage](ptr buffers, i64 lo, i64 hi) { for (wg = lo; wg < hi; ++wg) { ... } }
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_KERNEL_FUNCTION_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_KERNEL_FUNCTION_H_

#include <memory>

#include "compiler/codegen/loops/emitter.h"
#include "compiler/strategy/target.h"
#include "dialect/kernel/kernel.h"

namespace graven::codegen::cpu {

class KernelFunction {
 public:
  // Opens the function of stage `stage` in `out`. Inputs are bound to their buffers.
  KernelFunction(kernel::FuncOp kernel, llvm::StringRef stage, mlir::ModuleOp out);

  kernel::FuncOp kernel() const { return kernel_; }
  Emitter &emitter() { return *emitter_; }
  mlir::Block &body() { return kernel_.getBody().front(); }
  mlir::ValueRange outputs() { return body().getTerminator()->getOperands(); }

  // Addresses of the kernel's buffers.
  mlir::Value inputPointer(int64_t input) const { return pointers_[input]; }
  mlir::Value outputPointer(int64_t output) const { return pointers_[inputs_ + output]; }
  llvm::ArrayRef<mlir::Value> outputPointers() const {
    return llvm::ArrayRef(pointers_).drop_front(inputs_);
  }
  // Address of buffer `number`, known at the current loop level.
  mlir::Value bufferPointer(const Index &number);
  // Address `byte_offset` bytes into the scratch memory.
  mlir::Value scratchPointer(int64_t byte_offset);
  // Memory on the stack for `bytes`, aligned to 64, the same in every workgroup of a call.
  mlir::Value stackPointer(int64_t bytes);

  // The workgroups of a call: [first, second).
  std::pair<Index, Index> range();
  // Emits the loop over workgroups; `body` gets the number of one.
  void forEachWorkgroup(llvm::function_ref<void(Index)> body);
  // Emits `body` so that `outputs` are stored past the caches (see Emitter::stream) where they are
  // aligned and none is written where an input lies; a second copy of `body` serves the others.
  void streaming(llvm::ArrayRef<int64_t> outputs, const strategy::Target &target,
                 llvm::function_ref<void()> body);

 private:
  kernel::FuncOp kernel_;
  mlir::OpBuilder builder_;
  std::unique_ptr<Emitter> emitter_;
  llvm::SmallVector<mlir::Value> pointers_;
  mlir::Value buffers_;
  mlir::Value lo_, hi_;
  mlir::Block *entry_ = nullptr;
  int64_t inputs_ = 0;
};

// Outputs of a kernel that are better stored past the caches: too large to be found there later.
llvm::SmallVector<int64_t> streamedOutputs(mlir::Block &body, const strategy::Target &target);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_KERNEL_FUNCTION_H_
