// Row and column kernels and updates of many parameters, each through its strategy and through the
// reference strategy, against the interpreter.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "test/compiler/codegen/cpu/kernel_harness.h"

namespace graven::codegen::cpu {
namespace {

std::string t(const std::string &type) { return "tensor<" + type + ">"; }
std::string op(const std::string &result, const std::string &call,
               const std::vector<std::string> &in, const std::string &out) {
  std::string types;
  for (const std::string &type : in) types += (types.empty() ? "" : ", ") + t(type);
  return "    " + result + " = " + call + " : (" + types + ") -> " + t(out) + "\n";
}
std::string n(int64_t number) { return std::to_string(number); }

// Runs `text` with the strategy that is expected to be chosen, and with the reference.
void check(const std::string &text, const std::string &expected, double tolerance,
           const std::vector<std::string> &cpus = {"native", "x86-64-v3"}) {
  for (const std::string &cpu : cpus) {
    CompiledKernel kernel(text, "", cpu);
    ASSERT_TRUE(kernel.ok());
    EXPECT_EQ(kernel.strategy(), expected) << text;
    kernel.check(3, tolerance);
  }
  CompiledKernel reference(text, "reference");
  ASSERT_TRUE(reference.ok());
  reference.check(4, tolerance);
}

// Makes every kernel one whose data lie beyond the caches.
void withoutCaches(strategy::Target &target) {
  target.l1_bytes = target.l2_bytes = target.l3_bytes = 0;
}
// The same, but some rows have room in the first cache.
void withFirstCache(strategy::Target &target) {
  target.l1_bytes = 1 << 20;
  target.l2_bytes = target.l3_bytes = 0;
}
// The first cache holds two rows of about a thousand elements, and not what they share besides.
void withTwoRows(strategy::Target &target) {
  target.l1_bytes = 10000;
  target.l2_bytes = target.l3_bytes = 0;
}

// The same kernel as it is emitted for data beyond the caches; bits must not tell the difference.
void checkBeyondCaches(const std::string &text, const std::string &expected, double tolerance,
                       strategy::Numerics numerics = strategy::Numerics::kFast) {
  for (const char *cpu : {"native", "x86-64-v3"}) {
    CompiledKernel cached(text, expected, cpu,
                          [=](strategy::Target &target) { target.numerics = numerics; });
    for (auto caches : {withoutCaches, withFirstCache, withTwoRows}) {
      CompiledKernel kernel(text, expected, cpu, [=](strategy::Target &target) {
        target.numerics = numerics;
        caches(target);
      });
      ASSERT_TRUE(kernel.ok() && cached.ok());
      kernel.check(5, tolerance);
      std::vector<CompiledKernel::Bytes> inputs;
      for (auto [type, numbers] : llvm::zip(kernel.func().getInputTypes(), kernel.randomInputs(6)))
        inputs.push_back(CompiledKernel::encode(type, numbers));
      EXPECT_EQ(kernel.run(inputs), cached.run(inputs)) << "bits depend on the caches' size";
    }
  }
}

std::string softmax(int64_t rows, int64_t columns, const std::string &type, bool several) {
  std::string s = n(rows) + "x" + n(columns) + "x" + type, r = n(rows) + "x" + type,
              k = n(rows) + "x1x" + type;
  std::string shape = "[" + n(rows) + ", " + n(columns) + "]";
  std::string body = op("%0", "max(%a0, axis = [1])", {s}, r) +
                     op("%1", "reshape(%0, shape = [" + n(rows) + ", 1])", {r}, k) +
                     op("%2", "broadcast(%1, shape = " + shape + ")", {k}, s) +
                     op("%3", "subtract(%a0, %2)", {s, s}, s) + op("%4", "exp(%3)", {s}, s) +
                     op("%5", "sum(%4, axis = [1], keep_dims = true)", {s}, k) +
                     op("%6", "broadcast(%5, shape = " + shape + ")", {k}, s) +
                     op("%7", "divide(%4, %6)", {s, s}, s);
  if (!several) return kernelText("row", {s}, body, {"%7"}, {s});
  body += op("%8", "log(%5)", {k}, k) + op("%9", "add(%8, %1)", {k, k}, k) +
          op("%10", "reshape(%9, shape = [" + n(rows) + "])", {k}, r);
  return kernelText("row", {s}, body, {"%7", "%10"}, {s, r});
}

// Strict rows: any length, in registers, in one block and in several, of one workgroup and of many.
TEST(RowKernels, StrictBitsDoNotDependOnTheVectorLength) {
  auto strict = [](strategy::Target &target) { target.numerics = strategy::Numerics::kStrict; };
  for (auto [rows, columns] : std::vector<std::pair<int64_t, int64_t>>{{5, 3},
                                                                       {3, 100},
                                                                       {2, 700},
                                                                       {3, 4096},
                                                                       {3, 4097},
                                                                       {9, 700},
                                                                       {8, 4096},
                                                                       {20, 12345},
                                                                       {2, 50000}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << columns);
    std::string s = n(rows) + "x" + n(columns) + "xf32", r = n(rows) + "xf32";
    std::string all = op("%0", "sum(%a0, axis = [1])", {s}, r) +
                      op("%1", "max(%a0, axis = [1])", {s}, r) +
                      op("%2", "argmax(%a0, axis = 1)", {s}, n(rows) + "xi32");
    for (const std::string &text :
         {softmax(rows, columns, "f32", true),
          kernelText("row", {s}, op("%0", "sum(%a0, axis = [1])", {s}, r), {"%0"}, {r}),
          kernelText("row", {s}, all, {"%0", "%1", "%2"}, {r, r, n(rows) + "xi32"})}) {
      CompiledKernel wide(text, "row", "native", strict), narrow(text, "row", "x86-64-v3", strict);
      ASSERT_TRUE(wide.ok() && narrow.ok());
      narrow.check(7, 1e-5);
      std::vector<CompiledKernel::Bytes> inputs;
      for (auto [type, numbers] : llvm::zip(wide.func().getInputTypes(), wide.randomInputs(8)))
        inputs.push_back(CompiledKernel::encode(type, numbers));
      EXPECT_EQ(wide.run(inputs), narrow.run(inputs));
    }
  }
}

TEST(RowKernels, Softmax) {
  for (int64_t columns : {1, 3, 10, 16, 17, 127, 128, 129, 300, 1000, 5003})
    for (int64_t rows : {1, 5, 33}) {
      SCOPED_TRACE(testing::Message() << rows << "x" << columns);
      check(softmax(rows, columns, "f32", columns % 2), "row", 2e-6);
    }
  check(softmax(7, 260, "f64", true), "row", 1e-14);
  check(softmax(0, 5, "f32", false), "row", 0);
}

TEST(RowKernels, SoftmaxBeyondCaches) {
  for (auto [rows, columns] : {std::pair{1, 1024},
                               {2, 1000},
                               {7, 129},
                               {33, 640},
                               {9, 4100},
                               {8, 4096},
                               {13, 4099},
                               {0, 256}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << columns);
    checkBeyondCaches(softmax(rows, columns, "f32", columns % 2), "row", 2e-6);
  }
  checkBeyondCaches(softmax(9, 256, "f64", true), "row", 1e-14);
  // Rows in one block, and in several.
  for (auto [rows, columns] : {std::pair{11, 301}, {9, 4096}, {9, 5000}})
    checkBeyondCaches(softmax(rows, columns, "f32", true), "row", 2e-6,
                      strategy::Numerics::kStrict);
}

// Rows are divided by what a reciprocal cannot express: zeros, subnormal, huge and infinite
// numbers.
TEST(RowKernels, DivisionByOneNumberOfARow) {
  constexpr int64_t kColumns = 80;
  std::string s = "8x80xf32", r = "8xf32";
  std::string body = op("%0", "max(%a1, axis = [1])", {s}, r) +
                     op("%1", "broadcast(%0, shape = [8, 80], axes = [0])", {r}, s) +
                     op("%2", "divide(%a0, %1)", {s, s}, s);
  CompiledKernel kernel(kernelText("row", {s, s}, body, {"%2"}, {s}));
  ASSERT_TRUE(kernel.ok());
  float divisors[] = {0.0f,     1e-45f,   3e-39f, 3.3e38f,
                      -1.7e38f, INFINITY, 0.99f,  -std::numeric_limits<float>::quiet_NaN()};
  float dividends[] = {0.0f, 1.0f, -3e-39f, 1.18e-38f, 3.4e38f, -1.69e38f, INFINITY, 7.25f};
  Numbers x(8 * kColumns), d(8 * kColumns);
  for (int64_t i = 0; i < 8 * kColumns; ++i) {
    x[i] = dividends[i % 8];
    d[i] = divisors[i / kColumns];
  }
  auto types = kernel.func().getInputTypes();
  auto out = kernel.run({CompiledKernel::encode(types[0], x), CompiledKernel::encode(types[1], d)});
  Numbers y = CompiledKernel::decode(kernel.func().getOutputTypes()[0], out[0]);
  for (int64_t i = 0; i < 8 * kColumns; ++i) {
    float want = static_cast<float>(x[i]) / static_cast<float>(d[i]);
    auto got = static_cast<float>(y[i]);
    if (std::isnan(want) || std::isinf(want) || want == 0)
      EXPECT_TRUE(std::isnan(want) ? std::isnan(got) : want == got) << x[i] << " / " << d[i];
    else
      EXPECT_LE(std::fabs(got - want), std::max(std::fabs(want) * 3e-7f, 3e-45f))
          << x[i] << " / " << d[i];
  }
}

void strictly(strategy::Target &target) { target.numerics = strategy::Numerics::kStrict; }

// Strict kernels divide by IEEE division even where one number divides a whole row.
TEST(RowKernels, StrictDivisionByOneNumberOfARow) {
  constexpr int64_t kRows = 8, kColumns = 80;
  std::string s = "8x80xf32", r = "8xf32";
  std::string body = op("%0", "max(%a1, axis = [1])", {s}, r) +
                     op("%1", "broadcast(%0, shape = [8, 80], axes = [0])", {r}, s) +
                     op("%2", "divide(%a0, %1)", {s, s}, s);
  for (const char *cpu : {"native", "x86-64-v3"}) {
    CompiledKernel kernel(kernelText("row", {s, s}, body, {"%2"}, {s}), "row", cpu, strictly);
    ASSERT_TRUE(kernel.ok());
    Numbers x(kRows * kColumns), d(kRows * kColumns);
    for (int64_t i = 0; i < kRows * kColumns; ++i) {
      x[i] = static_cast<float>(i + 1) / 7;
      d[i] = static_cast<float>(i / kColumns * 4 + 3);
    }
    auto types = kernel.func().getInputTypes();
    auto out =
        kernel.run({CompiledKernel::encode(types[0], x), CompiledKernel::encode(types[1], d)});
    Numbers y = CompiledKernel::decode(kernel.func().getOutputTypes()[0], out[0]);
    for (int64_t i = 0; i < kRows * kColumns; ++i)
      EXPECT_EQ(y[i], static_cast<float>(x[i]) / static_cast<float>(d[i])) << x[i] << " / " << d[i];
  }
}

// Of zeros with both signs, strict kernels find the positive largest and the negative smallest.
TEST(RowKernels, StrictExtremesOfZeros) {
  std::string s = "2x150xf32", r = "2xf32";
  std::string body =
      op("%0", "max(%a0, axis = [1])", {s}, r) + op("%1", "min(%a0, axis = [1])", {s}, r);
  for (const char *cpu : {"native", "x86-64-v3"}) {
    CompiledKernel kernel(kernelText("row", {s}, body, {"%0", "%1"}, {r, r}), "row", cpu, strictly);
    ASSERT_TRUE(kernel.ok());
    for (int64_t place : {0, 1, 15, 16, 63, 64, 127, 128, 149}) {
      Numbers x(300, -0.0);
      for (int64_t i = 150; i < 300; ++i) x[i] = 0.0;
      x[place] = 0.0;
      x[150 + place] = -0.0;
      auto out = kernel.run({CompiledKernel::encode(kernel.func().getInputTypes()[0], x)});
      for (int output : {0, 1}) {
        Numbers y = CompiledKernel::decode(kernel.func().getOutputTypes()[output], out[output]);
        for (double extreme : y) {
          EXPECT_EQ(extreme, 0.0);
          EXPECT_EQ(std::signbit(extreme), output == 1) << "at " << place << " for " << cpu;
        }
      }
    }
  }
}

// A NaN anywhere in a row is its largest and smallest element.
TEST(RowKernels, ExtremesOfNan) {
  std::string s = "3x150xf32", r = "3xf32";
  std::string body =
      op("%0", "max(%a0, axis = [1])", {s}, r) + op("%1", "min(%a0, axis = [1])", {s}, r);
  CompiledKernel kernel(kernelText("row", {s}, body, {"%0", "%1"}, {r, r}));
  ASSERT_TRUE(kernel.ok());
  for (int64_t place : {0, 1, 15, 16, 63, 64, 127, 128, 149}) {
    Numbers x(450, 1.0);
    x[150 + place] = std::nan("");
    x[300 + place] = -INFINITY;
    auto out = kernel.run({CompiledKernel::encode(kernel.func().getInputTypes()[0], x)});
    for (int output : {0, 1}) {
      Numbers y = CompiledKernel::decode(kernel.func().getOutputTypes()[output], out[output]);
      EXPECT_EQ(y[0], 1.0);
      EXPECT_TRUE(std::isnan(y[1])) << "at " << place;
      EXPECT_EQ(y[2], output ? -INFINITY : 1.0);
    }
  }
}

// First and last axes are reduced: statistics of channels.
TEST(RowKernels, FirstAndLastAxes) {
  for (auto [outer, kept, inner] : {std::tuple{1, 1, 1},
                                    {2, 3, 5},
                                    {5, 17, 49},
                                    {3, 64, 784},
                                    {31, 2, 131},
                                    {2, 131, 4},
                                    {0, 5, 7},
                                    {3, 5, 0},
                                    {3, 0, 5}}) {
    SCOPED_TRACE(testing::Message() << outer << "x" << kept << "x" << inner);
    std::string s = n(outer) + "x" + n(kept) + "x" + n(inner) + "xf32", r = n(kept) + "xf32";
    std::string shape = "[" + n(outer) + ", " + n(kept) + ", " + n(inner) + "]";
    std::string body =
        op("%0", "broadcast(%a1, shape = " + shape + ", axes = [1])", {r}, s) +
        op("%1", "subtract(%a0, %0)", {s, s}, s) + op("%2", "multiply(%1, %1)", {s, s}, s) +
        op("%3", "sum(%2, axis = [0, 2])", {s}, r) + op("%4", "add(%3, %a1)", {r, r}, r) +
        op("%5", "max(%a0, axis = [0, 2])", {s}, r);
    std::string text = kernelText("reference", {s, r}, body, {"%4", "%5"}, {r, r});
    check(text, "row", 1e-5);
    checkBeyondCaches(text, "row", 1e-5);
  }
  // Several axes on each side, kept in the result, other types.
  for (std::string type : {"f64", "i32"}) {
    std::string s = "3x2x7x5x11x" + type, k = "1x1x7x1x1x" + type;
    std::string body = op("%0", "sum(%a0, axis = [0, 1, 3, 4], keep_dims = true)", {s}, k) +
                       op("%1", "reshape(%0, shape = [7])", {k}, "7x" + type) +
                       op("%2", "multiply(%1, %a1)", {"7x" + type, "7x" + type}, "7x" + type);
    check(kernelText("reference", {s, "7x" + type}, body, {"%2", "%0"}, {"7x" + type, k}), "row",
          1e-13);
  }
  std::string s = "4x6x3x9xf32";
  check(kernelText("reference", {s}, op("%0", "sum(%a0, axis = [0, 1, 3])", {s}, "3xf32"), {"%0"},
                   {"3xf32"}),
        "row", 1e-5);
}

// Few different values: the first of equals wins, wherever it stands.
TEST(RowKernels, Argmax) {
  for (int64_t columns : {1, 2, 10, 16, 17, 127, 128, 129, 193, 1009, 40000})
    for (int64_t rows : {1, 7}) {
      SCOPED_TRACE(testing::Message() << rows << "x" << columns);
      for (std::string type : {"f32", "i32"}) {
        std::string s = n(rows) + "x" + n(columns) + "x" + type, r = n(rows) + "xi32";
        check(kernelText("reference", {s}, op("%0", "argmax(%a0, axis = 1)", {s}, r), {"%0"}, {r}),
              "row", 0, {type == "f32" ? "native" : "x86-64-v3"});
      }
    }
  for (std::string type : {"f64", "i64", "i1", "ui8", "f32"}) {
    std::string s = "3x5x131x" + type, r = "3x5xi32";
    check(kernelText("reference", {s}, op("%0", "argmax(%a0, axis = -1)", {s}, r), {"%0"}, {r}),
          "row", 0);
  }
  std::string none = "0x5xf32";
  check(kernelText("reference", {none}, op("%0", "argmax(%a0, axis = 1)", {none}, "0xi32"), {"%0"},
                   {"0xi32"}),
        "row", 0);
}

// So many rows that each lane takes one.
TEST(RowKernels, ShortRows) {
  for (int64_t columns : {2, 3, 7, 8, 9, 10, 15, 16})
    for (int64_t rows : {int64_t{32}, int64_t{33}, int64_t{47}, 4099 / columns}) {
      SCOPED_TRACE(testing::Message() << rows << "x" << columns);
      check(softmax(rows, columns, "f32", columns % 2), "row", 2e-6);
      std::string s = n(rows) + "x" + n(columns) + "xi32", r = n(rows) + "xi32";
      check(kernelText(
                "row", {s},
                op("%0", "argmax(%a0, axis = 1)", {s}, r) + op("%1", "sum(%a0, axis = 1)", {s}, r),
                {"%1", "%0"}, {r, r}),
            "row", 0);
    }
  for (int64_t columns : {8, 10, 16})
    checkBeyondCaches(softmax(77, columns, "f32", true), "row", 2e-6);
  check(softmax(70, 10, "f64", true), "row", 1e-14);
  check(softmax(70, 10, "f16", true), "row", 2e-3);
  // Two axes of rows, two of columns, and a vector that all rows share.
  std::string s = "5x9x3x4xf32", c = "3x4xf32", r = "5x9xf32";
  std::string body = op("%0", "broadcast(%a1, shape = [5, 9, 3, 4], axes = [2, 3])", {c}, s) +
                     op("%1", "multiply(%a0, %0)", {s, s}, s) +
                     op("%2", "max(%1, axis = [2, 3])", {s}, r) +
                     op("%3", "broadcast(%2, shape = [5, 9, 3, 4], axes = [0, 1])", {r}, s) +
                     op("%4", "subtract(%1, %3)", {s, s}, s);
  check(kernelText("row", {s, c}, body, {"%2", "%4"}, {r, s}), "row", 1e-6);
}

// Neither the place of a row nor the number of rows tells in its bits.
TEST(RowKernels, ShortRowsAreComputedAlike) {
  constexpr int64_t kColumns = 10;
  for (const char *cpu : {"native", "x86-64-v3"}) {
    std::vector<Numbers> first;
    for (int64_t rows : {32, 61, 1000}) {
      CompiledKernel kernel(softmax(rows, kColumns, "f32", true), "row", cpu);
      ASSERT_TRUE(kernel.ok());
      Numbers x;
      for (int64_t i = 0; i < rows * kColumns; ++i)
        x.push_back(std::sin(static_cast<double>(i % kColumns)));
      auto out = kernel.run({CompiledKernel::encode(kernel.func().getInputTypes()[0], x)});
      for (size_t number = 0; number < out.size(); ++number) {
        Numbers all = CompiledKernel::decode(kernel.func().getOutputTypes()[number], out[number]);
        auto length = static_cast<int64_t>(all.size()) / rows;
        Numbers row(all.begin(), all.begin() + length);
        if (first.size() <= number) first.push_back(row);
        for (int64_t i = 0; i < static_cast<int64_t>(all.size()); ++i)
          ASSERT_EQ(all[i], first[number][i % length]) << rows << " rows, element " << i;
      }
    }
  }
}

// A full input that is also read in other rows and columns.
TEST(RowKernels, ShortRowsReadElsewhere) {
  std::string s = "40x6xf32", r = "40xf32";
  std::string body = op("%0", "slice(%a0, start = [1, 2], limit = [40, 6])", {s}, "39x4xf32") +
                     op("%1", "pad(%0, low = [0, 1], high = [1, 1])", {"39x4xf32"}, s) +
                     op("%2", "multiply(%a0, %1)", {s, s}, s) +
                     op("%3", "sum(%2, axis = 1)", {s}, r);
  check(kernelText("row", {s}, body, {"%3", "%2"}, {r, s}), "row", 1e-6);
}

// What is compared with the label that stands in the row, beside the row's largest element.
TEST(RowKernels, ArgmaxAmongOthers) {
  for (int64_t columns : {10, 300}) {
    std::string s = "6x" + n(columns) + "xf32", r = "6xi32";
    std::string body = op("%0", "exp(%a0)", {s}, s) + op("%1", "argmax(%0, axis = -1)", {s}, r) +
                       op("%2", "equal(%1, %a1)", {r, r}, "6xi1") +
                       op("%3", "max(%0, axis = -1)", {s}, "6xf32");
    check(kernelText("row", {s, r}, body, {"%2", "%1", "%3"}, {"6xi1", r, "6xf32"}), "row", 2e-6);
  }
}

// A NaN is larger than any number, the first of several wins; so does the first of infinities and
// of zeros, whatever their signs.
TEST(RowKernels, ArgmaxOfSpecialNumbers) {
  constexpr int64_t kColumns = 150;
  std::string s = "6x150xf32";
  CompiledKernel kernel(kernelText(
      "reference", {s}, op("%0", "argmax(%a0, axis = 1)", {s}, "6xi32"), {"%0"}, {"6xi32"}));
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(kernel.strategy(), "row");
  for (int64_t place : {0, 1, 15, 16, 17, 63, 64, 127, 128, 144, 149}) {
    Numbers x(6 * kColumns, -1.0);
    auto row = [&](int64_t number) { return x.begin() + number * kColumns; };
    std::fill(row(0) + place, row(1), 3.5);
    std::fill(row(1), row(2), -INFINITY);
    row(1)[place] = -3.4e38;
    std::fill(row(2), row(3), INFINITY);
    row(2)[place] = row(2)[149] = std::nan("");
    std::fill(row(3), row(4), -INFINITY);
    row(4)[place] = -0.0;
    row(4)[149] = 0.0;
    std::fill(row(5) + place, row(5) + kColumns, std::nan(""));
    auto out = kernel.run({CompiledKernel::encode(kernel.func().getInputTypes()[0], x)});
    auto at = static_cast<double>(place);
    EXPECT_EQ(CompiledKernel::decode(kernel.func().getOutputTypes()[0], out[0]),
              (Numbers{at, at, at, 0, at, at}));
  }
}

// Mean and variance over the last two axes, then scale and shift by vectors of the last axis.
TEST(RowKernels, Norm) {
  for (auto [rows, a, b] :
       {std::tuple{3, 4, 5}, {6, 8, 32}, {4, 3, 700}, {19, 1, 1031}, {31, 1, 160}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << a << "x" << b);
    std::string s = n(rows) + "x" + n(a) + "x" + n(b) + "xf32", r = n(rows) + "xf32",
                c = n(b) + "xf32";
    std::string shape = "[" + n(rows) + ", " + n(a) + ", " + n(b) + "]";
    std::string body = op("%0", "sum(%a0, axis = [1, 2])", {s}, r) +
                       op("%1",
                          "constant(" + std::to_string(1.0 / (a * b)) + ", shape = [" + n(rows) +
                              "], dtype = f32)",
                          {}, r) +
                       op("%2", "multiply(%0, %1)", {r, r}, r) +
                       op("%3", "broadcast(%2, shape = " + shape + ", axes = [0])", {r}, s) +
                       op("%4", "subtract(%a0, %3)", {s, s}, s) +
                       op("%5", "multiply(%4, %4)", {s, s}, s) +
                       op("%6", "sum(%5, axis = [1, 2])", {s}, r) +
                       op("%7", "multiply(%6, %1)", {r, r}, r) + op("%8", "rsqrt(%7)", {r}, r) +
                       op("%9", "broadcast(%8, shape = " + shape + ", axes = [0])", {r}, s) +
                       op("%10", "multiply(%4, %9)", {s, s}, s) +
                       op("%11", "broadcast(%a1, shape = " + shape + ", axes = [2])", {c}, s) +
                       op("%12", "multiply(%10, %11)", {s, s}, s);
    std::string text = kernelText("row", {s, c}, body, {"%12", "%2", "%8"}, {s, r, r});
    check(text, "row", 1e-5);
    checkBeyondCaches(text, "row", 1e-5);
  }
}

// Reductions of one another's level, of integers and bits, and row by row inputs.
TEST(RowKernels, SeveralReductions) {
  for (int64_t columns : {7, 150, 1100}) {
    std::string s = "9x" + n(columns) + "xf32", b = "9x" + n(columns) + "xi1",
                i = "9x" + n(columns) + "xi32";
    std::string shape = "[9, " + n(columns) + "]";
    std::string body = op("%0", "sum(%a0, axis = 1)", {s}, "9xf32") +
                       op("%1", "min(%a0, axis = 1)", {s}, "9xf32") +
                       op("%2", "broadcast(%a1, shape = " + shape + ", axes = [0])", {"9xf32"}, s) +
                       op("%3", "greater(%a0, %2)", {s, s}, b) +
                       op("%4", "convert(%3, dtype = i32)", {b}, i) +
                       op("%5", "sum(%4, axis = 1)", {i}, "9xi32") +
                       op("%6", "add(%0, %a1)", {"9xf32", "9xf32"}, "9xf32");
    std::string text = kernelText("row", {s, "9xf32"}, body, {"%6", "%1", "%5", "%3"},
                                  {"9xf32", "9xf32", "9xi32", b});
    check(text, "row", 2e-6);
    checkBeyondCaches(text, "row", 2e-6);
  }
}

// One reduction upon another, of which single values of each row are all that is wanted.
TEST(RowKernels, LevelsWithoutFullResult) {
  for (auto [rows, columns] : {std::pair{3, 300}, {17, 1009}}) {
    std::string s = n(rows) + "x" + n(columns) + "xf32", r = n(rows) + "xf32";
    std::string shape = "[" + n(rows) + ", " + n(columns) + "]";
    std::string body = op("%0", "max(%a0, axis = 1)", {s}, r) +
                       op("%1", "broadcast(%0, shape = " + shape + ", axes = [0])", {r}, s) +
                       op("%2", "subtract(%a0, %1)", {s, s}, s) + op("%3", "exp(%2)", {s}, s) +
                       op("%4", "sum(%3, axis = 1)", {s}, r) + op("%5", "log(%4)", {r}, r) +
                       op("%6", "add(%5, %0)", {r, r}, r);
    std::string text = kernelText("row", {s}, body, {"%6"}, {r});
    check(text, "row", 2e-6);
    checkBeyondCaches(text, "row", 2e-6);
  }
}

// A row's loss waits for one reduction more than the gradient does.
TEST(RowKernels, CrossEntropyAndGradient) {
  for (auto [rows, columns] :
       {std::pair{1, 10}, {77, 10}, {5, 131}, {17, 1009}, {13, 4096}, {9, 4099}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << columns);
    std::string s = n(rows) + "x" + n(columns) + "xf32", r = n(rows) + "xf32",
                i = n(rows) + "x" + n(columns) + "xi32", l = n(rows) + "xi32";
    std::string dims = "[" + n(rows) + ", " + n(columns) + "]";
    std::string spread = "shape = " + dims + ", axes = [0])";
    std::string body =
        op("%0", "iota(shape = " + dims + ", axis = 1)", {}, i) +
        op("%1", "broadcast(%a1, " + spread, {l}, i) +
        op("%2", "equal(%0, %1)", {i, i}, n(rows) + "x" + n(columns) + "xi1") +
        op("%3", "convert(%2, dtype = f32)", {n(rows) + "x" + n(columns) + "xi1"}, s) +
        op("%4", "max(%a0, axis = 1)", {s}, r) + op("%5", "broadcast(%4, " + spread, {r}, s) +
        op("%6", "subtract(%a0, %5)", {s, s}, s) + op("%7", "exp(%6)", {s}, s) +
        op("%8", "sum(%7, axis = 1)", {s}, r) + op("%9", "log(%8)", {r}, r) +
        op("%10", "broadcast(%9, " + spread, {r}, s) + op("%11", "subtract(%6, %10)", {s, s}, s) +
        op("%12", "multiply(%3, %11)", {s, s}, s) + op("%13", "sum(%12, axis = 1)", {s}, r) +
        op("%14", "broadcast(%8, " + spread, {r}, s) + op("%15", "divide(%7, %14)", {s, s}, s) +
        op("%16", "subtract(%15, %3)", {s, s}, s);
    std::string text = kernelText("row", {s, l}, body, {"%13", "%16"}, {r, s});
    check(text, "row", 2e-6);
    checkBeyondCaches(text, "row", 2e-6);
    checkBeyondCaches(text, "row", 2e-6, strategy::Numerics::kStrict);
  }
}

TEST(RowKernels, TotalsInTwoStages) {
  for (auto [rows, columns] : {std::pair{1, 100}, {1, 40000}, {3, 65536}, {2, 70001}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << columns);
    std::string s = n(rows) + "x" + n(columns) + "xf32", r = n(rows) + "xf32";
    std::string body = op("%0", "multiply(%a0, %a0)", {s, s}, s) +
                       op("%1", "sum(%0, axis = [1])", {s}, r) + op("%2", "sqrt(%1)", {r}, r) +
                       op("%3", "max(%a0, axis = [1])", {s}, r);
    std::string text = kernelText("row", {s}, body, {"%2", "%3"}, {r, r});
    check(text, "row", 1e-5);
    CompiledKernel kernel(text);
    EXPECT_EQ(kernel.func().getStages().size(), columns >= 32768 ? 2u : 1u);
  }
  std::string body = op("%0", "sum(%a0)", {"300x200xf32"}, "f32");
  check(kernelText("row", {"300x200xf32"}, body, {"%0"}, {"f32"}), "row", 1e-5);
}

TEST(ColumnKernels, Sums) {
  for (auto [rows, columns] : {std::pair{1, 1},
                               {16, 3},
                               {33, 16},
                               {100, 130},
                               {7, 515},
                               {2048, 10},
                               {5000, 70},
                               {0, 5},
                               {5, 0}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << columns);
    for (std::string type : {"f32", "f64"}) {
      std::string s = n(rows) + "x" + n(columns) + "x" + type, c = n(columns) + "x" + type;
      std::string body =
          op("%0", "sum(%a0, axis = [0])", {s}, c) + op("%1", "multiply(%0, %a1)", {c, c}, c);
      check(kernelText("column", {s, c}, body, {"%1", "%0"}, {c, c}), "column",
            type == "f32" ? 1e-5 : 1e-13, {"native"});
    }
  }
}

TEST(ColumnKernels, BeyondCaches) {
  for (auto [rows, columns] : {std::pair{9, 65}, {16, 2048}, {37, 2100}, {2049, 70}, {20, 4500}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << columns);
    std::string s = n(rows) + "x" + n(columns) + "xf32", c = n(columns) + "xf32";
    std::string body = op("%0", "sum(%a0, axis = [0])", {s}, c) +
                       op("%1", "max(%a0, axis = [0])", {s}, c) +
                       op("%2", "multiply(%0, %a1)", {c, c}, c);
    checkBeyondCaches(kernelText("column", {s, c}, body, {"%2", "%1"}, {c, c}), "column", 1e-5);
  }
}

// Axes stand in front of the reduced ones.
TEST(ColumnKernels, MiddleAxes) {
  for (auto [matrices, rows, columns] :
       {std::tuple{1, 5, 3}, {3, 9, 5}, {4, 31, 130}, {2, 2100, 17}, {0, 3, 4}, {3, 0, 4}}) {
    SCOPED_TRACE(testing::Message() << matrices << "x" << rows << "x" << columns);
    std::string s = n(matrices) + "x" + n(rows) + "x" + n(columns) + "xf32",
                r = n(matrices) + "x" + n(columns) + "xf32";
    std::string body = op("%0", "sum(%a0, axis = [1])", {s}, r) +
                       op("%1", "add(%0, %a1)", {r, r}, r) +
                       op("%2", "min(%a0, axis = [1])", {s}, r);
    std::string text = kernelText("reference", {s, r}, body, {"%1", "%2"}, {r, r});
    check(text, "column", 1e-5);
    checkBeyondCaches(text, "column", 1e-5);
  }
}

// The rectifier's gradient is masked where it is summed; several first axes, axes kept.
TEST(ColumnKernels, WithProducers) {
  std::string s = "6x7x40xf32", b = "6x7x40xi1", k = "1x1x40xf32";
  std::string body = op("%0", "constant(0.0, shape = [6, 7, 40], dtype = f32)", {}, s) +
                     op("%1", "greater(%a1, %0)", {s, s}, b) +
                     op("%2", "select(%1, %a0, %0)", {b, s, s}, s) +
                     op("%3", "sum(%2, axis = [0, 1], keep_dims = true)", {s}, k) +
                     op("%4", "max(%a0, axis = [0, 1])", {s}, "40xf32");
  check(kernelText("column", {s, s}, body, {"%3", "%4"}, {k, "40xf32"}), "column", 2e-6);
}

// Softmax along the first axis reads what it reduces again: no column kernel, but the reference.
TEST(ReferenceKernels, ReductionsOfMiddleAxes) {
  std::string s = "4x9x5xf32", r = "4x5xf32";
  std::string body = op("%0", "max(%a0, axis = [1])", {s}, r) +
                     op("%1", "broadcast(%0, shape = [4, 9, 5], axes = [0, 2])", {r}, s) +
                     op("%2", "subtract(%a0, %1)", {s, s}, s) + op("%3", "exp(%2)", {s}, s) +
                     op("%4", "sum(%3, axis = [1])", {s}, r) + op("%5", "log(%4)", {r}, r);
  check(kernelText("reference", {s}, body, {"%5", "%2"}, {r, s}), "reference", 2e-6);
}

TEST(ReferenceKernels, ArgmaxAndScatter) {
  std::string body = op("%0", "argmax(%a0, axis = 1)", {"6x11x3xf32"}, "6x3xi32");
  check(kernelText("reference", {"6x11x3xf32"}, body, {"%0"}, {"6x3xi32"}), "reference", 0);
  body = op("%0", "argmax(%a0, axis = -1)", {"6x40xf32"}, "6xi32") +
         op("%1", "equal(%0, %a1)", {"6xi32", "6xi32"}, "6xi1") +
         op("%2", "convert(%1, dtype = f32)", {"6xi1"}, "6xf32") +
         op("%3", "sum(%2)", {"6xf32"}, "f32");
  check(kernelText("reference", {"6x40xf32", "6xi32"}, body, {"%3", "%0"}, {"f32", "6xi32"}),
        "reference", 0);
}

TEST(ScatterKernels, AddsInOrder) {
  struct Shape {
    std::string x, indices, updates;
    int axis;
  };
  for (const Shape &each : {Shape{"7x19xf32", "5xi32", "5x19xf32", 0},
                            {"9x64xf32", "40xi32", "40x64xf32", 0},
                            {"5x3x150xf64", "2x3xi64", "2x3x3x150xf64", 0},
                            {"3x7xi32", "2x4xi64", "3x2x4xi32", 1},
                            {"4x11x1xf32", "6xi32", "4x6x1xf32", 1},
                            {"3x5xf32", "0xi32", "0x5xf32", 0},
                            {"8x0xf32", "3xi32", "3x0xf32", 0},
                            {"6x33xf32", "i32", "33xf32", 0}}) {
    SCOPED_TRACE(each.x);
    std::string body = op("%0", "scatter_add(%a0, %a1, %a2, axis = " + n(each.axis) + ")",
                          {each.x, each.indices, each.updates}, each.x);
    check(kernelText("reference", {each.x, each.indices, each.updates}, body, {"%0"}, {each.x}),
          "scatter", 2e-6);
  }
}

TEST(TransposeKernels, Squares) {
  for (auto [rows, columns] : {std::pair{16, 16}, {17, 33}, {131, 300}, {1000, 19}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << columns);
    for (std::string type : {"f32", "f64"}) {
      std::string from = n(rows) + "x" + n(columns) + "x" + type,
                  to = n(columns) + "x" + n(rows) + "x" + type;
      std::string body =
          op("%0", "transpose(%a0)", {from}, to) + op("%1", "add(%0, %a1)", {to, to}, to);
      std::string text = kernelText("map", {from, to}, body, {"%1", "%0"}, {to, to});
      check(text, "transpose", 1e-6);
      checkBeyondCaches(text, "transpose", 1e-6);
    }
  }
}

// Two inputs transposed alike between other axes, and a vector that is repeated.
TEST(TransposeKernels, AmongOtherAxes) {
  std::string from = "3x21x2x40xf32", to = "2x40x3x21xf32", v = "21xf32";
  std::string body = op("%0", "transpose(%a0, permutation = [2, 3, 0, 1])", {from}, to) +
                     op("%1", "transpose(%a1, permutation = [2, 3, 0, 1])", {from}, to) +
                     op("%2", "broadcast(%a2, shape = [2, 40, 3, 21], axes = [3])", {v}, to) +
                     op("%3", "multiply(%0, %2)", {to, to}, to) +
                     op("%4", "subtract(%3, %1)", {to, to}, to);
  check(kernelText("map", {from, from, v}, body, {"%4"}, {to}), "transpose", 2e-6);
}

// Adam-like: two inputs that are replaced, a gradient, scalars that all segments share.
TEST(SegmentKernels, Update) {
  std::vector<std::string> shapes = {"4x3xf32", "3xf32",    "100x90xf32", "1xf32",
                                     "0x4xf32", "8192xf32", "17xf32"};
  std::vector<std::string> types = {"f32", "f32"}, results, result_types;
  for (const std::string &shape : shapes) types.insert(types.end(), {shape, shape, shape});
  std::string body;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const std::string &s = shapes[i];
    std::string dims = "[" + s.substr(0, s.rfind('x')) + "]", v = "%v" + n(i) + "_";
    for (size_t at; (at = dims.find('x')) != std::string::npos;) dims.replace(at, 1, ", ");
    std::string w = "%a" + n(2 + 3 * i), m = "%a" + n(3 + 3 * i), g = "%a" + n(4 + 3 * i);
    body += op(v + "0", "exp(%a0)", {"f32"}, "f32") +
            op(v + "1", "broadcast(" + v + "0, shape = " + dims + ", axes = [])", {"f32"}, s) +
            op(v + "2", "broadcast(%a1, shape = " + dims + ", axes = [])", {"f32"}, s) +
            op(v + "3", "multiply(" + m + ", " + v + "2)", {s, s}, s) +
            op(v + "4", "add(" + v + "3, " + g + ")", {s, s}, s) +
            op(v + "5", "multiply(" + v + "4, " + v + "1)", {s, s}, s) +
            op(v + "6", "subtract(" + w + ", " + v + "5)", {s, s}, s);
    results.insert(results.end(), {v + "6", v + "4"});
    result_types.insert(result_types.end(), {s, s});
  }
  std::string text = kernelText("segments", types, body, results, result_types);
  text.replace(text.find("kind = \"segments\""), 17,
               "kind = \"segments\", segments = 7 : i64, shared = 2 : i64");
  check(text, "segments", 2e-6);
  CompiledKernel kernel(text);
  EXPECT_TRUE(kernel.func().mayShare(2, 0) && kernel.func().mayShare(3, 1));
  EXPECT_FALSE(kernel.func().mayShare(5, 0)) << "inputs of another segment";
  EXPECT_FALSE(kernel.func().mayShare(0, 6)) << "a scalar that all read";
}

}  // namespace
}  // namespace graven::codegen::cpu
