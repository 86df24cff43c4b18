// Single instructions against the host.
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "test/gpu_emulator/kernel_runner.h"
#include "test/gpu_emulator/numbers.h"

namespace graven::emulator {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Results of `body` for each thread: it finds operands in %r1, %r2, %r3 and %rd4 to %rd6 (64
/// bits), and leaves its result in %rd7.
std::vector<uint64_t> evaluate(const std::string &body, const std::vector<uint64_t> &a,
                               const std::vector<uint64_t> &b, const std::vector<uint64_t> &c,
                               Options options = {}) {
  const size_t count = a.size();
  std::vector<uint64_t> operands(3 * count), result(count);
  for (size_t i = 0; i < count; ++i) {
    operands[3 * i] = a[i];
    operands[3 * i + 1] = i < b.size() ? b[i] : 0;
    operands[3 * i + 2] = i < c.size() ? c[i] : 0;
  }
  KernelRunner runner(one_kernel(2, R"(
    mov.u32 %r10, %tid.x;
    mov.u32 %r11, %ctaid.x;
    mad.lo.s32 %r10, %r11, 128, %r10;
    setp.ge.u32 %p7, %r10, )" + std::to_string(count) +
                                        R"(;
    @%p7 ret;
    mul.wide.u32 %rd10, %r10, 24;
    add.s64 %rd11, %rd0, %rd10;
    ld.global.b64 %rd4, [%rd11];
    ld.global.b64 %rd5, [%rd11+8];
    ld.global.b64 %rd6, [%rd11+16];
    cvt.u32.u64 %r1, %rd4;
    cvt.u32.u64 %r2, %rd5;
    cvt.u32.u64 %r3, %rd6;
    cvt.u16.u32 %rs1, %r1;
    cvt.u16.u32 %rs2, %r2;
    cvt.u16.u32 %rs3, %r3;
    )" + body + R"(
    mul.wide.u32 %rd12, %r10, 8;
    add.s64 %rd13, %rd1, %rd12;
    st.global.b64 [%rd13], %rd7;)"));
  runner.operand(operands).operand(result);
  const uint32_t groups = (count + 127) / 128;
  const Report report = runner.launch("k", {groups, 1, 1}, {128, 1, 1}, 0, options);
  EXPECT_TRUE(report.ok()) << body << '\n' << report.text();
  return result;
}

/// `operation %r0, operands` with a result of 32 bits.
std::vector<uint64_t> evaluate32(const std::string &operation, const std::vector<uint64_t> &a,
                                 const std::vector<uint64_t> &b = {},
                                 const std::vector<uint64_t> &c = {}, Options options = {}) {
  return evaluate(operation + ";\ncvt.u64.u32 %rd7, %r0;", a, b, c, options);
}

uint64_t one32(const std::string &operation, uint64_t a, uint64_t b = 0, uint64_t c = 0) {
  return evaluate32(operation, {a}, {b}, {c})[0];
}

uint64_t one64(const std::string &operation, uint64_t a, uint64_t b = 0, uint64_t c = 0) {
  return evaluate(operation + ";", {a}, {b}, {c})[0];
}

uint64_t bits(float value) { return f32_to_bits(value); }
uint64_t bits(double value) { return std::bit_cast<uint64_t>(value); }

/// Numbers of all sizes, of both signs, and the special ones.
std::vector<float> samples() {
  std::vector<float> values = {0.0f,    -0.0f,     1.0f,       -1.0f,    0.5f,         1.5f,
                               2.5f,    -2.5f,     3.0e38f,    -3.0e38f, 1e-38f,       1e-40f,
                               -1e-44f, kInfinity, -kInfinity, kNaN,     2147483648.0f};
  uint32_t state = 12345;
  for (int i = 0; i < 500; ++i) {
    state = state * 1664525 + 1013904223;
    values.push_back(std::ldexp(static_cast<float>(static_cast<int32_t>(state)) / 2147483648.0f,
                                static_cast<int>(state >> 8 & 31) - 16));
  }
  return values;
}

bool same(float a, float b) { return (std::isnan(a) && std::isnan(b)) || bits(a) == bits(b); }

struct Exact {
  const char *operation;
  std::function<float(float, float, float)> expected;
};

float flush(float x) {
  return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x;
}
float minimum(float a, float b) {
  if (std::isnan(a)) return b;
  if (std::isnan(b)) return a;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

TEST(Floats, AreExact) {
  const Exact cases[] = {
      {"add.rn.f32 %r0, %r1, %r2", [](float a, float b, float) { return a + b; }},
      {"add.rn.ftz.f32 %r0, %r1, %r2",
       [](float a, float b, float) { return flush(flush(a) + flush(b)); }},
      {"sub.f32 %r0, %r1, %r2", [](float a, float b, float) { return a - b; }},
      {"mul.rn.f32 %r0, %r1, %r2", [](float a, float b, float) { return a * b; }},
      {"fma.rn.f32 %r0, %r1, %r2, %r3",
       [](float a, float b, float c) { return std::fma(a, b, c); }},
      {"div.rn.f32 %r0, %r1, %r2", [](float a, float b, float) { return a / b; }},
      {"rcp.rn.f32 %r0, %r1", [](float a, float, float) { return 1.0f / a; }},
      {"sqrt.rn.f32 %r0, %r1", [](float a, float, float) { return std::sqrt(a); }},
      {"neg.f32 %r0, %r1", [](float a, float, float) { return -a; }},
      {"abs.f32 %r0, %r1", [](float a, float, float) { return std::fabs(a); }},
      {"min.f32 %r0, %r1, %r2", [](float a, float b, float) { return minimum(a, b); }},
      {"max.f32 %r0, %r1, %r2", [](float a, float b, float) { return -minimum(-a, -b); }},
      {"max.NaN.f32 %r0, %r1, %r2",
       [](float a, float b, float) {
         return std::isnan(a) || std::isnan(b) ? kNaN : -minimum(-a, -b);
       }},
      {"add.sat.f32 %r0, %r1, %r2",
       [](float a, float b, float) {
         return std::isnan(a + b) ? 0.0f : std::fmin(std::fmax(a + b, 0.0f), 1.0f);
       }},
      {"copysign.f32 %r0, %r1, %r2", [](float a, float b, float) { return std::copysign(b, a); }},
      {"cvt.rni.f32.f32 %r0, %r1", [](float a, float, float) { return std::nearbyint(a); }},
      {"cvt.rmi.f32.f32 %r0, %r1", [](float a, float, float) { return std::floor(a); }},
      {"cvt.rpi.f32.f32 %r0, %r1", [](float a, float, float) { return std::ceil(a); }},
      {"cvt.rzi.f32.f32 %r0, %r1", [](float a, float, float) { return std::trunc(a); }},
  };
  const std::vector<float> values = samples();
  std::vector<uint64_t> a, b, c;
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t step : {0, 1, 7, 100}) {
      a.push_back(bits(values[i]));
      b.push_back(bits(values[(i + step) % values.size()]));
      c.push_back(bits(values[(i * 3 + step) % values.size()]));
    }
  }
  for (const Exact &test : cases) {
    const auto result = evaluate32(test.operation, a, b, c);
    for (size_t i = 0; i < a.size(); ++i) {
      const float x = bits_to_f32(a[i]), y = bits_to_f32(b[i]), z = bits_to_f32(c[i]);
      const float expected = test.expected(x, y, z), got = bits_to_f32(result[i]);
      ASSERT_TRUE(same(got, expected)) << test.operation << ' ' << x << ' ' << y << ' ' << z << ": "
                                       << got << ", expected " << expected;
    }
  }
}

struct Approximated {
  const char *operation;
  double (*exact)(double);
  double absolute, relative;
  double low, high;
};

TEST(Floats, ApproximationsKeepTheirBounds) {
  const Approximated cases[] = {
      {"ex2.approx.ftz.f32 %r0, %r1", [](double x) { return std::exp2(x); }, 0, 0x1p-22, -100, 100},
      {"lg2.approx.f32 %r0, %r1", [](double x) { return std::log2(x); }, 0x1p-22, 0x1p-22, 0, 1e6},
      {"rcp.approx.f32 %r0, %r1", [](double x) { return 1 / x; }, 0, 0x1p-23, 0.001, 1000},
      {"sqrt.approx.f32 %r0, %r1", [](double x) { return std::sqrt(x); }, 0, 0x1p-22, 0, 1e6},
      {"rsqrt.approx.f32 %r0, %r1", [](double x) { return 1 / std::sqrt(x); }, 0, 0x1p-22, 0.001,
       1e6},
      {"sin.approx.f32 %r0, %r1", [](double x) { return std::sin(x); }, 0x1.7p-21, 0x1p-24, -3, 3},
      {"cos.approx.f32 %r0, %r1", [](double x) { return std::cos(x); }, 0x1.7p-21, 0x1p-24, -3, 3},
      {"tanh.approx.f32 %r0, %r1", [](double x) { return std::tanh(x); }, 0, 0x1.01p-11, -9, 9},
  };
  for (const Approximated &test : cases) {
    std::vector<uint64_t> a;
    for (int i = 0; i <= 1000; ++i) {
      a.push_back(bits(static_cast<float>(test.low + (test.high - test.low) * (i + 0.37) / 1001)));
    }
    const auto perturbed = evaluate32(test.operation, a);
    Options nearest;
    nearest.approximations = Approximations::kNearest;
    const auto rounded = evaluate32(test.operation, a, {}, {}, nearest);
    int different = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      const double x = bits_to_f32(a[i]), exact = test.exact(x);
      const double bound = std::max(test.absolute, std::fabs(exact) * test.relative);
      EXPECT_TRUE(std::fabs(bits_to_f32(perturbed[i]) - exact) <= bound)
          << test.operation << ' ' << x;
      EXPECT_EQ(bits_to_f32(rounded[i]), static_cast<float>(exact)) << test.operation << ' ' << x;
      different += perturbed[i] != rounded[i];
    }
    EXPECT_GT(different, 100) << test.operation;
  }
  // Exact results stay exact.
  EXPECT_EQ(one32("ex2.approx.f32 %r0, %r1", bits(0.0f)), bits(1.0f));
  EXPECT_EQ(one32("rcp.approx.f32 %r0, %r1", bits(4.0f)), bits(0.25f));
  EXPECT_EQ(one32("lg2.approx.f32 %r0, %r1", bits(8.0f)), bits(3.0f));
}

