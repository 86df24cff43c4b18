// Kernels of one matrix product with what follows from it at the same index.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_PRODUCT_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_PRODUCT_H_

#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/gemm_shape.h"

namespace graven::codegen::cpu {

// The only product of a kernel's body; null where there is none or more than one.
graph::DotGeneralOp productOf(mlir::Block &body);
// Whether a kernel is one product whose operands are whole buffers, followed by ops at the same
// index.
bool isProductKernel(kernel::FusedOp fused);
// Operations on each element of the result that follow the product.
int64_t epilogueOf(mlir::Block &body);
// Computes and stores the outputs at row `m` and the lanes of columns from `n` on (a column alone
// where there is only one) of product number `outer`, where the product is `sum`.
void storeOutputs(KernelFunction &function, const GemmShape &gemm, const Index &outer,
                  const Index &m, const Index &n, mlir::Value sum);
// Elements from the start of an operand to its matrix number `outer`.
Index outerOffset(Emitter &emitter, const GemmShape &gemm, const Index &outer, bool of_rhs);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_PRODUCT_H_
