// Checkpoints: the round trip, plain safetensors, every damage refused, every failed write
// harmless.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
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
      if (states[i].tensor.dtype == GRAVEN_I1)
        data.assign(data.size(), static_cast<char>(salt & 1));
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

TEST_F(CheckpointTest, IsASafetensorsFile) {
  std::string bytes = saved();
  uint64_t header_bytes;
  memcpy(&header_bytes, bytes.data(), 8);
  EXPECT_EQ(header_bytes % 8, 0u);
  std::string header = bytes.substr(8, header_bytes);
  for (const char *part :
       {"\"w\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[40,56]}",
        "\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[56,60]}",
        "\"w.slot\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[0,32]}",
        "\"flag\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[60,63]}",
        "\"step\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[32,40]}",
        "\"graven.model\":\"affine\"", "\"graven.layout_digest\":\"0000000000001234\""}) {
    EXPECT_NE(header.find(part), std::string::npos) << part << "\n" << header;
  }
  EXPECT_EQ(header.find("loss"), std::string::npos) << "metrics are not saved";
}

// A plain file with the parameters w and b and the statistic flag.
const char kPlainHeader[] =
    "{\"w\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
    "\"flag\":{\"data_offsets\":[20,23],\"shape\":[3],\"dtype\":\"BOOL\"},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[16,20]}}";
const std::string kPlainData(23, '\1');

TEST_F(CheckpointTest, PlainWeightsLoadAndTheRestStays) {
  double slot[4] = {};
  int64_t step = 41;
  ASSERT_EQ(graven_state_set(state_, "step", &step, sizeof step), GRAVEN_OK);
  ASSERT_EQ(graven_state_get(state_, "w.slot", slot, sizeof slot), GRAVEN_OK);
  const double before = slot[3];
  ASSERT_EQ(load(file(kPlainHeader, kPlainData)), GRAVEN_OK) << graven_last_error();
  float w[4];
  ASSERT_EQ(graven_state_get(state_, "w", w, sizeof w), GRAVEN_OK);
  EXPECT_EQ(memcmp(w, kPlainData.data(), sizeof w), 0);
  ASSERT_EQ(graven_state_get(state_, "w.slot", slot, sizeof slot), GRAVEN_OK);
  EXPECT_EQ(slot[3], before);
  step = 0;
  ASSERT_EQ(graven_state_get(state_, "step", &step, sizeof step), GRAVEN_OK);
  EXPECT_EQ(step, 41);
  EXPECT_EQ(graven_state_metadata(state_, "graven.model"), nullptr);
}