TEST(Floats, OfDoublePrecision) {
  EXPECT_EQ(one64("add.rn.f64 %rd7, %rd4, %rd5", bits(0.1), bits(0.2)), bits(0.1 + 0.2));
  EXPECT_EQ(one64("fma.rn.f64 %rd7, %rd4, %rd5, %rd6", bits(0.1), bits(0.2), bits(0.3)),
            bits(std::fma(0.1, 0.2, 0.3)));
  EXPECT_EQ(one64("div.rn.f64 %rd7, %rd4, %rd5", bits(1.0), bits(3.0)), bits(1.0 / 3.0));
  EXPECT_EQ(one64("sqrt.rn.f64 %rd7, %rd4", bits(2.0)), bits(std::sqrt(2.0)));
}

TEST(Halves, RoundToNearestEven) {
  struct Case {
    double value;
    uint16_t f16, bf16;
  };
  const Case cases[] = {
      {0.0, 0, 0},
      {1.0, 0x3c00, 0x3f80},
      {-2.0, 0xc000, 0xc000},
      {65504.0, 0x7bff, 0x4780},
      {65520.0, 0x7c00, 0x4780},  // halfway to what f16 does not have
      {65519.0, 0x7bff, 0x4780},
      {0x1p-24, 0x0001, 0x3380},  // the smallest f16
      {0x1p-25, 0x0000, 0x3300},  // a tie, to even
      {0x1.8p-24, 0x0002, 0x33c0},
      {0x1p-14, 0x0400, 0x3880},
      {1.0 + 0x1p-11, 0x3c00, 0x3f80},
      {1.0 + 0x1.8p-10, 0x3c02, 0x3f80},
      {1.0 + 0x1.8p-7, 0x3c0c, 0x3f82},
      {INFINITY, 0x7c00, 0x7f80},
      {3.4e38, 0x7c00, 0x7f80},
  };
  for (const Case &test : cases) {
    EXPECT_EQ(graven_emulator_f64_to_f16(test.value), test.f16) << test.value;
    EXPECT_EQ(graven_emulator_f64_to_bf16(test.value), test.bf16) << test.value;
  }
  // Every f16 there is survives the way to f32 and back.
  for (uint32_t i = 0; i < 65536; ++i) {
    const float value = f16_to_f32(i);
    if (!std::isnan(value)) {
      EXPECT_EQ(graven_emulator_f64_to_f16(value), i);
      EXPECT_EQ(graven_emulator_f64_to_bf16(bf16_to_f32(i & 0xff7f)), i & 0xff7f);
    }
  }
}

