// Rows as artifacts: compiled as any model text is, loaded and called through the C interface.
#ifndef GRAVEN_TEST_OPS_COMPILED_H_
#define GRAVEN_TEST_OPS_COMPILED_H_

#include <string>

#include "runtime/api/graven.h"
#include "test/ops/tensor.h"

namespace graven::ops_test {

// The entry's body as a function @`name` of model text, in which values carry no types.
std::string textOf(graph::EntryOp entry, const std::string &name);

// A compiled model. A failure is reported to GoogleTest and leaves ok() false.
class CompiledModel {
 public:
  explicit CompiledModel(const std::string &text);
  ~CompiledModel();
  CompiledModel(const CompiledModel &) = delete;
  CompiledModel &operator=(const CompiledModel &) = delete;

  bool ok() const { return context_ != nullptr; }
  // Calls the entry `name`; `results` are the types of what it returns.
  std::vector<Tensor> call(const std::string &name, const std::vector<Tensor> &arguments,
                           llvm::ArrayRef<mlir::RankedTensorType> results);

 private:
  bool check(graven_status status, const char *what);

  graven_model *model_ = nullptr;
  graven_state *state_ = nullptr;
  graven_context *context_ = nullptr;
};

}  // namespace graven::ops_test

#endif  // GRAVEN_TEST_OPS_COMPILED_H_
