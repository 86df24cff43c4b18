// One stage of a kernel as a function of a GPU: void k(ptr operand 0, ptr operand 1, ...), run by
// `threads` threads of each workgroup of its grid.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_KERNEL_FUNCTION_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_KERNEL_FUNCTION_H_

#include <memory>

#include "compiler/codegen/loops/emitter.h"
#include "dialect/kernel/kernel.h"

namespace graven::codegen::gpu {

class KernelFunction {
 public:
  // Adds the function of stage `stage` ("": the main one) of `kernel` to `out`, empty. Code goes to
  // the emitter; its inputs are bound to memory already.
  KernelFunction(kernel::FuncOp kernel, llvm::StringRef stage, mlir::ModuleOp out);

  kernel::FuncOp kernel() const { return kernel_; }
  Emitter &emitter() { return *emitter_; }
  mlir::Block &body() { return kernel_.getBody().front(); }
  mlir::ValueRange outputs() { return body().getTerminator()->getOperands(); }
  int64_t threads() const { return threads_; }

  // Addresses of the kernel's buffers, aligned to 64 bytes.
  mlir::Value inputPointer(int64_t input) const { return pointers_[input]; }
  mlir::Value outputPointer(int64_t output) const { return pointers_[inputs_ + output]; }
  // Those of all outputs.
  llvm::ArrayRef<mlir::Value> outputPointers() {
    return llvm::ArrayRef<mlir::Value>(pointers_).slice(inputs_, outputs().size());
  }
  // Address of one of the buffers first, first + stride, ..., `count` of them: number `which`.
  mlir::Value bufferPointer(int64_t first, int64_t stride, int64_t count, const Index &which);
  // Address `byte_offset` bytes into the scratch memory.
  mlir::Value scratchPointer(int64_t byte_offset);

  // Address (!llvm.ptr<3>) of `bytes` bytes of static shared memory, aligned as buffers are. Each
  // call makes new memory.
  mlir::Value shared(int64_t bytes);

  // Asks the assembler for so few registers that a processor holds `count` workgroups at a time.
  void keepResident(int64_t count);

  // Number of the workgroup, and of the thread in it, known at loop level 0.
  Index workgroup() const { return workgroup_; }
  Index thread() const { return thread_; }
  // Number of the thread among those of all workgroups.
  Index globalThread();

 private:
  kernel::FuncOp kernel_;
  mlir::ModuleOp out_;
  mlir::OpBuilder builder_;
  std::unique_ptr<Emitter> emitter_;
  llvm::SmallVector<mlir::Value> pointers_;
  int64_t inputs_ = 0, threads_ = 0;
  Index workgroup_, thread_;
};

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_KERNEL_FUNCTION_H_
