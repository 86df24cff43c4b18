// What graven-run writes, word for word, in a pipe and in a terminal of 80 columns.
#include "absl/strings/str_split.h"
#include "runtime/train/report/progress.h"
#include "test/tools/graven-run/run_fixture.h"

namespace graven::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class TranscriptTest : public RunFixture {};

const std::vector<std::string> kFit = {"fit", "m.so", "--train", "clouds.csv", "--epochs", "2"};

TEST_F(TranscriptTest, FitInAPipe) {
  ToolResult result = Run(kFit);
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(
      WithoutTimes(result.output),
      "Epoch 1/2 - 5/5 - TIME - RATE - accuracy: 0.6389 - loss: 0.8560 - val_accuracy: 1.0000 "
      "- val_loss: 0.1867\n"
      "Epoch 2/2 - 5/5 - TIME - RATE - accuracy: 1.0000 - loss: 0.1125 - val_accuracy: 1.0000 "
      "- val_loss: 0.0480\n"
      "Trained 2 epochs.\n");
}

TEST_F(TranscriptTest, FitInATerminalOfEightyColumns) {
  ToolOptions terminal;
  terminal.columns = 80;
  ToolResult result = Run(kFit, terminal);
  EXPECT_EQ(result.code, 0);
  // Updates while an epoch runs depend on time; the lines that stay do not.
  std::vector<std::string> lines = absl::StrSplit(result.output, "\r\n", absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 3u);
  std::vector<std::string> kept;
  for (const std::string &line : lines) {
    std::vector<std::string> updates = absl::StrSplit(line, "\r\x1b[K");
    for (const std::string &update : updates) EXPECT_LT(train::DisplayWidth(update), 80) << update;
    kept.push_back(WithoutTimes(updates.back()));
  }
  EXPECT_THAT(kept[0],
              "Epoch 1/2 5/5 TIME - accuracy: 0.6389 (val 1.0000) - loss: 0.8560 (val "
              "0.1867)");
  EXPECT_THAT(kept[1],
              "Epoch 2/2 5/5 TIME - accuracy: 1.0000 (val 1.0000) - loss: 0.1125 (val "
              "0.0480)");
  EXPECT_EQ(kept[2], "Trained 2 epochs.");
}

TEST_F(TranscriptTest, FitWithEverything) {
  ToolResult result = Run({"fit", "m.so", "--train", "clouds.csv", "--epochs", "3",
                           "--early-stopping", "patience=0,monitor=val_accuracy", "--save",
                           "s.safetensors", "--log", "l.jsonl", "--plot", "c.svg"});
  EXPECT_EQ(result.code, 0) << result.errors;
  EXPECT_THAT(WithoutTimes(result.output),
              HasSubstr("Trained 2 epochs: val_accuracy has not improved for 1 epochs.\n"
                        "Best: val_accuracy 1.0000 at epoch 1. Its weights were restored.\n"
                        "Saved: s.safetensors (best: s.best.safetensors)\n"
                        "Log: l.jsonl\n"
                        "Learning curves: c.svg\n"));
  EXPECT_THAT(
      Read("l.jsonl"),
      ContainsRegex("^.\"epoch\":1,\"accuracy\":0.[0-9]+,\"loss\":0.[0-9]+,\"val_accuracy\":"
                    "1.0,\"val_loss\":0.[0-9]+,\"seconds\":[0-9.e-]+.\n"));
  EXPECT_THAT(Read("c.svg"), HasSubstr("</svg>"));
}

