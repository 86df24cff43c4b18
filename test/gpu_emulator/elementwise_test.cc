// Kernels without barriers: arithmetic, loads and stores, bounds and rights, and PTX that is not
// ours.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "test/gpu_emulator/emulator.h"

namespace graven::emulator {
namespace {

/// y[i] = x[i] * x[i] + 1 for i < count, 256 threads of 4 elements; the guard is as given.
std::string square_plus_one(const std::string &guard, const std::string &comments) {
  return R"(
.version 8.0
.target sm_80
.address_size 64
)" + comments +
         R"(
.visible .entry square(
	.param .u64 .ptr .align 1 square_param_0,
	.param .u64 .ptr .align 1 square_param_1
)
.reqntid 64
{
	.reg .pred 	%p<2>;
	.reg .b32 	%r<20>;
	.reg .b64 	%rd<8>;
	mov.u32 	%r1, %ctaid.x;
	mov.u32 	%r2, %tid.x;
	mad.lo.s32 	%r3, %r1, 64, %r2;
	)" +
         guard + R"(
	@%p1 bra 	$L__BB0_2;
	ld.param.b64 	%rd1, [square_param_0];
	cvta.to.global.u64 	%rd2, %rd1;
	ld.param.b64 	%rd3, [square_param_1];
	cvta.to.global.u64 	%rd4, %rd3;
	mul.wide.u32 	%rd5, %r3, 16;
	add.s64 	%rd6, %rd2, %rd5;
	ld.global.nc.v4.b32 	{%r4, %r5, %r6, %r7}, [%rd6];
	fma.rn.f32 	%r8, %r4, %r4, 0f3F800000;
	fma.rn.f32 	%r9, %r5, %r5, 0f3F800000;
	fma.rn.f32 	%r10, %r6, %r6, 0f3F800000;
	fma.rn.f32 	%r11, %r7, %r7, 0f3F800000;
	add.s64 	%rd7, %rd4, %rd5;
	st.global.v4.b32 	[%rd7], {%r8, %r9, %r10, %r11};
$L__BB0_2:
	ret;
}
)";
}

constexpr char kGuard[] = "setp.gt.u32 %p1, %r3, 99;";
constexpr char kComments[] =
    "// operand 0: 1600 bytes, read\n"
    "// operand 1: 1600 bytes, write\n";

struct Square {
  std::vector<float> x = std::vector<float>(1000), y = std::vector<float>(1000, -1.0f);
  Memory memory;
  Square() {
    std::iota(x.begin(), x.end(), -20.0f);
    memory.add(x.data(), 4000, "x");
    memory.add(y.data(), 4000, "y");
  }
  Report launch(const std::string &ptx, Options options = {}) {
    std::string error;
    auto module = Module::load(ptx, &error);
    EXPECT_TRUE(module) << error;
    if (!module) return {};
    void *operands[] = {x.data(), y.data()};
    Launch launch;
    launch.kernel = "square";
    launch.grid.x = 2;
    launch.block.x = 64;
    return module->launch(launch, operands, memory, options);
  }
};

TEST(Elementwise, ComputesAndStaysWithinItsOperands) {
  Square square;
  const Report report = square.launch(square_plus_one(kGuard, kComments));
  EXPECT_TRUE(report.ok()) << report.text();
  for (int i = 0; i < 1000; ++i) {
    const float x = square.x[i];
    EXPECT_EQ(square.y[i], i < 400 ? x * x + 1 : -1.0f) << i;
  }
}

TEST(Elementwise, BoundOffByOne) {
  Square square;
  const Report report = square.launch(square_plus_one("setp.gt.u32 %p1, %r3, 100;", kComments));
  ASSERT_TRUE(report.has(Kind::kOutOfBounds)) << report.text();
  const Finding &finding = report.findings[0];
  EXPECT_EQ(finding.kernel, "square");
  EXPECT_EQ(finding.workgroup[0], 1u);
  EXPECT_EQ(finding.thread[0], 36u);
  EXPECT_NE(finding.source.find("ld.global.nc.v4.b32"), std::string::npos) << finding.source;
  EXPECT_NE(finding.text.find("at byte 1600 of operand 0 (x), which has 1600 bytes"),
            std::string::npos)
      << finding.text;
}

TEST(Elementwise, WithoutCommentsTheAllocationBounds) {
  Square square;
  const Report report = square.launch(square_plus_one("setp.gt.u32 %p1, %r3, 200;", ""));
  EXPECT_TRUE(report.ok()) << report.text();
}

TEST(Elementwise, RightsOfOperands) {
  Square square;
  const Report report = square.launch(
      square_plus_one(kGuard, "// operand 0: 1600 bytes, write\n// operand 1: 1600 bytes, read\n"));
  EXPECT_TRUE(report.has(Kind::kWriteOnly)) << report.text();
  EXPECT_TRUE(report.has(Kind::kReadOnly)) << report.text();
}

