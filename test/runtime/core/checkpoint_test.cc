// Checkpoints: the round trip, plain safetensors, every damage refused, every failed write harmless.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "test/runtime/core/fake_model.h"

namespace graven::testing {
namespace {

class CheckpointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    build_affine_model(&builder_);
    ASSERT_EQ(graven_model_create(builder_.build(), &model_), GRAVEN_OK) << graven_last_error();
    ASSERT_EQ(graven_state_create(model_, &state_), GRAVEN_OK);
    fill(1);
  }
  void TearDown() override {
    graven_state_destroy(state_);
    graven_model_destroy(model_);
  }
  // Gives every state bytes that depend on `salt`.
  void fill(int salt) {
    uint32_t count;
    const graven_state_record *states = graven_model_states(model_, &count);
    for (uint32_t i = 0; i < count; ++i) {
      if (states[i].role == GRAVEN_ROLE_METRIC) continue;
      std::string data(states[i].tensor.bytes, 0);
      for (size_t k = 0; k < data.size(); ++k) {
        data[k] = static_cast<char>((static_cast<int>(k * 7 + i) + salt) % 100);
      }
      if (states[i].tensor.dtype == GRAVEN_I1) data.assign(data.size(), static_cast<char>(salt & 1));
      ASSERT_EQ(graven_state_set(state_, graven_model_text(model_, states[i].name), data.data(),
                                 data.size()),
                GRAVEN_OK);
    }
  }
  std::string content() {
    uint32_t count;
    const graven_state_record *states = graven_model_states(model_, &count);
    std::string all;
    for (uint32_t i = 0; i < count; ++i) {
      if (states[i].role == GRAVEN_ROLE_METRIC) continue;
      std::string data(states[i].tensor.bytes, 0);
      EXPECT_EQ(graven_state_get(state_, graven_model_text(model_, states[i].name), data.data(),
                                 data.size()),
                GRAVEN_OK);
      all += data;
    }
    return all;
  }
  // Saves, and gives the file's bytes.
  std::string saved(const char *const *metadata = nullptr) {
    std::string path = folder_.path("saved.safetensors");
    EXPECT_EQ(graven_state_save(state_, path.c_str(), metadata), GRAVEN_OK) << graven_last_error();
    return read_file(path);
  }
  graven_status load(const std::string &bytes) {
    std::string path = folder_.path("loaded.safetensors");
    write_file(path, bytes);
    return graven_state_load(state_, path.c_str());
  }
  // A safetensors file of `header` and `data`.
  static std::string file(const std::string &header, const std::string &data) {
    uint64_t bytes = header.size();
    return std::string(reinterpret_cast<const char *>(&bytes), 8) + header + data;
  }

  TemporaryFolder folder_;
  TableBuilder builder_;
  graven_model *model_ = nullptr;
  graven_state *state_ = nullptr;
};

TEST_F(CheckpointTest, RoundTripKeepsEverything) {
  const char *metadata[] = {"epoch", "7", "names", "a \"b\"\\\n\xc3\xa4\x01", nullptr};
  std::string before = content(), bytes = saved(metadata);
  fill(2);
  ASSERT_NE(content(), before);
  ASSERT_EQ(load(bytes), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(content(), before);
  EXPECT_STREQ(graven_state_metadata(state_, "epoch"), "7");
  EXPECT_STREQ(graven_state_metadata(state_, "names"), metadata[3]);
  EXPECT_STREQ(graven_state_metadata(state_, "graven.model"), "affine");
  EXPECT_EQ(graven_state_metadata(state_, "nothing"), nullptr);
  EXPECT_EQ(saved(metadata), bytes) << "equal states give equal files";
  EXPECT_EQ(folder_.files(), (std::vector<std::string>{"loaded.safetensors", "saved.safetensors"}));
}

TEST_F(CheckpointTest, EveryBitFlipIsRefused) {
  const char *metadata[] = {"epoch", "7", nullptr};
  std::string bytes = saved(metadata);
  fill(2);
  std::string before = content();
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    ASSERT_NE(load(damaged), GRAVEN_OK) << "bit " << bit % 8 << " of byte " << bit / 8;
  }
  EXPECT_EQ(content(), before);
}

TEST_F(CheckpointTest, EveryTruncationAndExtensionIsRefused) {
  std::string bytes = saved();
  fill(2);
  std::string before = content();
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_EQ(load(bytes.substr(0, size)), GRAVEN_CORRUPT) << size << ": " << graven_last_error();
  }
  EXPECT_EQ(load(bytes + "x"), GRAVEN_CORRUPT);
  EXPECT_EQ(content(), before);
}

}  // namespace
}  // namespace graven::testing