TEST(Halves, AreConvertedAndComputed) {
  EXPECT_EQ(one32("cvt.rn.bf16x2.f32 %r0, %r1, %r2", bits(1.0f), bits(-2.0f)), 0x3f80c000u);
  EXPECT_EQ(one32("cvt.rn.f16x2.f32 %r0, %r1, %r2", bits(1.0f), bits(-2.0f)), 0x3c00c000u);
  EXPECT_EQ(one32("cvt.rn.f16.f32 %rs4, %r1;\ncvt.u32.u16 %r0, %rs4", bits(0.1f)), 0x2e66u);
  EXPECT_EQ(one32("cvt.rz.f16.f32 %rs4, %r1;\ncvt.u32.u16 %r0, %rs4", bits(-65519.0f)), 0xfbffu);
  EXPECT_EQ(one32("cvt.rn.bf16.f32 %rs4, %r1;\ncvt.u32.u16 %r0, %rs4", bits(0.1f)), 0x3dcdu);
  EXPECT_EQ(one32("cvt.f32.f16 %r0, %rs1", 0x2e66), bits(f16_to_f32(0x2e66)));
  EXPECT_EQ(one32("cvt.f32.bf16 %r0, %rs1", 0x3dcd), bits(bf16_to_f32(0x3dcd)));
  EXPECT_EQ(one32("cvt.rna.tf32.f32 %r0, %r1", 0x3f801000), 0x3f802000u);
  EXPECT_EQ(one32("cvt.rna.tf32.f32 %r0, %r1", 0x3f800fff), 0x3f800000u);
  EXPECT_EQ(one32("add.rn.f16x2 %r0, %r1, %r2", 0x3c004000, 0x3c003c00), 0x40004200u);
  EXPECT_EQ(one32("fma.rn.bf16x2 %r0, %r1, %r2, %r3", 0x3f804000, 0x40003f80, 0x3f803f80),
            0x40404040u);
  EXPECT_EQ(one32("mul.rn.f16 %rs4, %rs1, %rs2;\ncvt.u32.u16 %r0, %rs4", 0x4000, 0x4200), 0x4600u);
  EXPECT_EQ(one32("neg.bf16x2 %r0, %r1", 0x3f80bf80), 0xbf803f80u);
  EXPECT_EQ(one32("setp.lt.f16 %p1, %rs1, %rs2;\nselp.b32 %r0, 1, 0, %p1", 0x3c00, 0x4000), 1u);
}

