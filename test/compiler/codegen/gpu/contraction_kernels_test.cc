// Matrix products on the GPU in the emulator, against sums in double precision: their forms, what
// is computed with them, and ways to break them. Sizes and layouts: product_kernels_test.cc.
#include <gtest/gtest.h>

#include "test/compiler/codegen/gpu/product_cases.h"

namespace graven::codegen::gpu {
namespace {

using std::string;

// Blocks of all forms, whatever the cost model would choose. A product's bits do not depend on
// them.
TEST(GpuContractionKernels, ForcedTilings) {
  const char *const variants[] = {
      "block_m=128,block_n=128,block_k=16,thread_m=8,thread_n=8,stages=2",
      "block_m=64,block_n=128,block_k=8,thread_m=8,thread_n=4,stages=3",
      "block_m=64,block_n=64,block_k=16,thread_m=4,thread_n=8,stages=2",
      "block_m=32,block_n=16,block_k=32,thread_m=4,thread_n=1,stages=2",
      "block_m=8,block_n=32,block_k=16,thread_m=2,thread_n=2,stages=4",
      "block_m=1,block_n=64,block_k=32,thread_m=1,thread_n=1,stages=4",
  };
  for (const Product &p : {Product{65, 127, 63, false, false}, Product{68, 136, 64, true, true},
                           Product{7, 65, 33, true, false}, Product{40, 20, 100, false, true}}) {
    Bytes expected;
    for (const char *variant : variants) {
      Bytes bits = check(p, string("contraction:part_k=0,") + variant);
      if (expected.empty()) expected = bits;
      EXPECT_EQ(bits, expected) << p.told() << " " << variant;
    }
  }
}

// Parts of k, each summed by workgroups of its own, the last one shorter.
TEST(GpuContractionKernels, PartsOfK) {
  const char *const block = "block_m=32,block_n=32,block_k=16,thread_m=4,thread_n=4,stages=2";
  for (const char *part : {"16", "64", "112"})
    for (const Product &p :
         {Product{33, 40, 130, true, false}, Product{32, 64, 128, true, false},
          Product{5, 31, 200, false, true, "f64"}, Product{6, 9, 70, true, true, "f32", 2}})
      check(p, string("contraction:") + block + ",part_k=" + part);
  // The choice itself: a gradient of few weights from many rows.
  EmulatedKernel kernel(Product{20, 30, 3000, true, false}.withEpilogue());
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(kernel.func().getStages().size(), 2u);
  EXPECT_GT(kernel.func().getScratchBytes(), 0);
  kernel.check(3, 5e-6);
}

TEST(GpuContractionKernels, Epilogue) {
  for (auto [m, n, k] :
       {std::array<int64_t, 3>{1, 10, 63}, {7, 64, 65}, {65, 63, 7}, {64, 128, 32}})
    for (const char *type : {"f32", "f64"}) {
      Product p{m, n, k, false, m % 2 == 0, type, m == 7 ? 2 : 0};
      SCOPED_TRACE(p.told());
      EmulatedKernel kernel(p.withEpilogue(), "contraction");
      ASSERT_TRUE(kernel.ok());
      kernel.check(static_cast<unsigned>(n), p.type == "f32" ? 2e-6 : 1e-14);
    }
}

// Costly epilogues go through shared memory: the code is there once. Both ways agree.
TEST(GpuContractionKernels, CostlyEpilogue) {
  for (auto [m, n] : {std::pair{64, 64}, {65, 63}, {5, 1000}}) {
    Product p{m, n, 33};
    string o = p.out();
    string body = p.op() + opText("%1", "tanh(%0)", {o}, o) + opText("%2", "exp(%1)", {o}, o) +
                  opText("%3", "multiply(%2, %a2)", {o, o}, o);
    SCOPED_TRACE(p.told());
    EmulatedKernel kernel(
        kernelText("contraction", {p.lhs(), p.rhs(), o}, body, {"%3", "%1"}, {o, o}),
        "contraction");
    ASSERT_TRUE(kernel.ok());
    kernel.check(5, 2e-5);
  }
}

// Operands that are computed while they are copied, in both directions of storage.
TEST(GpuContractionKernels, Prologue) {
  for (auto [m, n, k] :
       {std::array<int64_t, 3>{1, 33, 64}, {20, 7, 63}, {64, 64, 144}, {65, 127, 20}})
    for (bool lhs : {false, true})
      for (bool rhs : {false, true}) {
        Product p{m, n, k, lhs, rhs};
        SCOPED_TRACE(p.told());
        string l = p.lhs(), r = p.rhs(), o = p.out();
        string body = opText("%10", "multiply(%a0, %a2)", {l, l}, l) +
                      opText("%11", "negate(%a1)", {r}, r) + p.op("%10", "%11") +
                      opText("%1", "add(%0, %a3)", {o, o}, o);
        EmulatedKernel kernel(kernelText("contraction", {l, r, l, o}, body, {"%1"}, {o}));
        ASSERT_TRUE(kernel.ok());
        EXPECT_EQ(kernel.strategy(), "contraction");
        kernel.check(5, 2e-6);
      }
}

TEST(GpuContractionKernels, SeveralAxes) {
  struct Row {
    const char *lhs, *rhs, *out, *axes, *strategy = "contraction";
  };
  const Row rows[] = {
      {"2x17x4x40xf32", "2x30x4x40xf32", "2x4x17x30xf32",
       "lhs_batch = [0, 2], rhs_batch = [0, 2], lhs_contract = [3], rhs_contract = [3]"},
      {"3x5x7xf32", "7x9xf32", "3x5x9xf32", "lhs_contract = [2], rhs_contract = [0]"},
      {"3x5x7xf32", "3x5x9xf32", "7x9xf32", "lhs_contract = [0, 1], rhs_contract = [0, 1]"},
      {"3x6x5xf32", "6x4xf32", "3x5x4xf32", "lhs_contract = [1], rhs_contract = [0]"},
      {"5x7xf32", "7xf32", "5xf32", "lhs_contract = [1], rhs_contract = [0]"},
      {"7xf32", "7x5xf32", "5xf32", "lhs_contract = [0], rhs_contract = [0]"},
      {"70xf32", "70xf32", "f32", "lhs_contract = [0], rhs_contract = [0]", "dot"},
      {"3x5x70xf32", "3x70xf32", "3x5xf32",
       "lhs_batch = [0], rhs_batch = [0], lhs_contract = [2], rhs_contract = [1]", "dot"},
      {"7xf32", "9xf32", "7x9xf32", "lhs_contract = [], rhs_contract = []"},
      {"2x3x70xf32", "2x70x80xf32", "2x3x80xf32",
       "lhs_batch = [0], rhs_batch = [0], lhs_contract = [2], rhs_contract = [1]", "dot"},
  };
  for (const Row &row : rows) {
    SCOPED_TRACE(row.axes);
    string body = opText("%0", string("dot_general(%a0, %a1, ") + row.axes + ")",
                         {row.lhs, row.rhs}, row.out) +
                  opText("%1", "negate(%0)", {row.out}, row.out);
    for (const char *only : {"", "contraction"}) {
      EmulatedKernel kernel(kernelText("contraction", {row.lhs, row.rhs}, body, {"%1"}, {row.out}),
                            only);
      ASSERT_TRUE(kernel.ok());
      if (*only == 0) EXPECT_EQ(kernel.strategy(), row.strategy);
      kernel.check(7, 2e-6);
    }
  }
}

// A row times a matrix, by dot products: lanes along k or along the columns, all widths of
// accesses.
TEST(GpuDotKernels, FewRows) {
  for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 64},
                         {1, 7, 65},
                         {1, 63, 1000},
                         {1, 1000, 63},
                         {1, 1000, 1000},
                         {1, 256, 128},
                         {2, 130, 66},
                         {3, 65, 127},
                         {7, 127, 36},
                         {8, 64, 784},
                         {8, 63, 33}})
    for (int layout = 0; layout < 4; ++layout) {
      Product p{m, n, k, layout % 2 == 1, layout / 2 == 1, (m + n + layout) % 3 ? "f32" : "f64"};
      // Rows along m with columns along k have no lanes that read neighbours.
      bool suits = !p.rhs_transposed || !p.lhs_transposed || m == 1 || n == 1;
      if (suits) check(p, "dot");
    }
  for (bool rhs : {false, true}) check({2, 20, 40, false, rhs, "f32", 3}, "dot");
}

