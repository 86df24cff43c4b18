// A run that is stopped at any batch and resumed ends in the same bytes as one that is not.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "runtime/train/data/file.h"
#include "test/runtime/train/fit/fit_fixture.h"

namespace graven::train {
namespace {

using ::graven::testing::MessageOf;
using ::graven::testing::read_file;
using ::graven::testing::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Does something after batch number `batch`, counted over all epochs of this process.
class AtBatch : public Callback {
 public:
  AtBatch(int batch, std::function<void()> what) : batch_(batch), what_(std::move(what)) {}
  std::string name() const override { return "at_batch"; }
  absl::Status OnBatchEnd(const BatchEvent &event, Trainer &trainer) override {
    if (++count_ == batch_) what_();
    return absl::OkStatus();
  }

 private:
  int batch_;
  std::function<void()> what_;
  int count_ = 0;
};

class ResumeTest : public ::graven::testing::FitFixture {
 protected:
  void SetUp() override {
    FitFixture::SetUp();
    request_.settings.early_stopping.emplace();
    request_.settings.early_stopping->patience = 3;
    request_.settings.reduce_lr.emplace();
    request_.settings.reduce_lr->patience = 0;
    request_.settings.reduce_lr->min_delta = 0.05;
    path_ = folder_.path("s.safetensors");
    request_.save_path = path_;
    request_.interrupt = &interrupt_;
  }
  // Bytes of the checkpoint and its best file after an uninterrupted run.
  void MakeReference() {
    GRAVEN_ASSERT_OK(Fit());
    last_ = read_file(path_);
    best_ = read_file(BestPath(path_));
    ASSERT_FALSE(best_.empty());
    Clean();
  }
  void Clean() {
    for (const std::string &file : folder_.files()) {
      if (file != "clouds.csv") unlink(folder_.path(file).c_str());
    }
  }
  void ExpectSameFiles(const std::string &what) {
    EXPECT_TRUE(read_file(path_) == last_) << what;
    EXPECT_TRUE(read_file(BestPath(path_)) == best_) << what;
    EXPECT_THAT(folder_.files(), ElementsAre("clouds.csv", "s.best.safetensors", "s.safetensors"))
        << what;
  }

