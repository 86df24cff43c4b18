// Cases are read as they were written, and comparisons find what differs.
#include "test/gpu_cases/case_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

namespace graven::gpu_cases {
namespace {

template <typename Element>
std::string bytes_of(std::vector<Element> values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(Element)};
}

Case sample() {
  Case one;
  one.name = std::string("softmax, row 3");
  one.module = std::string("a.ptx");
  one.function = std::string("k");
  one.grid[0] = 7;
  one.block[0] = 128;
  one.shared_bytes = 512;
  one.buffers.push_back({"f32", 2e-5, bytes_of<float>({1, 2}), bytes_of<float>({3, 4})});
  one.buffers.push_back({});
  one.parameters = {{0, 0}, {1, 0}, {0, 4}};
  return one;
}

TEST(CaseFile, ReadsWhatWasWritten) {
  std::istringstream file(encode(sample()) + encode(Case{}));
  Case one;
  std::string error;
  ASSERT_TRUE(read_case(file, &one, &error)) << error;
  EXPECT_EQ(encode(one), encode(sample()));
  EXPECT_EQ(one.parameters[2].offset, 4u);
  ASSERT_TRUE(read_case(file, &one, &error)) << error;
  EXPECT_FALSE(read_case(file, &one, &error));
  EXPECT_EQ(error, "");
}

TEST(CaseFile, RefusesWhatIsDamaged) {
  const std::string whole = encode(sample());
  Case one;
  std::string error;
  for (size_t length = 1; length < whole.size(); ++length) {
    std::istringstream file(whole.substr(0, length));
    EXPECT_FALSE(read_case(file, &one, &error));
    EXPECT_NE(error, "") << length;
  }
  Case beyond = sample();
  beyond.parameters[0].buffer = 2;
  std::istringstream file(encode(beyond));
  EXPECT_FALSE(read_case(file, &one, &error));
  EXPECT_NE(error, "");
}

std::string differs(const Buffer &buffer, const std::string &actual) {
  double worst = 0;
  return difference(buffer, actual, &worst);
}

TEST(Difference, OfFloats) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = INFINITY;
  Buffer buffer{"f32", 1e-3, "", bytes_of<float>({0, 1000, nan, infinity})};
  double worst = 0;
  EXPECT_EQ(difference(buffer, bytes_of<float>({0.0005f, 1000.5f, nan, infinity}), &worst), "");
  EXPECT_NEAR(worst, 5e-4, 1e-6);
  EXPECT_EQ(differs(buffer, bytes_of<float>({0.002f, 1000, nan, infinity})),
            "element 0 is 0.00200000009, expected 0");
  EXPECT_NE(differs(buffer, bytes_of<float>({0, 1002, nan, infinity})), "");
  EXPECT_NE(differs(buffer, bytes_of<float>({0, nan, nan, infinity})), "");
  EXPECT_NE(differs(buffer, bytes_of<float>({0, 1000, 1, infinity})), "");
  EXPECT_NE(differs(buffer, bytes_of<float>({0, 1000, nan, -infinity})), "");
  EXPECT_NE(differs(buffer, bytes_of<float>({0, 1000, nan})), "");
  buffer = {"f64", 1e-11, "", bytes_of<double>({1})};
  EXPECT_EQ(differs(buffer, bytes_of<double>({1 + 1e-12})), "");
  EXPECT_NE(differs(buffer, bytes_of<double>({1 + 1e-10})), "");
}

TEST(Difference, OfFloatsOf16Bits) {
  // 1, 1 + an ulp, NaN.
  Buffer buffer{"f16", 0x1p-10, "", bytes_of<uint16_t>({0x3c00, 0x3c00, 0x7e00})};
  EXPECT_EQ(differs(buffer, bytes_of<uint16_t>({0x3c00, 0x3c01, 0x7e01})), "");
  EXPECT_NE(differs(buffer, bytes_of<uint16_t>({0x3c00, 0x3c02, 0x7e00})), "");
  EXPECT_NE(differs(buffer, bytes_of<uint16_t>({0x3c00, 0x3c00, 0x3c00})), "");
  buffer = {"bf16", 0x1p-7, "", bytes_of<uint16_t>({0x3f80, 0x3f80, 0x7fc0})};
  EXPECT_EQ(differs(buffer, bytes_of<uint16_t>({0x3f80, 0x3f81, 0x7fc1})), "");
  EXPECT_NE(differs(buffer, bytes_of<uint16_t>({0x3f80, 0x3f82, 0x7fc0})), "");
  EXPECT_NE(differs(buffer, bytes_of<uint16_t>({0x3f80, 0x3f80, 0x3f80})), "");
}

TEST(Difference, OfBytes) {
  Buffer buffer{"bytes", 0, "", bytes_of<uint32_t>({3, 0x3f800000, 0x7fc00000})};
  EXPECT_EQ(differs(buffer, bytes_of<uint32_t>({3, 0x3f800000, 0x7fc00000})), "");
  EXPECT_EQ(differs(buffer, bytes_of<uint32_t>({3, 0x3f800000, 0x7fffffff})), "");
  EXPECT_EQ(differs(buffer, bytes_of<uint32_t>({4, 0x3f800000, 0x7fc00000})),
            "byte 0 differs: the word there is 0x00000004, expected 0x00000003");
  EXPECT_NE(differs(buffer, bytes_of<uint32_t>({3, 0x3f800001, 0x7fc00000})), "");
  // Integers that are no floats of note do not hide behind a tolerance.
  buffer = {"bytes", 2e-5, "", bytes_of<uint32_t>({3, 1000})};
  EXPECT_NE(differs(buffer, bytes_of<uint32_t>({4, 1000})), "");
  buffer.expected = bytes_of<float>({3, 1000});
  EXPECT_EQ(differs(buffer, bytes_of<float>({3.01f, 1000})), "");
  EXPECT_NE(differs(buffer, bytes_of<float>({3.1f, 1000})), "");
}

}  // namespace
}  // namespace graven::gpu_cases