// One row per mistake: a header (and data), and what the message must say.
TEST_F(CheckpointTest, UnfitAndMalformedFilesAreRefused) {
  const std::string plain = kPlainHeader;
  auto with = [&](const std::string &from, const std::string &to) {
    std::string header = plain;
    size_t at = header.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return header.replace(at, from.size(), to);
  };
  struct {
    std::string header, data;
    graven_status status;
    const char *message;
  } rows[] = {
      {with("\"w\"", "\"v\""), kPlainData, GRAVEN_INCOMPATIBLE,
       "holds 'v', which this model has not"},
      {with("\"w\"", "\"loss.sum\""), kPlainData, GRAVEN_INCOMPATIBLE, "'loss.sum'"},
      {with("[4]", "[2,2]"), kPlainData, GRAVEN_INCOMPATIBLE,
       "'w' is 2x2xf32 there, expected 4xf32"},
      {with("[4]", "[5]"), kPlainData, GRAVEN_INCOMPATIBLE, "expected 4xf32"},
      {with("[4]", "[1,1,1,1,1,1,1,1,1,1,1,4]"), kPlainData, GRAVEN_INCOMPATIBLE, "expected 4xf32"},
      {with("F32", "I32"), kPlainData, GRAVEN_INCOMPATIBLE, "4xi32 there"},
      {with("F32", "BF16"), kPlainData, GRAVEN_INCOMPATIBLE, "4xbf16 there"},
      {with("F32", "I16"), kPlainData, GRAVEN_INCOMPATIBLE, "of type I16"},
      {with("[16,20]", "[12,16]"), kPlainData, GRAVEN_CORRUPT, "begin at byte"},
      {with("[16,20]", "[16,24]"), kPlainData, GRAVEN_CORRUPT, "expected 4 bytes"},
      {with("[16,20]", "[20,16]"), kPlainData, GRAVEN_CORRUPT, "lies at bytes"},
      {with("[16,20]", "[9223372036854775807,3]"), kPlainData, GRAVEN_CORRUPT, "lies at bytes"},
      {with("[16,20]", "[16,99999999999999999999]"), kPlainData, GRAVEN_CORRUPT, "too large"},
      {with("[16,20]", "[16,20,24]"), kPlainData, GRAVEN_CORRUPT, "expected ']'"},
      {with("[16,20]", "[-1,3]"), kPlainData, GRAVEN_CORRUPT, "whole number"},
      {with("\"b\"", "\"w\""), kPlainData, GRAVEN_CORRUPT, "holds 'w' twice"},
      {with("\"shape\":[4]", "\"shape\":[4],\"shape\":[4]"), kPlainData, GRAVEN_CORRUPT, "once"},
      {with("\"shape\":[4],", ""), kPlainData, GRAVEN_CORRUPT, "lacks its dtype"},
      {with("\"shape\":[4]", "\"shape\":[[[[4]]]]"), kPlainData, GRAVEN_CORRUPT, "whole number"},
      {with("\"shape\":[4]", "\"shape\":null"), kPlainData, GRAVEN_CORRUPT, "expected '['"},
      {with("}}", "}},"), kPlainData, GRAVEN_CORRUPT, "expected the end"},
      {with("}}", "}"), kPlainData, GRAVEN_CORRUPT, "expected '}'"},
      {with("{\"w\"", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"},\"w\""), kPlainData,
       GRAVEN_CORRUPT, "'a' twice"},
      {with("{\"w\"", "{\"__metadata__\":{},\"__metadata__\":{},\"w\""), kPlainData, GRAVEN_CORRUPT,
       "two __metadata__"},
      {with("{\"w\"", "{\"__metadata__\":{\"a\":1},\"w\""), kPlainData, GRAVEN_CORRUPT,
       "expected a string"},
      {with("{\"w\"", "{\"__metadata__\":{\"graven.model\":\"affine\"},\"w\""), kPlainData,
       GRAVEN_CORRUPT, "'graven.' metadata"},
      {plain, kPlainData.substr(1), GRAVEN_CORRUPT, "bytes of data"},
      {plain, kPlainData + "x", GRAVEN_CORRUPT, "bytes of data"},
      {plain, kPlainData.substr(0, 22) + "\2", GRAVEN_CORRUPT, "BOOL"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}",
       kPlainData.substr(0, 16), GRAVEN_INCOMPATIBLE, "lacks state 'b' (f32)"},
      {"{}", "", GRAVEN_INCOMPATIBLE, "lacks state 'w'"},
      {"[]", "", GRAVEN_CORRUPT, "expected '{'"},
      {std::string(100000, '{'), "", GRAVEN_CORRUPT, "expected a string"},
      {std::string(64, '\0'), "", GRAVEN_CORRUPT, "expected '{'"},
  };
  std::string before = content();
  for (const auto &row : rows) {
    EXPECT_EQ(load(file(row.header, row.data)), row.status) << row.header << graven_last_error();
    EXPECT_NE(strstr(graven_last_error(), row.message), nullptr)
        << "expected '" << row.message << "' in: " << graven_last_error();
    EXPECT_NE(strstr(graven_last_error(), "state is unchanged"), nullptr) << graven_last_error();
  }
  std::string huge = file(plain, kPlainData);
  huge[7] = 1;
  EXPECT_EQ(load(huge), GRAVEN_CORRUPT) << "a header of 2^56 bytes";
  EXPECT_EQ(content(), before);
}

