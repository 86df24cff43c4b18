// Partial results of threads joined to one that all of them have.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_BLOCK_REDUCE_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_BLOCK_REDUCE_H_

#include "compiler/codegen/gpu/instructions.h"
#include "compiler/codegen/gpu/kernel_function.h"
#include "compiler/codegen/loops/row_reduction.h"

namespace graven::codegen::gpu {

// Joins `partials`, scalars, number i of which belongs to reductions[i], of groups of `group`
// neighbouring threads: a power of two, either of no more threads than a warp or the whole
// workgroup. All threads must come here. The order is fixed by `group`. In a group larger than a
// warp there is one barrier; what is exchanged lies in shared memory of its own, so that no second
// one is needed.
std::vector<Values> reduceGroups(KernelFunction &function, int64_t group,
                                 llvm::MutableArrayRef<RowReduction> reductions,
                                 std::vector<Values> partials);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_BLOCK_REDUCE_H_
