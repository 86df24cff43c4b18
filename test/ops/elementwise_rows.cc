// Rows of elementwise primitives.
#include <cmath>

#include "test/ops/row.h"

namespace graven::ops_test {
namespace {

using namespace graph;

struct Rows {
  std::vector<Row> rows;

  // For every shape; the domain of the argument is [low, high).
  void unary(const char *op, Expr (*build)(Expr), double (*f)(double), double low, double high,
             std::vector<double> kinks = {}) {
    for (const auto &shape : elementwiseShapes())
      rows.push_back({op,
                      nameOf(shape),
                      {real(shape, low, high)},
                      [build](GraphBuilder &, llvm::ArrayRef<Expr> in) { return build(in[0]); },
                      pointwise(f),
                      kinks});
  }
  void binary(const char *op, Expr (*build)(Expr, Expr), double (*f)(double, double), double low,
              double high, std::vector<double> kinks = {}) {
    for (const auto &shape : elementwiseShapes())
      rows.push_back(
          {op,
           nameOf(shape),
           {real(shape, low, high), real(shape, low, high)},
           [build](GraphBuilder &, llvm::ArrayRef<Expr> in) { return build(in[0], in[1]); },
           pointwise(f),
           kinks});
  }
  void integers(const char *op, Expr (*build)(Expr, Expr), double (*f)(double, double),
                Kind kind = Kind::kInt) {
    rows.push_back(
        {op,
         kind == Kind::kInt    ? "i32"
         : kind == Kind::kLong ? "i64"
                               : "i1",
         {given(kind, {8}, {-7, 7, 0, 5, -1, 2, 1, 6}),
          given(kind, {8}, {2, -3, 4, 0, -1, 2, 1, -1})},
         [build](GraphBuilder &, llvm::ArrayRef<Expr> in) { return build(in[0], in[1]); },
         pointwise(f)});
  }
  void integers(const char *op, Expr (*build)(Expr), double (*f)(double)) {
    rows.push_back({op,
                    "i32",
                    {given(Kind::kInt, {5}, {-7, 7, 0, 1, -1})},
                    [build](GraphBuilder &, llvm::ArrayRef<Expr> in) { return build(in[0]); },
                    pointwise(f)});
  }
  void logical(const char *op, Expr (*build)(Expr, Expr), double (*f)(double, double)) {
    rows.push_back(
        {op,
         "",
         {given(Kind::kCondition, {4}, {0, 0, 1, 1}), given(Kind::kCondition, {4}, {0, 1, 0, 1})},
         [build](GraphBuilder &, llvm::ArrayRef<Expr> in) { return build(in[0], in[1]); },
         pointwise(f)});
  }
  void comparison(const char *op, Expr (*build)(Expr, Expr), double (*f)(double, double)) {
    binary(op, build, f, -2, 2);
    integers(op, build, f);
    rows.push_back(
        {op,
         "ties_and_nan",
         {given(Kind::kReal, {4}, {1, -0.0, NAN, 2}), given(Kind::kReal, {4}, {1, 0.0, NAN, NAN})},
         [build](GraphBuilder &, llvm::ArrayRef<Expr> in) { return build(in[0], in[1]); },
         pointwise(f)});
  }
};

}  // namespace

std::vector<Row> elementwiseRows() {
  Rows r;
  r.binary(
      "add", [](Expr x, Expr y) { return x + y; }, [](double x, double y) { return x + y; }, -2, 2);
  r.binary(
      "subtract", [](Expr x, Expr y) { return x - y; }, [](double x, double y) { return x - y; },
      -2, 2);
  r.binary(
      "multiply", [](Expr x, Expr y) { return x * y; }, [](double x, double y) { return x * y; },
      -2, 2);
  r.binary(
      "divide", [](Expr x, Expr y) { return x / y; }, [](double x, double y) { return x / y; }, 0.5,
      2);
  r.binary("power", power, [](double x, double y) { return std::pow(x, y); }, 0.5, 2.5);
  r.binary("maximum", maximum, [](double x, double y) { return x > y ? x : y; }, -2, 2);
  r.binary("minimum", minimum, [](double x, double y) { return x < y ? x : y; }, -2, 2);
  r.integers("add", [](Expr x, Expr y) { return x + y; }, [](double x, double y) { return x + y; });
  r.integers(
      "subtract", [](Expr x, Expr y) { return x - y; }, [](double x, double y) { return x - y; });
  r.integers(
      "multiply", [](Expr x, Expr y) { return x * y; }, [](double x, double y) { return x * y; });
  r.integers(
      "multiply", [](Expr x, Expr y) { return x * y; }, [](double x, double y) { return x * y; },
      Kind::kLong);
  r.integers(
      "divide", [](Expr x, Expr y) { return x / y; },
      [](double x, double y) { return y == 0 ? 0 : std::trunc(x / y); });
  r.integers("maximum", maximum, [](double x, double y) { return x > y ? x : y; });
  r.integers("minimum", minimum, [](double x, double y) { return x < y ? x : y; });

  r.unary("negate", [](Expr x) { return -x; }, [](double x) { return -x; }, -2, 2);
  r.unary("abs", abs, [](double x) { return x < 0 ? -x : x; }, -2, 2, {0});
  r.unary("sign", sign, [](double x) { return x < 0 ? -1.0 : 1.0; }, -2, 2, {0});
  r.unary("floor", floor, [](double x) { return x - (x - std::floor(x)); }, -3, 3,
          {-3, -2, -1, 0, 1, 2});
  r.unary("stop_gradient", stopGradient, [](double x) { return x; }, -2, 2);
  for (Row &row : r.rows) row.passesGradient = row.op != "stop_gradient";
  r.integers("negate", [](Expr x) { return -x; }, [](double x) { return -x; });
  r.integers("abs", abs, [](double x) { return x < 0 ? -x : x; });
  r.integers("sign", sign, [](double x) { return x < 0 ? -1.0 : x > 0 ? 1.0 : 0.0; });

  // References other than the function's own name, where there is an identity to use.
  r.unary("exp", exp, [](double x) { return std::pow(M_E, x); }, -3, 3);
  r.unary("expm1", expm1, [](double x) { return 2 * std::exp(x / 2) * std::sinh(x / 2); }, -2, 2);
  r.unary("log", log, [](double x) { return std::log2(x) * M_LN2; }, 0.2, 4);
  r.unary("log1p", log1p, [](double x) { return 2 * std::atanh(x / (2 + x)); }, -0.7, 3);
  r.unary(
      "tanh", tanh, [](double x) { return std::expm1(2 * x) / (std::expm1(2 * x) + 2); }, -3, 3);
  r.unary("logistic", logistic, [](double x) { return (1 + std::tanh(x / 2)) / 2; }, -4, 4);
  r.unary("erf", erf, [](double x) { return 1 - std::erfc(x); }, -2, 2);
  r.unary("erfc", erfc, [](double x) { return 1 - std::erf(x); }, -2, 2);
  r.unary("sqrt", sqrt, [](double x) { return std::pow(x, 0.5); }, 0.2, 4);
  r.unary("rsqrt", rsqrt, [](double x) { return std::pow(x, -0.5); }, 0.2, 4);
  r.unary("sin", sin, [](double x) { return std::cos(x - M_PI / 2); }, -4, 4);
  r.unary("cos", cos, [](double x) { return std::sin(x + M_PI / 2); }, -4, 4);

  r.comparison("equal", equal, [](double x, double y) { return double(x == y); });
  r.comparison("not_equal", notEqual, [](double x, double y) { return double(x != y); });
  r.comparison(
      "less", [](Expr x, Expr y) { return x < y; },
      [](double x, double y) { return double(x < y); });
  r.comparison(
      "less_equal", [](Expr x, Expr y) { return x <= y; },
      [](double x, double y) { return double(x <= y); });
  r.comparison(
      "greater", [](Expr x, Expr y) { return x > y; },
      [](double x, double y) { return double(x > y); });
  r.comparison(
      "greater_equal", [](Expr x, Expr y) { return x >= y; },
      [](double x, double y) { return double(x >= y); });
  r.logical("logical_and", logicalAnd, [](double x, double y) { return double(x && y); });
  r.logical("logical_or", logicalOr, [](double x, double y) { return double(x || y); });
  r.logical(
      "logical_xor", [](Expr x, Expr y) { return Expr(x.g(), x.g().create<LogicalXorOp>({x, y})); },
      [](double x, double y) { return double(x != y); });
  r.rows.push_back({"logical_not",
                    "",
                    {given(Kind::kCondition, {3}, {0, 1, 1})},
                    [](GraphBuilder &, llvm::ArrayRef<Expr> in) { return logicalNot(in[0]); },
                    expects({1, 0, 0})});
  for (const auto &shape : elementwiseShapes())
    r.rows.push_back(
        {"select",
         nameOf(shape),
         {condition(shape), real(shape), real(shape)},
         [](GraphBuilder &, llvm::ArrayRef<Expr> in) { return select(in[0], in[1], in[2]); },
         [](const std::vector<Tensor> &in, mlir::RankedTensorType type) {
           std::vector<double> numbers;
           for (int64_t i = 0; i < in[0].size(); ++i)
             numbers.push_back(in[2 - in[0].integers[i]].at(i));
           return tensorOf(type, numbers);
         }});
  // The value not chosen counts for nothing, NaN or not.
  r.rows.push_back(
      {"select",
       "nan",
       {given(Kind::kCondition, {2}, {1, 0}), given(Kind::kReal, {2}, {1, NAN}), real({2})},
       [](GraphBuilder &, llvm::ArrayRef<Expr> in) { return select(in[0], in[1], in[2]); },
       nullptr});

  struct Conversion {
    const char *facet;
    Kind from;
    std::vector<double> values;
    std::function<mlir::Type(mlir::Builder &)> to;
    std::vector<double> expected;
  };
  const Conversion conversions[] = {
      {"real_to_f32",
       Kind::kReal,
       {0.5, -1.25, 3},
       [](mlir::Builder &b) { return b.getF32Type(); },
       {0.5, -1.25, 3}},
      {"real_to_f64",
       Kind::kReal,
       {0.5, -1.25, 3},
       [](mlir::Builder &b) { return b.getF64Type(); },
       {0.5, -1.25, 3}},
      {"real_to_i32",
       Kind::kReal,
       {1.9, -1.9, 1e30, -1e30, NAN, INFINITY},
       [](mlir::Builder &b) { return b.getI32Type(); },
       {1, -1, 2147483647, -2147483648.0, 0, 2147483647}},
      {"real_to_ui8",
       Kind::kReal,
       {1.9, -1.9, 300, 255},
       [](mlir::Builder &b) { return b.getIntegerType(8, false); },
       {1, 0, 255, 255}},
      {"real_to_i1",
       Kind::kReal,
       {0.0, -0.0, 0.1, NAN},
       [](mlir::Builder &b) { return b.getI1Type(); },
       {0, 0, 1, 1}},
      {"i1_to_f32",
       Kind::kCondition,
       {0, 1},
       [](mlir::Builder &b) { return b.getF32Type(); },
       {0, 1}},
      {"i1_to_i64",
       Kind::kCondition,
       {0, 1},
       [](mlir::Builder &b) { return b.getI64Type(); },
       {0, 1}},
      {"ui8_to_f32",
       Kind::kByte,
       {0, 1, 128, 255},
       [](mlir::Builder &b) { return b.getF32Type(); },
       {0, 1, 128, 255}},
      {"ui8_to_i32",
       Kind::kByte,
       {0, 1, 128, 255},
       [](mlir::Builder &b) { return b.getI32Type(); },
       {0, 1, 128, 255}},
      {"i32_to_f32",
       Kind::kInt,
       {0, -1, 7},
       [](mlir::Builder &b) { return b.getF32Type(); },
       {0, -1, 7}},
      {"i32_to_i64",
       Kind::kInt,
       {0, -1, 7},
       [](mlir::Builder &b) { return b.getI64Type(); },
       {0, -1, 7}},
      {"i32_to_i1",
       Kind::kInt,
       {0, -1, 7},
       [](mlir::Builder &b) { return b.getI1Type(); },
       {0, 1, 1}},
      {"i64_to_i32",
       Kind::kLong,
       {4294967298.0, -1, 7},
       [](mlir::Builder &b) { return b.getI32Type(); },
       {2, -1, 7}},
  };
  for (const Conversion &c : conversions)
    r.rows.push_back({"convert",
                      c.facet,
                      {given(c.from, {static_cast<int64_t>(c.values.size())}, c.values)},
                      [to = c.to](GraphBuilder &g, llvm::ArrayRef<Expr> in) {
                        return convert(in[0], to(g.builder()));
                      },
                      expects(c.expected)});
  for (Row &row : r.rows) {
    // A step that f32 holds exactly; integers have no gradient, and the values stand at kinks.
    if (row.name() == "convert_real_to_f32") row.step = 0.0625;
    if (row.op == "convert" && row.facet.find("_to_f") == std::string::npos)
      row.passesGradient = false;
  }
  r.rows.push_back(
      {"power",
       "negative_base",
       {given(Kind::kReal, {3}, {-2, -1, 3})},
       [](GraphBuilder &, llvm::ArrayRef<Expr> in) { return power(in[0], in[0].like(3.0)); },
       expects({-8, -1, 27})});
  return r.rows;
}

}  // namespace graven::ops_test
