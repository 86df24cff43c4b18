// Products of bf16 in pairs (vdpbf16ps): all layouts, odd sizes and ways to pack, bit by bit as
// docs/numerics.md says and against the interpreter; and where they are not used.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "compiler/codegen/cpu/target.h"
#include "test/compiler/codegen/cpu/kernel_harness.h"

namespace graven::codegen::cpu {
namespace {

using Bytes = CompiledKernel::Bytes;

struct Size {
  int64_t m, n, k;
};

constexpr Size kSizes[] = {{1, 1, 1},    {1, 7, 5},    {7, 1, 9},     {3, 5, 0},     {17, 5, 0},
                           {0, 5, 3},    {9, 5, 1},    {9, 3, 2},     {17, 4, 3},    {16, 16, 4},
                           {17, 33, 7},  {16, 10, 29}, {33, 127, 17}, {13, 65, 101}, {2, 300, 31},
                           {1, 257, 64}, {64, 48, 97}, {127, 31, 33}, {40, 70, 131}};

const Size kFewSizes[] = {{9, 3, 2}, {17, 5, 0}, {17, 33, 7}, {40, 70, 131}};

const char *const kVariants[] = {
    "contraction:pairs=1,pack_rhs=0,pack_lhs=0",
    "contraction:pairs=1,pack_rhs=1,pack_lhs=0",
    "contraction:pairs=1,pack_rhs=1,pack_lhs=1",
    "contraction:pairs=1,pack_rhs=2,rows=3,block_rows=6",
    "contraction:pairs=1,pack_rhs=2,fetches=1",
    "contraction:pairs=1,overlaps=1,rows=3",
    "contraction:pairs=1,overlaps=1,rows=1,pack_rhs=2",
    "contraction:pairs=1,pack_rhs=3,vectors=1,rows=5",
    "contraction:pairs=1,turned=1,pack_rhs=1",
    "contraction:pairs=1,turned=1,pack_rhs=3",
};

std::string matrix(int64_t rows, int64_t columns, const std::string &type) {
  return std::to_string(rows) + "x" + std::to_string(columns) + "x" + type;
}
std::string tensor(const std::string &type) { return "tensor<" + type + ">"; }

// A product of bf16 whose sums stay f32, operands transposed where asked; bare, or with a bias and
// a rectifier.
std::string product(Size s, bool lhs_transposed, bool rhs_transposed, bool epilogue = false) {
  std::string lhs = lhs_transposed ? matrix(s.k, s.m, "bf16") : matrix(s.m, s.k, "bf16");
  std::string rhs = rhs_transposed ? matrix(s.n, s.k, "bf16") : matrix(s.k, s.n, "bf16");
  std::string out = matrix(s.m, s.n, "f32"), row = std::to_string(s.n) + "xf32";
  std::string dims = "shape = [" + std::to_string(s.m) + ", " + std::to_string(s.n) + "]";
  std::string body = "    %0 = dot_general(%a0, %a1, lhs_contract = [" +
                     std::string(lhs_transposed ? "0" : "1") + "], rhs_contract = [" +
                     (rhs_transposed ? "1" : "0") + "], dtype = f32) : (" + tensor(lhs) + ", " +
                     tensor(rhs) + ") -> " + tensor(out) + "\n";
  if (!epilogue) return kernelText("contraction", {lhs, rhs}, body, {"%0"}, {out});
  std::string two = "(" + tensor(out) + ", " + tensor(out) + ") -> " + tensor(out) + "\n";
  body += "    %1 = broadcast(%a2, " + dims + ", axes = [1]) : (" + tensor(row) + ") -> " +
          tensor(out) + "\n    %2 = add(%0, %1) : " + two + "    %3 = constant(0.0, " + dims +
          ", dtype = f32) : () -> " + tensor(out) + "\n    %4 = maximum(%2, %3) : " + two;
  return kernelText("contraction", {lhs, rhs, row}, body, {"%4"}, {out});
}

bool usesPairs(CompiledKernel &kernel) {
  return kernel.func().getStrategy().getParams().getAs<mlir::IntegerAttr>("pairs").getInt() != 0;
}

float valueOf(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

float flushed(float x) {
  return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0F, x) : x;
}

// What docs/numerics.md promises of an element: pairs in ascending order, of each the odd k first,
// by fused multiply-add that reads and writes no subnormal number; zeros follow an odd last k.
float inPairs(const std::vector<uint16_t> &left, const std::vector<uint16_t> &right) {
  float sum = 0;
  auto add = [&](size_t k) {
    float a = k < left.size() ? flushed(valueOf(left[k])) : 0;
    float b = k < left.size() ? flushed(valueOf(right[k])) : 0;
    sum = flushed(std::fma(a, b, sum));
  };
  for (size_t k = 0; k < left.size(); k += 2) {
    add(k + 1);
    add(k);
  }
  return sum;
}

// Numbers of both signs; with `wide`, so small ones among them that they or their products are
// subnormal.
std::vector<uint16_t> randomBits(size_t count, bool wide, std::mt19937 &random) {
  std::vector<uint16_t> bits(count);
  for (uint16_t &each : bits) {
    unsigned exponent = wide ? random() % 80 : 120 + random() % 10;
    each = static_cast<uint16_t>(exponent << 7 | (random() & 0x807F));
  }
  return bits;
}

Bytes bytesOf(const std::vector<uint16_t> &bits) {
  Bytes bytes(bits.size() * sizeof(uint16_t));
  if (!bits.empty()) memcpy(bytes.data(), bits.data(), bytes.size());
  return bytes;
}

class Bf16Products : public testing::Test {
 protected:
  void SetUp() override {
    auto target = resolveTarget("", "native");
    ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
    if (target->bf16_products.empty()) GTEST_SKIP() << "this CPU has no products of bf16";
  }
};

void checkBits(Size s, bool lhs_transposed, bool rhs_transposed, const std::string &variant) {
  CompiledKernel kernel(product(s, lhs_transposed, rhs_transposed), variant);
  ASSERT_TRUE(kernel.ok());
  // Lanes along k are added in an order of their own; vectors of one or two have no instruction.
  if (kernel.strategy() != "contraction" || !usesPairs(kernel)) return;
  for (bool wide : {false, true}) {
    std::mt19937 random(static_cast<unsigned>(s.m * 31 + s.n));
    std::vector<uint16_t> lhs = randomBits(s.m * s.k, wide, random);
    std::vector<uint16_t> rhs = randomBits(s.k * s.n, wide, random);
    std::vector<Bytes> outputs = kernel.run({bytesOf(lhs), bytesOf(rhs)}, 0, {-1, -1}, 2);
    int reported = 0;
    for (int64_t m = 0; m < s.m; ++m)
      for (int64_t n = 0; n < s.n && reported < 3; ++n) {
        std::vector<uint16_t> left, right;
        for (int64_t k = 0; k < s.k; ++k) {
          left.push_back(lhs[lhs_transposed ? k * s.m + m : m * s.k + k]);
          right.push_back(rhs[rhs_transposed ? n * s.k + k : k * s.n + n]);
        }
        float expected = inPairs(left, right), actual;
        memcpy(&actual, &outputs[0][(m * s.n + n) * sizeof actual], sizeof actual);
        if (memcmp(&expected, &actual, sizeof actual) == 0) continue;
        ++reported;
        ADD_FAILURE() << "(" << m << ", " << n << "): expected " << expected << ", got " << actual;
      }
  }
}

TEST_F(Bf16Products, BitsOfEveryLayoutSizeAndVariant) {
  auto check = [](Size s, const char *variant) {
    for (bool lhs_transposed : {false, true})
      for (bool rhs_transposed : {false, true}) {
        SCOPED_TRACE(testing::Message() << s.m << "x" << s.n << "x" << s.k << lhs_transposed
                                        << rhs_transposed << " " << variant);
        checkBits(s, lhs_transposed, rhs_transposed, variant);
      }
  };
  for (Size s : kSizes)
    for (const char *variant : {"", "contraction:pairs=1"}) check(s, variant);
  for (Size s : kFewSizes)
    for (const char *variant : kVariants) check(s, variant);
}

// The bound of f32 sums, k 2^-24 times the sum of the terms' magnitudes, is within 2e-6 of the
// largest element for these sizes.
TEST_F(Bf16Products, InterpreterWithEpilogues) {
  for (const char *variant : {"", "contraction:pairs=1", "contraction:pairs=0"})
    for (Size s : kSizes)
      for (bool transposed : {false, true}) {
        SCOPED_TRACE(testing::Message()
                     << s.m << "x" << s.n << "x" << s.k << transposed << " " << variant);
        CompiledKernel kernel(product(s, s.k % 2 == 0, transposed, true), variant);
        ASSERT_TRUE(kernel.ok());
        // There is no instruction for vectors of one or two results.
        if (variant == std::string("contraction:pairs=1") && s.n > 2) {
          EXPECT_TRUE(usesPairs(kernel));
        }
        kernel.check(static_cast<unsigned>(s.m + s.k), 2e-6);
      }
}

// What is written as bf16 is rounded once; half a unit in the last place is 2^-9 of the largest.
TEST_F(Bf16Products, RoundedResults) {
  std::string body =
      "    %0 = dot_general(%a0, %a1, lhs_contract = [1], rhs_contract = [0]) : "
      "(tensor<33x45xbf16>, "
      "tensor<45x50xbf16>) -> tensor<33x50xbf16>\n";
  CompiledKernel kernel(
      kernelText("contraction", {"33x45xbf16", "45x50xbf16"}, body, {"%0"}, {"33x50xbf16"}));
  ASSERT_TRUE(kernel.ok());
  EXPECT_TRUE(usesPairs(kernel));
  kernel.check(3, 1.0 / 256);
}

TEST_F(Bf16Products, Batched) {
  struct Row {
    const char *lhs, *rhs, *out, *axes;
  };
  for (Row row :
       {Row{"3x25x7xbf16", "3x7x19xbf16", "3x25x19xf32",
            "lhs_batch = [0], rhs_batch = [0], lhs_contract = [2], rhs_contract = [1]"},
        Row{"3x25x7xbf16", "3x19x7xbf16", "3x25x19xf32",
            "lhs_batch = [0], rhs_batch = [0], lhs_contract = [2], rhs_contract = [2]"},
        Row{"3x7x25xbf16", "3x19x7xbf16", "3x25x19xf32",
            "lhs_batch = [0], rhs_batch = [0], lhs_contract = [1], rhs_contract = [2]"},
        Row{"2x17x4x41xbf16", "2x30x4x41xbf16", "2x4x17x30xf32",
            "lhs_batch = [0, 2], rhs_batch = [0, 2], lhs_contract = [3], "
            "rhs_contract = [3]"},
        Row{"3x25x7xbf16", "7x19xbf16", "3x25x19xf32", "lhs_contract = [2], rhs_contract = [0]"}})
    for (const char *variant : {"contraction:pairs=1", "contraction:pairs=1,pack_rhs=1,pack_lhs=1",
                                "contraction:pairs=1,part_k=4"}) {
      SCOPED_TRACE(testing::Message() << row.axes << " " << variant);
      std::string body = std::string("    %0 = dot_general(%a0, %a1, ") + row.axes +
                         ", dtype = f32) : (" + tensor(row.lhs) + ", " + tensor(row.rhs) + ") -> " +
                         tensor(row.out) + "\n";
      CompiledKernel kernel(kernelText("contraction", {row.lhs, row.rhs}, body, {"%0"}, {row.out}),
                            variant);
      ASSERT_TRUE(kernel.ok());
      EXPECT_TRUE(usesPairs(kernel));
      kernel.check(7, 2e-6);
    }
}

// Parts of the contracted axis are even, whatever is asked for; the last one may be odd.
TEST_F(Bf16Products, SplitContractedAxis) {
  for (bool lhs_transposed : {false, true})
    for (bool rhs_transposed : {false, true}) {
      SCOPED_TRACE(testing::Message() << lhs_transposed << rhs_transposed);
      for (const char *variant : {"contraction:pairs=1,part_k=16", "contraction:pairs=1,part_k=5",
                                  "contraction:pairs=1,part_k=34,block_columns=32",
                                  "contraction:pairs=1,pack_rhs=2,depth=6",
                                  "contraction:pairs=1,pack_rhs=2,pack_lhs=1,depth=34"})
        for (Size s : {Size{1, 7, 5}, Size{17, 33, 70}, Size{29, 67, 131}}) {
          SCOPED_TRACE(testing::Message() << s.m << "x" << s.n << "x" << s.k << " " << variant);
          CompiledKernel kernel(product(s, lhs_transposed, rhs_transposed, true), variant);
          ASSERT_TRUE(kernel.ok());
          kernel.check(5, 2e-6);
        }
      CompiledKernel chosen(product({60, 64, 8193}, lhs_transposed, rhs_transposed));
      ASSERT_TRUE(chosen.ok());
      EXPECT_TRUE(usesPairs(chosen));
      EXPECT_NE(chosen.func().getSymName().str().find("bk"), std::string::npos)
          << chosen.func().getSymName().str();
      chosen.check(3, 2e-6);
    }
}

// Few rows with both operands along k: lanes lie along k, two of which a lane takes at a time.
TEST_F(Bf16Products, DotProducts) {
  for (Size s : {Size{1, 1, 64}, Size{1, 7, 65}, Size{1, 512, 131}, Size{2, 33, 100},
                 Size{3, 40, 97}, Size{4, 129, 71}, Size{8, 50, 300}, Size{1, 300, 1001}}) {
    SCOPED_TRACE(testing::Message() << s.m << "x" << s.n << "x" << s.k);
    CompiledKernel kernel(product(s, false, true, true));
    ASSERT_TRUE(kernel.ok());
    EXPECT_EQ(kernel.strategy(), "dot");
    EXPECT_TRUE(usesPairs(kernel));
    kernel.check(9, 2e-6);
  }
  for (const char *variant : {"dot:pairs=0", "dot:together=1", "dot:together=4,block_columns=16"})
    for (Size s : {Size{1, 7, 5}, Size{6, 33, 17}, Size{0, 3, 64}, Size{5, 3, 0}, Size{2, 3, 1}}) {
      SCOPED_TRACE(testing::Message() << s.m << "x" << s.n << "x" << s.k << " " << variant);
      CompiledKernel kernel(product(s, false, true, true), variant);
      ASSERT_TRUE(kernel.ok());
      kernel.check(9, 2e-6);
    }
}

// Strict code, other types and other CPUs convert and multiply f32, whatever is forced.
TEST(Bf16ProductsElsewhere, AreNotUsed) {
  std::string text = product({33, 65, 67}, false, true);
  CompiledKernel reference(text, "reference", "x86-64-v3");
  ASSERT_TRUE(reference.ok());
  std::mt19937 random(5);
  std::vector<Bytes> inputs = {bytesOf(randomBits(33 * 67, false, random)),
                               bytesOf(randomBits(65 * 67, false, random))};
  std::vector<Bytes> expected = reference.run(inputs);
  auto check = [&](CompiledKernel &kernel) {
    ASSERT_TRUE(kernel.ok());
    EXPECT_FALSE(usesPairs(kernel));
    EXPECT_EQ(kernel.run(inputs), expected);
  };
  CompiledKernel strict(text, "contraction:pairs=1", "native", [](strategy::Target &target) {
    target.numerics = strategy::Numerics::kStrict;
  });
  check(strict);
  CompiledKernel old(text, "contraction:pairs=1", "x86-64-v3");
  check(old);
  std::string few = product({1, 40, 200}, false, true);
  CompiledKernel dot(few, "dot", "x86-64-v3");
  ASSERT_TRUE(dot.ok());
  EXPECT_FALSE(usesPairs(dot));
  std::string halves = text;
  for (size_t at; (at = halves.find("bf16")) != std::string::npos;) halves.erase(at, 1);
  CompiledKernel half(halves, "contraction:pairs=1");
  ASSERT_TRUE(half.ok());
  EXPECT_FALSE(usesPairs(half));
}

TEST(Bf16ProductsElsewhere, CpusThatHaveThem) {
  struct Row {
    const char *triple, *cpu;
    bool has;
  };
  for (Row row :
       {Row{"x86_64-linux-gnu", "znver4", true}, Row{"x86_64-linux-gnu", "znver5", true},
        Row{"x86_64-linux-gnu", "sapphirerapids", true},
        Row{"x86_64-linux-gnu", "cooperlake", true},
        Row{"x86_64-linux-gnu", "icelake-server", false},
        Row{"x86_64-linux-gnu", "x86-64-v4", false}, Row{"x86_64-linux-gnu", "x86-64-v3", false},
        Row{"aarch64-linux-gnu", "neoverse-v1", false}}) {
    auto target = resolveTarget(row.triple, row.cpu);
    ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
    EXPECT_EQ(target->bf16_products, row.has ? "avx512bf16" : "") << row.cpu;
    EXPECT_FALSE(llvm::is_contained(target->required_features, "avx512bf16")) << row.cpu;
  }
}

}  // namespace
}  // namespace graven::codegen::cpu
