// Loops over all elements of some values of one shape: the map strategy, and stages of others.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_MAP_LOOPS_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_MAP_LOOPS_H_

#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/loops/axis_groups.h"
#include "compiler/strategy/target.h"

namespace graven::codegen::cpu {

// How a shape is walked through: outer axes one element at a time, the last ones as one axis along
// which lanes lie.
struct MapTiling {
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<int64_t> groups;  // axes in each group of consecutive axes; the last has lanes
  int64_t outer = 1, inner = 1;       // elements of the outer groups, of the last group
  int64_t lanes = 1;
  int64_t rows = 1;     // outer elements a workgroup takes; 1 if it takes less than one
  int64_t columns = 1;  // inner elements a workgroup takes
  int64_t grid = 1;     // workgroups
};

// Tiling for `values` (all of one shape), with about `block` elements a workgroup. `stored`: values
// that lie in memory besides block arguments.
MapTiling tileMap(mlir::ValueRange values, const strategy::Target &target, int64_t block,
                  llvm::function_ref<bool(mlir::Value)> stored = nullptr);

// A value and where its elements go.
struct MapOutput {
  mlir::Value value;
  mlir::Value pointer;
};
// Emits workgroup `workgroup` of the tiling. All values at a place are computed before one is
// stored.
void emitMap(Emitter &emitter, const MapTiling &tiling, llvm::ArrayRef<MapOutput> outputs,
             const Index &workgroup);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_MAP_LOOPS_H_
