// Products of 16-bit floats, and of f32 rounded to tf32, on the GPU's tensor cores, in the
// emulator, against sums in double precision.
#include <gtest/gtest.h>

#include <bit>

#include "test/compiler/codegen/gpu/product_cases.h"

namespace graven::codegen::gpu {
namespace {

constexpr const char *kTypes[] = {"f16", "bf16", "tf32"};

// Widths of copies between one element and 16 bytes; ends of k within a tile.
TEST(GpuTensorKernels, Widths) {
  for (auto [m, n, k] :
       {std::array<int64_t, 3>{64, 64, 64}, {40, 72, 40}, {36, 44, 52}, {34, 46, 50}})
    for (bool lhs : {false, true})
      for (bool rhs : {false, true})
        for (const char *type : kTypes) check({m, n, k, lhs, rhs, type});
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
        Product{7, 65, 33, true, false, "bf16"}, Product{40, 20, 200, false, true, "f16"},
        Product{65, 127, 63, false, false, "tf32"}, Product{40, 72, 100, true, true, "tf32"}}) {
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
          Product{6, 9, 70, true, true, "f16", 2}, Product{33, 40, 130, false, true, "tf32"}})
      check(p, string("contraction:") + block + ",part_k=" + part);
  for (const char *type : {"bf16", "tf32"}) {
    Product p{20, 30, 3000, true, false, type};
    EmulatedKernel kernel(p.withEpilogue(), "", p.asked());
    ASSERT_TRUE(kernel.ok());
    EXPECT_EQ(kernel.func().getStages().size(), 2u);
    kernel.check(3, 5e-6, -2, 2, p.grid());
  }
}

// A single product each: nothing but the operands is rounded, at a tie away from zero.
TEST(GpuTensorKernels, Tf32IsTheNearestOne) {
  Product p{40, 24, 1, false, true, "tf32"};
  EmulatedKernel kernel(p.bare(), "contraction", p.asked());
  ASSERT_TRUE(kernel.ok());
  std::vector<Numbers> numbers;
  std::vector<Bytes> inputs = inputsOf(kernel, 3, &numbers);
  numbers[0][0] = 1 + 0x1p-11, numbers[0][1] = -1 - 0x1p-11, numbers[0][2] = 1 + 0x1.8p-11;
  numbers[0][3] = 1 + 0x1.fp-12, numbers[0][4] = 0x1.234567p-130, numbers[0][5] = 0x1.fffffep100;
  inputs[0] = encode(kernel.func().getInputTypes()[0], numbers[0]);
  Numbers out = decode(kernel.func().getOutputTypes()[0], kernel.run(inputs)[0]);
  auto rounded = [](double x) {
    auto bits = std::bit_cast<uint32_t>(static_cast<float>(x));
    return std::bit_cast<float>((bits + 0x1000) & ~0x1fffu);
  };
  EXPECT_EQ(rounded(numbers[0][0]), 1 + 0x1p-10f);
  for (int64_t i = 0; i < p.m; ++i)
    for (int64_t j = 0; j < p.n; ++j)
      EXPECT_EQ(out[i * p.n + j],
                static_cast<float>(double(rounded(numbers[0][i])) * double(rounded(numbers[1][j]))))
          << i << ", " << j;
}

