// Products of 16-bit floats on the GPU's tensor cores, in the emulator, against sums in double
// precision.
#include <gtest/gtest.h>

#include "test/compiler/codegen/gpu/product_cases.h"

namespace graven::codegen::gpu {
namespace {

TEST(GpuTensorKernels, AllLayouts) {
  int number = 0;
  for (auto [m, n, k] : kSizes)
    for (bool lhs : {false, true})
      for (bool rhs : {false, true}) check({m, n, k, lhs, rhs, number++ % 3 ? "bf16" : "f16"});
}

// Widths of copies between one element and 16 bytes; ends of k within a tile.
TEST(GpuTensorKernels, Widths) {
  for (auto [m, n, k] :
       {std::array<int64_t, 3>{64, 64, 64}, {40, 72, 40}, {36, 44, 52}, {34, 46, 50}})
    for (bool lhs : {false, true})
      for (bool rhs : {false, true})
        for (const char *type : {"f16", "bf16"}) check({m, n, k, lhs, rhs, type});
}

TEST(GpuTensorKernels, Batched) {
  for (auto [m, n, k] : {std::array<int64_t, 3>{1, 7, 65}, {63, 65, 7}, {64, 32, 32}})
    for (bool lhs : {false, true})
      for (bool rhs : {false, true}) check({m, n, k, lhs, rhs, lhs ? "f16" : "bf16", 3});
}

// Blocks of all forms, whatever the cost model would choose. A product's bits do not depend on
// them.
TEST(GpuTensorKernels, ForcedTilings) {
  const char *const variants[] = {
      "block_m=128,block_n=128,block_k=32,thread_m=8,thread_n=8,stages=4",
      "block_m=64,block_n=128,block_k=16,thread_m=4,thread_n=8,stages=2",
      "block_m=64,block_n=64,block_k=64,thread_m=8,thread_n=4,stages=3",
      "block_m=32,block_n=16,block_k=32,thread_m=2,thread_n=4,stages=3",
      "block_m=16,block_n=64,block_k=128,thread_m=2,thread_n=4,stages=2",
  };
  for (const Product &p :
       {Product{65, 127, 63, false, false, "f16"}, Product{72, 136, 64, true, true, "bf16"},
        Product{7, 65, 33, true, false, "bf16"}, Product{40, 20, 200, false, true, "f16"}}) {
    Bytes expected;
    for (const char *variant : variants) {
      Bytes bits = check(p, string("contraction:part_k=0,") + variant);
      if (expected.empty()) expected = bits;
      EXPECT_EQ(bits, expected) << p.told() << " " << variant;
    }
  }
}

// Parts of k, each summed by workgroups of its own, the last one shorter.
TEST(GpuTensorKernels, PartsOfK) {
  const char *const block = "block_m=32,block_n=32,block_k=32,thread_m=2,thread_n=4,stages=3";
  for (const char *part : {"32", "96"})
    for (const Product &p :
         {Product{33, 40, 130, true, false, "bf16"}, Product{32, 64, 128, true, false, "f16"},
          Product{6, 9, 70, true, true, "f16", 2}})
      check(p, string("contraction:") + block + ",part_k=" + part);
  EmulatedKernel kernel(Product{20, 30, 3000, true, false, "bf16"}.withEpilogue());
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(kernel.func().getStages().size(), 2u);
  kernel.check(3, 5e-6);
}

// Bias, residual and rectifier in f32, and a result that is rounded to the operands' type.
TEST(GpuTensorKernels, Epilogue) {
  for (auto [m, n, k] :
       {std::array<int64_t, 3>{1, 10, 63}, {7, 64, 65}, {65, 63, 7}, {64, 128, 32}})
    for (const char *type : {"f16", "bf16"}) {
      Product p{m, n, k, false, m % 2 == 0, type, m == 7 ? 2 : 0};
      SCOPED_TRACE(p.told());
      EmulatedKernel kernel(p.withEpilogue(), "contraction");
      ASSERT_TRUE(kernel.ok());
      kernel.check(static_cast<unsigned>(n), 2e-6);
      string narrow = typeText(p.shape(m, n), type);
      string body =
          p.op() + opText("%1", string("convert(%0, dtype = ") + type + ")", {p.out()}, narrow);
      EmulatedKernel rounded(kernelText("contraction", {p.lhs(), p.rhs()}, body, {"%1"}, {narrow}),
                             "contraction");
      ASSERT_TRUE(rounded.ok());
      rounded.check(static_cast<unsigned>(n), p.type == "f16" ? 0x1p-10 : 0x1p-7);
    }
}

// Operands that are computed while they are copied, in both directions of storage.
TEST(GpuTensorKernels, Prologue) {
  for (auto [m, n, k] : {std::array<int64_t, 3>{20, 7, 63}, {64, 64, 144}})
    for (bool lhs : {false, true})
      for (bool rhs : {false, true}) {
        Product p{m, n, k, lhs, rhs, lhs ? "f16" : "bf16"};
        SCOPED_TRACE(p.told());
        string l = p.lhs(), r = p.rhs(), o = p.out();
        string body = opText("%10", "multiply(%a0, %a2)", {l, l}, l) +
                      opText("%11", "negate(%a1)", {r}, r) + p.op("%10", "%11");
        EmulatedKernel kernel(kernelText("contraction", {l, r, l}, body, {"%0"}, {o}),
                              "contraction");
        ASSERT_TRUE(kernel.ok());
        kernel.check(5, lhs ? 0x1p-9 : 0x1p-6);  // the reference does not round on the way
      }
}

// The same row alone has the same bits.
TEST(GpuTensorKernels, RowsHaveTheBitsTheyHaveAlone) {
  Product all{37, 45, 67, false, false, "bf16"}, one{1, 45, 67, false, false, "bf16"};
  EmulatedKernel whole(all.bare()), single(one.bare());
  ASSERT_TRUE(whole.ok() && single.ok());
  std::vector<Numbers> numbers;
  std::vector<Bytes> inputs = inputsOf(whole, 5, &numbers);
  Bytes expected = whole.run(inputs)[0];
  for (int64_t row : {0, 17, 36}) {
    int64_t in = all.k * 2, out = all.n * 4;
    Bytes lhs(inputs[0].begin() + row * in, inputs[0].begin() + (row + 1) * in);
    Bytes want(expected.begin() + row * out, expected.begin() + (row + 1) * out);
    EXPECT_EQ(want, single.run({lhs, inputs[1]})[0]) << "row " << row;
  }
}

// Strict code may not sum in an order of the machine's.
TEST(GpuTensorKernels, NotWithStrictNumerics) {
  EmulatedKernel kernel(
      Product{20, 30, 40, false, false, "bf16"}.bare(), "",
      [](strategy::Target &target) { target.numerics = strategy::Numerics::kStrict; });
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(countOf(kernel.ptx(), "mma.sync"), 0);
  kernel.check(3, 2e-6);
}

// What can go wrong in such a kernel, done on purpose: the emulator or the result tells each.
TEST(GpuTensorMutations, AllAreCaught) {
  struct Rule {
    const char *name, *pattern;
    int64_t more, least;  // added to the number; places
    const char *with = "";
  };
  const Rule rules[] = {
      {"barrier left out", R"(\n(\tbar\.sync[^\n]*))", 0, 3},
      {"wait for one copy less", R"(cp\.async\.wait_group\s+(\d+))", 1, 2},
      {"wait left out", R"(\n(\tcp\.async\.wait_group[^\n]*))", 0, 2},
      {"copies not closed", R"(\n(\tcp\.async\.commit_group[^\n]*))", 0, 2},
      {"another swizzle", R"(\t(xor)\.b64)", 0, 5, "or"},
      {"bound of an index", R"(\tmin\.[us]64[^\n]*, (54|50);)", 1, 2},
      {"bound of a store", R"(\tsetp\.[gl][te]\.[us]64[^\n]*, (5[0145]);)", 8, 2},
      {"bound of k", R"(\tsetp\.lt\.u64[^\n]*, (\d+);\n\tselp)", 8, 1},
      {"other rows multiplied", R"(ldmatrix[^\[]*\[%rd\d+\+(\d+)\])", 64, 1},
  };
  for (const char *stages : {"stages=2", "stages=4"})
    for (const Rule &rule : rules) {
      SCOPED_TRACE(testing::Message() << rule.name << ", " << stages);
      Product p{55, 51, 168, false, true, "bf16"};
      EmulatedKernel kernel(
          p.bare(),
          string("contraction:block_m=32,block_n=32,thread_m=2,thread_n=4,block_k=32,part_k=0,") +
              stages);
      ASSERT_TRUE(kernel.ok());
      std::vector<Numbers> numbers;
      std::vector<Bytes> inputs = inputsOf(kernel, 3, &numbers);
      EXPECT_EQ(kernel.faultOf(kernel.ptx(), inputs), "");
      std::vector<string> texts = mutants(kernel.ptx(), rule.pattern, rule.more, rule.with);
      EXPECT_GE(static_cast<int64_t>(texts.size()), rule.least);
      for (auto [number, text] : llvm::enumerate(texts))
        EXPECT_NE(kernel.faultOf(text, inputs), "") << "place " << number;
    }
}

// Large products with aligned rows: 16 bytes at a time, tensor cores, nothing spilled.
TEST(GpuTensorKernels, Structure) {
  for (const char *type : {"f16", "bf16"})
    for (bool lhs : {false, true})
      for (bool rhs : {false, true}) {
        Product p{2048, 2048, 1024, lhs, rhs, type};
        SCOPED_TRACE(p.told());
        EmulatedKernel kernel(p.bare());
        ASSERT_TRUE(kernel.ok());
        const string &ptx = kernel.ptx();
        EXPECT_EQ(countOf(ptx, "ld.global"), 0);
        EXPECT_GT(countOf(ptx, "st.global"), 0);
        EXPECT_EQ(countOf(ptx, "st.global"), countOf(ptx, "st.global.v4.b32"));
        EXPECT_EQ(countOf(ptx, "cp.async.ca"), 0);
        EXPECT_GT(countOf(ptx, "cp.async.cg"), 0);
        EXPECT_EQ(countOf(ptx, ".local"), 0);
        EXPECT_EQ(countOf(ptx, ".extern .func"), 0);
        std::vector<std::vector<string>> loops = innermostLoops(ptx);
        ASSERT_GE(loops.size(), 1u);
        auto starting = [&](llvm::StringRef start) {
          return llvm::count_if(loops[0],
                                [&](llvm::StringRef line) { return line.starts_with(start); });
        };
        EXPECT_EQ(starting("mma.sync.aligned.m16n8k16"), 32);
        EXPECT_EQ(starting("ldmatrix"), 12);
        EXPECT_EQ(starting("cp.async.cg"), 4);
        EXPECT_EQ(starting("bar.sync"), 1);
        EXPECT_LE(loops[0].size(), 100u);
        for (const char *chip : {"sm_80", "sm_90"})
          for (const Assembled &each : assembled(ptx, chip)) {
            EXPECT_EQ(each.spilled_bytes, 0) << each.kernel << " for " << chip;
            EXPECT_LE(each.registers, 128) << each.kernel << " for " << chip;
          }
      }
}

// The registers are enough for odd lengths and for what is computed on the way, too.
TEST(GpuTensorKernels, NothingIsSpilled) {
  for (auto [m, n, k] :
       {std::array<int64_t, 3>{2048, 2048, 512}, {2047, 2045, 511}, {8, 4096, 4096}})
    for (int variant = 0; variant < 4; ++variant) {
      Product p{m, n, k, variant % 2 == 1, variant / 2 == 1, variant % 2 ? "f16" : "bf16"};
      SCOPED_TRACE(p.told());
      string l = p.lhs(), r = p.rhs(), o = p.out();
      string body = opText("%10", "multiply(%a0, %a2)", {l, l}, l) +
                    opText("%11", "negate(%a1)", {r}, r) + p.op("%10", "%11") +
                    opText("%1", "logistic(%0)", {o}, o) + opText("%2", "add(%1, %a3)", {o, o}, o);
      for (const string &text :
           {kernelText("contraction", {l, r, l, o}, body, {"%2"}, {o}), p.withEpilogue()}) {
        EmulatedKernel kernel(text, "contraction");
        ASSERT_TRUE(kernel.ok());
        EXPECT_EQ(countOf(kernel.ptx(), ".local"), 0);
        for (const Assembled &each : assembled(kernel.ptx(), variant < 2 ? "sm_80" : "sm_90"))
          EXPECT_EQ(each.spilled_bytes, 0) << each.kernel;
      }
    }
}

}  // namespace
}  // namespace graven::codegen::gpu
