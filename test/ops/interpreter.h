// Evaluates typed graph IR straight from the definition of each primitive, in f64 and i64, with no
// line shared with the compiler's code generation: the oracle of what artifacts compute.
#ifndef GRAVEN_TEST_OPS_INTERPRETER_H_
#define GRAVEN_TEST_OPS_INTERPRETER_H_

#include <array>
#include <map>
#include <string>

#include "test/ops/tensor.h"

namespace graven::ops_test {

// Runs a block of primitives, an entry's or a kernel's, on `arguments` and returns the operands of
// its terminator. `states` holds what `read` finds. An op that it does not know is fatal.
std::vector<Tensor> interpret(mlir::Block &body, const std::vector<Tensor> &arguments,
                              const std::map<std::string, Tensor> &states = {});

inline std::vector<Tensor> interpret(graph::EntryOp entry, const std::vector<Tensor> &arguments,
                                     const std::map<std::string, Tensor> &states = {}) {
  return interpret(entry.getEntryBlock(), arguments, states);
}

// Whether `interpret` knows the op called `name` ("graph.tanh").
bool isInterpreted(llvm::StringRef name);

// Philox4x32-10 (Salmon et al., SC 2011): the block for `counter` under `key`.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

}  // namespace graven::ops_test

#endif  // GRAVEN_TEST_OPS_INTERPRETER_H_