// Bias, residual and rectifier in f32, and a result that is rounded to the operands' type.
TEST(GpuTensorKernels, Epilogue) {
  for (auto [m, n, k] :
       {std::array<int64_t, 3>{1, 10, 63}, {7, 64, 65}, {65, 63, 7}, {64, 128, 32}})
    for (const char *type : kTypes) {
      Product p{m, n, k, false, m % 2 == 0, type, m == 7 ? 2 : 0};
      SCOPED_TRACE(p.told());
      EmulatedKernel kernel(p.withEpilogue(), "contraction", p.asked());
      ASSERT_TRUE(kernel.ok());
      kernel.check(static_cast<unsigned>(n), 2e-6, -2, 2, p.grid());
      if (!p.narrow()) continue;
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
      for (bool rhs : {false, true})
        for (const char *type : {lhs ? "f16" : "bf16", "tf32"}) {
          Product p{m, n, k, lhs, rhs, type};
          SCOPED_TRACE(p.told());
          string l = p.lhs(), r = p.rhs(), o = p.out();
          string body = opText("%10", "multiply(%a0, %a2)", {l, l}, l) +
                        opText("%11", "negate(%a1)", {r}, r) + p.op("%10", "%11");
          EmulatedKernel kernel(kernelText("contraction", {l, r, l}, body, {"%0"}, {o}),
                                "contraction", p.asked());
          ASSERT_TRUE(kernel.ok());
          // The reference does not round 16-bit products on the way.
          kernel.check(5, p.tf32() ? 2e-6 : lhs ? 0x1p-9 : 0x1p-6, -2, 2, p.grid());
        }
}

// The same row alone has the same bits.
TEST(GpuTensorKernels, RowsHaveTheBitsTheyHaveAlone) {
  for (const char *type : {"bf16", "tf32"}) {
    Product all{37, 45, 67, false, false, type}, one{1, 45, 67, false, false, type};
    EmulatedKernel whole(all.bare(), "", all.asked());
    EmulatedKernel single(one.bare(), "contraction", one.asked());
    ASSERT_TRUE(whole.ok() && single.ok());
    std::vector<Numbers> numbers;
    std::vector<Bytes> inputs = inputsOf(whole, 5, &numbers);
    Bytes expected = whole.run(inputs)[0];
    for (int64_t row : {0, 17, 36}) {
      int64_t in = all.k * (all.narrow() ? 2 : 4), out = all.n * 4;
      Bytes lhs(inputs[0].begin() + row * in, inputs[0].begin() + (row + 1) * in);
      Bytes want(expected.begin() + row * out, expected.begin() + (row + 1) * out);
      EXPECT_EQ(want, single.run({lhs, inputs[1]})[0]) << type << " row " << row;
    }
  }
}

// Strict code may not sum in an order of the machine's.
TEST(GpuTensorKernels, NotWithStrictNumerics) {
  for (const char *type : {"bf16", "tf32"}) {
    Product p{20, 30, 40, false, false, type};
    EmulatedKernel kernel(p.bare(), "", [&](strategy::Target &target) {
      p.asked()(target);
      target.numerics = strategy::Numerics::kStrict;
    });
    ASSERT_TRUE(kernel.ok());
    EXPECT_EQ(countOf(kernel.ptx(), "mma.sync"), 0);
    kernel.check(3, 2e-6);
  }
}

// Doubles are multiplied as they are whatever f32 products are.
TEST(GpuTensorKernels, NoDoubles) {
  Product p{20, 30, 40, false, false, "f64"};
  EmulatedKernel kernel(p.bare(), "",
                        [](strategy::Target &target) { target.matmul = strategy::Matmul::kTf32; });
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(countOf(kernel.ptx(), "mma.sync"), 0);
  kernel.check(3, 1e-14);
}

// What can go wrong in such a kernel, done on purpose: the emulator or the result tells each.
struct Mutation {
  const char *name, *pattern;
  int64_t more, least;  // added to the number; places
  const char *with = "";
};

void expectAllCaught(const Product &p, const string &stages, llvm::ArrayRef<Mutation> mutations) {
  // The last tile is in the first slot, where the result comes next, so that no barrier can go.
  const string block_k = p.tf32() ? "block_k=16," : "block_k=32,";
  EmulatedKernel kernel(
      p.bare(),
      "contraction:block_m=32,block_n=32,thread_m=2,thread_n=4,part_k=0," + block_k + stages,
      p.asked());
  ASSERT_TRUE(kernel.ok());
  std::vector<Numbers> numbers;
  std::vector<Bytes> inputs = inputsOf(kernel, 3, &numbers);
  EXPECT_EQ(kernel.faultOf(kernel.ptx(), inputs), "");
  for (const Mutation &each : mutations) {
    SCOPED_TRACE(testing::Message() << each.name << ", " << stages << ", " << p.told());
    std::vector<string> texts = mutants(kernel.ptx(), each.pattern, each.more, each.with);
    EXPECT_GE(static_cast<int64_t>(texts.size()), each.least);
    for (auto [number, text] : llvm::enumerate(texts))
      EXPECT_NE(kernel.faultOf(text, inputs), "") << "place " << number;
  }
}

// Of the pipeline, which all types share.
constexpr Mutation kPipelineMutations[] = {
    {"barrier left out", R"(\n(\tbar\.sync[^\n]*))", 0, 3},
    {"wait for one copy less", R"(cp\.async\.wait_group\s+(\d+))", 1, 2},
    {"wait left out", R"(\n(\tcp\.async\.wait_group[^\n]*))", 0, 2},
    {"copies not closed", R"(\n(\tcp\.async\.commit_group[^\n]*))", 0, 2},
    {"bound of an index", R"(\tmin\.[us]64[^\n]*, (54|50);)", 1, 2},
    {"bound of a store", R"(\tsetp\.[gl][te]\.[us]64[^\n]*, (5[0145]);)", 8, 2},
    {"bound of k", R"(\tsetp\.lt\.u64[^\n]*, (\d+);\n\tselp)", 8, 1},
};

TEST(GpuTensorMutations, PipelineIsCaught) {
  for (const char *type : {"bf16", "tf32"})
    for (const char *stages : {"stages=2", "stages=4"})
      expectAllCaught({55, 51, 168, false, true, type}, stages, kPipelineMutations);
}

// Of what brings 16-bit operands into registers, turned and not, and multiplies them.
TEST(GpuTensorMutations, NarrowOperandsAreCaught) {
  const Mutation both[] = {
      {"another swizzle", R"(\t(xor)\.b64)", 0, 4, "or"},
      {"other rows multiplied", R"(ldmatrix[^\[]*\[%rd\d+\+(\d+)\])", 64, 1},
  };
  const Mutation turned[] = {{"not turned", R"(ldmatrix\.sync\.aligned\.m8n8\.x4(\.trans))", 0, 2}};
  const Mutation straight[] = {
      {"turned", R"(ldmatrix\.sync\.aligned\.m8n8\.x4(\.shared))", 0, 2, ".trans.shared"}};
  for (const char *type : {"f16", "bf16"})
    for (bool is_turned : {false, true}) {
      Product p{55, 51, 72, is_turned, !is_turned, type};
      expectAllCaught(p, "stages=2", both);
      expectAllCaught(p, "stages=2", is_turned ? turned : straight);
      const bool half = p.type == "f16";
      const Mutation other[] = {{"of another type",
                                 half ? R"(f32\.(f16\.f16)\.f32)" : R"(f32\.(bf16\.bf16)\.f32)", 0,
                                 2, half ? "bf16.bf16" : "f16.f16"}};
      expectAllCaught(p, "stages=2", other);
    }
}

// The same of tf32, whose turned operands come word by word.
TEST(GpuTensorMutations, Tf32OperandsAreCaught) {
  const Mutation straight[] = {
      {"another swizzle", R"(\t(xor)\.b64)", 0, 4, "or"},
      {"other rows multiplied", R"(ldmatrix[^\[]*\[%rd\d+\+(\d+)\])", 64, 1},
      {"turned", R"(ldmatrix\.sync\.aligned\.m8n8\.x4(\.shared))", 0, 2, ".trans.shared"},
  };
  const Mutation turned[] = {
      {"another word", R"(ld\.shared\.b32[^\[]*\[%rd\d+\+(\d+)\])", 4, 8},
      {"another row", R"(ld\.shared\.b32[^\[]*\[%rd\d+\+(\d+)\])", 160, 8},
  };
  const Mutation both[] = {{"cut off", R"(\t(cvt\.rna\.tf32\.f32))", 0, 12, "mov.b32"}};
  for (bool is_turned : {false, true}) {
    Product p{55, 51, 40, is_turned, !is_turned, "tf32"};
    expectAllCaught(p, "stages=2", is_turned ? llvm::ArrayRef<Mutation>(turned) : straight);
    expectAllCaught(p, "stages=2", both);
  }
}

// Large products with aligned rows: 16 bytes at a time, tensor cores, nothing spilled.
TEST(GpuTensorKernels, Structure) {
  for (const char *type : kTypes)
    for (bool lhs : {false, true})
      for (bool rhs : {false, true}) {
        Product p{2048, 2048, 1024, lhs, rhs, type};
        SCOPED_TRACE(p.told());
        EmulatedKernel kernel(p.bare(), "", p.asked());
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
        // Two steps of a warp's 64 x 32 elements. What ldmatrix cannot turn comes word by word.
        int64_t turned = p.tf32() ? (lhs ? 8 : 0) + (rhs ? 0 : 4) : 0;
        EXPECT_EQ(starting("mma.sync.aligned.m16n8k"), 32);
        EXPECT_EQ(starting("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32"), p.tf32() ? 32 : 0);
        EXPECT_EQ(starting("cvt.rna.tf32.f32"), p.tf32() ? 48 : 0);
        EXPECT_EQ(starting("ldmatrix"), 12 - turned);
        EXPECT_EQ(starting("ld.shared"), 4 * turned);
        EXPECT_EQ(starting("cp.async.cg"), 4);
        EXPECT_EQ(starting("bar.sync"), 1);
        EXPECT_LE(loops[0].size(), p.tf32() ? 200u : 100u);
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
    for (int variant = 0; variant < 8; ++variant) {
      Product p{m, n, k, variant % 2 == 1, variant / 2 % 2 == 1, variant % 2 ? "f16" : "bf16"};
      if (variant >= 4) p.type = "tf32";
      SCOPED_TRACE(p.told());
      string l = p.lhs(), r = p.rhs(), o = p.out();
      string body = opText("%10", "multiply(%a0, %a2)", {l, l}, l) +
                    opText("%11", "negate(%a1)", {r}, r) + p.op("%10", "%11") +
                    opText("%1", "logistic(%0)", {o}, o) + opText("%2", "add(%1, %a3)", {o, o}, o);
      for (const string &text :
           {kernelText("contraction", {l, r, l, o}, body, {"%2"}, {o}), p.withEpilogue()}) {
        EmulatedKernel kernel(text, "contraction", p.asked());
        ASSERT_TRUE(kernel.ok());
        EXPECT_EQ(countOf(kernel.ptx(), ".local"), 0);
        for (const Assembled &each : assembled(kernel.ptx(), variant % 4 < 2 ? "sm_80" : "sm_90"))
          EXPECT_EQ(each.spilled_bytes, 0) << each.kernel;
      }
    }
}

}  // namespace
}  // namespace graven::codegen::gpu
