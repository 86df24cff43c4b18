// Opening model.so: sound files run, every damaged one is refused before the dynamic loader sees
// it.
#include <elf.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/core/digest.h"
#include "test/runtime/core/fake_model.h"
#include "test/runtime/core/fault_injection.h"

namespace graven::testing {
namespace {

// Appends the trailer that the compiler gives a shared artifact.
std::string with_trailer(const std::string &file, const std::string &symbol) {
  graven_trailer trailer = {};
  graven1::Digest digest;
  digest.add(file.data(), file.size());
  trailer.digest = digest.value();
  trailer.file_bytes = file.size();
  memcpy(trailer.symbol, symbol.data(), symbol.size());
  memcpy(trailer.magic, GRAVEN_TRAILER_MAGIC, sizeof trailer.magic);
  return file + std::string(reinterpret_cast<const char *>(&trailer), sizeof trailer);
}

class SharedObjectTest : public ::testing::Test {
 protected:
  void SetUp() override {
    elf_ = read_file(GRAVEN_AFFINE_ARTIFACT);
    ASSERT_GT(elf_.size(), 1000u);
    sound_ = with_trailer(elf_, "graven_model_affine");
  }
  graven_status open(const std::string &content) {
    std::string path = folder_.path("model.so");
    write_file(path, content);
    return open_path(path);
  }
  graven_status open_path(const std::string &path) {
    graven_model *model = nullptr;
    graven_status status = graven_model_open(path.c_str(), &model);
    EXPECT_EQ(model == nullptr, status != GRAVEN_OK);
    graven_model_destroy(model);
    return status;
  }
  void expect_message(const char *part) {
    EXPECT_NE(strstr(graven_last_error(), part), nullptr)
        << "expected '" << part << "' in: " << graven_last_error();
  }

  TemporaryFolder folder_;
  std::string elf_, sound_;
};

TEST_F(SharedObjectTest, SoundFileRuns) {
  std::string path = folder_.path("a model.so");
  write_file(path, sound_);
  graven_model *model = nullptr;
  graven_state *state = nullptr;
  graven_context *context = nullptr;
  ASSERT_EQ(graven_model_open(path.c_str(), &model), GRAVEN_OK) << graven_last_error();
  // The file is not needed any more.
  ASSERT_EQ(unlink(path.c_str()), 0);
  ASSERT_EQ(graven_state_create(model, &state), GRAVEN_OK);
  ASSERT_EQ(graven_context_create(model, nullptr, &context), GRAVEN_OK);
  ASSERT_EQ(graven_call(context, state, 0, 0, nullptr, nullptr), GRAVEN_OK);
  float b = 0;
  ASSERT_EQ(graven_state_get(state, "b", &b, sizeof b), GRAVEN_OK);
  EXPECT_EQ(b, 0.5f);
  graven_context_destroy(context);
  graven_state_destroy(state);
  graven_model_destroy(model);
}

TEST_F(SharedObjectTest, OpensManyTimesWithoutLeakingDescriptors) {
  int before = dup(0);
  close(before);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(open(sound_), GRAVEN_OK) << graven_last_error();
  int after = dup(0);
  close(after);
  EXPECT_EQ(before, after);
}

TEST_F(SharedObjectTest, EveryKindOfBitFlipIsRefused) {
  // All bits of the trailer, and one bit in every few bytes of the rest.
  for (size_t bit = elf_.size() * 8; bit < sound_.size() * 8; ++bit) {
    std::string damaged = sound_;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    graven_status status = open(damaged);
    ASSERT_EQ(status, GRAVEN_CORRUPT) << "byte " << bit / 8 << ": " << graven_last_error();
  }
  const size_t step = elf_.size() / 1500 + 1;
  for (size_t byte = 0; byte < elf_.size(); byte += step) {
    std::string damaged = sound_;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << byte % 8));
    ASSERT_EQ(open(damaged), GRAVEN_CORRUPT) << "byte " << byte;
    expect_message("digest");
  }
}

TEST_F(SharedObjectTest, EveryTruncationIsRefused) {
  const size_t step = sound_.size() / 400 + 1;
  for (size_t size = 0; size < sound_.size(); size += size < 300 ? 1 : step) {
    ASSERT_EQ(open(sound_.substr(0, size)), GRAVEN_CORRUPT) << size;
    expect_message("compile");
  }
  EXPECT_EQ(open(sound_ + "x"), GRAVEN_CORRUPT);
  EXPECT_EQ(open(sound_.substr(0, 100) + sound_), GRAVEN_CORRUPT);
}

TEST_F(SharedObjectTest, OtherFilesAreRefused) {
  EXPECT_EQ(open(elf_), GRAVEN_CORRUPT);
  expect_message("does not end as a Graven model does");
  EXPECT_EQ(open(""), GRAVEN_CORRUPT);
  EXPECT_EQ(open("module { }\n"), GRAVEN_CORRUPT);
  EXPECT_EQ(open(with_trailer("not an object", "graven_model_affine")), GRAVEN_CORRUPT);
  expect_message("no shared object");
  EXPECT_EQ(open(with_trailer(elf_, "graven_model_other")), GRAVEN_CORRUPT);
  expect_message("does not define 'graven_model_other'");
  EXPECT_EQ(open(with_trailer(elf_, "")), GRAVEN_CORRUPT);
  expect_message("names no model");
  EXPECT_EQ(open_path(folder_.path("missing.so")), GRAVEN_NOT_FOUND);
  expect_message("missing.so");
  EXPECT_EQ(open_path(folder_.path()), GRAVEN_INVALID_ARGUMENT);
  std::string pipe = folder_.path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(open_path(pipe), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(open_path(""), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(graven_model_open(nullptr, nullptr), GRAVEN_INVALID_ARGUMENT);
}

TEST_F(SharedObjectTest, OtherMachinesAreNamed) {
  std::string foreign = elf_;
  foreign[18] = static_cast<char>(EM_RISCV & 0xff);
  foreign[19] = static_cast<char>(EM_RISCV >> 8);
  EXPECT_EQ(open(with_trailer(foreign, "graven_model_affine")), GRAVEN_INCOMPATIBLE);
  expect_message("compiled for riscv64");
  expect_message("--target=");
}

TEST_F(SharedObjectTest, EveryFailedSystemCallIsReported) {
  for (int64_t at = 0;; ++at) {
    ASSERT_LT(at, 1000);
    write_file(folder_.path("model.so"), sound_);
    file_faults = {0, at, Fault::kFail, EIO};
    graven_status status = open_path(folder_.path("model.so"));
    bool reached = file_faults.calls > at;
    file_faults = {};
    if (!reached) {
      EXPECT_EQ(status, GRAVEN_OK) << graven_last_error();
      break;
    }
    EXPECT_TRUE(status == GRAVEN_IO_ERROR || status == GRAVEN_OUT_OF_MEMORY)
        << status << graven_last_error();
  }
}

}  // namespace
}  // namespace graven::testing
