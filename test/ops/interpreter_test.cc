// The oracle itself: each row's reference against the interpreter.
#include "test/ops/interpreter.h"

#include "test/ops/fixture.h"

namespace graven::ops_test {
namespace {

class Forward : public testing::TestWithParam<Row> {};

TEST_P(Forward, IsTheReference) {
  const Row &row = GetParam();
  auto precision = mlir::Float64Type::get(&context());
  auto module = moduleOf(row, precision, 0);
  std::vector<Tensor> arguments = argumentsOf(row, precision);
  Tensor actual = interpret(entryOf(*module), arguments)[0];
  if (!row.reference) GTEST_SKIP() << "the interpreter is this row's reference";
  expectClose(actual, row.reference(arguments, actual.type()), row.tolerance);
}

TEST_P(Forward, SurvivesSimplify) {
  const Row &row = GetParam();
  auto precision = mlir::Float64Type::get(&context());
  auto module = moduleOf(row, precision, 0);
  std::vector<Tensor> arguments = argumentsOf(row, precision);
  Tensor expected = interpret(entryOf(*module), arguments)[0];
  lower(*module, /*simplify=*/true);
  expectClose(interpret(entryOf(*module), arguments)[0], expected, 1e-13);
}

INSTANTIATE_TEST_SUITE_P(Rows, Forward, testing::ValuesIn(opRows()), nameOfRow);

TEST(Philox, KnownAnswers) {
  using Block = std::array<uint32_t, 4>;
  uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

}  // namespace
}  // namespace graven::ops_test
