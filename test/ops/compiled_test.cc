// What artifacts compute against what the interpreter does: the rows of each op, values and
// gradients (of first order, of compositions also of second), as one model for each precision.
#include "test/ops/compiled.h"

#include <set>

#include "test/ops/fixture.h"
#include "test/ops/interpreter.h"

namespace graven::ops_test {
namespace {

struct Case {
  std::string op;
  std::vector<Row> rows;
  bool isDouble;
  int order;  // the highest derivative to check
};

std::vector<Case> cases(const std::vector<Row> &rows, int order) {
  std::vector<Case> found;
  std::set<std::string> seen;
  for (const Row &model : rows) {
    if (!seen.insert(model.op).second) continue;
    Case one{model.op, {}, true, order};
    for (const Row &row : rows)
      if (row.op == model.op) one.rows.push_back(row);
    found.push_back(one);
    one.isDouble = false;
    found.push_back(one);
  }
  return found;
}

// Printed by GoogleTest where a case fails.
void PrintTo(const Case &one, std::ostream *out) { *out << one.op; }

class Compiled : public testing::TestWithParam<Case> {};

TEST_P(Compiled, ComputesWhatTheInterpreterDoes) {
  const Case &one = GetParam();
  mlir::FloatType precision;
  if (one.isDouble)
    precision = mlir::Float64Type::get(&context());
  else
    precision = mlir::Float32Type::get(&context());
  struct Check {
    std::string name, row;
    std::vector<Tensor> arguments, expected;
  };
  std::vector<Check> checks;
  std::string text;
  for (const Row &row : one.rows) {
    std::vector<Tensor> plain = argumentsOf(row, precision);
    bool differentiates = llvm::any_of(plain, [](const Tensor &t) { return t.isReal(); }) &&
                          llvm::all_of(plain, isFinite);
    for (int order = 0; order <= (differentiates ? one.order : 0); ++order) {
      auto module = moduleOf(row, precision, order);
      Check check{"row" + std::to_string(checks.size()),
                  row.name(),
                  allArguments(row, precision, entryOf(*module)),
                  {}};
      text += textOf(entryOf(*module), check.name);
      lower(*module, /*simplify=*/false);
      check.expected = interpret(entryOf(*module), check.arguments);
      checks.push_back(std::move(check));
    }
  }
  CompiledModel model(text);
  if (!model.ok()) return;
  for (const Check &check : checks) {
    SCOPED_TRACE(check.row + ", " + check.name);
    std::vector<mlir::RankedTensorType> types;
    for (const Tensor &tensor : check.expected) types.push_back(tensor.type());
    std::vector<Tensor> actual = model.call(check.name, check.arguments, types);
    if (actual.empty()) continue;
    for (auto [is, wanted] : llvm::zip_equal(actual, check.expected))
      expectClose(is, wanted, one.isDouble ? 1e-11 : 2e-5);
  }
}

std::string nameOfCase(const testing::TestParamInfo<Case> &info) {
  return info.param.op + (info.param.isDouble ? "_f64" : "_f32");
}
INSTANTIATE_TEST_SUITE_P(Ops, Compiled, testing::ValuesIn(cases(opRows(), 1)), nameOfCase);
INSTANTIATE_TEST_SUITE_P(Compositions, Compiled, testing::ValuesIn(cases(compositionRows(), 2)),
                         nameOfCase);

}  // namespace
}  // namespace graven::ops_test
