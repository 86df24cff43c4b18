#include "runtime/train/data/npy.h"

#include <zip.h>

#include "runtime/train/data/file.h"
#include "runtime/train/data/narrow_float.h"
#include "test/runtime/core/fake_model.h"
#include "test/runtime/train/matchers.h"

namespace graven::train {
namespace {

using ::graven::testing::MessageOf;
using ::graven::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Npy(const std::string &header, const std::string &elements, char version = 1) {
  std::string bytes("\x93NUMPY", 6);
  bytes.push_back(version);
  bytes.push_back(0);
  bytes.push_back(static_cast<char>(header.size() & 0xff));
  bytes.push_back(static_cast<char>(header.size() >> 8));
  if (version > 1) bytes.append(2, '\0');
  return bytes + header + elements;
}

std::string Header(const std::string &descr, const std::string &shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': (" + shape + "), }\n";
}

template <typename T>
Tensor Make(graven_dtype dtype, std::vector<int64_t> shape, std::vector<T> values) {
  Tensor tensor = Tensor::Zeros(dtype, std::move(shape));
  std::copy(values.begin(), values.end(), tensor.as<T>());
  return tensor;
}

TEST(NpyTest, WritesWhatNumpyWrites) {
  // numpy.save of numpy.array([[1, 2]], dtype='<i4').
  std::string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2), }";
  header.append(118 - header.size() - 1, ' ');
  header += '\n';
  std::string expected = std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header +
                         std::string("\x01\0\0\0\x02\0\0\0", 8);
  EXPECT_EQ(NpyBytes(Make<int32_t>(GRAVEN_I32, {1, 2}, {1, 2})), expected);
}

TEST(NpyTest, RoundTripsEveryTypeAndRank) {
  for (graven_dtype dtype :
       {GRAVEN_F32, GRAVEN_F64, GRAVEN_I1, GRAVEN_I32, GRAVEN_I64, GRAVEN_UI8, GRAVEN_F16}) {
    for (const std::vector<int64_t> &shape :
         {std::vector<int64_t>{}, {3}, {2, 3}, {1, 2, 3}, {0, 4}}) {
      Tensor tensor = Tensor::Zeros(dtype, shape);
      for (size_t i = 0; i < tensor.data.size(); i += DtypeBytes(dtype)) tensor.data[i] = 1;
      auto back = ParseNpy("f", NpyBytes(tensor));
      GRAVEN_ASSERT_OK(back);
      EXPECT_EQ(back->dtype, dtype);
      EXPECT_EQ(back->shape, shape);
      EXPECT_EQ(back->data, tensor.data);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(back->data.data()) % 64, 0u);
    }
  }
}

TEST(NpyTest, WritesBf16AsF32) {
  Tensor tensor = Tensor::Zeros(GRAVEN_BF16, {2});
  tensor.as<Bf16>()[0] = Bf16(-1.5);
  tensor.as<Bf16>()[1] = Bf16(1.0 + 0x1p-8);  // a tie, to even
  auto back = ParseNpy("f", NpyBytes(tensor));
  GRAVEN_ASSERT_OK(back);
  EXPECT_EQ(back->dtype, GRAVEN_F32);
  EXPECT_EQ(back->at(0), -1.5);
  EXPECT_EQ(back->at(1), 1.0);
}

TEST(NpyTest, WidensSwapsAndTransposes) {
  auto i2 = ParseNpy("f", Npy(Header("<i2", "2,"), std::string("\xff\xff\x02\x00", 4)));
  GRAVEN_ASSERT_OK(i2);
  EXPECT_EQ(i2->dtype, GRAVEN_I32);
  EXPECT_EQ(i2->at(0), -1);
  auto u4 = ParseNpy("f", Npy(Header("<u4", "1,"), "\xff\xff\xff\xff", 2));
  GRAVEN_ASSERT_OK(u4);
  EXPECT_EQ(u4->dtype, GRAVEN_I64);
  EXPECT_EQ(u4->at(0), 4294967295.0);
  auto big = ParseNpy("f", Npy(Header(">i4", "1,"), std::string("\0\0\1\0", 4)));
  GRAVEN_ASSERT_OK(big);
  EXPECT_EQ(big->at(0), 256);
  auto fortran = ParseNpy("f", Npy(Header("|u1", "2, 3", true), std::string("\1\4\2\5\3\6")));
  GRAVEN_ASSERT_OK(fortran);
  EXPECT_THAT(fortran->data, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(NpyTest, RefusesEveryTruncation) {
  const std::string whole = NpyBytes(Make<float>(GRAVEN_F32, {2, 3}, {1, 2, 3, 4, 5, 6}));
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(ParseNpy("f", whole.substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(ParseNpy("f", whole + "x").ok());
}

TEST(NpyTest, SurvivesEveryByteFlip) {
  const std::string whole = NpyBytes(Make<float>(GRAVEN_F32, {2, 3}, {1, 2, 3, 4, 5, 6}));
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      (void)ParseNpy("f", damaged).ok();
    }
  }
}

TEST(NpyTest, RefusesWhatItCannotRead) {
  EXPECT_THAT(MessageOf(ParseNpy("f", "hello")), HasSubstr("is no npy file"));
  EXPECT_THAT(MessageOf(ParseNpy("f", Npy(Header("<c8", "1,"), "abcdefgh"))),
              HasSubstr("numpy type '<c8' is not supported"));
  EXPECT_THAT(MessageOf(ParseNpy("f", Npy(Header("|O", "1,"), "ab"))), HasSubstr("not supported"));
  EXPECT_THAT(MessageOf(ParseNpy("f", Npy(Header("<f4", "99999999999, 99999999999"), "ab"))),
              HasSubstr("truncated or damaged"));
  EXPECT_THAT(MessageOf(ParseNpy("f", Npy(Header("<f4", "-1,"), "ab"))),
              HasSubstr("not understood"));
  EXPECT_THAT(MessageOf(ParseNpy("f", Npy("{}", "ab"))), HasSubstr("lacks descr"));
}

TEST(NpzTest, ReadsMembersInOrderAndRefusesDamage) {
  TemporaryFolder folder;
  std::string path = folder.path("a.npz");
  std::string x = NpyBytes(Make<float>(GRAVEN_F32, {2}, {1, 2}));
  std::string y = NpyBytes(Make<int32_t>(GRAVEN_I32, {2}, {0, 1}));
  int error = 0;
  zip_t *archive = zip_open(path.c_str(), ZIP_CREATE, &error);
  ASSERT_NE(archive, nullptr);
  zip_file_add(archive, "x.npy", zip_source_buffer(archive, x.data(), x.size(), 0), 0);
  zip_file_add(archive, "label.npy", zip_source_buffer(archive, y.data(), y.size(), 0), 0);
  ASSERT_EQ(zip_close(archive), 0);
  auto arrays = ReadNpz(path);
  GRAVEN_ASSERT_OK(arrays);
  ASSERT_EQ(arrays->size(), 2u);
  EXPECT_EQ((*arrays)[0].first, "x");
  EXPECT_EQ((*arrays)[1].first, "label");
  EXPECT_EQ((*arrays)[1].second.at(1), 1);

  std::string whole = ::graven::testing::read_file(path);
  for (size_t length = 0; length < whole.size(); length += 3) {
    ::graven::testing::write_file(path, whole.substr(0, length));
    EXPECT_FALSE(ReadNpz(path).ok()) << length;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    ::graven::testing::write_file(path, damaged);
    (void)ReadNpz(path).ok();
  }
}

}  // namespace
}  // namespace graven::train