TEST(GpuDotKernels, ForcedTilings) {
  for (const char *variant : {"along_k=1,width=1,columns=1,slices=1,groups=1",
                              "along_k=1,width=4,columns=2,slices=4,groups=2",
                              "along_k=1,width=2,columns=4,slices=1,groups=4"})
    check({3, 45, 400, false, true}, string("dot:") + variant);
  for (const char *variant : {"along_k=0,width=4,columns=4,slices=2,groups=2",
                              "along_k=0,width=1,columns=1,slices=8,groups=1",
                              "along_k=0,width=2,columns=2,slices=1,groups=4"})
    check({3, 148, 70, false, false}, string("dot:") + variant);
}

// The table's choice, with what follows from the product; reads are wide, nothing is spilled.
TEST(GpuDotKernels, EpilogueAndStructure) {
  for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1024, 512}, {8, 512, 256}, {4, 500, 1024}})
    for (bool rhs : {false, true}) {
      Product p{m, n, k, false, rhs};
      SCOPED_TRACE(p.told());
      EmulatedKernel kernel(p.withEpilogue());
      ASSERT_TRUE(kernel.ok());
      EXPECT_EQ(kernel.strategy(), "dot");
      kernel.check(7, 2e-6);
      if (rhs) EXPECT_GT(countOf(kernel.ptx(), "ld.global.nc.v4"), 4);
      EXPECT_EQ(countOf(kernel.ptx(), ".local"), 0);
      for (const char *chip : {"sm_80", "sm_90"})
        for (const Assembled &each : assembled(kernel.ptx(), chip))
          EXPECT_EQ(each.spilled_bytes, 0) << each.kernel << " for " << chip;
    }
  EmulatedKernel strict(Product{1, 40, 200}.bare(), "", [](strategy::Target &target) {
    target.numerics = strategy::Numerics::kStrict;
  });
  ASSERT_TRUE(strict.ok());
  EXPECT_EQ(strict.strategy(), "contraction");
}

