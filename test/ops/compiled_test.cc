// What artifacts compute against what the interpreter does: the rows of each op, values and
// gradients (of first order, of compositions also of second), as one model for each precision.
#include "test/ops/compiled.h"
#include "test/ops/compiled_case.h"
#include "test/ops/fixture.h"

namespace graven::ops_test {

// Printed by GoogleTest where a case fails.
void PrintTo(const CompiledCase &one, std::ostream *out) { *out << one.op; }

namespace {

class Compiled : public testing::TestWithParam<CompiledCase> {};

TEST_P(Compiled, ComputesWhatTheInterpreterDoes) {
  const CompiledCase &one = GetParam();
  std::string text;
  std::vector<Check> checks = checksOf(one, text);
  CompiledModel model(text);
  if (!model.ok()) return;
  for (const Check &check : checks) {
    SCOPED_TRACE(check.row + ", " + check.name);
    std::vector<mlir::RankedTensorType> types;
    for (const Tensor &tensor : check.expected) types.push_back(tensor.type());
    std::vector<Tensor> actual = model.call(check.name, check.arguments, types);
    if (actual.empty()) continue;
    for (auto [is, wanted] : llvm::zip_equal(actual, check.expected))
      expectClose(is, wanted, one.tolerance());
  }
}

std::string nameOfCase(const testing::TestParamInfo<CompiledCase> &info) {
  return info.param.name();
}
INSTANTIATE_TEST_SUITE_P(Ops, Compiled, testing::ValuesIn(compiledCases(opRows(), 1)), nameOfCase);
INSTANTIATE_TEST_SUITE_P(Compositions, Compiled,
                         testing::ValuesIn(compiledCases(compositionRows(), 2)), nameOfCase);

}  // namespace
}  // namespace graven::ops_test
