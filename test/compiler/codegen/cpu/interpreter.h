// A reference for compiled kernels: evaluates graph ops one by one, in double, without any of the
// compiler's code.
#ifndef GRAVEN_TEST_COMPILER_CODEGEN_CPU_INTERPRETER_H_
#define GRAVEN_TEST_COMPILER_CODEGEN_CPU_INTERPRETER_H_

#include <vector>

#include "dialect/kernel/kernel.h"

namespace graven::codegen::cpu {

// Row-major elements of a tensor; integers and bits as numbers.
using Numbers = std::vector<double>;

// The outputs of the region for these inputs. Aborts at an op it does not know.
std::vector<Numbers> interpret(mlir::Block &body, const std::vector<Numbers> &inputs);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_TEST_COMPILER_CODEGEN_CPU_INTERPRETER_H_
