// Every allocation and every file operation of the core goes wrong once: a clear error, nothing
// lost, nothing leaked. And calls allocate nothing.
#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "test/runtime/core/fake_model.h"
#include "test/runtime/core/fault_injection.h"

namespace graven::testing {
namespace {

class FaultsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    build_affine_model(&builder_);
    ASSERT_EQ(graven_model_create(builder_.build(), &model_), GRAVEN_OK) << graven_last_error();
    ASSERT_EQ(graven_state_create(model_, &state_), GRAVEN_OK);
    set(1);
  }
  void TearDown() override {
    graven_state_destroy(state_);
    graven_model_destroy(model_);
  }
  void set(float value) {
    float w[4] = {value, value, value, value};
    ASSERT_EQ(graven_state_set(state_, "w", w, sizeof w), GRAVEN_OK);
  }
  float get() {
    float w[4] = {};
    EXPECT_EQ(graven_state_get(state_, "w", w, sizeof w), GRAVEN_OK);
    return w[0];
  }
  std::string path() const { return folder_.path("s.safetensors"); }
  graven_status save() { return graven_state_save(state_, path().c_str(), nullptr); }
  graven_status load() { return graven_state_load(state_, path().c_str()); }

  TemporaryFolder folder_;
  TableBuilder builder_;
  graven_model *model_ = nullptr;
  graven_state *state_ = nullptr;
};

// Lets the first, second, ... allocation of `run` fail until it succeeds; `run` cleans up after
// success.
void fail_every_allocation(const char *what, const std::function<graven_status()> &run) {
  for (int64_t at = 0;; ++at) {
    ASSERT_LT(at, 100) << what;
    allocation_faults = {0, at, Fault::kFail, ENOMEM};
    graven_status status = run();
    bool reached = allocation_faults.calls > at;
    allocation_faults = {};
    if (!reached) {
      EXPECT_EQ(status, GRAVEN_OK) << what << ": " << graven_last_error();
      EXPECT_GT(at, 0) << what << " allocates something";
      return;
    }
    EXPECT_EQ(status, GRAVEN_OUT_OF_MEMORY) << what << ", allocation " << at;
    EXPECT_NE(strstr(graven_last_error(), "out of memory"), nullptr) << graven_last_error();
  }
}

TEST_F(FaultsTest, OutOfMemoryAtEveryAllocation) {
  ASSERT_EQ(save(), GRAVEN_OK) << graven_last_error();
  fail_every_allocation("model_create", [&] {
    graven_model *model;
    graven_status status = graven_model_create(&builder_.artifact(), &model);
    EXPECT_EQ(model == nullptr, status != GRAVEN_OK);
    graven_model_destroy(model);
    return status;
  });
  fail_every_allocation("state_create", [&] {
    graven_state *state;
    graven_status status = graven_state_create(model_, &state);
    EXPECT_EQ(state == nullptr, status != GRAVEN_OK);
    graven_state_destroy(state);
    return status;
  });
  fail_every_allocation("state_clone", [&] {
    graven_state *state;
    graven_status status = graven_state_clone(state_, &state);
    graven_state_destroy(state);
    return status;
  });
  fail_every_allocation("context_create", [&] {
    graven_context *context;
    graven_status status = graven_context_create(model_, nullptr, &context);
    EXPECT_EQ(context == nullptr, status != GRAVEN_OK);
    graven_context_destroy(context);
    return status;
  });
  fail_every_allocation("pool_create", [&] {
    graven_pool_options options = {3, 0, nullptr, nullptr};
    graven_pool *pool;
    graven_status status = graven_pool_create(&options, &pool);
    graven_pool_destroy(pool);
    return status;
  });
  fail_every_allocation("state_load", [&] {
    set(5);
    graven_status status = load();
    EXPECT_EQ(get(), status == GRAVEN_OK ? 1 : 5);
    return status;
  });
}

