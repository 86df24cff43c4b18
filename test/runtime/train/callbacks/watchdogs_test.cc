#include "runtime/train/callbacks/watchdogs.h"

#include <cmath>

#include "test/runtime/train/callbacks/recording_trainer.h"
#include "test/runtime/train/matchers.h"

namespace graven::train {
namespace {

using ::graven::testing::EndEpoch;
using ::graven::testing::MessageOf;
using ::graven::testing::RecordingTrainer;
using ::testing::HasSubstr;

TEST(TerminateOnNaNTest, NamesEpochAndBatch) {
  TerminateOnNaN callback;
  RecordingTrainer trainer;
  Measures measures = {{"loss", 1.0}};
  BatchEvent event{3, 20, 17, 118, 0.0, 17, &measures};
  GRAVEN_ASSERT_OK(callback.OnBatchEnd(event, trainer));
  measures["loss"] = std::nan("");
  EXPECT_THAT(MessageOf(callback.OnBatchEnd(event, trainer)),
              HasSubstr("loss is nan at epoch 3, batch 17 of 118: training has diverged; lower the "
                        "learning rate"));
  History history;
  EXPECT_THAT(MessageOf(EndEpoch(callback, {{"val_loss", HUGE_VAL}}, &history, trainer)),
              HasSubstr("val_loss is inf at the end of epoch 1"));
}

TEST(OverfittingNoteTest, TellsOnceWhenValidationRisesWhileTrainingFalls) {
  OverfittingNote callback(3);
  RecordingTrainer trainer;
  History history;
  const double validation[] = {1.0, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3};
  for (int i = 0; i < 7; ++i) {
    GRAVEN_ASSERT_OK(EndEpoch(callback, {{"loss", 1.0 - 0.1 * i}, {"val_loss", validation[i]}},
                              &history, trainer));
    EXPECT_EQ(trainer.notes.size(), i < 4 ? 0u : 1u) << i;
  }
  EXPECT_THAT(trainer.notes[0], HasSubstr("overfitting: since epoch 2"));
}

TEST(OverfittingNoteTest, IsSilentWhenBothRise) {
  OverfittingNote callback(3);
  RecordingTrainer trainer;
  History history;
  for (int i = 0; i < 9; ++i) {
    GRAVEN_ASSERT_OK(
        EndEpoch(callback, {{"loss", 1.0 + i}, {"val_loss", 1.0 + i}}, &history, trainer));
  }
  EXPECT_TRUE(trainer.notes.empty());
}

}  // namespace
}  // namespace graven::train