// What this strategy leaves to others: nothing to sum, no result, axes that no stride walks
// through.
TEST(GpuContractionKernels, LeftToOthers) {
  std::vector<string> texts = {Product{5, 3, 0}.bare(), Product{0, 3, 5}.bare(),
                               Product{3, 0, 5}.bare()};
  texts.push_back(
      kernelText("contraction", {"3x5x7xf32", "5x4x3xf32"},
                 opText("%0", "dot_general(%a0, %a1, lhs_contract = [0, 1], rhs_contract = [2, 0])",
                        {"3x5x7xf32", "5x4x3xf32"}, "7x4xf32"),
                 {"%0"}, {"7x4xf32"}));
  for (const string &text : texts) {
    SCOPED_TRACE(text);
    EmulatedKernel kernel(text);
    ASSERT_TRUE(kernel.ok());
    EXPECT_NE(kernel.strategy(), "contraction");
    kernel.check(7, 2e-6);
  }
}

// The same row alone has the same bits.
TEST(GpuContractionKernels, RowsHaveTheBitsTheyHaveAlone) {
  Product all{37, 45, 67}, one{1, 45, 67};
  EmulatedKernel whole(all.bare()), single(one.bare(), "contraction"),
      reference(all.bare(), "reference");
  ASSERT_TRUE(whole.ok() && single.ok() && reference.ok());
  std::vector<Numbers> numbers;
  std::vector<Bytes> inputs = inputsOf(whole, 5, &numbers);
  Bytes expected = whole.run(inputs)[0];
  EXPECT_EQ(expected, reference.run(inputs)[0]);
  for (int64_t row : {0, 17, 36}) {
    int64_t in = all.k * 4, out = all.n * 4;
    Bytes lhs(inputs[0].begin() + row * in, inputs[0].begin() + (row + 1) * in);
    Bytes want(expected.begin() + row * out, expected.begin() + (row + 1) * out);
    EXPECT_EQ(want, single.run({lhs, inputs[1]})[0]) << "row " << row;
  }
}

