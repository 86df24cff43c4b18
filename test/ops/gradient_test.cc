// Gradients against finite differences in f64: five points, so that the error is of fourth order in
// the step. First order for every row, second order for rows and compositions.
#include "test/ops/fixture.h"
#include "test/ops/interpreter.h"

namespace graven::ops_test {
namespace {

// Result `which` of the entry, a scalar.
double evaluate(graph::EntryOp entry, const std::vector<Tensor> &arguments, size_t which) {
  return interpret(entry, arguments)[which].reals[0];
}

double differenceBy(graph::EntryOp entry, std::vector<Tensor> arguments, size_t which,
                    size_t argument, int64_t element, double step) {
  double &x = arguments[argument].reals[element];
  double middle = x;
  auto at = [&](double distance) {
    x = middle + distance * step;
    return evaluate(entry, arguments, which);
  };
  return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
}

// Checks results `first`... against differences of result `of` by the row's real arguments.
void check(const Row &row, graph::EntryOp entry, const std::vector<Tensor> &arguments, size_t of,
           size_t first, double tolerance) {
  std::vector<Tensor> results = interpret(entry, arguments);
  for (auto [index, argument] : llvm::enumerate(row.arguments)) {
    if (argument.kind != Kind::kReal) continue;
    const Tensor &gradient = results[first++];
    ASSERT_TRUE(gradient.type() == arguments[index].type());
    for (int64_t i = 0; i < gradient.size(); ++i) {
      double expected =
          row.passesGradient ? differenceBy(entry, arguments, of, index, i, row.step) : 0.0;
      EXPECT_NEAR(gradient.reals[i], expected, tolerance * std::max(1.0, std::abs(expected)))
          << "argument " << index << ", element " << i;
    }
  }
}

void checkRow(const Row &row, bool simplify) {
  auto precision = mlir::Float64Type::get(&context());
  size_t reals =
      llvm::count_if(row.arguments, [](const Argument &a) { return a.kind == Kind::kReal; });
  std::vector<Tensor> plain = argumentsOf(row, precision);
  if (!reals) GTEST_SKIP() << "no real argument";
  if (!llvm::all_of(plain, isFinite)) GTEST_SKIP() << "about NaN and infinity";
  auto module = moduleOf(row, precision, 2);
  lower(*module, simplify);
  graph::EntryOp entry = entryOf(*module);
  std::vector<Tensor> arguments = allArguments(row, precision, entry);
  check(row, entry, arguments, 0, 1, 1e-6);
  check(row, entry, arguments, 1 + reals, 2 + reals, 1e-6);
}

class Gradient : public testing::TestWithParam<Row> {};

TEST_P(Gradient, IsTheDifference) { checkRow(GetParam(), /*simplify=*/false); }
TEST_P(Gradient, SurvivesSimplify) { checkRow(GetParam(), /*simplify=*/true); }

INSTANTIATE_TEST_SUITE_P(Rows, Gradient, testing::ValuesIn(opRows()), nameOfRow);
INSTANTIATE_TEST_SUITE_P(Compositions, Gradient, testing::ValuesIn(compositionRows()), nameOfRow);

}  // namespace
}  // namespace graven::ops_test
