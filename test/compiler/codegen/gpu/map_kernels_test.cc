// Elementwise kernels of 16-bit floats on the GPU, in the emulator against the interpreter.
#include <gtest/gtest.h>

#include "test/compiler/codegen/gpu/kernel_harness.h"
#include "test/compiler/codegen/kernel_text.h"

namespace graven::codegen::gpu {
namespace {

using std::string;

constexpr const char *kNarrow[] = {"f16", "bf16"};

// Relative to the largest element: each op rounds to the type.
double toleranceOf(const string &type) { return type == "f16" ? 0x1p-9 : 0x1p-6; }

// tanh(x * y) of `shape`, as a map.
string product(const std::vector<int64_t> &shape, const string &type) {
  string t = typeText(shape, type);
  return kernelText(
      "map", {t, t},
      opText("%0", "multiply(%a0, %a1)", {t, t}, t) + opText("%1", "tanh(%0)", {t}, t), {"%1"},
      {t});
}

// Rows of x with a row added to each.
string biased(int64_t rows, int64_t columns, const string &type) {
  string t = typeText({rows, columns}, type), r = typeText({columns}, type);
  string shape = listText({rows, columns});
  return kernelText("map", {t, r},
                    opText("%0", "broadcast(%a1, shape = " + shape + ", axes = [1])", {r}, t) +
                        opText("%1", "add(%a0, %0)", {t, t}, t),
                    {"%1"}, {t});
}

// Global accesses of `ptx`, and those of 16 bytes among them.
std::pair<int64_t, int64_t> accesses(const string &ptx) {
  int64_t all = countOf(ptx, "ld.global") + countOf(ptx, "st.global"), wide = 0;
  for (const char *each : {"ld.global.v4.b32", "ld.global.nc.v4.b32", "st.global.v4.b32",
                           "ld.global.v2.b64", "ld.global.nc.v2.b64", "st.global.v2.b64"})
    wide += countOf(ptx, each);
  return {all, wide};
}

// Whole vectors alone: every access has 16 bytes. With a rest: both.
TEST(GpuMapKernels, NarrowAccessesHave16Bytes) {
  for (const char *type : kNarrow) {
    for (const string &text : {product({200, 104}, type), biased(50, 504, type)}) {
      EmulatedKernel kernel(text);
      ASSERT_TRUE(kernel.ok());
      EXPECT_EQ(kernel.strategy(), "map");
      EXPECT_EQ(accesses(kernel.ptx()), (std::pair<int64_t, int64_t>{3, 3})) << kernel.ptx();
      kernel.check(3, toleranceOf(type));
    }
    for (int64_t length : {20001, 20007, 20004, 65535}) {
      EmulatedKernel kernel(product({length}, type));
      ASSERT_TRUE(kernel.ok());
      // Three for an element of the rest, whose loop may be unrolled.
      auto [all, wide] = accesses(kernel.ptx());
      EXPECT_EQ(wide, 3) << length;
      EXPECT_GT(all, wide) << length;
      EXPECT_EQ((all - wide) % 3, 0) << length;
      kernel.check(5, toleranceOf(type));
    }
  }
}

// Few elements, rows that no vector divides or that smaller ones do.
TEST(GpuMapKernels, NarrowOfAllLengths) {
  for (const char *type : kNarrow) {
    for (int64_t length : {1, 7, 8, 9, 63, 65, 127, 1000}) {
      SCOPED_TRACE(length);
      EmulatedKernel(product({length}, type)).check(3, toleranceOf(type));
      int64_t rows = 24000 / length;
      EmulatedKernel(biased(rows, length, type)).check(4, toleranceOf(type));
    }
    for (int64_t columns : {12, 14, 20}) {
      EmulatedKernel kernel(biased(2000, columns, type));
      ASSERT_TRUE(kernel.ok());
      int64_t lanes = columns % 4 == 0 ? 4 : 2;
      EXPECT_TRUE(llvm::StringRef(kernel.func().getSymName()).ends_with("_v" + text(lanes)));
      kernel.check(4, toleranceOf(type));
    }
  }
}

// Bits beside 16-bit floats, and f32 that is not stored, take lanes of the 16-bit ones; f32 in
// memory takes lanes of its own.
TEST(GpuMapKernels, NarrowBesideOthers) {
  for (const char *type : kNarrow)
    for (int64_t length : {24000, 24003}) {
      string t = typeText({length}, type), mask = typeText({length}, "i1"),
             wide = typeText({length}, "f32"),
             convert = string("convert(%1, dtype = ") + type + ")";
      EmulatedKernel kept(kernelText("map", {t, mask},
                                     opText("%0", "convert(%a0, dtype = f32)", {t}, wide) +
                                         opText("%1", "exp(%0)", {wide}, wide) +
                                         opText("%2", convert, {wide}, t) +
                                         opText("%3", "select(%a1, %2, %a0)", {mask, t, t}, t) +
                                         opText("%4", "greater(%3, %a0)", {t, t}, mask),
                                     {"%3", "%4"}, {t, mask}));
      ASSERT_TRUE(kept.ok());
      EXPECT_TRUE(llvm::StringRef(kept.func().getSymName()).ends_with("_v8"));
      // A vector of x and of the result; of the bits 8 bytes.
      EXPECT_EQ(accesses(kept.ptx()).second, 2);
      // The exponential is well above x: no rounding decides what is greater.
      kept.check(6, 0x1p-6, 1, 2);

      EmulatedKernel widened(kernelText(
          "map", {t}, opText("%0", "convert(%a0, dtype = f32)", {t}, wide), {"%0"}, {wide}));
      ASSERT_TRUE(widened.ok());
      EXPECT_TRUE(llvm::StringRef(widened.func().getSymName()).ends_with("_v4"));
      EXPECT_EQ(accesses(widened.ptx()).second, 1);
      widened.check(7, 0);
    }
}

// Many tensors of 16 bits in one kernel: whole vectors, ends, and tensors smaller than a vector.
TEST(GpuSegmentKernels, NarrowUpdate) {
  for (const char *type : kNarrow) {
    string body;
    std::vector<string> inputs, outputs, yielded;
    for (int64_t length : {3, 5000, 8, 4099}) {
      string t = typeText({length}, type), n = text(static_cast<int64_t>(yielded.size()));
      string x = "%a" + text(static_cast<int64_t>(inputs.size())),
             g = "%a" + text(static_cast<int64_t>(inputs.size()) + 1);
      inputs.insert(inputs.end(), {t, t});
      body += opText("%m" + n, "multiply(" + g + ", " + x + ")", {t, t}, t) +
              opText("%s" + n, "subtract(" + x + ", %m" + n + ")", {t, t}, t);
      outputs.push_back(t);
      yielded.push_back("%s" + n);
    }
    string source = kernelText("segments", inputs, body, yielded, outputs);
    const string kind = "kind = \"segments\"";
    size_t at = source.find(kind);
    ASSERT_NE(at, string::npos);
    source.insert(at + kind.size(), ", segments = 4 : i64, shared = 0 : i64");
    EmulatedKernel kernel(source);
    ASSERT_TRUE(kernel.ok());
    EXPECT_EQ(kernel.strategy(), "segments");
    EXPECT_EQ(accesses(kernel.ptx()).second, 3);
    kernel.check(8, toleranceOf(type));
  }
}

}  // namespace
}  // namespace graven::codegen::gpu