TEST(Conversions, BetweenNumbers) {
  EXPECT_EQ(one32("cvt.rzi.s32.f32 %r0, %r1", bits(-2.7f)), uint32_t(-2));
  EXPECT_EQ(one32("cvt.rni.s32.f32 %r0, %r1", bits(2.5f)), 2u);
  EXPECT_EQ(one32("cvt.rmi.s32.f32 %r0, %r1", bits(-2.1f)), uint32_t(-3));
  EXPECT_EQ(one32("cvt.rzi.s32.f32 %r0, %r1", bits(1e20f)), 0x7fffffffu);
  EXPECT_EQ(one32("cvt.rzi.s32.f32 %r0, %r1", bits(-kInfinity)), 0x80000000u);
  EXPECT_EQ(one32("cvt.rzi.s32.f32 %r0, %r1", bits(kNaN)), 0u);
  EXPECT_EQ(one32("cvt.rzi.u32.f32 %r0, %r1", bits(-5.0f)), 0u);
  EXPECT_EQ(one64("cvt.rzi.s64.f64 %rd7, %rd4", bits(-1e10)), uint64_t(-10000000000));
  EXPECT_EQ(one32("cvt.rn.f32.s32 %r0, %r1", uint32_t(-16777217)), bits(-16777216.0f));
  EXPECT_EQ(one32("cvt.rn.f32.u32 %r0, %r1", 0xffffffffu), bits(4294967296.0f));
  EXPECT_EQ(one32("cvt.rn.f32.f64 %r0, %rd4", bits(0.1)), bits(0.1f));
  EXPECT_EQ(one64("cvt.f64.f32 %rd7, %r1", bits(0.1f)), bits(static_cast<double>(0.1f)));
  EXPECT_EQ(one32("cvt.s32.s8 %r0, %r1", 0x80), 0xffffff80u);
  EXPECT_EQ(one32("cvt.u32.u8 %r0, %r1", 0x1ff), 0xffu);
  EXPECT_EQ(one64("cvt.s64.s32 %rd7, %r1", 0x80000000u), 0xffffffff80000000u);
  EXPECT_EQ(one32("cvt.sat.s8.s32 %r0, %r1", 1000), 127u);
  EXPECT_EQ(one32("cvt.sat.u8.s32 %r0, %r1", uint32_t(-5)), 0u);
}

