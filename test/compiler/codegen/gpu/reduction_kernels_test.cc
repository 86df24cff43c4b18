// Reductions on the GPU, each through its strategy, in the emulator against the interpreter.
#include <gtest/gtest.h>

#include <cmath>

#include "test/compiler/codegen/gpu/kernel_harness.h"
#include "test/compiler/codegen/kernel_text.h"

namespace graven::codegen::gpu {
namespace {

using std::string;

// Runs `text` with the strategy that is expected to be chosen; ptxas must not spill registers.
void check(const string &kernel_text, const string &expected, double tolerance,
           bool assemble = false) {
  EmulatedKernel kernel(kernel_text);
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(kernel.strategy(), expected) << kernel_text;
  kernel.check(3, tolerance);
  if (!assemble) return;
  for (const char *chip : {"sm_80", "sm_90"})
    for (const Assembled &each : assembled(kernel.ptx(), chip))
      EXPECT_EQ(each.spilled_bytes, 0) << each.kernel << " for " << chip;
}

string softmax(int64_t rows, int64_t columns, const string &type, bool several) {
  string s = typeText({rows, columns}, type), r = typeText({rows}, type),
         k = typeText({rows, 1}, type);
  string shape = listText({rows, columns});
  string body = opText("%0", "max(%a0, axis = [1])", {s}, r) +
                opText("%1", "reshape(%0, shape = " + listText({rows, 1}) + ")", {r}, k) +
                opText("%2", "broadcast(%1, shape = " + shape + ")", {k}, s) +
                opText("%3", "subtract(%a0, %2)", {s, s}, s) + opText("%4", "exp(%3)", {s}, s) +
                opText("%5", "sum(%4, axis = [1], keep_dims = true)", {s}, k) +
                opText("%6", "broadcast(%5, shape = " + shape + ")", {k}, s) +
                opText("%7", "divide(%4, %6)", {s, s}, s);
  if (!several) return kernelText("row", {s}, body, {"%7"}, {s});
  body += opText("%8", "log(%5)", {k}, k) + opText("%9", "add(%8, %1)", {k, k}, k) +
          opText("%10", "reshape(%9, shape = " + listText({rows}) + ")", {k}, r);
  return kernelText("row", {s}, body, {"%7", "%10"}, {s, r});
}

// Rows of some threads of a warp, of a warp, of a workgroup, and too long for registers.
TEST(GpuRowKernels, Softmax) {
  for (int64_t columns : {1, 3, 10, 16, 17, 127, 128, 300, 512, 1000, 1024})
    for (int64_t rows : {1, 5, 37}) {
      SCOPED_TRACE(testing::Message() << rows << "x" << columns);
      check(softmax(rows, columns, "f32", columns % 2), "row", 2e-6, rows == 5);
    }
  for (int64_t columns : {4096, 5003, 30004}) {
    SCOPED_TRACE(columns);
    check(softmax(2, columns, "f32", columns % 2), "row", 2e-6, true);
  }
  check(softmax(7, 260, "f64", true), "row", 1e-14, true);
  check(softmax(2, 2050, "f64", true), "row", 1e-14, true);
}

// Each element of a row in registers is read once, 16 bytes at a time; each level of reductions has
// one barrier.
TEST(GpuRowKernels, SoftmaxInRegisters) {
  EmulatedKernel warp(softmax(64, 512, "f32", false));
  ASSERT_TRUE(warp.ok());
  EXPECT_EQ(countOf(warp.ptx(), "ld.global"), 4);
  EXPECT_EQ(countOf(warp.ptx(), "ld.global.v4"), 4);
  EXPECT_EQ(countOf(warp.ptx(), "st.global.v4"), 4);
  EXPECT_EQ(countOf(warp.ptx(), "shfl.sync.bfly"), 10);
  EXPECT_EQ(countOf(warp.ptx(), "bar"), 0);
  EmulatedKernel block(softmax(64, 4096, "f32", false));
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(countOf(block.ptx(), "ld.global"), 4);
  EXPECT_EQ(countOf(block.ptx(), "st.global.v4"), 4);
  EXPECT_EQ(countOf(block.ptx(), "bar.sync"), 2);
}

// The bits of a row do not depend on how many there are.
TEST(GpuRowKernels, BitsOfARowAreItsOwn) {
  for (int64_t columns : {10, 130, 700}) {
    EmulatedKernel one(softmax(1, columns, "f32", false)), many(softmax(45, columns, "f32", false));
    ASSERT_TRUE(one.ok() && many.ok());
    Bytes inputs = encode(many.func().getInputTypes()[0], randomInputs(many.func(), 7, -3, 3)[0]);
    Bytes all = many.run({inputs})[0];
    size_t bytes = columns * 4;
    for (size_t row : {0, 31, 44}) {
      Bytes input(inputs.begin() + row * bytes, inputs.begin() + (row + 1) * bytes);
      Bytes expected(all.begin() + row * bytes, all.begin() + (row + 1) * bytes);
      EXPECT_EQ(one.run({input})[0], expected) << "row " << row << " of " << columns;
    }
  }
}

// Mean and variance over the last two axes, then scale and shift by vectors of the last axis.
TEST(GpuRowKernels, Norm) {
  for (auto [rows, a, b] : {std::tuple{3, 4, 5}, {6, 8, 32}, {4, 3, 700}, {2, 7, 900}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << a << "x" << b);
    string s = typeText({rows, a, b}, "f32"), r = typeText({rows}, "f32"), c = typeText({b}, "f32");
    string shape = listText({rows, a, b});
    string constant = "constant(" + std::to_string(1.0 / (a * b)) +
                      ", shape = " + listText({rows}) + ", dtype = f32)";
    string body = opText("%0", "sum(%a0, axis = [1, 2])", {s}, r) + opText("%1", constant, {}, r) +
                  opText("%2", "multiply(%0, %1)", {r, r}, r) +
                  opText("%3", "broadcast(%2, shape = " + shape + ", axes = [0])", {r}, s) +
                  opText("%4", "subtract(%a0, %3)", {s, s}, s) +
                  opText("%5", "multiply(%4, %4)", {s, s}, s) +
                  opText("%6", "sum(%5, axis = [1, 2])", {s}, r) +
                  opText("%7", "multiply(%6, %1)", {r, r}, r) + opText("%8", "rsqrt(%7)", {r}, r) +
                  opText("%9", "broadcast(%8, shape = " + shape + ", axes = [0])", {r}, s) +
                  opText("%10", "multiply(%4, %9)", {s, s}, s) +
                  opText("%11", "broadcast(%a1, shape = " + shape + ", axes = [2])", {c}, s) +
                  opText("%12", "multiply(%10, %11)", {s, s}, s);
    check(kernelText("row", {s, c}, body, {"%12", "%2", "%8"}, {s, r, r}), "row", 1e-5, true);
  }
}

// Few different values: the first of equals wins, wherever it stands.
TEST(GpuRowKernels, Argmax) {
  for (int64_t columns : {1, 2, 10, 17, 128, 129, 1009, 20000})
    for (string type : {"f32", "i32"}) {
      SCOPED_TRACE(testing::Message() << columns << " " << type);
      string s = typeText({3, columns}, type), r = "3xi32";
      check(
          kernelText("reference", {s}, opText("%0", "argmax(%a0, axis = 1)", {s}, r), {"%0"}, {r}),
          "row", 0);
    }
  for (string type : {"f64", "i64", "i1", "ui8", "f32"}) {
    string s = "3x5x131x" + type, r = "3x5xi32";
    check(kernelText("reference", {s}, opText("%0", "argmax(%a0, axis = -1)", {s}, r), {"%0"}, {r}),
          "row", 0);
  }
}

// A NaN is larger than any number, the first of several wins; so does the first of infinities and
// of zeros, whatever their signs.
TEST(GpuRowKernels, ArgmaxOfSpecialNumbers) {
  constexpr int64_t kColumns = 150;
  EmulatedKernel kernel(kernelText("reference", {"6x150xf32"},
                                   opText("%0", "argmax(%a0, axis = 1)", {"6x150xf32"}, "6xi32"),
                                   {"%0"}, {"6xi32"}));
  ASSERT_TRUE(kernel.ok());
  for (int64_t place : {0, 1, 15, 17, 63, 127, 149}) {
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
    auto out = kernel.run({encode(kernel.func().getInputTypes()[0], x)});
    auto at = static_cast<double>(place);
    EXPECT_EQ(decode(kernel.func().getOutputTypes()[0], out[0]), (Numbers{at, at, at, 0, at, at}));
  }
}

// Reductions of one another's level, of integers, and row by row inputs.
TEST(GpuRowKernels, SeveralReductions) {
  for (int64_t columns : {7, 150, 1100, 20000}) {
    SCOPED_TRACE(columns);
    std::vector<int64_t> both = {9, columns};
    string s = typeText(both, "f32"), b = typeText(both, "i1"), i = typeText(both, "i32");
    string shape = listText(both);
    string body = opText("%0", "sum(%a0, axis = 1)", {s}, "9xf32") +
                  opText("%1", "min(%a0, axis = 1)", {s}, "9xf32") +
                  opText("%2", "broadcast(%a1, shape = " + shape + ", axes = [0])", {"9xf32"}, s) +
                  opText("%3", "greater(%a0, %2)", {s, s}, b) +
                  opText("%4", "convert(%3, dtype = i32)", {b}, i) +
                  opText("%5", "sum(%4, axis = 1)", {i}, "9xi32") +
                  opText("%6", "max(%4, axis = 1)", {i}, "9xi32") +
                  opText("%7", "broadcast(%0, shape = " + shape + ", axes = [0])", {"9xf32"}, s) +
                  opText("%8", "multiply(%7, %a0)", {s, s}, s) +
                  opText("%9", "max(%8, axis = 1)", {s}, "9xf32");
    check(kernelText("row", {s, "9xf32"}, body, {"%1", "%5", "%6", "%9"},
                     {"9xf32", "9xi32", "9xi32", "9xf32"}),
          "row", 1e-4);
  }
}

// First and last axes are reduced: statistics of channels.
TEST(GpuRowKernels, FirstAndLastAxes) {
  for (auto [outer, kept, inner] :
       {std::tuple{1, 1, 1}, {2, 3, 5}, {5, 17, 49}, {3, 64, 784}, {31, 2, 131}, {2, 131, 4}}) {
    SCOPED_TRACE(testing::Message() << outer << "x" << kept << "x" << inner);
    string s = typeText({outer, kept, inner}, "f32"), r = typeText({kept}, "f32");
    string shape = listText({outer, kept, inner});
    string body =
        opText("%0", "broadcast(%a1, shape = " + shape + ", axes = [1])", {r}, s) +
        opText("%1", "subtract(%a0, %0)", {s, s}, s) + opText("%2", "multiply(%1, %1)", {s, s}, s) +
        opText("%3", "sum(%2, axis = [0, 2])", {s}, r) + opText("%4", "add(%3, %a1)", {r, r}, r) +
        opText("%5", "max(%a0, axis = [0, 2])", {s}, r);
    check(kernelText("reference", {s, r}, body, {"%4", "%5"}, {r, r}), "row", 1e-5);
  }
}

// Everything to one number, in two stages where it is long.
TEST(GpuRowKernels, WholeSum) {
  for (int64_t length : {1, 33, 4096, 32767, 32768, 100000}) {
    SCOPED_TRACE(length);
    string s = typeText({length}, "f32");
    string body = opText("%0", "multiply(%a0, %a0)", {s, s}, s) +
                  opText("%1", "sum(%0, axis = [0])", {s}, "f32") +
                  opText("%2", "sqrt(%1)", {"f32"}, "f32");
    check(kernelText("row", {s}, body, {"%2"}, {"f32"}), "row", 1e-6, true);
  }
}

string columnSums(int64_t rows, int64_t columns, const string &type) {
  string s = typeText({rows, columns}, type), c = typeText({columns}, type);
  string body =
      opText("%0", "multiply(%a0, %a1)", {s, s}, s) + opText("%1", "sum(%0, axis = [0])", {s}, c) +
      opText("%2", "max(%a0, axis = [0])", {s}, c) + opText("%3", "add(%1, %a2)", {c, c}, c);
  return kernelText("column", {s, s, c}, body, {"%3", "%2"}, {c, c});
}

TEST(GpuColumnKernels, Sums) {
  for (int64_t columns : {1, 3, 10, 32, 100, 129, 500})
    for (int64_t rows : {1, 7, 33, 128}) {
      SCOPED_TRACE(testing::Message() << rows << "x" << columns);
      check(columnSums(rows, columns, "f32"), "column", 1e-5, rows == 33);
    }
  for (auto [rows, columns] : {std::pair{1024, 6}, {1025, 40}, {2600, 33}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << columns);
    check(columnSums(rows, columns, "f32"), "column", 1e-5, true);
  }
  check(columnSums(1100, 24, "f64"), "column", 1e-13, true);
}

// A gradient's update is computed with it, in place.
TEST(GpuColumnKernels, Update) {
  string s = "128x52xf32", c = "52xf32";
  string body = opText("%0", "sum(%a0, axis = [0])", {s}, c) +
                opText("%1", "multiply(%0, %a2)", {c, c}, c) +
                opText("%2", "subtract(%a1, %1)", {c, c}, c);
  string kernel_text = kernelText("column", {s, c, c}, body, {"%2"}, {c});
  EmulatedKernel kernel(kernel_text);
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(kernel.func().getSameIndex().size(), 2u);
  check(kernel_text, "column", 1e-5);
}

TEST(GpuColumnKernels, MiddleAxes) {
  for (auto [before, middle, behind] :
       {std::tuple{3, 5, 7}, {2, 40, 32}, {5, 1030, 3}, {1, 9, 65}, {4, 6, 1}}) {
    SCOPED_TRACE(testing::Message() << before << "x" << middle << "x" << behind);
    string s = typeText({before, middle, behind}, "f32"), r = typeText({before, behind}, "f32");
    string body = opText("%0", "sum(%a0, axis = [1])", {s}, r) + opText("%1", "exp(%0)", {r}, r);
    EmulatedKernel kernel(kernelText("column", {s}, body, {"%0", "%1"}, {r, r}));
    ASSERT_TRUE(kernel.ok());
    kernel.check(4, 1e-5, -0.01, 0.01);
  }
}

TEST(GpuTransposeKernels, Transposed) {
  for (auto [rows, columns] : {std::pair{16, 16}, {32, 32}, {33, 65}, {127, 40}, {100, 16}})
    for (string type : {"f32", "f64", "i32"}) {
      SCOPED_TRACE(testing::Message() << rows << "x" << columns << " " << type);
      string from = typeText({columns, rows}, type), to = typeText({rows, columns}, type);
      string body = opText("%0", "transpose(%a0)", {from}, to) +
                    opText("%1", "add(%0, %a1)", {to, to}, to) +
                    opText("%2", "transpose(%a2)", {from}, to) +
                    opText("%3", "multiply(%1, %2)", {to, to}, to);
      check(kernelText("map", {from, to, from}, body, {"%3"}, {to}), "transpose", 1e-6);
    }
  string from = "3x40x5x33xf32", to = "33x3x5x40xf32";
  check(kernelText("map", {from},
                   opText("%0", "transpose(%a0, permutation = [3, 0, 2, 1])", {from}, to), {"%0"},
                   {to}),
        "transpose", 0);
}

TEST(GpuScatterKernels, InTheOrderOfIndices) {
  for (auto [rows, columns, updates] :
       {std::tuple{7, 5, 3}, {10, 64, 40}, {33, 129, 100}, {3, 1000, 33}, {50, 1, 64}}) {
    SCOPED_TRACE(testing::Message() << rows << "x" << columns << " " << updates);
    string x = typeText({rows, columns}, "f32"), u = typeText({updates, columns}, "f32"),
           i = typeText({updates}, "i32");
    string body = opText("%0", "scatter_add(%a0, %a1, %a2, axis = 0)", {x, i, u}, x);
    check(kernelText("reference", {x, i, u}, body, {"%0"}, {x}), "scatter", 1e-5);
  }
  // Indices of several axes, in the middle of the result's.
  string x = "2x9x12xf64", u = "2x5x7x12xf64", i = "5x7xi64";
  check(kernelText("reference", {x, i, u},
                   opText("%0", "scatter_add(%a0, %a1, %a2, axis = 1)", {x, i, u}, x), {"%0"}, {x}),
        "scatter", 1e-13);
}

// Elements of 16 bits: what rounds nothing is computed with them, the rest between conversions.
// Long rows and columns go through partial results, which then are of 16 bits, too.
TEST(GpuNarrowKernels, Rows) {
  for (string type : {"f16", "bf16"})
    for (auto [rows, columns] : {std::pair{5, 10}, {3, 129}, {4, 1024}, {2, 5003}, {1, 100000}}) {
      SCOPED_TRACE(testing::Message() << rows << "x" << columns << " " << type);
      std::vector<int64_t> both = {rows, columns};
      string n = typeText(both, type), w = typeText(both, "f32");
      string r = typeText({rows}, type), v = typeText({rows}, "f32");
      string body = opText("%0", "max(%a0, axis = [1])", {n}, r) +
                    opText("%1", "min(%a0, axis = [1])", {n}, r) +
                    opText("%2", "convert(%a0, dtype = f32)", {n}, w) +
                    opText("%3", "sum(%2, axis = [1])", {w}, v) +
                    opText("%4", "convert(%3, dtype = " + type + ")", {v}, r);
      double rounding = type == "f16" ? 0x1p-10 : 0x1p-7;
      check(kernelText("row", {n}, body, {"%0", "%1", "%4"}, {r, r, r}), "row", rounding, true);
      if (rows > 1)
        check(kernelText("reference", {n},
                         opText("%0", "argmax(%a0, axis = 1)", {n}, typeText({rows}, "i32")),
                         {"%0"}, {typeText({rows}, "i32")}),
              "row", 0);
    }
}

TEST(GpuNarrowKernels, Columns) {
  for (string type : {"f16", "bf16"})
    for (auto [rows, columns] : {std::pair{7, 10}, {33, 129}, {128, 500}, {2600, 33}}) {
      SCOPED_TRACE(testing::Message() << rows << "x" << columns << " " << type);
      std::vector<int64_t> both = {rows, columns};
      string n = typeText(both, type), w = typeText(both, "f32");
      string c = typeText({columns}, type), v = typeText({columns}, "f32");
      string body = opText("%0", "max(%a0, axis = [0])", {n}, c) +
                    opText("%1", "convert(%a0, dtype = f32)", {n}, w) +
                    opText("%2", "sum(%1, axis = [0])", {w}, v) +
                    opText("%3", "convert(%2, dtype = " + type + ")", {v}, c);
      double rounding = type == "f16" ? 0x1p-10 : 0x1p-7;
      check(kernelText("column", {n}, body, {"%0", "%3"}, {c, c}), "column", rounding, true);
    }
}

// A thread has eight elements: accesses of 16 bytes. Ends that are no multiple of them.
TEST(GpuNarrowKernels, ElementwiseAndTransposed) {
  for (string type : {"f16", "bf16"}) {
    for (int64_t length : {1, 7, 1000, 4096, 65537}) {
      SCOPED_TRACE(testing::Message() << length << " " << type);
      string n = typeText({length}, type), w = typeText({length}, "f32");
      string body = opText("%0", "convert(%a0, dtype = f32)", {n}, w) +
                    opText("%1", "multiply(%0, %a1)", {w, w}, w) +
                    opText("%2", "convert(%1, dtype = " + type + ")", {w}, n) +
                    opText("%3", "maximum(%2, %a0)", {n, n}, n);
      check(kernelText("map", {n, w}, body, {"%3"}, {n}), "map", type == "f16" ? 0x1p-10 : 0x1p-7,
            true);
    }
    EmulatedKernel copy(
        kernelText("map", {"262144x" + type},
                   opText("%0", "negate(%a0)", {"262144x" + type}, "262144x" + type), {"%0"},
                   {"262144x" + type}));
    ASSERT_TRUE(copy.ok());
    for (const char *access : {"ld.global", "st.global"}) {
      EXPECT_EQ(countOf(copy.ptx(), string(access) + ".v4.b32"), 1);
      EXPECT_EQ(countOf(copy.ptx(), access), 1);
    }
    for (auto [rows, columns] : {std::pair{16, 16}, {33, 65}, {127, 40}}) {
      string from = typeText({columns, rows}, type), to = typeText({rows, columns}, type);
      EmulatedKernel turned(
          kernelText("map", {from}, opText("%0", "transpose(%a0)", {from}, to), {"%0"}, {to}));
      ASSERT_TRUE(turned.ok());
      turned.check(3, 0);
    }
  }
}

}  // namespace
}  // namespace graven::codegen::gpu