TEST_F(FaultsTest, CallsAndSavesAllocateNothing) {
  graven_pool_options options = {2, 1, nullptr, nullptr};
  graven_pool *pool;
  graven_context *context;
  ASSERT_EQ(graven_pool_create(&options, &pool), GRAVEN_OK);
  ASSERT_EQ(graven_context_create(model_, pool, &context), GRAVEN_OK);
  std::vector<float> x(kAffineBatch * kAffineFeatures, 1), y(x.size());
  std::vector<int32_t> labels(kAffineBatch, 1);
  const void *inputs[] = {x.data(), labels.data()};
  void *outputs[] = {y.data()};
  allocation_faults = {};
  for (uint32_t entry = 0; entry < graven_model_table(model_)->entries_count; ++entry) {
    EXPECT_EQ(graven_call(context, state_, entry, kAffineBatch, inputs, outputs), GRAVEN_OK);
    EXPECT_EQ(graven_call_raw(context, state_, entry, kAffineBatch, inputs, outputs), GRAVEN_OK);
  }
  EXPECT_EQ(graven_call(context, state_, 1, 3, inputs, outputs), GRAVEN_OK);
  EXPECT_EQ(graven_call(context, state_, 1, 99, inputs, outputs), GRAVEN_INVALID_ARGUMENT);
  double loss;
  EXPECT_EQ(graven_context_metric(context, "loss", &loss), GRAVEN_OK);
  const char *metadata[] = {"a", "b", nullptr};
  EXPECT_EQ(graven_state_save(state_, path().c_str(), metadata), GRAVEN_OK);
  get();
  EXPECT_EQ(allocation_faults.calls, 0);
  graven_context_destroy(context);
  graven_pool_destroy(pool);
}

TEST_F(FaultsTest, EveryFailedFileOperationOfASaveLeavesAGoodFile) {
  ASSERT_EQ(save(), GRAVEN_OK);
  std::string old_file = read_file(path());
  for (int error : {ENOSPC, EIO, EACCES}) {
    for (int64_t at = 0;; ++at) {
      ASSERT_LT(at, 100);
      set(2);
      file_faults = {0, at, Fault::kFail, error};
      graven_status status = save();
      bool reached = file_faults.calls > at;
      file_faults = {};
      if (!reached) {
        EXPECT_EQ(status, GRAVEN_OK) << graven_last_error();
        break;
      }
      if (status == GRAVEN_OK) {
        // A leftover that cannot be opened is replaced; that is the only failure with a way out.
        EXPECT_EQ(error, EACCES);
      } else {
        EXPECT_EQ(status, GRAVEN_IO_ERROR);
        EXPECT_NE(strstr(graven_last_error(), "s.safetensors"), nullptr) << graven_last_error();
        EXPECT_NE(strstr(graven_last_error(), strerror(error)), nullptr) << graven_last_error();
      }
      EXPECT_EQ(folder_.files(), std::vector<std::string>{"s.safetensors"});
      bool renamed = read_file(path()) != old_file;
      ASSERT_EQ(load(), GRAVEN_OK) << "at " << at << ": " << graven_last_error();
      EXPECT_EQ(get(), renamed ? 2 : 1);
      write_file(path(), old_file);
    }
    write_file(path(), old_file);
  }
}

TEST_F(FaultsTest, ShortWritesAreContinued) {
  ASSERT_EQ(save(), GRAVEN_OK);
  std::string whole = read_file(path());
  file_faults = {0, 0, Fault::kShortWrite, 0};
  EXPECT_EQ(save(), GRAVEN_OK) << graven_last_error();
  file_faults = {};
  EXPECT_EQ(read_file(path()), whole);
}

TEST_F(FaultsTest, KilledAtEveryFileOperationTheOldOrTheNewFileLoads) {
  ASSERT_EQ(save(), GRAVEN_OK);
  std::string old_file = read_file(path());
  bool survived = false, seen_leftover = false;
  for (int64_t at = 0; !survived; ++at) {
    ASSERT_LT(at, 100);
    write_file(path(), old_file);
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      float w[4] = {2, 2, 2, 2};
      graven_state_set(state_, "w", w, sizeof w);
      file_faults = {0, at, Fault::kCrash, 0};
      _exit(save() == GRAVEN_OK ? 0 : 1);
    }
    int result = 0;
    ASSERT_EQ(waitpid(child, &result, 0), child);
    ASSERT_TRUE(WIFEXITED(result));
    survived = WEXITSTATUS(result) == 0;
    ASSERT_TRUE(survived || WEXITSTATUS(result) == 77);
    seen_leftover |= folder_.files().size() > 1;
    ASSERT_EQ(load(), GRAVEN_OK) << at << ": " << graven_last_error();
    EXPECT_TRUE(get() == 1 || get() == 2);
    ASSERT_EQ(save(), GRAVEN_OK) << graven_last_error();
    EXPECT_EQ(folder_.files(), std::vector<std::string>{"s.safetensors"}) << "leftovers are gone";
  }
  EXPECT_TRUE(seen_leftover) << "the test must reach the temporary file";
}

