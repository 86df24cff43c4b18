// Rows of reductions.
#include <cmath>

#include "test/ops/row.h"

namespace graven::ops_test {

using namespace graph;
using In = llvm::ArrayRef<Expr>;

std::vector<Row> reductionRows() {
  std::vector<Row> rows;
  using Reduce = Expr (*)(Expr, llvm::ArrayRef<int64_t>, bool);
  struct Op {
    const char *name;
    Reduce reduce;
    std::vector<double> rows, columns;  // of [[2, -1, 3], [0.5, 4, -2]] over axis 1 and axis 0
    double all;
  };
  const Op ops[] = {
      {"sum", sum, {4, 2.5}, {2.5, 3, 1}, 6.5},
      {"prod", prod, {-6, -4}, {1, -4, -6}, 24},
      {"max", max, {3, 4}, {2, 4, 3}, 4},
      {"min", min, {-1, -2}, {0.5, -1, -2}, -2},
  };
  for (const Op &op : ops) {
    Argument x = given(Kind::kReal, {2, 3}, {2, -1, 3, 0.5, 4, -2});
    Reduce f = op.reduce;
    rows.push_back({op.name,
                    "last",
                    {x},
                    [f](GraphBuilder &, In in) { return f(in[0], {1}, false); },
                    expects(op.rows)});
    rows.push_back({op.name,
                    "first",
                    {x},
                    [f](GraphBuilder &, In in) { return f(in[0], {0}, false); },
                    expects(op.columns)});
    rows.push_back({op.name,
                    "all",
                    {x},
                    [f](GraphBuilder &, In in) { return f(in[0], {0, 1}, false); },
                    expects({op.all})});
    rows.push_back({op.name,
                    "keep",
                    {x},
                    [f](GraphBuilder &, In in) { return f(in[0], {-1}, true); },
                    expects(op.rows)});
    rows.push_back({op.name,
                    "none",
                    {x},
                    [f](GraphBuilder &, In in) { return f(in[0], {}, false); },
                    expects(x.values)});
    rows.push_back({op.name,
                    "middle",
                    {real({3, 5, 2}, 0.5, 1.5)},
                    [f](GraphBuilder &, In in) { return f(in[0], {1}, false); },
                    nullptr});
    rows.push_back({op.name,
                    "ends",
                    {real({3, 2, 5}, 0.5, 1.5)},
                    [f](GraphBuilder &, In in) { return f(in[0], {0, 2}, true); },
                    nullptr});
    rows.push_back({op.name,
                    "unit",
                    {real({4, 1})},
                    [f](GraphBuilder &, In in) { return f(in[0], {1}, false); },
                    nullptr});
    rows.push_back({op.name,
                    "prime",
                    {real({61}, 0.8, 1.2)},
                    [f](GraphBuilder &, In in) { return f(in[0], {0}, false); },
                    nullptr});
    rows.push_back({op.name,
                    "empty",
                    {real({2, 0})},
                    [f](GraphBuilder &, In in) { return f(in[0], {0}, false); },
                    expects({})});
    rows.push_back({op.name,
                    "i32",
                    {given(Kind::kInt, {2, 2}, {3, -1, 2, 5})},
                    [f](GraphBuilder &, In in) { return f(in[0], {0, 1}, false); },
                    nullptr});
  }
  auto add = [&](const char *op, const char *facet, Argument x, Row::Build build,
                 Row::Reference reference) {
    rows.push_back({op, facet, {std::move(x)}, std::move(build), std::move(reference)});
  };
  add(
      "sum", "of_nothing", real({0, 2}), [](GraphBuilder &, In in) { return sum(in[0], {0}); },
      expects({0, 0}));
  add(
      "prod", "of_nothing", real({0, 2}), [](GraphBuilder &, In in) { return prod(in[0], {0}); },
      expects({1, 1}));
  add(
      "max", "nan", given(Kind::kReal, {3}, {1, NAN, 2}),
      [](GraphBuilder &, In in) { return max(in[0], {0}); }, expects({NAN}));
  add(
      "min", "nan", given(Kind::kReal, {3}, {1, NAN, 2}),
      [](GraphBuilder &, In in) { return min(in[0], {0}); }, expects({NAN}));
  // The gradient of a product is exact with no, one and two factors that are 0.
  add(
      "prod", "one_zero", given(Kind::kReal, {5}, {2, 0, 3, -1, 0.5}),
      [](GraphBuilder &, In in) { return prod(in[0], {0}); }, expects({0}));
  add(
      "prod", "two_zeros", given(Kind::kReal, {2, 3}, {2, 0, 0, 3, 0, 1}),
      [](GraphBuilder &, In in) { return prod(in[0], {1}); }, expects({0, 0}));
  auto largest = [](int64_t axis) {
    return [axis](GraphBuilder &, In in) { return argmax(in[0], axis); };
  };
  add("argmax", "last", given(Kind::kReal, {2, 3}, {2, 7, 7, 4, 3, -1}), largest(1),
      expects({1, 0}));
  add("argmax", "first", given(Kind::kReal, {2, 3}, {2, 7, 7, 4, 3, -1}), largest(-2),
      expects({1, 0, 0}));
  add("argmax", "nan", given(Kind::kReal, {4}, {2, NAN, 7, NAN}), largest(0), expects({1}));
  for (Row &row : rows) row.passesGradient = row.op != "argmax";
  return rows;
}

}  // namespace graven::ops_test
