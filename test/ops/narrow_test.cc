// The rows on f16 and bf16: each op's result is the exact one, computed from the rounded arguments,
// rounded once; conversions of every pattern there is, and of the numbers where rounding turns.
#include <random>

#include "llvm/Support/FormatVariadic.h"

#include "test/ops/compiled.h"
#include "test/ops/compiled_case.h"
#include "test/ops/fixture.h"
#include "test/ops/interpreter.h"

namespace graven::ops_test {
namespace {

struct Narrow {
  std::string name;
  mlir::FloatType (*type)();
  int fraction;  // explicit bits of the significand
};
mlir::FloatType f16() { return mlir::Float16Type::get(&context()); }
mlir::FloatType bf16() { return mlir::BFloat16Type::get(&context()); }
void PrintTo(const Narrow &narrow, std::ostream *out) { *out << narrow.name; }

class NarrowFloats : public testing::TestWithParam<Narrow> {};

TEST_P(NarrowFloats, EachOpRoundsOnce) {
  std::string text;
  std::vector<Check> checks = narrowChecks(GetParam().type(), text);
  CompiledModel model(text);
  ASSERT_TRUE(model.ok());
  for (const Check &check : checks) {
    SCOPED_TRACE(check.row + ", " + check.name);
    std::vector<Tensor> actual =
        model.call(check.name, check.arguments, {check.expected[0].type()});
    if (actual.empty()) continue;
    expectClose(actual[0], check.expected[0], narrowTolerance(GetParam().type()));
  }
}

// Numbers around every value of a narrow type: itself, the ties on both sides, and the nearest f32
// (or f64) numbers beside those.
std::vector<double> aroundTies(mlir::FloatType narrow, bool wide) {
  std::vector<double> numbers;
  auto beside = [&](double x) {
    numbers.push_back(x);
    if (wide) {
      numbers.push_back(std::nextafter(x, INFINITY));
      numbers.push_back(std::nextafter(x, -INFINITY));
    } else {
      auto single = static_cast<float>(x);
      numbers.push_back(std::nextafterf(single, INFINITY));
      numbers.push_back(std::nextafterf(single, -INFINITY));
    }
  };
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    auto valueOf = [&](uint32_t pattern) {
      return llvm::APFloat(narrow.getFloatSemantics(), llvm::APInt(16, pattern)).convertToDouble();
    };
    double x = valueOf(bits);
    numbers.push_back(x);
    if (!std::isfinite(x)) continue;
    double next = valueOf(bits + 1);
    if (std::isinf(next)) {
      // As far above the largest as the value below it is below.
      next = 2 * x - valueOf(bits - 1);
    }
    beside((x + next) / 2);
  }
  return numbers;
}

bool same(double a, double b) {
  return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
}

TEST_P(NarrowFloats, ConversionsRoundToNearestEven) {
  mlir::FloatType narrow = GetParam().type();
  mlir::OpBuilder b(&context());
  mlir::Type other = narrow.isF16() ? mlir::Type(b.getBF16Type()) : mlir::Type(b.getF16Type());
  struct Source {
    mlir::Type type;
    std::vector<double> numbers;
  };
  std::vector<Source> sources = {{b.getF32Type(), aroundTies(narrow, false)},
                                 {b.getF64Type(), aroundTies(narrow, true)}};
  // All patterns of the other narrow type.
  std::vector<double> patterns;
  for (uint32_t bits = 0; bits < 0x10000; ++bits)
    patterns.push_back(
        llvm::APFloat(llvm::cast<mlir::FloatType>(other).getFloatSemantics(), llvm::APInt(16, bits))
            .convertToDouble());
  sources.push_back({other, patterns});
  // Tiny and huge f64, and many at random.
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    double x = std::ldexp(1.0 + static_cast<double>(random() >> 12) * 0x1p-52,
                          static_cast<int>(random() % 400) - 200);
    sources[1].numbers.push_back(random() & 1 ? x : -x);
  }
  std::string text;
  std::string word = GetParam().name;
  for (auto [i, source] : llvm::enumerate(sources)) {
    std::string type = llvm::formatv("{0}x{1}", source.numbers.size(), source.type);
    text += llvm::formatv(
        "graph.func @to{0}(%x: tensor<{1}>) {{\n  %y = convert(%x, dtype = {2})\n  return(%y)\n}\n",
        i, type, word);
  }
  for (const char *type : {"f32", "f64"})
    text += llvm::formatv(
        "graph.func @from_{0}(%x: tensor<65536x{1}>) {{\n  %y = convert(%x, dtype = {0})\n  "
        "return(%y)\n}\n",
        type, word);
  CompiledModel model(text);
  ASSERT_TRUE(model.ok());
  for (auto [i, source] : llvm::enumerate(sources)) {
    SCOPED_TRACE("source " + std::to_string(i));
    auto from = mlir::RankedTensorType::get({int64_t(source.numbers.size())}, source.type);
    Tensor x = zeros(from);
    x.reals = source.numbers;
    std::vector<Tensor> y =
        model.call("to" + std::to_string(i), {x}, {from.clone(mlir::Type(narrow))});
    ASSERT_EQ(y.size(), 1u);
    int wrong = 0;
    for (size_t n = 0; n < source.numbers.size() && wrong < 5; ++n) {
      double expected = roundTo(source.numbers[n], narrow);
      if (same(y[0].reals[n], expected)) continue;
      ++wrong;
      ADD_FAILURE() << llvm::formatv("{0:E} gives {1:E}, not {2:E}", source.numbers[n],
                                     y[0].reals[n], expected)
                           .str();
    }
  }
  Tensor all = zeros(mlir::RankedTensorType::get({65536}, narrow));
  for (uint32_t bits = 0; bits < 0x10000; ++bits)
    all.reals[bits] =
        llvm::APFloat(narrow.getFloatSemantics(), llvm::APInt(16, bits)).convertToDouble();
  for (mlir::FloatType wide : {mlir::FloatType(b.getF32Type()), mlir::FloatType(b.getF64Type())}) {
    std::vector<Tensor> y = model.call(wide.isF32() ? "from_f32" : "from_f64", {all},
                                       {mlir::RankedTensorType::get({65536}, wide)});
    ASSERT_EQ(y.size(), 1u);
    for (uint32_t bits = 0; bits < 0x10000; ++bits)
      ASSERT_TRUE(same(y[0].reals[bits], all.reals[bits])) << "pattern " << bits;
  }
}

