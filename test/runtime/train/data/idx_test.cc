#include "runtime/train/data/idx.h"

#include "test/runtime/train/matchers.h"

namespace graven::train {
namespace {

using ::graven::testing::MessageOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Idx(uint8_t type, const std::vector<uint32_t> &shape, const std::string &elements) {
  std::string bytes(2, '\0');
  bytes.push_back(static_cast<char>(type));
  bytes.push_back(static_cast<char>(shape.size()));
  for (uint32_t extent : shape) {
    for (int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<char>(extent >> shift));
  }
  return bytes + elements;
}

TEST(IdxTest, ReadsBytes) {
  auto tensor = ParseIdx("f", Idx(8, {2, 2}, std::string("\x01\x02\xff\x00", 4)));
  GRAVEN_ASSERT_OK(tensor);
  EXPECT_EQ(tensor->dtype, GRAVEN_UI8);
  EXPECT_THAT(tensor->shape, ElementsAre(2, 2));
  EXPECT_EQ(tensor->at(2), 255);
}

TEST(IdxTest, ReadsWiderTypesBigEndian) {
  auto i16 = ParseIdx("f", Idx(0x0B, {2}, std::string("\xff\xfe\x01\x00", 4)));
  GRAVEN_ASSERT_OK(i16);
  EXPECT_EQ(i16->dtype, GRAVEN_I32);
  EXPECT_EQ(i16->at(0), -2);
  EXPECT_EQ(i16->at(1), 256);
  auto i8 = ParseIdx("f", Idx(9, {1}, "\x80"));
  GRAVEN_ASSERT_OK(i8);
  EXPECT_EQ(i8->at(0), -128);
  auto f32 = ParseIdx("f", Idx(0x0D, {1}, std::string("\x3f\x80\x00\x00", 4)));
  GRAVEN_ASSERT_OK(f32);
  EXPECT_EQ(f32->at(0), 1.0);
  auto f64 = ParseIdx("f", Idx(0x0E, {1}, std::string("\x3f\xf8\0\0\0\0\0\0", 8)));
  GRAVEN_ASSERT_OK(f64);
  EXPECT_EQ(f64->at(0), 1.5);
}

TEST(IdxTest, RefusesEveryTruncationAndEveryExtension) {
  const std::string whole = Idx(8, {3, 2}, "abcdef");
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(ParseIdx("f", whole.substr(0, length)).ok()) << length;
  }
  EXPECT_THAT(MessageOf(ParseIdx("f.idx", whole.substr(0, whole.size() - 1))),
              HasSubstr("promises 3x2 elements of 1 bytes, the file holds 5 bytes"));
  EXPECT_FALSE(ParseIdx("f", whole + "x").ok());
}

TEST(IdxTest, RefusesHugeExtentsWithoutAllocating) {
  EXPECT_FALSE(ParseIdx("f", Idx(8, {0xffffffff, 0xffffffff, 0xffffffff}, "abc")).ok());
  EXPECT_FALSE(ParseIdx("f", Idx(0x0E, {0xffffffff, 0xffffffff}, "abc")).ok());
}

TEST(IdxTest, RefusesUnknownTypesAndRanks) {
  EXPECT_THAT(MessageOf(ParseIdx("f", Idx(7, {1}, "a"))), HasSubstr("element type 0x07"));
  EXPECT_THAT(MessageOf(ParseIdx("f", Idx(8, {}, "a"))), HasSubstr("IDX rank 0"));
  EXPECT_THAT(MessageOf(ParseIdx("f", Idx(8, std::vector<uint32_t>(9, 1), "a"))),
              HasSubstr("IDX rank 9"));
}

}  // namespace
}  // namespace graven::train
