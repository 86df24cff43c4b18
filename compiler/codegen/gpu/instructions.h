// Instructions of NVIDIA GPUs that several strategies emit: thin builders over NVVM ops.
//
// A warp is 32 threads that run in step. Every function here must be reached by all threads of the
// warp (of the workgroup, where a barrier is in it): emit none inside a branch that some take.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_INSTRUCTIONS_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_INSTRUCTIONS_H_

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace graven::codegen::gpu {

constexpr int64_t kWarp = 32;
// Address space of shared memory; pointers to it are !llvm.ptr<3>.
constexpr unsigned kSharedSpace = 3;

// Waits until all threads of the workgroup are here; what they wrote before is seen behind.
void barrier(mlir::OpBuilder &builder, mlir::Location loc);

// The same among the threads of a warp.
void warpBarrier(mlir::OpBuilder &builder, mlir::Location loc);

// What thread `lane ^ distance` of the warp has for `value`: a scalar or vector of integers or
// floats of up to 64 bits. `distance` is below 32.
mlir::Value shuffleXor(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                       int64_t distance);
// What thread `lane + distance` of the warp has; threads without such a neighbour keep their own.
mlir::Value shuffleDown(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                        int64_t distance);
// What thread `lane` (i32) of the warp has.
mlir::Value shuffleFrom(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                        mlir::Value lane);
// A bit (of an i32) for each thread of the warp: whether its `condition` (i1) holds.
mlir::Value ballot(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value condition);

// Address (!llvm.ptr<3>) of `bytes` bytes of shared memory that every workgroup of the kernel
// called `symbol` has from its launch on, aligned to `alignment`. Each call makes new memory.
mlir::Value staticShared(mlir::OpBuilder &builder, mlir::Location loc, mlir::ModuleOp module,
                         llvm::StringRef symbol, int64_t bytes, int64_t alignment = 16);
// Address of the shared memory whose size the launch says (Plan::Stage::shared_bytes): one array,
// aligned to `alignment`, for all kernels of the module.
mlir::Value dynamicShared(mlir::OpBuilder &builder, mlir::Location loc, mlir::ModuleOp module,
                          int64_t alignment = 128);

// Several values that are reduced together, such as the largest element and its place.
using Values = llvm::SmallVector<mlir::Value>;
// Joins two partial results of one kind.
using Join = llvm::function_ref<Values(mlir::ValueRange, mlir::ValueRange)>;

// Joins the partial results of groups of `width` neighbouring threads of a warp (a power of two):
// those at distance width/2 first. Every thread of a group gets the result. The order is the same
// for all threads if `join` is commutative.
Values warpReduce(mlir::OpBuilder &builder, mlir::Location loc, Values values, int64_t width,
                  Join join);
// The same, of groups of threads that lie `stride` apart (a power of two): thread t joins those
// whose numbers differ from t in the bits stride, 2 stride, ... below stride * width.
Values stridedWarpReduce(mlir::OpBuilder &builder, mlir::Location loc, Values values, int64_t width,
                         int64_t stride, Join join);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_INSTRUCTIONS_H_
