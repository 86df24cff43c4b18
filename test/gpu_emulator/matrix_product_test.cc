// A whole matrix product with cp.async, ldmatrix and mma.sync, and what is found when one line of
// it is wrong.
#include <cmath>

#include "test/gpu_emulator/kernel_runner.h"
#include "test/gpu_emulator/numbers.h"

namespace graven::emulator {
namespace {

constexpr int kSize = 256;

struct Gemm {
  std::vector<uint16_t> a = std::vector<uint16_t>(kSize * kSize), b = a;
  std::vector<float> c = std::vector<float>(kSize * kSize, NAN);

  Gemm() {
    // Sums of these are exact in f32.
    for (int64_t i = 0; i < kSize * kSize; ++i) {
      a[i] = graven_emulator_f64_to_f16((i * 7919 % 17 - 8) / 8.0);
      b[i] = graven_emulator_f64_to_f16((i * 104729 % 13 - 6) / 8.0);
    }
  }
  Report launch(const std::string &ptx, Options options = {}) {
    KernelRunner runner(ptx);
    runner.operand(a).operand(b).operand(c);
    return runner.launch("gemm", {2, 2, 1}, {256, 1, 1}, 65536, options);
  }
  int wrong() const {
    int count = 0;
    for (int row = 0; row < kSize; ++row) {
      for (int column = 0; column < kSize; ++column) {
        double sum = 0;
        for (int k = 0; k < kSize; ++k) {
          sum += double{f16_to_f32(a[row * kSize + k])} * f16_to_f32(b[column * kSize + k]);
        }
        count += !(std::fabs(sum - c[row * kSize + column]) <= 0);
      }
    }
    return count;
  }
};

TEST(MatrixProduct, IsExactAndClean) {
  const std::string ptx = read_testdata("f16_gemm.ptx");
  for (uint64_t seed : {0, 1}) {
    for (Checks checks : {Checks::kFull, Checks::kFast}) {
      Gemm gemm;
      Options options;
      options.seed = seed;
      options.checks = checks;
      const Report report = gemm.launch(ptx, options);
      EXPECT_TRUE(report.ok()) << report.text();
      EXPECT_EQ(gemm.wrong(), 0);
    }
  }
}

TEST(MatrixProduct, WaitCountTooLarge) {
  Gemm gemm;
  const Report report = gemm.launch(replaced(read_testdata("f16_gemm.ptx"),
                                             "cp.async.wait_group \t2", "cp.async.wait_group \t3"));
  EXPECT_TRUE(report.has(Kind::kPendingCopy)) << report.text();
}

TEST(MatrixProduct, MissingWait) {
  Gemm gemm;
  const Report report =
      gemm.launch(replaced(read_testdata("f16_gemm.ptx"), "cp.async.wait_group \t2;", ""));
  EXPECT_TRUE(report.has(Kind::kPendingCopy)) << report.text();
}

TEST(MatrixProduct, MissingBarrier) {
  Gemm gemm;
  const Report report = gemm.launch(replaced(read_testdata("f16_gemm.ptx"), "bar.sync \t0;", ""));
  EXPECT_TRUE(report.has(Kind::kRace) || report.has(Kind::kPendingCopy)) << report.text();
}

TEST(MatrixProduct, AnotherSwizzleWhereItIsRead) {
  // The product goes wrong without any access being wrong: the comparison with the reference tells.
  Gemm gemm;
  const Report report = gemm.launch(replaced(
      read_testdata("f16_gemm.ptx"), "bfe.u64 \t%rd62, %rd2, 1, 2", "bfe.u64 \t%rd62, %rd2, 2, 2"));
  EXPECT_TRUE(report.ok()) << report.text();
  EXPECT_GT(gemm.wrong(), 0);
}

TEST(MatrixProduct, TooLittleSharedMemory) {
  Gemm gemm;
  KernelRunner runner(read_testdata("f16_gemm.ptx"));
  runner.operand(gemm.a).operand(gemm.b).operand(gemm.c);
  const Report report = runner.launch("gemm", {2, 2, 1}, {256, 1, 1}, 65536 - 16);
  EXPECT_TRUE(report.has(Kind::kOutOfBounds)) << report.text();
}

TEST(MatrixProduct, OperandOneElementShort) {
  Gemm gemm;
  const Report report = gemm.launch(replaced(read_testdata("f16_gemm.ptx"),
                                             "operand 1: 131072 bytes", "operand 1: 131070 bytes"));
  EXPECT_TRUE(report.has(Kind::kOutOfBounds)) << report.text();
}

TEST(MatrixProduct, WarpThatIsNotWhole) {
  Gemm gemm;
  KernelRunner runner(read_testdata("f16_gemm.ptx"));
  runner.operand(gemm.a).operand(gemm.b).operand(gemm.c);
  const Report report = runner.launch("gemm", {2, 2, 1}, {255, 1, 1}, 65536);
  EXPECT_FALSE(report.ok());
}

}  // namespace
}  // namespace graven::emulator