// No digest protects a plain file, so that damage reaches the reader: it must refuse or load, and
// never crash. What loads must hold i1 values of 0 and 1 alone.
TEST_F(CheckpointTest, RandomDamageToPlainFilesIsHarmless) {
  std::mt19937 random(1);
  const std::string sound = file(kPlainHeader, kPlainData);
  const std::string alphabet = "{}[]:,\"\\0123456789 uw\n\xff";
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string damaged = sound;
    for (int n = 1 + static_cast<int>(random() % 3); n > 0; --n) {
      size_t at = random() % damaged.size();
      switch (random() % 4) {
        case 0:
          damaged[at] = static_cast<char>(random());
          break;
        case 1:
          damaged[at] = alphabet[random() % alphabet.size()];
          break;
        case 2:
          damaged.erase(at, 1 + random() % 4);
          break;
        default:
          damaged.insert(at, 1, alphabet[random() % alphabet.size()]);
      }
      if (damaged.empty()) break;
    }
    refused += load(damaged) != GRAVEN_OK;
    char flag[3];
    ASSERT_EQ(graven_state_get(state_, "flag", flag, sizeof flag), GRAVEN_OK);
    for (char value : flag) ASSERT_TRUE(value == 0 || value == 1);
  }
  EXPECT_GT(refused, 2000);
}

TEST_F(CheckpointTest, AnotherModelsCheckpointIsRefused) {
  TableBuilder builder;
  builder.layout_digest = 0x9999;
  build_affine_model(&builder);
  builder.model_name = "cousin";
  graven_model *model = nullptr;
  graven_state *state = nullptr;
  ASSERT_EQ(graven_model_create(builder.build(), &model), GRAVEN_OK);
  ASSERT_EQ(graven_state_create(model, &state), GRAVEN_OK);
  std::string path = folder_.path("cousin.safetensors");
  ASSERT_EQ(graven_state_save(state, path.c_str(), nullptr), GRAVEN_OK);
  EXPECT_EQ(graven_state_load(state_, path.c_str()), GRAVEN_INCOMPATIBLE);
  EXPECT_NE(strstr(graven_last_error(), "another model, 'cousin'"), nullptr) << graven_last_error();
  graven_state_destroy(state);
  graven_model_destroy(model);

  TableBuilder chain;
  build_chain_model(&chain, 4);
  ASSERT_EQ(graven_model_create(chain.build(), &model), GRAVEN_OK);
  ASSERT_EQ(graven_state_create(model, &state), GRAVEN_OK);
  ASSERT_EQ(graven_state_save(state, path.c_str(), nullptr), GRAVEN_OK);
  EXPECT_EQ(graven_state_load(state_, path.c_str()), GRAVEN_INCOMPATIBLE);
  EXPECT_NE(strstr(graven_last_error(),
                   "holds 'seed', which this model has not; it was saved from "
                   "model chain"),
            nullptr)
      << graven_last_error();
  graven_state_destroy(state);
  graven_model_destroy(model);
}

TEST_F(CheckpointTest, MetadataOfTheUserIsChecked) {
  std::string path = folder_.path("s");
  struct {
    const char *pairs[5];
    const char *message;
  } rows[] = {
      {{"graven.model", "x", nullptr}, "begin with 'graven.'"},
      {{"a", "1", "a", "2", nullptr}, "'a' is given twice"},
      {{"a", nullptr}, "UTF-8 text with a value"},
      {{"a", "\xff", nullptr}, "UTF-8 text with a value"},
      {{"\xc0", "b", nullptr}, "UTF-8 text with a value"},
  };
  for (const auto &row : rows) {
    EXPECT_EQ(graven_state_save(state_, path.c_str(), row.pairs), GRAVEN_INVALID_ARGUMENT);
    EXPECT_NE(strstr(graven_last_error(), row.message), nullptr) << graven_last_error();
  }
  EXPECT_TRUE(folder_.files().empty());
}

}  // namespace
}  // namespace graven::testing