TEST_F(FaultsTest, EveryFailedFileOperationOfALoadLeavesTheState) {
  ASSERT_EQ(save(), GRAVEN_OK);
  for (int64_t at = 0;; ++at) {
    ASSERT_LT(at, 100);
    set(3);
    file_faults = {0, at, Fault::kFail, EIO};
    graven_status status = load();
    bool reached = file_faults.calls > at;
    file_faults = {};
    EXPECT_EQ(get(), status == GRAVEN_OK ? 1 : 3);
    if (!reached) {
      EXPECT_EQ(status, GRAVEN_OK);
      break;
    }
    EXPECT_EQ(status, GRAVEN_IO_ERROR);
    EXPECT_NE(strstr(graven_last_error(), strerror(EIO)), nullptr) << graven_last_error();
  }
}

TEST_F(FaultsTest, PathsThatCannotBeWrittenAreRefused) {
  struct {
    std::string path;
    const char *message;
  } rows[] = {
      {folder_.path("missing/s"), "create the folder"},
      {folder_.path("") + std::string(4200, 'x') + "/s", "shorter name"},
      {folder_.path(std::string(250, 'x')), "shorter name"},
      {folder_.path(""), "path of a file"},
      {folder_.path(), "path of a file"},
      {"/dev/full", "not a plain file"},
  };
  for (const auto &row : rows) {
    EXPECT_EQ(graven_state_save(state_, row.path.c_str(), nullptr), GRAVEN_IO_ERROR) << row.path;
    EXPECT_NE(strstr(graven_last_error(), row.message), nullptr) << graven_last_error();
  }
  EXPECT_TRUE(folder_.files().empty());
  EXPECT_EQ(graven_state_load(state_, folder_.path("missing").c_str()), GRAVEN_NOT_FOUND);
  EXPECT_EQ(graven_state_load(state_, folder_.path().c_str()), GRAVEN_INVALID_ARGUMENT);
  std::string pipe = folder_.path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(graven_state_load(state_, pipe.c_str()), GRAVEN_INVALID_ARGUMENT) << "must not wait";
  EXPECT_EQ(graven_state_save(state_, nullptr, nullptr), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(graven_state_save(state_, "", nullptr), GRAVEN_INVALID_ARGUMENT);
}

TEST_F(FaultsTest, PathsWithSpacesAndRelativePathsWork) {
  std::string spaced = folder_.path("a b \xc3\xa4.safetensors");
  EXPECT_EQ(graven_state_save(state_, spaced.c_str(), nullptr), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(graven_state_load(state_, spaced.c_str()), GRAVEN_OK) << graven_last_error();
  ASSERT_EQ(chdir(folder_.path().c_str()), 0);
  EXPECT_EQ(graven_state_save(state_, "plain", nullptr), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(graven_state_load(state_, "./plain"), GRAVEN_OK) << graven_last_error();
  ASSERT_EQ(chdir("/"), 0);
}

TEST_F(FaultsTest, LeftoversAndLinksAreReplacedAndLocksRespected) {
  std::string leftover = folder_.path(".s.safetensors.graven-partial");
  write_file(leftover, std::string(100000, 'x'));
  ASSERT_EQ(save(), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(folder_.files(), std::vector<std::string>{"s.safetensors"});
  ASSERT_EQ(load(), GRAVEN_OK) << "nothing of the leftover stays: " << graven_last_error();

  std::string victim = folder_.path("victim");
  write_file(victim, "precious");
  ASSERT_EQ(symlink(victim.c_str(), leftover.c_str()), 0);
  ASSERT_EQ(save(), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(read_file(victim), "precious") << "a link is not followed";
  ASSERT_EQ(load(), GRAVEN_OK) << graven_last_error();

  FILE *other = fopen(leftover.c_str(), "w");
  ASSERT_NE(other, nullptr);
  ASSERT_EQ(flock(fileno(other), LOCK_EX), 0);
  EXPECT_EQ(save(), GRAVEN_BUSY);
  EXPECT_NE(strstr(graven_last_error(), "another process"), nullptr) << graven_last_error();
  fclose(other);
  EXPECT_EQ(save(), GRAVEN_OK) << graven_last_error();
}

}  // namespace
}  // namespace graven::testing