TEST(Elementwise, TwoWorkgroupsAtTheSameBytes) {
  Square square;
  std::string ptx = square_plus_one(kGuard, kComments);
  const std::string own = "mad.lo.s32 	%r3, %r1, 64, %r2;";
  ptx.replace(ptx.find(own), own.size(), "mad.lo.s32 	%r3, %r1, 32, %r2;");
  const Report report = square.launch(ptx);
  ASSERT_TRUE(report.has(Kind::kRace)) << report.text();
  EXPECT_NE(report.text().find("another workgroup writes"), std::string::npos) << report.text();
  EXPECT_TRUE(square.launch(ptx, Options{.checks = Checks::kFast}).ok());
}

TEST(Elementwise, Misaligned) {
  Square square;
  std::string ptx = square_plus_one(kGuard, kComments);
  const std::string at = "[%rd6]";
  ptx.replace(ptx.find(at), at.size(), "[%rd6+4]");
  EXPECT_TRUE(square.launch(ptx).has(Kind::kMisaligned));
}

TEST(Elementwise, OperandsMustBeAllocated) {
  Square square;
  square.memory.remove(square.y.data());
  const Report report = square.launch(square_plus_one(kGuard, kComments));
  EXPECT_TRUE(report.has(Kind::kBadLaunch)) << report.text();
  square.memory.add(square.y.data(), 1596, "y");
  EXPECT_TRUE(square.launch(square_plus_one(kGuard, kComments)).has(Kind::kBadLaunch));
}

TEST(Elementwise, EndlessLoop) {
  Square square;
  std::string ptx = square_plus_one(kGuard, kComments);
  const std::string end = "	ret;";
  ptx.replace(ptx.find(end), end.size(), "	bra.uni 	$L__BB0_2;");
  const Report report = square.launch(ptx, Options{.branch_limit = 1000});
  EXPECT_TRUE(report.has(Kind::kEndless)) << report.text();
}

/// The message for a kernel that has this one statement.
std::string message(const std::string &statement) {
  const std::string ptx =
      ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k()\n{\n"
      ".reg .b32 %r<4>;\n.reg .b64 %rd<4>;\n" +
      statement + "\nret;\n}\n";
  std::string error;
  const auto module = Module::load(ptx, &error);
  if (module) module->compile("", &error);
  return error;
}

TEST(Messages, TellTheLineAndWhatIsUnknown) {
  EXPECT_EQ(message("mov.b32 %r1, 1;"), "");
  EXPECT_EQ(message("frob.b32 %r1, 1;"),
            "PTX line 8: the emulator does not know the instruction frob\n    frob.b32 %r1, 1;");
  EXPECT_NE(message("add.odd.f32 %r1, %r2, %r3;")
                .find("PTX line 8: the emulator does not know the "
                      "modifier .odd of add"),
            std::string::npos);
  EXPECT_NE(message("add.f32 %r1, %r2;").find("too few operands"), std::string::npos);
  EXPECT_NE(message("mov.b32 %r9, 1;").find("%r9"), std::string::npos);
  EXPECT_NE(message("mov.b64 %rd1, %r1;").find("narrower"), std::string::npos);
  EXPECT_NE(message("bra nowhere;").find("no label nowhere"), std::string::npos);
  EXPECT_NE(message("call foo;").find("instruction call"), std::string::npos);
  EXPECT_NE(message("mov.b32 %r1 1;").find("expected ';'"), std::string::npos);
  EXPECT_NE(message("mov.b32 %r1, ?;").find("begins nothing"), std::string::npos);
}

TEST(Messages, OfModules) {
  std::string error;
  EXPECT_FALSE(Module::load(".extern .func foo;", &error));
  EXPECT_NE(error.find("PTX line 1: an external function"), std::string::npos) << error;
  EXPECT_FALSE(Module::load(".visible .entry k() {", &error));
  EXPECT_NE(error.find("has no end"), std::string::npos) << error;
}

TEST(Launches, AreCheckedAgainstTheDeclaration) {
  Square square;
  std::string error;
  auto module = Module::load(square_plus_one(kGuard, kComments), &error);
  ASSERT_TRUE(module) << error;
  void *operands[] = {square.x.data(), square.y.data()};
  auto launch = [&](std::string_view kernel, uint32_t threads, uint32_t shared, size_t count) {
    Launch launch;
    launch.kernel = kernel;
    launch.block.x = threads;
    launch.shared_bytes = shared;
    return module->launch(launch, std::span<void *const>(operands, count), square.memory);
  };
  EXPECT_TRUE(launch("square", 64, 0, 2).ok());
  EXPECT_TRUE(launch("other", 64, 0, 2).has(Kind::kBadLaunch));
  EXPECT_TRUE(launch("square", 65, 0, 2).has(Kind::kBadLaunch));
  EXPECT_TRUE(launch("square", 64, 1 << 20, 2).has(Kind::kBadLaunch));
  EXPECT_TRUE(launch("square", 64, 0, 1).has(Kind::kBadLaunch));
  ASSERT_TRUE(module->find("square"));
  EXPECT_EQ(module->find("square")->operand_bytes, (std::vector<uint64_t>{1600, 1600}));
  EXPECT_EQ(module->find("square")->max_threads, 64u);
}

}  // namespace
}  // namespace graven::emulator
