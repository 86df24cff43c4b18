#include "runtime/train/callbacks/early_stopping.h"

#include <cmath>

#include "test/runtime/train/callbacks/recording_trainer.h"
#include "test/runtime/train/matchers.h"

namespace graven::train {
namespace {

using ::graven::testing::EndEpoch;
using ::graven::testing::MessageOf;
using ::graven::testing::RecordingTrainer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Feeds values of val_loss until training stops; returns after how many epochs that is, 0 for
// never.
int StopsAfter(Callback &callback, const std::vector<double> &values, RecordingTrainer &trainer,
               const std::string &measure = "val_loss") {
  History history;
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_TRUE(EndEpoch(callback, {{measure, values[i]}}, &history, trainer).ok());
    if (!trainer.stopped.empty()) return static_cast<int>(i) + 1;
  }
  return 0;
}

TEST(EarlyStoppingTest, WaitsForPatienceAndKeepsTheBest) {
  EarlyStoppingSettings settings;
  settings.patience = 2;
  EarlyStopping callback(settings);
  RecordingTrainer trainer;
  EXPECT_EQ(StopsAfter(callback, {3, 2, 2.5, 1, 1.5, 1.2, 1.1, 0.5}, trainer), 7);
  EXPECT_THAT(trainer.best, ElementsAre(3, 2, 1));
  EXPECT_EQ(trainer.stopped, "val_loss has not improved for 3 epochs");
}

TEST(EarlyStoppingTest, MinDeltaIsTheLeastImprovement) {
  EarlyStoppingSettings settings;
  settings.patience = 1;
  settings.min_delta = 0.5;
  EarlyStopping callback(settings);
  RecordingTrainer trainer;
  EXPECT_EQ(StopsAfter(callback, {3, 2.6, 2.5, 2.4}, trainer), 3);
}

TEST(EarlyStoppingTest, AccuracyIsBetterWhenLarger) {
  EarlyStoppingSettings settings;
  settings.patience = 0;
  settings.monitor = "val_accuracy";
  EarlyStopping callback(settings);
  RecordingTrainer trainer;
  EXPECT_EQ(StopsAfter(callback, {0.5, 0.6, 0.55}, trainer, "val_accuracy"), 3);
  EXPECT_THAT(trainer.best, ElementsAre(0.5, 0.6));
}

TEST(EarlyStoppingTest, NaNNeverImproves) {
  EarlyStoppingSettings settings;
  settings.patience = 0;
  EarlyStopping callback(settings);
  RecordingTrainer trainer;
  EXPECT_EQ(StopsAfter(callback, {std::nan("")}, trainer), 1);
  EXPECT_TRUE(trainer.best.empty());
}

TEST(EarlyStoppingTest, ItsStateSurvivesACheckpoint) {
  EarlyStoppingSettings settings;
  settings.patience = 2;
  EarlyStopping first(settings), second(settings);
  RecordingTrainer trainer;
  EXPECT_EQ(StopsAfter(first, {3, 1, 2, 2}, trainer), 0);
  GRAVEN_ASSERT_OK(second.LoadState(nlohmann::json::parse(first.SaveState().dump())));
  // The best of before counts: 1.5 is no improvement.
  EXPECT_EQ(StopsAfter(second, {1.5}, trainer), 1);
  EXPECT_FALSE(second.LoadState(nlohmann::json::object()).ok());
}

TEST(EarlyStoppingTest, AMissingMeasureIsNamedWithTheRemedy) {
  EarlyStopping callback(EarlyStoppingSettings{});
  RecordingTrainer trainer;
  History history;
  EXPECT_THAT(MessageOf(EndEpoch(callback, {{"loss", 1.0}}, &history, trainer)),
              HasSubstr("no measure 'val_loss' to monitor: there is no validation data; give "
                        "--validation or --validation-split"));
}

TEST(ReduceLrTest, ScalesAfterPatienceAndStopsAtTheBound) {
  ReduceLrSettings settings;
  settings.patience = 1;
  settings.factor = 0.5;
  settings.min_scale = 0.25;
  ReduceLrOnPlateau callback(settings);
  RecordingTrainer trainer;
  StopsAfter(callback, {1, 1, 1}, trainer);
  EXPECT_EQ(trainer.scale, 0.5f);
  StopsAfter(callback, {1, 1, 1, 1, 1, 1}, trainer);
  EXPECT_EQ(trainer.scale, 0.25f);
  EXPECT_EQ(trainer.notes.size(), 2u);
}

TEST(ReduceLrTest, NeedsTheControlState) {
  ReduceLrOnPlateau callback(ReduceLrSettings{});
  RecordingTrainer trainer;
  trainer.scale.reset();
  EXPECT_THAT(MessageOf(callback.OnTrainBegin(0, trainer)), HasSubstr("'lr_scale'"));
}

}  // namespace
}  // namespace graven::train