TEST(Integers, Arithmetic) {
  EXPECT_EQ(one32("mul.hi.u32 %r0, %r1, %r2", 0xffffffffu, 0xffffffffu), 0xfffffffeu);
  EXPECT_EQ(one32("mul.hi.s32 %r0, %r1, %r2", uint32_t(-1), 5), 0xffffffffu);
  EXPECT_EQ(one64("mul.wide.s32 %rd7, %r1, %r2", uint32_t(-3), 5), uint64_t(-15));
  EXPECT_EQ(one64("mul.wide.u32 %rd7, %r1, %r2", uint32_t(-3), 5), 5 * 0xfffffffdull);
  EXPECT_EQ(one64("mad.wide.u32 %rd7, %r1, %r2, %rd6", 3, 5, 7), 22u);
  EXPECT_EQ(one64("mul.hi.u64 %rd7, %rd4, %rd5", ~uint64_t{0}, ~uint64_t{0}), ~uint64_t{0} - 1);
  EXPECT_EQ(one32("div.s32 %r0, %r1, %r2", uint32_t(-7), 2), uint32_t(-3));
  EXPECT_EQ(one32("rem.s32 %r0, %r1, %r2", uint32_t(-7), 2), uint32_t(-1));
  EXPECT_EQ(one32("div.s32 %r0, %r1, %r2", 0x80000000u, uint32_t(-1)), 0x80000000u);
  EXPECT_EQ(one32("div.u32 %r0, %r1, %r2", 7, 0), 0xffffffffu);
  EXPECT_EQ(one32("rem.u32 %r0, %r1, %r2", 7, 0), 7u);
  EXPECT_EQ(one32("add.sat.s32 %r0, %r1, %r2", 0x7fffffff, 1), 0x7fffffffu);
  EXPECT_EQ(one32("min.s32 %r0, %r1, %r2", uint32_t(-1), 1), uint32_t(-1));
  EXPECT_EQ(one32("min.u32 %r0, %r1, %r2", uint32_t(-1), 1), 1u);
  EXPECT_EQ(one32("abs.s32 %r0, %r1", uint32_t(-5)), 5u);
  EXPECT_EQ(one32("sad.s32 %r0, %r1, %r2, %r3", uint32_t(-5), 3, 10), 18u);
}

