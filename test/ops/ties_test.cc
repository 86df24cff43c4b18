// What gradients are where no difference tells: at kinks and ties.
#include "test/ops/fixture.h"
#include "test/ops/interpreter.h"

namespace graven::ops_test {
namespace {

using namespace graph;
using In = llvm::ArrayRef<Expr>;

// The gradients of the row's value, a scalar or one summed with weights 1, by its real arguments.
std::vector<std::vector<double>> gradientsOf(const Row &row) {
  auto precision = mlir::Float64Type::get(&context());
  auto module = moduleOf(row, precision, 1);
  lower(*module, /*simplify=*/true);
  std::vector<Tensor> arguments = allArguments(row, precision, entryOf(*module));
  for (double &weight : arguments.back().reals) weight = 1;
  std::vector<std::vector<double>> gradients;
  std::vector<Tensor> results = interpret(entryOf(*module), arguments);
  for (const Tensor &tensor : llvm::drop_begin(results)) gradients.push_back(tensor.reals);
  return gradients;
}
Argument reals(std::vector<double> values) {
  int64_t size = values.size();
  return given(Kind::kReal, {size}, std::move(values));
}
using Gradients = std::vector<std::vector<double>>;

TEST(Ties, MaximumAndMinimumHalve) {
  EXPECT_EQ(gradientsOf({"maximum",
                         "",
                         {reals({1, 2, 3}), reals({1, 3, 2})},
                         [](GraphBuilder &, In in) { return maximum(in[0], in[1]); },
                         nullptr}),
            (Gradients{{0.5, 0, 1}, {0.5, 1, 0}}));
  EXPECT_EQ(gradientsOf({"minimum",
                         "",
                         {reals({1, 2, 3}), reals({1, 3, 2})},
                         [](GraphBuilder &, In in) { return minimum(in[0], in[1]); },
                         nullptr}),
            (Gradients{{0.5, 1, 0}, {0.5, 0, 1}}));
}

TEST(Ties, LargestAndSmallestShareEvenly) {
  EXPECT_EQ(gradientsOf({"max",
                         "",
                         {reals({4, 1, 4, 4, 2, 4})},
                         [](GraphBuilder &, In in) { return max(in[0], {0}); },
                         nullptr}),
            (Gradients{{0.25, 0, 0.25, 0.25, 0, 0.25}}));
  EXPECT_EQ(gradientsOf({"min",
                         "",
                         {reals({1, 1, 4})},
                         [](GraphBuilder &, In in) { return min(in[0], {0}); },
                         nullptr}),
            (Gradients{{0.5, 0.5, 0}}));
}

TEST(Kinks, AbsoluteValueAndRectifierAreFlatAtZero) {
  EXPECT_EQ(gradientsOf({"abs",
                         "",
                         {reals({0, -1, 1})},
                         [](GraphBuilder &, In in) { return abs(in[0]); },
                         nullptr}),
            (Gradients{{0, -1, 1}}));
  EXPECT_EQ(gradientsOf({"relu",
                         "",
                         {reals({0, -1, 1})},
                         [](GraphBuilder &g, In in) { return Expr(g, g.create<ReluOp>({in[0]})); },
                         nullptr}),
            (Gradients{{0, 0, 1}}));
}

TEST(Kinks, PowerAtZero) {
  // x^2 at 0, x^1 at 0, x^0 at 0 by the base; nothing by the exponent where x <= 0.
  EXPECT_EQ(gradientsOf({"power",
                         "",
                         {reals({0, 0, 0, -2}), reals({2, 1, 0, 3})},
                         [](GraphBuilder &, In in) { return power(in[0], in[1]); },
                         nullptr}),
            (Gradients{{0, 1, 0, 12}, {0, 0, 0, 0}}));
}

TEST(Kinks, ProductsWithZerosAreExact) {
  EXPECT_EQ(gradientsOf({"prod",
                         "",
                         {reals({2, 0, 3, -1, 0.5})},
                         [](GraphBuilder &, In in) { return prod(in[0], {0}); },
                         nullptr}),
            (Gradients{{0, -3, 0, 0, 0}}));
  EXPECT_EQ(gradientsOf({"prod",
                         "",
                         {reals({2, 0, 0})},
                         [](GraphBuilder &, In in) { return prod(in[0], {0}); },
                         nullptr}),
            (Gradients{{0, 0, 0}}));
}

TEST(Select, GivesNothingToNan) {
  EXPECT_EQ(gradientsOf({"select",
                         "",
                         {given(Kind::kCondition, {2}, {1, 0}), reals({1, NAN}), reals({NAN, 2})},
                         [](GraphBuilder &, In in) { return select(in[0], in[1], in[2]); },
                         nullptr}),
            (Gradients{{1, 0}, {0, 1}}));
}

}  // namespace
}  // namespace graven::ops_test
