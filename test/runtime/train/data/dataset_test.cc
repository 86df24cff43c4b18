#include "runtime/train/data/dataset.h"

#include <zlib.h>

#include <cmath>

#include "runtime/train/data/file.h"
#include "runtime/train/data/npy.h"
#include "test/runtime/core/fake_model.h"
#include "test/runtime/train/matchers.h"

namespace graven::train {
namespace {

using ::graven::testing::MessageOf;
using ::graven::testing::TemporaryFolder;
using ::graven::testing::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Port Features(std::vector<int64_t> shape, graven_dtype dtype = GRAVEN_F32) {
  Port port;
  port.name = "x";
  port.dtype = dtype;
  port.shape = std::move(shape);
  port.batched = true;
  return port;
}

Port Labels(int64_t classes) {
  Port port;
  port.name = "label";
  port.dtype = GRAVEN_I32;
  port.shape = {16};
  port.batched = true;
  port.has_range = true;
  port.range_hi = classes;
  return port;
}

class DatasetTest : public ::testing::Test {
 protected:
  std::string Write(const std::string &name, const std::string &content) {
    write_file(folder_.path(name), content);
    return folder_.path(name);
  }
  std::string WriteArray(const std::string &name, graven_dtype dtype, std::vector<int64_t> shape,
                         std::vector<double> values) {
    Tensor tensor = Tensor::Zeros(GRAVEN_F64, std::move(shape));
    std::copy(values.begin(), values.end(), tensor.as<double>());
    return Write(name, NpyBytes(*Convert(tensor, dtype, "test")));
  }
  TemporaryFolder folder_;
};

TEST_F(DatasetTest, ClassNamesBecomeASortedVocabulary) {
  std::string path = Write("f.csv", "a,b,kind\n1,2,pear\n3,4,apple\n5,6,pear\n");
  Port labels = Labels(3);
  auto data = LoadDataset(path, Features({16, 2}), &labels, {});
  GRAVEN_ASSERT_OK(data);
  EXPECT_THAT(data->classes, ElementsAre("apple", "pear"));
  EXPECT_THAT(data->class_of_row, ElementsAre(1, 0, 1));
  EXPECT_EQ(data->labels->dtype, GRAVEN_I32);
  EXPECT_EQ(data->labels->at(0), 1);
  EXPECT_EQ(data->features.at(3), 4.0);
}

TEST_F(DatasetTest, AnEarlierVocabularyAndColumnMapAreObeyed) {
  std::string path = Write("f.csv", "b,kind,a\n2,pear,1\n");
  Port labels = Labels(3);
  DatasetOptions options;
  options.classes = {"zebra", "pear"};
  options.columns = {"a", "b"};
  options.label = "kind";
  auto data = LoadDataset(path, Features({16, 2}), &labels, options);
  GRAVEN_ASSERT_OK(data);
  EXPECT_EQ(data->labels->at(0), 1);
  EXPECT_EQ(data->features.at(0), 1.0);
  options.classes = {"zebra", "peer"};
  EXPECT_THAT(MessageOf(LoadDataset(path, Features({16, 2}), &labels, options)),
              HasSubstr("f.csv:2:2: class 'pear' is unknown; did you mean 'peer'?"));
}

TEST_F(DatasetTest, NumbersBecomeTargetsOrClasses) {
  std::string path = Write("f.csv", "a,y\n1,0.5\n2,1.5\n");
  Port target;
  target.name = "y";
  target.shape = {16, 1};
  target.batched = true;
  auto data = LoadDataset(path, Features({16, 1}), &target, {});
  GRAVEN_ASSERT_OK(data);
  EXPECT_THAT(data->labels->shape, ElementsAre(2, 1));
  EXPECT_TRUE(data->class_of_row.empty());
  Port labels = Labels(3);
  EXPECT_THAT(MessageOf(LoadDataset(path, Features({16, 1}), &labels, {})),
              HasSubstr("row 0 holds 0.5, which is no i64 (a whole number)"));
  path = Write("g.csv", "a,y\n1,0\n2,3\n");
  EXPECT_THAT(MessageOf(LoadDataset(path, Features({16, 1}), &labels, {})),
              HasSubstr("g.csv:3:2: label 3 is out of range; the model distinguishes 0 to 2"));
}

TEST_F(DatasetTest, ClassNumbersBecomeOneHotRows) {
  std::string path = Write("f.csv", "a,y\n1,2\n2,0\n");
  Port target;
  target.name = "y";
  target.shape = {16, 3};
  target.batched = true;
  auto data = LoadDataset(path, Features({16, 1}), &target, {});
  GRAVEN_ASSERT_OK(data);
  std::vector<float> values(data->labels->as<float>(), data->labels->as<float>() + 6);
  EXPECT_THAT(values, ElementsAre(0, 0, 1, 1, 0, 0));
  EXPECT_THAT(data->class_of_row, ElementsAre(2, 0));
}

TEST_F(DatasetTest, TooManyClassesAreNamed) {
  std::string path = Write("f.csv", "a,kind\n1,x\n2,y\n3,z\n");
  Port labels = Labels(2);
  EXPECT_THAT(
      MessageOf(LoadDataset(path, Features({16, 1}), &labels, {})),
      HasSubstr("column 'kind' holds 3 different labels (x, y, z), the model distinguishes 2"));
}

TEST_F(DatasetTest, PairsOfGzippedIdxFilesAreReshaped) {
  auto gzip = [this](const std::string &name, const std::string &bytes) {
    gzFile file = gzopen(folder_.path(name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    return folder_.path(name);
  };
  std::string images = gzip("i.gz", std::string("\0\0\x08\x03\0\0\0\2\0\0\0\2\0\0\0\2", 16) +
                                        "\x01\x02\x03\x04\x05\x06\x07\xff");
  std::string labels_file = gzip("l.gz", std::string("\0\0\x08\x01\0\0\0\2\x01\x00", 10));
  Port labels = Labels(2);
  auto data = LoadDataset(images + "," + labels_file, Features({16, 4}), &labels, {});
  GRAVEN_ASSERT_OK(data);
  EXPECT_THAT(data->features.shape, ElementsAre(2, 4));
  EXPECT_EQ(data->features.dtype, GRAVEN_F32);
  EXPECT_EQ(data->features.at(7), 255.0);
  EXPECT_EQ(data->labels->at(0), 1);

  EXPECT_THAT(
      MessageOf(LoadDataset(images + "," + labels_file, Features({16, 5}), &labels, {})),
      HasSubstr("a row has shape 2x2xui8 (4 elements), the model's input 'x' takes 5xf32 (5"));
  EXPECT_THAT(MessageOf(LoadDataset(images, Features({16, 4}), &labels, {})),
              HasSubstr("holds features only, but the model's input 'label' needs labels"));
  std::string packed = ::graven::testing::read_file(images);
  for (size_t length = 3; length < packed.size(); ++length) {
    Write("cut.gz", packed.substr(0, length));
    EXPECT_FALSE(
        LoadDataset(folder_.path("cut.gz") + "," + labels_file, Features({16, 4}), &labels, {})
            .ok())
        << length;
  }
}

TEST_F(DatasetTest, PairsOfArraysMustAgree) {
  std::string x = WriteArray("x.npy", GRAVEN_F64, {3, 2}, {1, 2, 3, 4, 5, 6});
  std::string y = WriteArray("y.npy", GRAVEN_I64, {2}, {0, 1});
  Port labels = Labels(2);
  EXPECT_THAT(MessageOf(LoadDataset(x + "," + y, Features({16, 2}), &labels, {})),
              HasSubstr("x.npy has 3 rows, "));
  y = WriteArray("y.npy", GRAVEN_I64, {3}, {0, 1, 1});
  auto data = LoadDataset(x + "," + y, Features({16, 2}), &labels, {});
  GRAVEN_ASSERT_OK(data);
  EXPECT_EQ(data->rows, 3);
  y = WriteArray("y.npy", GRAVEN_I64, {3}, {0, 2, 1});
  EXPECT_THAT(MessageOf(LoadDataset(x + "," + y, Features({16, 2}), &labels, {})),
              HasSubstr("row 1: label 2 is out of range"));
}

TEST_F(DatasetTest, NaNInArraysIsNamed) {
  std::string x = WriteArray("x.npy", GRAVEN_F64, {2, 2}, {1, 2, 3, std::nan("")});
  EXPECT_THAT(MessageOf(LoadDataset(x, Features({16, 2}), nullptr, {})),
              HasSubstr("x.npy: row 1, element 1 of input 'x' is nan"));
}

TEST_F(DatasetTest, MissingFilesAndFoldersAreNamed) {
  EXPECT_THAT(MessageOf(LoadDataset("/nowhere/f.csv", Features({16, 2}), nullptr, {})),
              HasSubstr("/nowhere/f.csv: no such file"));
  EXPECT_THAT(MessageOf(LoadDataset(folder_.path(), Features({16, 2}), nullptr, {})),
              HasSubstr("is a folder"));
}

TEST_F(DatasetTest, SelectedRowsKeepTheirLabels) {
  std::string path = Write("f.csv", "a,kind\n1,x\n2,y\n3,z\n");
  Port labels = Labels(3);
  auto data = LoadDataset(path, Features({16, 1}), &labels, {});
  GRAVEN_ASSERT_OK(data);
  Dataset chosen = SelectRows(*data, {2, 0});
  EXPECT_EQ(chosen.rows, 2);
  EXPECT_EQ(chosen.features.at(0), 3.0);
  EXPECT_EQ(chosen.labels->at(0), 2);
  EXPECT_THAT(chosen.class_of_row, ElementsAre(2, 0));
  EXPECT_NE(chosen.Digest(), data->Digest());
}

TEST(FileTest, AFailedWriteLeavesTheOldFile) {
  TemporaryFolder folder;
  write_file(folder.path("f"), "old");
  EXPECT_FALSE(WriteFileAtomically(folder.path("no/f"), "new").ok());
  GRAVEN_ASSERT_OK(WriteFileAtomically(folder.path("f"), "new"));
  EXPECT_EQ(::graven::testing::read_file(folder.path("f")), "new");
  EXPECT_THAT(folder.files(), ElementsAre("f"));
  EXPECT_THAT(MessageOf(CheckWritable(folder.path("no/f"), "--save")),
              HasSubstr("--save: cannot write"));
  EXPECT_THAT(MessageOf(CheckWritable(folder.path(), "--save")), HasSubstr("is a folder"));
}

}  // namespace
}  // namespace graven::train