TEST_F(TranscriptTest, EvaluateAndPredict) {
  Train();
  ToolResult result = Run({"evaluate", "m.so", "--state", "s.safetensors", "--data", "clouds.csv"});
  EXPECT_THAT(result.output, MatchesRegex("90 rows - accuracy: 1.0000 - loss: [0-9.e-]+\n"));
  result = Run({"evaluate", "m.so", "--state", "s.safetensors", "--data", "clouds.csv", "--json"});
  EXPECT_THAT(result.output, MatchesRegex("..rows.:90,.accuracy.:1.0,.loss.:[0-9.e-]+.\n"));
  result = Run(
      {"predict", "m.so", "--state", "s.safetensors", "--data", "clouds.csv", "-o", "scores.npy"});
  EXPECT_EQ(result.output, "scores: 90x3xf32 -> scores.npy\n");
  result = Run(
      {"predict", "m.so", "--state", "s.safetensors", "--data", "clouds.csv", "-o", "scores.csv"});
  EXPECT_EQ(result.output, "90 rows: scores.csv\n");
  std::vector<std::string> lines = absl::StrSplit(Read("scores.csv"), '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 91u);
  EXPECT_EQ(lines[0], "scores.x,scores.y,scores.z,class");
  EXPECT_THAT(lines[1], ::testing::EndsWith(",x"));
  EXPECT_THAT(lines[3], ::testing::EndsWith(",z"));
}

TEST_F(TranscriptTest, CallWritesResultsAndState) {
  Train();
  ToolResult result = Run({"call", "m.so", "predict", "--state", "s.safetensors", "--input",
                           "x=2x4xf32=0,0,0,0,1,1,1,1", "-o", "out"});
  EXPECT_THAT(result.output, MatchesRegex("scores: 2x3xf32 = ([-0-9.e]+ ?)+\n"));
  EXPECT_THAT(Read("out/scores.npy"), HasSubstr("'shape': (2, 3)"));
  result =
      Run({"call", "m.so", "init", "--input", "seed=2xi32=7,0", "--save-state", "i.safetensors"});
  EXPECT_EQ(result.output, "state -> i.safetensors\n");
  result = Run({"call", "m.so", "predict", "--state", "i.safetensors", "--input", "x=@out/x.npy"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.errors, "graven-run: error: out/x.npy: no such file\n");
}

TEST_F(TranscriptTest, BenchAndInfo) {
  ToolResult result = Run({"bench", "m.so", "--seconds", "0.02", "--threads", "1", "--profile"});
  EXPECT_THAT(result.output, HasSubstr("logistic.train_step, batch 16, 1 threads, profiled, "));
  EXPECT_THAT(result.output, HasSubstr("median "));
  EXPECT_THAT(result.output, ContainsRegex("100.0% +1 .* [cm]  train\n"));
  result = Run({"info", "m.so"});
  EXPECT_THAT(result.output,
              HasSubstr("  train_step(x: ?x4xf32, label: ?xi32 in [0, 3)) -> (loss: f32)\n"
                        "     batch up to 16  1 commands, scratch 0 B\n"));
  EXPECT_THAT(result.output, HasSubstr("  15 trainable numbers\n"));
  result = Run({"info", "m.so", "--json"});
  EXPECT_THAT(result.output, HasSubstr("\"partial\": true"));
}

TEST_F(TranscriptTest, HelpFitsEightyColumnsAndShowsExamples) {
  for (const char *command : {"", "fit", "evaluate", "predict", "call", "bench", "info"}) {
    std::vector<std::string> words = {command, "--help"};
    if (words[0].empty()) words.erase(words.begin());
    ToolResult result = Run(words);
    EXPECT_EQ(result.code, 0) << command;
    EXPECT_THAT(result.output, HasSubstr("Usage: graven-run ")) << command;
    EXPECT_THAT(result.output, HasSubstr("  graven-run ")) << command;
    std::vector<std::string> lines = absl::StrSplit(result.output, '\n');
    for (const std::string &line : lines) EXPECT_LE(train::DisplayWidth(line), 80) << line;
  }
}

TEST_F(TranscriptTest, PathsMayHoldSpacesAndCommas) {
  Write("my model.so", Read("m.so"));
  Write("my, data.csv", Read("clouds.csv"));
  ToolResult result = Run({"fit", "my model.so", "--train", "my, data.csv", "--epochs", "1",
                           "--save", "my state.safetensors"});
  EXPECT_EQ(result.code, 0) << result.errors;
  result =
      Run({"evaluate", "my model.so", "--state", "my state.safetensors", "--data", "my, data.csv"});
  EXPECT_EQ(result.code, 0) << result.errors;
}

}  // namespace
}  // namespace graven::testing
