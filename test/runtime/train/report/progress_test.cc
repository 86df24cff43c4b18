// Golden transcripts of progress, piped and at 80 columns.
#include "runtime/train/report/progress.h"

#include "test/runtime/train/callbacks/recording_trainer.h"
#include "test/runtime/train/matchers.h"

namespace graven::train {
namespace {

ProgressState Epoch3() {
  ProgressState state;
  state.epoch = 3;
  state.epochs = 20;
  state.batch = state.batches = 118;
  state.seconds = 0.14;
  state.seconds_per_step = 0.0012;
  state.measures = {
      {"accuracy", 0.94}, {"loss", 0.21}, {"val_accuracy", 0.9333}, {"val_loss", 0.2214}};
  return state;
}

TEST(ProgressTest, AWideTerminalShowsEverything) {
  EXPECT_EQ(
      ProgressLine(Epoch3(), 140),
      "Epoch 3/20 ━━━━━━━━━━━━━━━━━━━━ 118/118 0s 1.2ms/step - accuracy: 0.9400 - loss: 0.2100 "
      "- val_accuracy: 0.9333 - val_loss: 0.2214");
}

TEST(ProgressTest, EightyColumnsShowTheMeasures) {
  EXPECT_EQ(ProgressLine(Epoch3(), 80),
            "Epoch 3/20 0s - accuracy: 0.9400 (val 0.9333) - loss: 0.2100 (val 0.2214)");
  ProgressState running = Epoch3();
  running.batch = 59;
  running.remaining = 0.07;
  running.measures = {{"accuracy", 0.94}, {"loss", 0.21}};
  EXPECT_EQ(ProgressLine(running, 80),
            "Epoch 3/20 ━━━━━───── 59/118 0s 1.2ms/step - accuracy: 0.9400 - loss: 0.2100");
}

TEST(ProgressTest, NoLineIsWiderThanTheTerminal) {
  for (int width = 10; width < 160; ++width) {
    EXPECT_LT(DisplayWidth(ProgressLine(Epoch3(), width)), width);
  }
}

TEST(ProgressTest, PipedLinesAreWholeAndPlain) {
  EXPECT_EQ(PlainLine(Epoch3()),
            "Epoch 3/20 - 118/118 - 0s - 1.2ms/step - accuracy: 0.9400 - loss: 0.2100 - "
            "val_accuracy: 0.9333 - val_loss: 0.2214");
}

TEST(ProgressTest, NumbersAndTimesAreReadable) {
  EXPECT_EQ(FormatMeasure(0.94), "0.9400");
  EXPECT_EQ(FormatMeasure(0.0000123), "1.23e-05");
  EXPECT_EQ(FormatMeasure(12.345), "12.35");
  EXPECT_EQ(FormatMeasure(1234.56), "1234.6");
  EXPECT_EQ(FormatMeasure(1234567.0), "1.23e+06");
  EXPECT_EQ(FormatMeasure(0.0), "0.0000");
  EXPECT_EQ(FormatDuration(0.9), "0s");
  EXPECT_EQ(FormatDuration(187), "3:07");
  EXPECT_EQ(FormatDuration(3753), "1:02:33");
  EXPECT_EQ(FormatPerStep(0.00085), "850us/step");
  EXPECT_EQ(FormatPerStep(0.0012), "1.2ms/step");
  EXPECT_EQ(FormatPerStep(2.3), "2.3s/step");
}

// Two epochs of two batches, with a sentence between.
std::string Transcript(int width) {
  std::string text;
  Progress progress(width, [&text](const std::string &piece) { text += piece; });
  testing::RecordingTrainer trainer;
  for (int64_t epoch = 1; epoch <= 2; ++epoch) {
    Measures measures = {{"loss", 0.5}};
    for (int64_t batch = 1; batch <= 2; ++batch) {
      BatchEvent event{epoch, 2, batch, 2, 0.2 * static_cast<double>(batch), batch, &measures};
      EXPECT_TRUE(progress.OnBatchEnd(event, trainer).ok());
      if (epoch == 2 && batch == 1) progress.Say("note: hello");
    }
    measures["val_loss"] = 0.6;
    EpochEvent event;
    event.epoch = epoch;
    event.epochs = 2;
    event.batches = event.timed_batches = 2;
    event.seconds = 0.5;
    event.train_seconds = 0.4;
    event.measures = &measures;
    EXPECT_TRUE(progress.OnEpochEnd(event, trainer).ok());
  }
  return text;
}

TEST(ProgressTest, TranscriptOfAPipe) {
  EXPECT_EQ(Transcript(0),
            "Epoch 1/2 - 2/2 - 0s - 200.0ms/step - loss: 0.5000 - val_loss: 0.6000\n"
            "note: hello\n"
            "Epoch 2/2 - 2/2 - 0s - 200.0ms/step - loss: 0.5000 - val_loss: 0.6000\n");
}

TEST(ProgressTest, TranscriptOfATerminal) {
  EXPECT_EQ(Transcript(80),
            "\r\x1b[KEpoch 1/2 ━━━━━━━━━━────────── 1/2 0s 200.0ms/step - loss: 0.5000"
            "\r\x1b[KEpoch 1/2 ━━━━━━━━━━━━━━━━━━━━ 2/2 0s 200.0ms/step - loss: 0.5000"
            "\r\x1b[KEpoch 1/2 ━━━━━━━━━━ 2/2 0s 200.0ms/step - loss: 0.5000 - val_loss: 0.6000\n"
            "\r\x1b[KEpoch 2/2 ━━━━━━━━━━────────── 1/2 0s 200.0ms/step - loss: 0.5000"
            "\r\x1b[Knote: hello\n"
            "\r\x1b[KEpoch 2/2 ━━━━━━━━━━━━━━━━━━━━ 2/2 0s 200.0ms/step - loss: 0.5000"
            "\r\x1b[KEpoch 2/2 ━━━━━━━━━━ 2/2 0s 200.0ms/step - loss: 0.5000 - val_loss: 0.6000\n");
}

}  // namespace
}  // namespace graven::train