  std::string path_, last_, best_;
  std::atomic<bool> interrupt_{false};
};

TEST_F(ResumeTest, AfterAnInterruptAtAnyBatch) {
  MakeReference();
  for (int batch = 1; batch <= 30; ++batch) {
    AtBatch stop(batch, [this] { interrupt_ = true; });
    request_.callbacks = {&stop};
    auto result = Fit();
    GRAVEN_ASSERT_OK(result);
    EXPECT_TRUE(result->interrupted);
    interrupt_ = false;
    request_.callbacks.clear();
    request_.resume_path = path_;
    result = Fit();
    GRAVEN_ASSERT_OK(result);
    EXPECT_EQ(result->epochs_done, 6);
    ExpectSameFiles(absl::StrCat("interrupted after batch ", batch));
    request_.resume_path.clear();
    Clean();
  }
}

// The process dies without a word: in the middle of an epoch, or of a checkpoint.
TEST_F(ResumeTest, AfterAKillAtAnyBatch) {
  MakeReference();
  for (int batch = 1; batch <= 30; ++batch) {
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      AtBatch kill(batch, [] { _exit(7); });
      request_.callbacks = {&kill};
      (void)Fit().ok();
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(WEXITSTATUS(status), 7);
    request_.resume_path = path_;
    GRAVEN_ASSERT_OK(Fit());
    ExpectSameFiles(absl::StrCat("killed after batch ", batch));
    request_.resume_path.clear();
    Clean();
  }
}

TEST_F(ResumeTest, AfterAKillBetweenTheBestFileAndTheCheckpoint) {
  MakeReference();
  AtBatch stop(14, [this] { interrupt_ = true; });
  request_.callbacks = {&stop};
  GRAVEN_ASSERT_OK(Fit());
  interrupt_ = false;
  request_.callbacks.clear();
  const std::string next = BestPath(path_) + ".next";
  // Died before the checkpoint: a newer best file lies about.
  write_file(next, "half written");
  request_.resume_path = path_;
  std::string last = read_file(path_), best = read_file(BestPath(path_));
  GRAVEN_ASSERT_OK(Fit());
  ExpectSameFiles("leftover");
  // Died after the checkpoint, before the rename: the best file that it names is the next one.
  write_file(path_, last);
  write_file(next, best);
  write_file(BestPath(path_), "an older one");
  GRAVEN_ASSERT_OK(Fit());
  ExpectSameFiles("not renamed");
}

TEST_F(ResumeTest, AMissingCheckpointIsANewRunOnlyWhenItIsTheSavedOne) {
  MakeReference();
  request_.resume_path = path_;
  notes_.clear();
  GRAVEN_ASSERT_OK(Fit());
  EXPECT_THAT(notes_.front(), HasSubstr("training starts from the beginning"));
  ExpectSameFiles("from the beginning");
  request_.resume_path = folder_.path("t.safetensors");
  EXPECT_THAT(MessageOf(Fit()), HasSubstr("--resume: there is no checkpoint"));
}

TEST_F(ResumeTest, AFinishedRunIsLeftAlone) {
  MakeReference();
  GRAVEN_ASSERT_OK(Fit());
  request_.resume_path = path_;
  auto result = Fit();
  GRAVEN_ASSERT_OK(result);
  EXPECT_TRUE(result->already_finished);
  ExpectSameFiles("finished");
}

TEST_F(ResumeTest, MoreEpochsContinueARunWithoutEarlyStopping) {
  request_.settings.early_stopping.reset();
  MakeReference();
  request_.settings.epochs = 3;
  GRAVEN_ASSERT_OK(Fit());
  request_.settings.epochs = 6;
  request_.resume_path = path_;
  GRAVEN_ASSERT_OK(Fit());
  ExpectSameFiles("extended");
}

TEST_F(ResumeTest, OtherSettingsAreRefusedWithTheDifferenceNamed) {
  GRAVEN_ASSERT_OK(Fit());
  std::string before = read_file(path_);
  request_.resume_path = path_;
  request_.settings.seed = 4;
  request_.settings.early_stopping->patience = 5;
  EXPECT_THAT(MessageOf(Fit()),
              HasSubstr("was written under other settings, so training cannot go on from it "
                        "(early_stopping.patience: was 3, is 5; seed: was 3, is 4)"));
  request_.settings.seed = 3;
  request_.settings.early_stopping->patience = 3;
  data_.features.as<float>()[0] += 1;
  EXPECT_THAT(MessageOf(Fit()), HasSubstr("data.digest: was "));
  EXPECT_TRUE(read_file(path_) == before);
}

TEST_F(ResumeTest, AChangedBestFileIsNoticed) {
  AtBatch stop(14, [this] { interrupt_ = true; });
  request_.callbacks = {&stop};
  GRAVEN_ASSERT_OK(Fit());
  interrupt_ = false;
  write_file(BestPath(path_), "something else");
  request_.resume_path = path_;
  EXPECT_THAT(MessageOf(Fit()), HasSubstr("but that file was changed since"));
  unlink(BestPath(path_).c_str());
  EXPECT_THAT(MessageOf(Fit()), HasSubstr("but that file is missing"));
}

TEST_F(ResumeTest, TheBestFileIsNoCheckpointToResume) {
  GRAVEN_ASSERT_OK(Fit());
  request_.resume_path = BestPath(path_);
  EXPECT_THAT(MessageOf(Fit()), HasSubstr("there is nothing to resume; name the file given to"));
}

TEST(CheckpointTest, DamagedRecordsAreRefused) {
  RunRecord run;
  run.settings = {{"seed", 1}};
  run.epochs = 2;
  run.epochs_done = 1;
  run.history = {{"loss", {0.5}}};
  run.best = BestRecord{"val_loss", 0.5, 1, "0123"};
  std::string text = ToMetadata(run, {}).at("train.fit");
  auto back = ParseRun("f", text);
  GRAVEN_ASSERT_OK(back);
  EXPECT_EQ(ToMetadata(*back, {}).at("train.fit"), text);
  for (size_t at = 0; at < text.size(); ++at) {
    for (char replacement : {'"', '0', '}', '-', 'x'}) {
      std::string damaged = text;
      damaged[at] = replacement;
      (void)ParseRun("f", damaged).ok();
      (void)ParseRun("f", text.substr(0, at)).ok();
      (void)ParseData("f", damaged).ok();
    }
  }
}

}  // namespace
}  // namespace graven::train
