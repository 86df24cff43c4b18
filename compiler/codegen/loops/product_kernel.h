// Kernels of one matrix product with what follows from it at the same index.
#ifndef GRAVEN_COMPILER_CODEGEN_LOOPS_PRODUCT_KERNEL_H_
#define GRAVEN_COMPILER_CODEGEN_LOOPS_PRODUCT_KERNEL_H_

#include "compiler/codegen/loops/emitter.h"
#include "compiler/codegen/loops/gemm_shape.h"
#include "dialect/kernel/kernel.h"

namespace graven::codegen {

// The only product of a kernel's body; null where there is none or more than one.
graph::DotGeneralOp soleProduct(mlir::Block &body);
// Whether a kernel is one product whose operands are whole buffers, followed by ops at the same
// index.
bool isProductKernel(kernel::FusedOp fused);
// Operations on each element of the result that follow the product.
int64_t epilogueOf(mlir::Block &body);
// Computes the outputs of kernel region `body` at row `m` and the lanes of columns from `n` on (a
// column alone where there is only one) of product number `outer`, where the product is `sum`, and
// stores them; `pointers` say where.
void storeOutputs(Emitter &emitter, mlir::Block &body, llvm::ArrayRef<mlir::Value> pointers,
                  const GemmShape &gemm, const Index &outer, const Index &m, const Index &n,
                  mlir::Value sum);
// Elements from the start of an operand to its matrix number `outer`.
Index outerOffset(Emitter &emitter, const GemmShape &gemm, const Index &outer, bool of_rhs);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_LOOPS_PRODUCT_KERNEL_H_
