// Contractions of all layouts and odd sizes, through the contraction and the reference strategy.
#include <gtest/gtest.h>

#include "test/compiler/codegen/cpu/kernel_harness.h"

namespace graven::codegen::cpu {
namespace {

struct Size {
  int64_t m, n, k;
};

std::string shape(std::initializer_list<int64_t> lengths, const std::string &type) {
  std::string text;
  for (int64_t length : lengths) text += std::to_string(length) + "x";
  return text + type;
}
std::string tensor(const std::string &type) { return "tensor<" + type + ">"; }

// A product whose operands are stored transposed where asked; bare, or with bias and rectifier.
std::string product(Size s, bool lhs_transposed, bool rhs_transposed, const std::string &type,
                    bool epilogue) {
  std::string lhs = lhs_transposed ? shape({s.k, s.m}, type) : shape({s.m, s.k}, type);
  std::string rhs = rhs_transposed ? shape({s.n, s.k}, type) : shape({s.k, s.n}, type);
  std::string out = shape({s.m, s.n}, type), row = shape({s.n}, type);
  std::string dims = "[" + std::to_string(s.m) + ", " + std::to_string(s.n) + "]";
  std::string body = "    %0 = dot_general(%a0, %a1, lhs_contract = [" +
                     std::string(lhs_transposed ? "0" : "1") + "], rhs_contract = [" +
                     (rhs_transposed ? "1" : "0") + "]) : (" + tensor(lhs) + ", " + tensor(rhs) +
                     ") -> " + tensor(out) + "\n";
  if (!epilogue) return kernelText("contraction", {lhs, rhs}, body, {"%0"}, {out});
  std::string two = "(" + tensor(out) + ", " + tensor(out) + ") -> ";
  body += "    %1 = broadcast(%a2, shape = " + dims + ", axes = [1]) : (" + tensor(row) + ") -> " +
          tensor(out) + "\n    %2 = add(%0, %1) : " + two + tensor(out) +
          "\n    %3 = add(%2, %a3) : " + two + tensor(out) +
          "\n    %4 = constant(0.0, shape = " + dims + ", dtype = " + type + ") : () -> " +
          tensor(out) + "\n    %5 = greater(%3, %4) : " + two + tensor(shape({s.m, s.n}, "i1")) +
          "\n    %6 = select(%5, %3, %4) : (" + tensor(shape({s.m, s.n}, "i1")) + ", " +
          tensor(out) + ", " + tensor(out) + ") -> " + tensor(out) + "\n";
  return kernelText("contraction", {lhs, rhs, row, out}, body, {"%6", "%5"},
                    {out, shape({s.m, s.n}, "i1")});
}

const Size kSizes[] = {{1, 1, 1},     {1, 7, 5},     {7, 1, 9},    {3, 5, 0},     {0, 5, 3},
                       {4, 3, 16},    {16, 16, 4},   {17, 33, 7},  {16, 10, 128}, {8, 32, 64},
                       {33, 127, 17}, {13, 65, 100}, {2, 300, 31}, {1, 257, 64},  {64, 48, 96},
                       {127, 31, 33}, {40, 70, 129}};

void checkProduct(Size size, bool lhs_transposed, bool rhs_transposed, const std::string &type,
                  const std::string &strategy, const std::string &cpu, bool epilogue) {
  SCOPED_TRACE(testing::Message() << size.m << "x" << size.n << "x" << size.k << " "
                                  << (lhs_transposed ? "T" : "N") << (rhs_transposed ? "T" : "N")
                                  << " " << type << " " << strategy << " " << cpu);
  CompiledKernel kernel(product(size, lhs_transposed, rhs_transposed, type, epilogue), strategy,
                        cpu);
  ASSERT_TRUE(kernel.ok());
  kernel.check(static_cast<unsigned>(size.m * 31 + size.n), type == "f32" ? 2e-6 : 1e-14);
}

TEST(ContractionKernels, AllLayouts) {
  for (Size size : kSizes)
    for (bool lhs_transposed : {false, true})
      for (bool rhs_transposed : {false, true})
        checkProduct(size, lhs_transposed, rhs_transposed, "f32", "contraction", "native", false);
}

TEST(ContractionKernels, EpilogueTypesAndCpus) {
  for (Size size : kSizes)
    for (const char *type : {"f32", "f64"})
      for (const char *cpu : {"native", "x86-64-v3"})
        checkProduct(size, false, size.k % 2, type, "contraction", cpu, true);
}

// Every way to cut and pack a product, whatever the cost model would choose.
TEST(ContractionKernels, ForcedVariants) {
  const char *const variants[] = {
      "pack_rhs=0,pack_lhs=0",
      "pack_rhs=1,pack_lhs=0",
      "pack_rhs=2",
      "pack_rhs=2,fetches=1",
      "pack_rhs=3",
      "pack_rhs=1,pack_lhs=1",
      "pack_rhs=1,pack_lhs=1,rows=4,block_rows=8,block_columns=64",
      "pack_rhs=2,rows=3,block_rows=6",
      "turned=1,pack_rhs=1",
      "turned=1,pack_rhs=3",
      "vectors=1,rows=5,block_rows=10",
      "part_k=16",
      "part_k=4,block_columns=32",
      "streams=16",
      "pack_rhs=2,depth=4",
      "pack_rhs=2,depth=6,pack_lhs=1,rows=4,block_rows=8",
      "pack_rhs=2,depth=16,block_columns=64",
      "streams=3,vectors=1,rows=1",
      "overlaps=0,rows=5",
      "overlaps=1",
      "overlaps=1,rows=3,block_rows=6",
      "overlaps=1,rows=3,block_rows=6,pack_rhs=2",
      "overlaps=1,rows=2,vectors=1,pack_rhs=1,pack_lhs=1,block_rows=8,block_columns=64",
  };
  const Size sizes[] = {{1, 7, 5}, {17, 33, 7}, {29, 67, 13}, {8, 64, 70}};
  for (const char *variant : variants)
    for (Size size : sizes)
      for (bool transposed : {false, true})
        checkProduct(size, size.k % 2 == 0, transposed, "f32",
                     std::string("contraction:") + variant, "native", true);
}

// Dot products with lanes along k, for few rows and for the many that are forced; strict code has
// none.
TEST(ContractionKernels, DotProducts) {
  const Size sizes[] = {{1, 1, 64},  {1, 7, 65},  {1, 512, 130}, {2, 33, 100},
                        {3, 40, 97}, {4, 16, 64}, {4, 129, 71},  {1, 300, 1000}};
  for (Size size : sizes)
    for (const char *type : {"f32", "f64"})
      for (const char *cpu : {"native", "x86-64-v3"}) {
        SCOPED_TRACE(testing::Message() << size.m << "x" << size.n << "x" << size.k << type << cpu);
        CompiledKernel kernel(product(size, false, true, type, size.k % 2), "", cpu);
        ASSERT_TRUE(kernel.ok());
        EXPECT_EQ(kernel.strategy(), "dot");
        kernel.check(9, type == std::string("f32") ? 2e-6 : 1e-14);
      }
  for (const char *variant :
       {"dot", "dot:together=1", "dot:together=4,block_columns=16", "dot:together=16"})
    for (Size size : {Size{1, 7, 5}, Size{6, 33, 17}, Size{0, 3, 64}, Size{5, 3, 0}})
      checkProduct(size, false, true, "f32", variant, "native", true);
  std::string text = product({1, 40, 200}, false, true, "f32", true);
  CompiledKernel strict(text, "", "native", [](strategy::Target &target) {
    target.numerics = strategy::Numerics::kStrict;
  });
  CompiledKernel reference(text, "reference");
  ASSERT_TRUE(strict.ok() && reference.ok());
  EXPECT_EQ(strict.strategy(), "contraction");
  std::vector<CompiledKernel::Bytes> inputs;
  for (auto [type, numbers] : llvm::zip(strict.func().getInputTypes(), strict.randomInputs(5)))
    inputs.push_back(CompiledKernel::encode(type, numbers));
  EXPECT_EQ(strict.run(inputs), reference.run(inputs));
}

// A single row reads a matrix as large as the second-level cache in several streams, whatever is
// left of the contracted axis; strict code keeps to the ascending order.
TEST(ContractionKernels, SingleRowsReadStreams) {
  auto streams = [](CompiledKernel &kernel) {
    return mlir::cast<mlir::IntegerAttr>(kernel.func().getStrategy().getParams().get("streams"))
        .getInt();
  };
  auto cached = [](strategy::Target &target) { target.l2_bytes = 512 << 10; };
  auto strictly = [](strategy::Target &target) { target.numerics = strategy::Numerics::kStrict; };
  for (auto [type, size, bound] :
       {std::tuple("f32", Size{1, 290, 517}, 2e-6), {"f64", Size{1, 140, 517}, 1e-14}})
    for (const char *cpu : {"native", "x86-64-v3"}) {
      SCOPED_TRACE(testing::Message() << type << cpu);
      std::string text = product(size, false, false, type, true);
      CompiledKernel kernel(text, "", cpu, cached);
      ASSERT_TRUE(kernel.ok());
      EXPECT_EQ(streams(kernel), 16);
      kernel.check(9, bound);
      CompiledKernel strict(text, "", cpu, strictly);
      ASSERT_TRUE(strict.ok());
      EXPECT_EQ(streams(strict), 1);
    }
}

// Few rows times a large matrix whose rows are far apart walk the contracted axis some steps at a
// time; the sums wait on the stack and have the bits of one ascending sum.
TEST(ContractionKernels, DeepPanels) {
  auto param = [](CompiledKernel &kernel, const char *name) {
    return mlir::cast<mlir::IntegerAttr>(kernel.func().getStrategy().getParams().get(name))
        .getInt();
  };
  auto cached = [](strategy::Target &target) { target.l2_bytes = 512 << 10; };
  for (auto [type, size] : {std::pair("f32", Size{21, 512, 701}), {"f64", Size{13, 256, 700}}})
    for (bool lhs_transposed : {false, true})
      for (const char *cpu : {"native", "x86-64-v3"}) {
        SCOPED_TRACE(testing::Message() << type << lhs_transposed << cpu);
        std::string text = product(size, lhs_transposed, false, type, true);
        CompiledKernel kernel(text, "", cpu, cached), reference(text, "reference", cpu);
        ASSERT_TRUE(kernel.ok() && reference.ok());
        EXPECT_EQ(param(kernel, "depth"), 118);
        EXPECT_EQ(param(kernel, "fetches"), 1);
        std::vector<CompiledKernel::Bytes> inputs;
        for (auto [type, numbers] :
             llvm::zip(kernel.func().getInputTypes(), kernel.randomInputs(5)))
          inputs.push_back(CompiledKernel::encode(type, numbers));
        EXPECT_EQ(kernel.run(inputs), reference.run(inputs));
      }
}

// Strides that fall into the same sets of the cache, and operands that are packed for them.
TEST(ContractionKernels, PackedOperands) {
  struct Row {
    Size size;
    bool lhs_transposed, rhs_transposed;
    const char *strategy, *config;
  };
  for (Row row : {Row{{8, 128, 64}, false, true, "contraction", "tp"},
                  Row{{30, 40, 50}, false, true, "contraction", "p"},
                  Row{{64, 130, 65}, true, false, "contraction:pack_lhs=1", "l"}}) {
    CompiledKernel kernel(product(row.size, row.lhs_transposed, row.rhs_transposed, "f32", false),
                          row.strategy, "x86-64-v3");
    ASSERT_TRUE(kernel.ok());
    EXPECT_TRUE(kernel.func().getSymName().ends_with(row.config))
        << kernel.func().getSymName().str();
    kernel.check(5, 2e-6);
  }
  // Rows of the right operand half a page apart, more of them than the cache holds.
  CompiledKernel far(product({20, 512, 513}, false, false, "f32", false), "", "native",
                     [](strategy::Target &target) { target.l2_bytes = 256 << 10; });
  ASSERT_TRUE(far.ok());
  EXPECT_TRUE(far.func().getSymName().ends_with("p")) << far.func().getSymName().str();
  far.check(7, 2e-6);
  std::string body =
      "    %0 = dot_general(%a0, %a1, lhs_batch = [0], rhs_batch = [0], lhs_contract = [1], "
      "rhs_contract = [2]) : (tensor<2x64x72xf32>, tensor<2x130x64xf32>) -> "
      "tensor<2x72x130xf32>\n";
  CompiledKernel kernel(
      kernelText("contraction", {"2x64x72xf32", "2x130x64xf32"}, body, {"%0"}, {"2x72x130xf32"}),
      "contraction:pack_lhs=1,pack_rhs=1");
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(kernel.func().getStages().size(), 3u);
  kernel.check(3, 2e-6);
}

// Tiles wait for their epilogue where registers are left and other tiles follow: not without an
// epilogue, with AVX2, for a single tile of rows or a short contracted axis, or for a cheap
// epilogue of one vector a row. Forced either way the bits are equal.
TEST(ContractionKernels, EpilogueBetweenSteps) {
  struct Row {
    Size size;
    bool epilogue;
    const char *cpu;
    bool overlaps;
  };
  for (Row row :
       {Row{{64, 48, 96}, true, "x86-64-v4", true}, Row{{64, 48, 96}, false, "x86-64-v4", false},
        Row{{64, 48, 96}, true, "x86-64-v3", false}, Row{{8, 48, 96}, true, "x86-64-v4", false},
        Row{{64, 48, 12}, true, "x86-64-v4", false}, Row{{64, 10, 96}, true, "x86-64-v4", false}}) {
    SCOPED_TRACE(testing::Message() << row.size.m << "x" << row.size.n << "x" << row.size.k << " "
                                    << row.cpu << (row.epilogue ? " with epilogue" : ""));
    CompiledKernel kernel(product(row.size, false, false, "f32", row.epilogue), "contraction",
                          row.cpu);
    ASSERT_TRUE(kernel.ok());
    mlir::DictionaryAttr params = kernel.func().getStrategy().getParams();
    EXPECT_EQ(params.getAs<mlir::IntegerAttr>("overlaps").getInt() != 0, row.overlaps);
  }
  std::string text = product({61, 70, 129}, false, false, "f32", true);
  CompiledKernel with(text, "contraction:overlaps=1"), without(text, "contraction:overlaps=0");
  ASSERT_TRUE(with.ok() && without.ok());
  std::vector<CompiledKernel::Bytes> inputs;
  for (auto [type, numbers] : llvm::zip(with.func().getInputTypes(), with.randomInputs(5)))
    inputs.push_back(CompiledKernel::encode(type, numbers));
  EXPECT_EQ(with.run(inputs), without.run(inputs));
}

TEST(ContractionKernels, Reference) {
  for (Size size : {Size{1, 1, 1}, Size{7, 17, 33}, Size{16, 3, 5}})
    checkProduct(size, true, true, "f32", "reference", "native", true);
}

// The tile that an element falls into does not show in its bits: the same row alone gives the same.
TEST(ContractionKernels, RowsHaveTheBitsTheyHaveAlone) {
  Size all = {37, 45, 67}, one = {1, 45, 67};
  CompiledKernel whole(product(all, false, false, "f32", false));
  CompiledKernel single(product(one, false, false, "f32", false));
  CompiledKernel reference(product(all, false, false, "f32", false), "reference");
  ASSERT_TRUE(whole.ok() && single.ok() && reference.ok());
  EXPECT_EQ(whole.strategy(), "contraction");
  std::vector<CompiledKernel::Bytes> inputs;
  for (auto [type, numbers] : llvm::zip(whole.func().getInputTypes(), whole.randomInputs(5)))
    inputs.push_back(CompiledKernel::encode(type, numbers));
  CompiledKernel::Bytes expected = whole.run(inputs)[0];
  EXPECT_EQ(expected, reference.run(inputs)[0]);
  for (int64_t row = 0; row < all.m; ++row) {
    int64_t in = all.k * 4, out = all.n * 4;
    CompiledKernel::Bytes lhs(inputs[0].begin() + row * in, inputs[0].begin() + (row + 1) * in);
    CompiledKernel::Bytes want(expected.begin() + row * out, expected.begin() + (row + 1) * out);
    EXPECT_EQ(want, single.run({lhs, inputs[1]})[0]) << "row " << row;
  }
}

TEST(ContractionKernels, BatchedAndSeveralAxes) {
  struct Row {
    const char *lhs, *rhs, *out, *axes;
    bool merges = true;  // axes that are contracted merge into one
  };
  const Row rows[] = {
      {"3x5x7xf32", "3x7x9xf32", "3x5x9xf32",
       "lhs_batch = [0], rhs_batch = [0], lhs_contract = [2], rhs_contract = [1]"},
      {"3x5x7xf32", "3x9x7xf32", "3x5x9xf32",
       "lhs_batch = [0], rhs_batch = [0], lhs_contract = [2], rhs_contract = [2]"},
      {"2x17x4x40xf32", "2x30x4x40xf32", "2x4x17x30xf32",
       "lhs_batch = [0, 2], rhs_batch = [0, 2], lhs_contract = [3], rhs_contract = [3]"},
      {"3x5x7xf32", "7x9xf32", "3x5x9xf32", "lhs_contract = [2], rhs_contract = [0]"},
      {"3x5x7xf32", "3x5x9xf32", "7x9xf32", "lhs_contract = [0, 1], rhs_contract = [0, 1]"},
      {"3x5x7xf32", "5x4x3xf32", "7x4xf32", "lhs_contract = [0, 1], rhs_contract = [2, 0]", false},
      {"3x6x5xf32", "6x4xf32", "3x5x4xf32", "lhs_contract = [1], rhs_contract = [0]"},
      {"5x7xf32", "7xf32", "5xf32", "lhs_contract = [1], rhs_contract = [0]"},
      {"7xf32", "7x5xf32", "5xf32", "lhs_contract = [0], rhs_contract = [0]"},
      {"7xf32", "7xf32", "f32", "lhs_contract = [0], rhs_contract = [0]"},
      {"70xf32", "70xf32", "f32", "lhs_contract = [0], rhs_contract = [0]"},
      {"3x5x70xf32", "3x70xf32", "3x5xf32",
       "lhs_batch = [0], rhs_batch = [0], lhs_contract = [2], rhs_contract = [1]"},
      {"7xf32", "9xf32", "7x9xf32", "lhs_contract = [], rhs_contract = []"},
      {"2x3x70xf32", "2x70x80xf32", "2x3x80xf32",
       "lhs_batch = [0], rhs_batch = [0], lhs_contract = [2], rhs_contract = [1]"},
  };
  for (const Row &row : rows) {
    SCOPED_TRACE(row.axes);
    std::string body = std::string("    %0 = dot_general(%a0, %a1, ") + row.axes + ") : (" +
                       tensor(row.lhs) + ", " + tensor(row.rhs) + ") -> " + tensor(row.out) +
                       "\n    %1 = negate(%0) : (" + tensor(row.out) + ") -> " + tensor(row.out) +
                       "\n";
    std::string text = kernelText("contraction", {row.lhs, row.rhs}, body, {"%1"}, {row.out});
    for (const char *strategy : {"", "contraction:part_k=4"}) {
      if (*strategy && !row.merges) continue;
      SCOPED_TRACE(strategy);
      CompiledKernel kernel(text, strategy);
      ASSERT_TRUE(kernel.ok());
      kernel.check(7, 2e-6);
    }
  }
}

bool hasParts(CompiledKernel &kernel) {
  return llvm::any_of(kernel.func().getStages().getAsRange<kernel::StageAttr>(),
                      [](kernel::StageAttr stage) { return stage.getName() == "part"; });
}

// A long contracted axis with a small result is computed in parts, which any partition of the grid
// adds up in one order; strict code computes it as a whole.
TEST(ContractionKernels, LongContractedAxes) {
  const Size sizes[] = {{13, 40, 20000}, {64, 64, 8192}, {1, 300, 5003}, {70, 10, 4099}};
  for (Size size : sizes)
    for (bool lhs_transposed : {false, true})
      for (bool rhs_transposed : {false, true}) {
        SCOPED_TRACE(testing::Message() << size.m << "x" << size.n << "x" << size.k
                                        << lhs_transposed << rhs_transposed);
        std::string text = product(size, lhs_transposed, rhs_transposed, "f32", true);
        CompiledKernel kernel(text);
        ASSERT_TRUE(kernel.ok());
        EXPECT_EQ(hasParts(kernel), kernel.strategy() == "contraction");
        kernel.check(3, 2e-6);
        CompiledKernel strict(text, "", "native", [](strategy::Target &target) {
          target.numerics = strategy::Numerics::kStrict;
        });
        ASSERT_TRUE(strict.ok());
        EXPECT_FALSE(hasParts(strict));
      }
}

// Dropout's mask is drawn inside the product's kernel.
TEST(ContractionKernels, RandomEpilogue) {
  std::string out = "24x40xf32";
  std::string body = "    %0 = dot_general(%a0, %a1, lhs_contract = [1], rhs_contract = [0]) : (" +
                     tensor("24x8xf32") + ", " + tensor("8x40xf32") + ") -> " + tensor(out) +
                     "\n    %1 = random_uniform(%a2, %a3, shape = [24, 40], dtype = f32, site = 9) "
                     ": (tensor<2xi32>, tensor<i64>) -> " +
                     tensor(out) + "\n    %2 = multiply(%0, %1) : (" + tensor(out) + ", " +
                     tensor(out) + ") -> " + tensor(out) + "\n";
  CompiledKernel kernel(
      kernelText("contraction", {"24x8xf32", "8x40xf32", "2xi32", "i64"}, body, {"%2"}, {out}));
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(kernel.strategy(), "contraction");
  kernel.check(11, 2e-6);
}

}  // namespace
}  // namespace graven::codegen::cpu
