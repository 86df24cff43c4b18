// Rows of composites.
#include <cmath>

#include "test/ops/row.h"

namespace graven::ops_test {

using namespace graph;
using In = llvm::ArrayRef<Expr>;

namespace {

using Options = std::function<llvm::SmallVector<mlir::NamedAttribute>(GraphBuilder &)>;

template <typename OpTy>
Row::Build apply(Options options = nullptr) {
  return [options](GraphBuilder &g, In in) {
    llvm::SmallVector<mlir::Value> operands(in.begin(), in.end());
    return Expr(g, g.create<OpTy>(
                       operands, options ? options(g) : llvm::SmallVector<mlir::NamedAttribute>()));
  };
}
mlir::NamedAttribute number(GraphBuilder &g, llvm::StringRef name, double value) {
  return g.option(name, g.builder().getF64FloatAttr(value));
}
mlir::NamedAttribute flag(GraphBuilder &g, llvm::StringRef name) {
  return g.option(name, g.builder().getBoolAttr(true));
}

// Along the last axis of a matrix, a function of each row.
Row::Reference byRows(std::vector<double> (*f)(const std::vector<double> &)) {
  return [f](const std::vector<Tensor> &in, mlir::RankedTensorType type) {
    std::vector<double> numbers;
    int64_t length = in[0].shape[1];
    for (int64_t row = 0; row < in[0].shape[0]; ++row) {
      auto begin = in[0].reals.begin() + row * length;
      for (double value : f({begin, begin + length})) numbers.push_back(value);
    }
    return tensorOf(type, numbers);
  };
}
double total(const std::vector<double> &x, double (*f)(double)) {
  double sum = 0;
  for (double value : x) sum += f(value);
  return sum;
}
std::vector<double> softmaxOf(const std::vector<double> &x) {
  std::vector<double> y;
  for (double value : x) y.push_back(std::exp(value) / total(x, std::exp));
  return y;
}
std::vector<double> logSoftmaxOf(const std::vector<double> &x) {
  std::vector<double> y;
  for (double value : x) y.push_back(value - std::log(total(x, std::exp)));
  return y;
}
std::vector<double> meanOf(const std::vector<double> &x) {
  return {total(x, [](double v) { return v; }) / static_cast<double>(x.size())};
}
std::vector<double> varianceOf(const std::vector<double> &x) {
  double squares = total(x, [](double v) { return v * v; }) / static_cast<double>(x.size());
  return {squares - meanOf(x)[0] * meanOf(x)[0]};
}
std::vector<double> logsumexpOf(const std::vector<double> &x) {
  return {std::log(total(x, std::exp))};
}

}  // namespace

std::vector<Row> compositeRows() {
  std::vector<Row> rows;
  auto activation = [&](const char *op, const char *facet, Row::Build build, double (*f)(double),
                        std::vector<double> kinks = {}, double low = -3, double high = 3) {
    for (const auto &shape : elementwiseShapes())
      rows.push_back({op,
                      std::string(facet) + nameOf(shape),
                      {real(shape, low, high)},
                      build,
                      pointwise(f),
                      kinks});
  };
  activation("relu", "", apply<ReluOp>(), [](double x) { return x > 0 ? x : 0; }, {0});
  activation("leaky_relu", "", apply<LeakyReluOp>(), [](double x) { return x > 0 ? x : 0.01 * x; },
             {0});
  activation("elu", "", apply<EluOp>(), [](double x) { return x > 0 ? x : std::exp(x) - 1; }, {0});
  activation("gelu", "", apply<GeluOp>(),
             [](double x) { return x * (1 + std::erf(x / M_SQRT2)) / 2; });
  activation("gelu", "approximate_", apply<GeluOp>([](GraphBuilder &g) {
               return llvm::SmallVector<mlir::NamedAttribute>{flag(g, "approximate")};
             }),
             [](double x) {
               return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
             });
  activation("silu", "", apply<SiluOp>(), [](double x) { return x / (1 + std::exp(-x)); });
  activation("sigmoid", "", apply<SigmoidOp>(), [](double x) { return 1 / (1 + std::exp(-x)); });
  activation("softplus", "", apply<SoftplusOp>(),
             [](double x) { return std::log(1 + std::exp(x)); }, {0});
  activation("square", "", apply<SquareOp>(), [](double x) { return x * x; });
  activation(
      "reciprocal", "", apply<ReciprocalOp>(), [](double x) { return std::pow(x, -1); }, {}, 0.5,
      3);
  activation("clamp", "", apply<ClampOp>([](GraphBuilder &g) {
               return llvm::SmallVector<mlir::NamedAttribute>{number(g, "low", -1),
                                                              number(g, "high", 1.5)};
             }),
             [](double x) { return x < -1    ? -1
                                   : x > 1.5 ? 1.5
                                             : x; }, {-1, 1.5});
  Argument matrix = real({5, 7}, -3, 3);
  rows.push_back({"softmax", "", {matrix}, apply<SoftmaxOp>(), byRows(softmaxOf)});
  rows.push_back({"log_softmax", "", {matrix}, apply<LogSoftmaxOp>(), byRows(logSoftmaxOf)});
  auto last = [](GraphBuilder &g) {
    return llvm::SmallVector<mlir::NamedAttribute>{g.integer("axis", -1)};
  };
  auto keep = [](GraphBuilder &g) {
    return llvm::SmallVector<mlir::NamedAttribute>{g.integer("axis", 1), flag(g, "keep_dims")};
  };
  auto first = [](GraphBuilder &g) {
    return llvm::SmallVector<mlir::NamedAttribute>{g.integer("axis", 0)};
  };
  rows.push_back({"softmax", "first", {matrix}, apply<SoftmaxOp>(first), nullptr});
  rows.push_back(
      {"log_softmax", "unit", {real({3, 1})}, apply<LogSoftmaxOp>(), expects({0, 0, 0})});
  rows.push_back({"mean", "", {matrix}, apply<MeanOp>(last), byRows(meanOf)});
  rows.push_back({"mean", "keep", {matrix}, apply<MeanOp>(keep), byRows(meanOf)});
  rows.push_back({"variance", "", {matrix}, apply<VarianceOp>(last), byRows(varianceOf)});
  rows.push_back({"variance", "keep", {matrix}, apply<VarianceOp>(keep), byRows(varianceOf)});
  rows.push_back({"logsumexp", "", {matrix}, apply<LogsumexpOp>(last), byRows(logsumexpOf)});
  rows.push_back({"logsumexp", "keep", {matrix}, apply<LogsumexpOp>(keep), byRows(logsumexpOf)});
  rows.push_back({"logsumexp",
                  "large",
                  {given(Kind::kReal, {2}, {1000, 1000})},
                  apply<LogsumexpOp>(),
                  expects({1000 + std::log(2.0)})});
  Argument a = given(Kind::kReal, {2, 3}, {1, 2, 3, 4, 5, 6});
  rows.push_back({"matmul",
                  "",
                  {a, given(Kind::kReal, {3, 2}, {1, -1, 0, 2, 3, 1})},
                  apply<MatmulOp>(),
                  expects({10, 6, 22, 12})});
  rows.push_back({"matmul",
                  "vector",
                  {a, given(Kind::kReal, {3}, {1, 0, 2})},
                  apply<MatmulOp>(),
                  expects({7, 16})});
  rows.push_back(
      {"matmul", "batched", {real({2, 3, 5}), real({2, 5, 4})}, apply<MatmulOp>(), nullptr});
  rows.push_back({"matmul",
                  "one_matrix_for_all",
                  {real({2, 3, 5}), real({5, 4})},
                  apply<MatmulOp>(),
                  nullptr});
  rows.push_back({"one_hot",
                  "",
                  {given(Kind::kInt, {4}, {2, 0, 3, -1})},
                  apply<OneHotOp>([](GraphBuilder &g) {
                    return llvm::SmallVector<mlir::NamedAttribute>{g.integer("depth", 3)};
                  }),
                  expects({0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0})});
  return rows;
}

std::vector<Row> compositionRows() {
  auto dense = [](In in) { return dotGeneral(in[0], in[1], {{}, {}, {1}, {0}}) + in[2]; };
  std::vector<Argument> layer{real({3, 4}, -1, 1), real({4, 5}, -1, 1), real({5}, -0.5, 0.5)};
  auto of = [](GraphBuilder &g, auto op, Expr x) { return Expr(g, g.create<decltype(op)>({x})); };
  return {
      {"dense_softplus", "", layer,
       [=](GraphBuilder &g, In in) { return of(g, SoftplusOp(), dense(in)); }, nullptr},
      {"dense_tanh_dense",
       "",
       {real({3, 4}), real({4, 5}, -1, 1), real({5}), real({5, 2})},
       [=](GraphBuilder &, In in) {
         return dotGeneral(tanh(dense(in)), in[3], {{}, {}, {1}, {0}});
       },
       nullptr},
      {"dense_log_softmax", "", layer,
       [=](GraphBuilder &g, In in) { return of(g, LogSoftmaxOp(), dense(in)); }, nullptr},
      {"dense_gelu", "", layer, [=](GraphBuilder &g, In in) { return of(g, GeluOp(), dense(in)); },
       nullptr},
      {"dense_elu", "", layer, [=](GraphBuilder &g, In in) { return of(g, EluOp(), dense(in)); },
       nullptr},
      {"squared_softmax",
       "",
       {real({2, 5})},
       [=](GraphBuilder &g, In in) { return of(g, SquareOp(), of(g, SoftmaxOp(), in[0])); },
       nullptr},
      {"normalize",
       "",
       {real({3, 6})},
       [=](GraphBuilder &g, In in) {
         Expr mean = sum(in[0], {1}, true) / 6.0, centred = in[0] - mean;
         return centred * rsqrt(sum(centred * centred, {1}, true) / 6.0 + 1e-3);
       },
       nullptr},
      {"log_variance",
       "",
       {real({7})},
       [=](GraphBuilder &g, In in) { return log(of(g, VarianceOp(), in[0])); },
       nullptr},
      {"logsumexp_of_products",
       "",
       {real({4}), real({4})},
       [=](GraphBuilder &g, In in) { return of(g, LogsumexpOp(), in[0] * in[1]); },
       nullptr},
      {"prod_of_sums",
       "",
       {real({3, 2}), real({2})},
       [](GraphBuilder &, In in) { return prod(in[0] + in[1], {0}); },
       nullptr},
      {"prod_with_zero",
       "",
       {given(Kind::kReal, {4}, {2, 0, 3, -1})},
       [](GraphBuilder &, In in) { return prod(in[0], {0}); },
       nullptr},
      {"power_of_power",
       "",
       {real({5}, 0.5, 1.5), real({5}, 0.5, 2)},
       [](GraphBuilder &, In in) { return power(power(in[0], in[1]), in[1]); },
       nullptr},
      {"max_of_products",
       "",
       {real({3, 4}), real({4})},
       [](GraphBuilder &, In in) { return max(in[0] * in[1], {1}) * min(in[0], {1}); },
       nullptr},
      {"embedding",
       "",
       {real({5, 3}), given(Kind::kInt, {4}, {1, 4, 1, 0})},
       [](GraphBuilder &, In in) { return exp(gather(in[0], in[1], 0)); },
       nullptr},
      {"scatter_square",
       "",
       {real({5}), given(Kind::kInt, {3}, {1, 4, 1}), real({3})},
       [](GraphBuilder &, In in) {
         Expr y = scatterAdd(in[0], in[1], in[2], 0);
         return y * y;
       },
       nullptr},
      {"moved",
       "",
       {real({2, 3, 2})},
       [](GraphBuilder &, In in) {
         Expr x = in[0] * in[0];
         Expr y = transpose(
             pad(slice(x, {0, 0, 0}, {2, 3, 2}, {1, 2, 1}), {1, 0, 0}, {0, 1, 0}, {0, 1, 0}),
             {2, 0, 1});
         return reshape(concatenate({y, y * y}, 1), {2, 24});
       },
       nullptr},
      {"through_f64",
       "",
       {given(Kind::kReal, {3}, {0.5, 1.25, -2})},
       [](GraphBuilder &g, In in) {
         return convert(sin(convert(in[0] * in[0], g.builder().getF64Type())), in[0].element()) *
                in[0];
       },
       nullptr},
      {"quotient_of_norms",
       "",
       {real({4}), real({4})},
       [](GraphBuilder &, In in) {
         return sqrt(sum(in[0] * in[0], {0})) / (abs(sum(in[1], {0})) + 1.0);
       },
       nullptr},
  };
}

}  // namespace graven::ops_test