TEST(Integers, Bits) {
  EXPECT_EQ(one32("shl.b32 %r0, %r1, %r2", 1, 31), 0x80000000u);
  EXPECT_EQ(one32("shl.b32 %r0, %r1, %r2", 1, 32), 0u);
  EXPECT_EQ(one32("shr.u32 %r0, %r1, %r2", 0x80000000u, 40), 0u);
  EXPECT_EQ(one32("shr.s32 %r0, %r1, %r2", 0x80000000u, 40), 0xffffffffu);
  EXPECT_EQ(one64("shr.s64 %rd7, %rd4, %r2", uint64_t(-256), 4), uint64_t(-16));
  EXPECT_EQ(one32("shf.l.wrap.b32 %r0, %r1, %r2, %r3", 0x89abcdef, 0x01234567, 8), 0x23456789u);
  EXPECT_EQ(one32("shf.r.wrap.b32 %r0, %r1, %r2, %r3", 0x89abcdef, 0x01234567, 40), 0x6789abcdu);
  EXPECT_EQ(one32("shf.r.clamp.b32 %r0, %r1, %r2, %r3", 0x89abcdef, 0x01234567, 40), 0x01234567u);
  EXPECT_EQ(one32("prmt.b32 %r0, %r1, %r2, 0x7531", 0x33221100, 0x77665544), 0x77553311u);
  EXPECT_EQ(one32("prmt.b32 %r0, %r1, %r2, 0x000b", 0x80000000u), 0x000000ffu);
  EXPECT_EQ(one32("bfe.u32 %r0, %r1, 8, 12", 0x12345678), 0x456u);
  EXPECT_EQ(one32("bfe.s32 %r0, %r1, 8, 8", 0x0000f800), 0xfffffff8u);
  EXPECT_EQ(one32("bfe.s32 %r0, %r1, 24, 16", 0x80000000u), 0xffffff80u);
  EXPECT_EQ(one32("bfi.b32 %r0, %r1, %r2, 8, 4", 0xff, 0), 0xf00u);
  EXPECT_EQ(one32("lop3.b32 %r0, %r1, %r2, %r3, 0x96", 0b1100, 0b1010, 0b0110), 0b0000u);
  EXPECT_EQ(one32("lop3.b32 %r0, %r1, %r2, %r3, 0xe8", 0b1100, 0b1010, 0b0110), 0b1110u);
  EXPECT_EQ(one32("popc.b64 %r0, %rd4", 0xff00ff), 16u);
  EXPECT_EQ(one32("clz.b32 %r0, %r1", 1), 31u);
  EXPECT_EQ(one32("clz.b32 %r0, %r1", 0), 32u);
  EXPECT_EQ(one32("bfind.u32 %r0, %r1", 0x100), 8u);
  EXPECT_EQ(one32("bfind.s32 %r0, %r1", uint32_t(-1)), 0xffffffffu);
  EXPECT_EQ(one32("brev.b32 %r0, %r1", 1), 0x80000000u);
}

