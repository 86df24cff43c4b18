// All elements of some values of one shape, a few in each thread: the map strategy, and stages of
// others.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_MAP_THREADS_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_MAP_THREADS_H_

#include "compiler/codegen/gpu/kernel_function.h"
#include "compiler/strategy/target.h"

namespace graven::codegen::gpu {

// How a shape is dealt out to threads: outer axes one element at a time, the last ones as one axis
// along which a thread's lanes lie.
struct MapTiling {
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<int64_t> groups;  // axes in each group of consecutive axes; the last has lanes
  int64_t outer = 1, inner = 1;       // elements of the outer groups, of the last group
  int64_t lanes = 1;                  // elements of a thread
  int64_t threads = 128;              // of a workgroup
  int64_t grid = 1;                   // workgroups
};

// Elements that a thread of an elementwise kernel takes at a time along an axis of `length`: 16
// bytes of the widest that the kernel computes, or where all that it reads and writes has 16 bits,
// of those.
int64_t lanesOfThread(mlir::Block &body, const strategy::Target &target, int64_t length);

// Tiling for `values` (all of one shape). `stored`: values that lie in memory besides block
// arguments.
MapTiling tileMap(mlir::ValueRange values, const strategy::Target &target,
                  llvm::function_ref<bool(mlir::Value)> stored = nullptr);

// A value and where its elements go.
struct MapOutput {
  mlir::Value value;
  mlir::Value pointer;
};
// Emits what one thread does. All values at a place are computed before one is stored.
void emitMap(KernelFunction &function, const MapTiling &tiling, llvm::ArrayRef<MapOutput> outputs);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_MAP_THREADS_H_