// What can go wrong in such a kernel, done on purpose: the emulator or the result tells each.
TEST(GpuContractionMutations, AllAreCaught) {
  struct Rule {
    const char *name, *pattern;
    int64_t more;
    int64_t least;  // places
    int64_t k;      // of the product: a part of a tile where bounds count
  };
  const Rule rules[] = {
      {"barrier left out", R"(\n(\tbar\.sync[^\n]*))", 0, 2, 133},
      {"wait for one copy less", R"(cp\.async\.wait_group\s+(\d+))", 1, 2, 133},
      {"wait left out", R"(\n(\tcp\.async\.wait_group[^\n]*))", 0, 2, 133},
      {"copies not closed", R"(\n(\tcp\.async\.commit_group[^\n]*))", 0, 2, 133},
      {"bound of an index", R"(\tmin\.[us]64[^\n]*, (\d+);)", 1, 3, 133},
      {"bound of a store", R"(\tsetp\.[gl][te]\.[us]64[^\n]*, (\d+);)", 1, 2, 133},
      {"copied to the next row", R"(cp\.async\.c[ag]\.shared\.global\s+\[%rd\d+\+(\d+)\])", 128, 4,
       144},
      {"copied from the next row", R"(cp\.async\.c[ag][^,]*, \[%rd\d+\+(\d+)\])", 256, 4, 144},
      {"read from the next row", R"(ld\.shared[^\n]*\[%rd\d+\+(\d+)\])", 128, 4, 144},
  };
  for (const char *stages : {"stages=2", "stages=4"})
    for (const Rule &rule : rules) {
      SCOPED_TRACE(testing::Message() << rule.name << ", " << stages);
      Product p{rule.k == 133 ? 63 : 64, rule.k == 133 ? 61 : 64, rule.k, true, false};
      EmulatedKernel kernel(
          p.bare(),
          string("contraction:block_m=32,block_n=32,thread_m=4,thread_n=4,block_k=16,part_k=0,") +
              stages);
      ASSERT_TRUE(kernel.ok());
      std::vector<Numbers> numbers;
      std::vector<Bytes> inputs = inputsOf(kernel, 3, &numbers);
      EXPECT_EQ(kernel.faultOf(kernel.ptx(), inputs), "");
      std::vector<string> texts = mutants(kernel.ptx(), rule.pattern, rule.more);
      EXPECT_GE(static_cast<int64_t>(texts.size()), rule.least);
      for (auto [number, text] : llvm::enumerate(texts))
        EXPECT_NE(kernel.faultOf(text, inputs), "") << "place " << number;
    }
}

int64_t countStarting(const std::vector<string> &lines, const string &start) {
  return llvm::count_if(
      lines, [&](const string &line) { return llvm::StringRef(line).starts_with(start); });
}

// Large products with aligned rows: 16 bytes at a time, mostly arithmetic, nothing spilled.
TEST(GpuContractionKernels, Structure) {
  for (string type : {"f32", "f64"})
    for (bool lhs : {false, true})
      for (bool rhs : {false, true}) {
        Product p{2048, 2048, 1024, lhs, rhs, type};
        SCOPED_TRACE(p.told());
        EmulatedKernel kernel(p.bare());
        ASSERT_TRUE(kernel.ok());
        const string &ptx = kernel.ptx();
        string wide = type == "f32" ? "v4.b32" : "v2.b64";
        EXPECT_EQ(countOf(ptx, "ld.global"), countOf(ptx, "ld.global.nc." + wide));
        EXPECT_EQ(countOf(ptx, "st.global"), countOf(ptx, "st.global." + wide));
        EXPECT_EQ(countOf(ptx, "ld.shared"), countOf(ptx, "ld.shared." + wide));
        EXPECT_EQ(countOf(ptx, "cp.async.ca"), 0);
        EXPECT_EQ(countOf(ptx, "cp.async.cg") > 0, lhs || !rhs);
        std::vector<std::vector<string>> loops = innermostLoops(ptx);
        ASSERT_GE(loops.size(), 1u);
        const std::vector<string> &main = loops[0];
        auto size = static_cast<double>(main.size());
        auto sums = static_cast<double>(countStarting(main, "fma.rn." + type));
        EXPECT_GE(sums / size, type == "f32" ? 0.89 : 0.7) << size;
        // Four (for f64 two) products for each element that is read.
        EXPECT_LE(static_cast<double>(countStarting(main, "ld.shared")) * 16,
                  sums * (type == "f32" ? 1 : 4));
        EXPECT_EQ(countStarting(main, "bar.sync"), 1);
        for (const char *chip : {"sm_80", "sm_90"})
          for (const Assembled &each : assembled(ptx, chip)) {
            EXPECT_EQ(each.spilled_bytes, 0) << each.kernel << " for " << chip;
            EXPECT_LE(each.registers, 128) << each.kernel << " for " << chip;
          }
      }
}

// The registers are enough for what is computed on the way, too.
TEST(GpuContractionKernels, NothingIsSpilled) {
  for (auto [m, n, k] : {std::array<int64_t, 3>{2048, 2048, 512},
                         {2047, 2045, 511},
                         {8, 4096, 4096},
                         {1000, 1000, 1000}})
    for (int variant = 0; variant < 8; ++variant) {
      Product p{m, n, k, variant % 2 == 1, variant / 2 % 2 == 1, variant < 4 ? "f32" : "f64"};
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
        for (const Assembled &each : assembled(kernel.ptx(), (m + variant) % 2 ? "sm_80" : "sm_90"))
          EXPECT_EQ(each.spilled_bytes, 0) << each.kernel;
      }
    }
}

}  // namespace
}  // namespace graven::codegen::gpu
