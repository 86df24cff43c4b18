// Rows of sources and movement.
#include "test/ops/row.h"

namespace graven::ops_test {

using namespace graph;
using In = llvm::ArrayRef<Expr>;

namespace {

std::vector<double> upTo(int count) {
  std::vector<double> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(i + 1);
  return numbers;
}
Argument counted(std::vector<int64_t> shape, int count) {
  return given(Kind::kReal, std::move(shape), upTo(count));
}
Expr padded(Expr x, llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
            llvm::ArrayRef<int64_t> interior, double value) {
  GraphBuilder &g = x.g();
  return {g, g.create<PadOp>(
                 {x}, {g.ints("low", low), g.ints("high", high), g.ints("interior", interior),
                       g.option("value", g.builder().getF64FloatAttr(value))})};
}

}  // namespace

std::vector<Row> structureRows() {
  return {
      {"constant",
       "number",
       {},
       [](GraphBuilder &g, In) {
         return Expr(g, g.constant(2.5, RankedTensorType::get({2, 3}, g.builder().getF64Type())));
       },
       expects({2.5, 2.5, 2.5, 2.5, 2.5, 2.5})},
      {"constant",
       "lists",
       {},
       [](GraphBuilder &g, In) {
         auto row = [&](double a, double b) {
           return mlir::Attribute(g.builder().getF64ArrayAttr({a, b}));
         };
         return Expr(
             g, g.create<ConstantOp>(
                    {},
                    {g.option("value", g.builder().getArrayAttr({row(1, 2), row(3, 4), row(5, 6)})),
                     g.type("dtype", g.builder().getF64Type())}));
       },
       expects({1, 2, 3, 4, 5, 6})},
      {"constant",
       "condition",
       {},
       [](GraphBuilder &g, In) {
         return Expr(g, g.constant(1, RankedTensorType::get({2}, g.builder().getI1Type())));
       },
       expects({1, 1})},
      {"iota",
       "i32",
       {},
       [](GraphBuilder &g, In) { return iota(g, {2, 3}, 1, g.builder().getI32Type()); },
       expects({0, 1, 2, 0, 1, 2})},
      {"iota",
       "f64",
       {},
       [](GraphBuilder &g, In) { return iota(g, {2, 3}, 0, g.builder().getF64Type()); },
       expects({0, 0, 0, 1, 1, 1})},

      {"broadcast",
       "scalar",
       {counted({}, 1)},
       [](GraphBuilder &, In in) { return broadcastTo(in[0], {2, 2}); },
       expects({1, 1, 1, 1})},
      {"broadcast",
       "last",
       {counted({3}, 3)},
       [](GraphBuilder &, In in) { return broadcastTo(in[0], {2, 3}); },
       expects({1, 2, 3, 1, 2, 3})},
      {"broadcast",
       "first",
       {counted({2}, 2)},
       [](GraphBuilder &, In in) { return broadcast(in[0], {2, 3}, {0}); },
       expects({1, 1, 1, 2, 2, 2})},
      {"broadcast",
       "unit",
       {counted({2, 1, 2}, 4)},
       [](GraphBuilder &, In in) { return broadcastTo(in[0], {2, 2, 2, 2}); },
       expects({1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4})},
      {"broadcast",
       "to_nothing",
       {counted({1, 2}, 2)},
       [](GraphBuilder &, In in) { return broadcastTo(in[0], {0, 2}); },
       expects({})},
      {"reshape",
       "",
       {counted({2, 3}, 6)},
       [](GraphBuilder &, In in) { return reshape(in[0], {3, 1, 2}); },
       expects({1, 2, 3, 4, 5, 6})},
      {"transpose",
       "matrix",
       {counted({2, 3}, 6)},
       [](GraphBuilder &, In in) { return transpose(in[0], {1, 0}); },
       expects({1, 4, 2, 5, 3, 6})},
      {"transpose",
       "cycle",
       {counted({2, 1, 3}, 6)},
       [](GraphBuilder &, In in) { return transpose(in[0], {2, 0, 1}); },
       expects({1, 4, 2, 5, 3, 6})},
      {"transpose",
       "odd",
       {real({5, 7, 3})},
       [](GraphBuilder &, In in) { return transpose(in[0], {1, 2, 0}); },
       nullptr},
      {"slice",
       "",
       {counted({3, 4}, 12)},
       [](GraphBuilder &, In in) { return slice(in[0], {1, 0}, {3, 2}); },
       expects({5, 6, 9, 10})},
      {"slice",
       "stride",
       {counted({7}, 7)},
       [](GraphBuilder &, In in) { return slice(in[0], {1}, {7}, {3}); },
       expects({2, 5})},
      {"slice",
       "empty",
       {counted({3, 2}, 6)},
       [](GraphBuilder &, In in) { return slice(in[0], {1, 0}, {1, 2}); },
       expects({})},
      {"concatenate",
       "",
       {counted({2, 1}, 2), counted({2, 2}, 4)},
       [](GraphBuilder &, In in) { return concatenate({in[0], in[1]}, 1); },
       expects({1, 1, 2, 2, 3, 4})},
      {"concatenate",
       "three",
       {counted({1, 2}, 2), real({0, 2}), counted({2, 2}, 4)},
       [](GraphBuilder &, In in) { return concatenate({in[0], in[1], in[2]}, -2); },
       expects({1, 2, 1, 2, 3, 4})},
      {"pad",
       "",
       {counted({2, 2}, 4)},
       [](GraphBuilder &, In in) { return pad(in[0], {0, 1}, {1, 0}); },
       expects({0, 1, 2, 0, 3, 4, 0, 0, 0})},
      {"pad",
       "interior",
       {counted({3}, 3)},
       [](GraphBuilder &, In in) { return padded(in[0], {1}, {2}, {2}, -1); },
       expects({-1, 1, -1, -1, 2, -1, -1, 3, -1, -1})},
      {"pad",
       "nothing",
       {real({0})},
       [](GraphBuilder &, In in) { return padded(in[0], {1}, {1}, {3}, 4); },
       expects({4, 4})},
  };
}

}  // namespace graven::ops_test