TEST(Selection, ComparesAndJoins) {
  const auto holds = [](const std::string &comparison, uint64_t a, uint64_t b) {
    return one32("setp." + comparison + " %p1, %r1, %r2;\nselp.b32 %r0, 1, 0, %p1", a, b) == 1;
  };
  EXPECT_TRUE(holds("lt.s32", uint32_t(-1), 0));
  EXPECT_FALSE(holds("lt.u32", uint32_t(-1), 0));
  EXPECT_TRUE(holds("hi.u32", uint32_t(-1), 0));
  EXPECT_FALSE(holds("eq.f32", bits(kNaN), bits(kNaN)));
  EXPECT_TRUE(holds("neu.f32", bits(kNaN), bits(kNaN)));
  EXPECT_FALSE(holds("ne.f32", bits(kNaN), bits(kNaN)));
  EXPECT_TRUE(holds("nan.f32", bits(kNaN), bits(1.0f)));
  EXPECT_TRUE(holds("num.f32", bits(2.0f), bits(1.0f)));
  EXPECT_FALSE(holds("lt.ftz.f32", bits(-1e-40f), bits(0.0f)));
  EXPECT_EQ(one32("setp.lt.s32 %p1|%p2, %r1, %r2;\nselp.b32 %r0, 1, 2, %p2", 1, 2), 2u);
  EXPECT_EQ(one32("setp.eq.s32 %p3, %r3, 0;\nsetp.lt.and.s32 %p1, %r1, %r2, %p3;\n"
                  "selp.b32 %r0, 1, 2, %p1",
                  1, 2, 1),
            2u);
  EXPECT_EQ(one32("set.lt.u32.f32 %r0, %r1, %r2", bits(1.0f), bits(2.0f)), 0xffffffffu);
  EXPECT_EQ(one32("slct.b32.s32 %r0, %r1, %r2, %r3", 5, 6, uint32_t(-1)), 6u);
  EXPECT_EQ(one32("testp.infinite.f32 %p1, %r1;\nselp.b32 %r0, 1, 0, %p1", bits(-kInfinity)), 1u);
  EXPECT_EQ(one32("@!%p1 mov.b32 %r0, 4;\n@%p1 mov.b32 %r0, 5", 0), 4u);
}

TEST(Moves, PackAndUnpack) {
  EXPECT_EQ(one64("mov.b64 %rd7, {%r1, %r2}", 1, 2), 0x200000001u);
  EXPECT_EQ(one32("mov.b64 {%r4, %r0}, %rd4", 0x200000001u), 2u);
  EXPECT_EQ(one32("mov.b32 {%rs4, _}, %r1;\nmov.b32 %r0, {%rs2, %rs4}", 0x12345678, 0xabcd),
            0x5678abcdu);
}

TEST(Tables, OfConstants) {
  std::vector<uint32_t> result(8);
  KernelRunner runner(one_kernel(1, R"(
    mov.u32 %r0, %tid.x;
    mul.wide.u32 %rd2, %r0, 4;
    mov.b64 %rd3, table;
    add.s64 %rd4, %rd3, %rd2;
    ld.global.nc.b32 %r1, [%rd4];
    ld.const.b8 %r2, [bytes+2];
    add.s32 %r1, %r1, %r2;
    add.s64 %rd5, %rd0, %rd2;
    st.global.b32 [%rd5], %r1;)",
                                 ".global .align 4 .f32 table[4] = {0f00000001, 2, 3, 0x10};\n"
                                 ".const .align 1 .b8 bytes[4] = {1, 2, 100};"));
  runner.operand(result);
  EXPECT_TRUE(runner.launch("k", {}, {4, 1, 1}).ok());
  EXPECT_EQ(result, (std::vector<uint32_t>{101, 102, 103, 116, 0, 0, 0, 0}));
  EXPECT_TRUE(runner.launch("k", {}, {5, 1, 1}).has(Kind::kOutOfBounds));
}

TEST(Control, BranchTablesAndLoops) {
  const char *body = R"(
    mov.b32 %r0, 0;
    brx.idx %r1, T;
T: .branchtargets A, B, C;
A:
    add.s32 %r0, %r0, 1;
B:
    add.s32 %r0, %r0, 10;
    setp.lt.s32 %p1, %r0, 35;
    @%p1 bra B;
C:
    cvt.u64.u32 %rd7, %r0;)";
  EXPECT_EQ(evaluate(body, {0, 1, 2}, {}, {}), (std::vector<uint64_t>{41, 40, 0}));
}

TEST(Locals, BelongToTheirThread) {
  std::vector<uint64_t> numbers(100);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
  const auto result = evaluate(R"(
    .local .align 8 .b8 depot[16];
    mov.b64 %rd20, depot;
    cvta.local.u64 %rd21, %rd20;
    st.local.b64 [%rd20+8], %rd4;
    ld.b64 %rd7, [%rd21+8];)",
                               numbers, {}, {});
  EXPECT_EQ(result, numbers);
}

}  // namespace
}  // namespace graven::emulator
