// Data for kernels under test: numbers, the bytes that machine code sees, and what the interpreter
// makes of them.
#ifndef GRAVEN_TEST_COMPILER_CODEGEN_KERNEL_DATA_H_
#define GRAVEN_TEST_COMPILER_CODEGEN_KERNEL_DATA_H_

#include <string>
#include <vector>

#include "dialect/kernel/kernel.h"

namespace graven::codegen {

// Row-major elements of a tensor; integers and bits as numbers.
using Numbers = std::vector<double>;
// The same as machine code sees them.
using Bytes = std::vector<char>;

// Text of an entry with one kernel.fused: arguments are %a0, %a1, ... of `types`; `body` ends
// before kernel.yield, which yields `results` of `result_types`.
std::string kernelText(const std::string &kind, const std::vector<std::string> &types,
                       const std::string &body, const std::vector<std::string> &results,
                       const std::vector<std::string> &result_types);

// Bytes of a tensor of type `tensor`; bits take one each.
int64_t bytesOfTensor(mlir::Type tensor);
Bytes encode(mlir::Type tensor, const Numbers &numbers);
Numbers decode(mlir::Type tensor, const Bytes &bytes);

// Random inputs that suit the kernel's: floats in [low, high), small integers, bits.
std::vector<Numbers> randomInputs(kernel::FuncOp kernel, unsigned seed, double low, double high);
// What the interpreter computes from a kernel's region.
std::vector<Numbers> interpreted(mlir::Block &body, const std::vector<Numbers> &inputs);
// Compares `outputs` of the kernel with what is expected: floats within `tolerance` relative to the
// largest element of the output (or absolute below 1), everything else exactly.
void expectOutputs(kernel::FuncOp kernel, const std::vector<Bytes> &outputs,
                   const std::vector<Numbers> &expected, double tolerance);

}  // namespace graven::codegen

#endif  // GRAVEN_TEST_COMPILER_CODEGEN_KERNEL_DATA_H_