TEST_P(NarrowFloats, IntegersAreRoundedOnce) {
  mlir::FloatType narrow = GetParam().type();
  std::vector<double> numbers;
  Tensor x = zeros(mlir::RankedTensorType::get({4096}, mlir::IntegerType::get(&context(), 64)));
  std::mt19937_64 random(11);
  for (int64_t &value : x.integers) {
    // A tie, or one beside it, at any size.
    int size = static_cast<int>(random() % 62), fraction = GetParam().fraction;
    uint64_t top =
        ((uint64_t{1} << fraction) | (random() & ((uint64_t{1} << fraction) - 1))) * 2 + 1;
    int shift = size - fraction - 1;
    value = shift < 0 ? static_cast<int64_t>(random() % 4096)
                      : static_cast<int64_t>(top << shift) + static_cast<int64_t>(random() % 3) - 1;
    if (random() & 1) value = -value;
  }
  std::string text = llvm::formatv(
      "graph.func @of(%x: tensor<4096xi64>) {{\n  %y = convert(%x, dtype = {0})\n  return(%y)\n}\n",
      GetParam().name);
  CompiledModel model(text);
  ASSERT_TRUE(model.ok());
  std::vector<Tensor> y = model.call("of", {x}, {mlir::RankedTensorType::get({4096}, narrow)});
  ASSERT_EQ(y.size(), 1u);
  for (int i = 0; i < 4096; ++i) {
    llvm::APFloat exact(narrow.getFloatSemantics());
    exact.convertFromAPInt(llvm::APInt(64, x.integers[i], true), true,
                           llvm::APFloat::rmNearestTiesToEven);
    EXPECT_EQ(y[0].reals[i], exact.convertToDouble()) << x.integers[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Types, NarrowFloats,
                         testing::Values(Narrow{"f16", f16, 10}, Narrow{"bf16", bf16, 7}),
                         [](const auto &info) { return info.param.name; });

}  // namespace
}  // namespace graven::ops_test
