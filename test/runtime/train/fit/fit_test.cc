#include "runtime/train/fit/fit.h"

#include <cmath>

#include "test/runtime/train/fit/fit_fixture.h"

namespace graven::train {
namespace {

using ::graven::testing::MessageOf;
using ::testing::HasSubstr;

class FitTest : public ::graven::testing::FitFixture {};

// Calls `at_batch` after every batch and remembers notes of epochs.
class Probe : public Callback {
 public:
  std::string name() const override { return "probe"; }
  absl::Status OnBatchEnd(const BatchEvent &event, Trainer &trainer) override {
    ++batches;
    return on_batch ? on_batch(event, trainer) : absl::OkStatus();
  }
  absl::Status OnEpochEnd(const EpochEvent &event, Trainer &trainer) override {
    ++epochs;
    return absl::OkStatus();
  }
  std::function<absl::Status(const BatchEvent &, Trainer &)> on_batch;
  int batches = 0, epochs = 0;
};

TEST_F(FitTest, LearnsAndReportsTrainingAndValidation) {
  auto result = Fit();
  GRAVEN_ASSERT_OK(result);
  EXPECT_EQ(result->epochs_done, 6);
  EXPECT_EQ(result->finished, "all epochs are done");
  for (const char *name : {"accuracy", "loss", "val_accuracy", "val_loss"}) {
    EXPECT_EQ(result->history.at(name).size(), 6u) << name;
  }
  EXPECT_GT(result->history.at("val_accuracy").back(), 0.9);
  EXPECT_LT(result->history.at("loss").back(), result->history.at("loss").front());
}

TEST_F(FitTest, IsDeterministicAndDependsOnTheSeed) {
  GRAVEN_ASSERT_OK(Fit());
  std::vector<float> first = Kernel();
  GRAVEN_ASSERT_OK(Fit());
  EXPECT_EQ(first, Kernel());
  request_.settings.seed = 4;
  GRAVEN_ASSERT_OK(Fit());
  EXPECT_NE(first, Kernel());
}

TEST_F(FitTest, CountsPartialBatchesAndAdaptsToTrainingRowsOnly) {
  Probe probe;
  request_.callbacks = {&probe};
  GRAVEN_ASSERT_OK(Fit());
  EXPECT_EQ(probe.epochs, 6);
  EXPECT_EQ(probe.batches, 6 * 5);  // 72 rows in batches of 16: four full ones and one of 8
  auto count = session_->GetScalar("norm.count");
  GRAVEN_ASSERT_OK(count);
  EXPECT_EQ(*count, 72.0f);
}

TEST_F(FitTest, EvaluateAgreesWithTheLastEpochAndPredict) {
  request_.settings.validation_split = 0;
  request_.validation = &data_;
  auto result = Fit();
  GRAVEN_ASSERT_OK(result);
  auto measures = Evaluate(session_.get(), data_);
  GRAVEN_ASSERT_OK(measures);
  EXPECT_EQ(measures->at("loss"), result->history.at("val_loss").back());
  auto predictions = Predict(session_.get(), data_);
  GRAVEN_ASSERT_OK(predictions);
  const Tensor &scores = (*predictions)[0].values;
  int64_t hits = 0;
  for (int64_t row = 0; row < data_.rows; ++row) {
    int64_t best = 0;
    for (int64_t c = 1; c < 3; ++c) {
      if (scores.at(row * 3 + c) > scores.at(row * 3 + best)) best = c;
    }
    hits += best == data_.class_of_row[row] ? 1 : 0;
  }
  EXPECT_DOUBLE_EQ(measures->at("accuracy"), static_cast<double>(hits) / 90.0);
}

TEST_F(FitTest, RestoresTheBestWeightsAlsoWhenTrainingRunsThrough) {
  request_.settings.early_stopping.emplace();
  request_.settings.early_stopping->patience = 100;
  // Smaller is "better": the first epochs are the best ones.
  request_.settings.early_stopping->monitor = "val_accuracy";
  request_.settings.early_stopping->mode = "min";
  auto result = Fit();
  GRAVEN_ASSERT_OK(result);
  ASSERT_TRUE(result->best.has_value());
  EXPECT_TRUE(result->restored_best);
  EXPECT_LT(result->best->epoch, 6);
  std::vector<float> restored = Kernel();
  // The same number of epochs without more gives the same weights.
  int64_t best_epoch = result->best->epoch;
  request_.settings.early_stopping.reset();
  request_.settings.epochs = best_epoch;
  GRAVEN_ASSERT_OK(Fit());
  EXPECT_EQ(restored, Kernel());
}

TEST_F(FitTest, StopsEarly) {
  request_.settings.early_stopping.emplace();
  request_.settings.early_stopping->patience = 0;
  request_.settings.early_stopping->min_delta = 10;
  auto result = Fit();
  GRAVEN_ASSERT_OK(result);
  EXPECT_EQ(result->epochs_done, 2);
  EXPECT_EQ(result->finished, "val_loss has not improved for 1 epochs");
}

TEST_F(FitTest, EndsWithAnErrorWhenTheLossIsNotFinite) {
  Probe probe;
  probe.on_batch = [](const BatchEvent &event, Trainer &trainer) {
    return event.epoch == 2 && event.batch == 3 ? trainer.SetControl("lr_scale", HUGE_VALF)
                                                : absl::OkStatus();
  };
  request_.callbacks = {&probe};
  request_.save_path = folder_.path("s.safetensors");
  EXPECT_THAT(MessageOf(Fit()), ::testing::AllOf(HasSubstr("loss is nan at epoch 2, batch 5 of 5"),
                                                 HasSubstr("the last checkpoint, after 1 epochs")));
}

TEST_F(FitTest, SaysWhenTheBatchSizeIsNotCompiled) {
  request_.settings.batch_size = 32;
  EXPECT_THAT(
      MessageOf(Fit()),
      HasSubstr("batch size 32 is not compiled into this model (train_step has 16); compile "
                "it again with graven-compile --batch=32"));
}

TEST_F(FitTest, ChecksTheOutputBeforeTraining) {
  Probe probe;
  request_.callbacks = {&probe};
  request_.save_path = folder_.path("no/s.safetensors");
  EXPECT_THAT(MessageOf(Fit()), HasSubstr("--save: cannot write"));
  EXPECT_EQ(probe.batches, 0);
}

TEST_F(FitTest, EarlyStoppingWithoutValidationNamesTheRemedy) {
  request_.settings.validation_split = 0;
  request_.settings.early_stopping.emplace();
  EXPECT_THAT(MessageOf(Fit()), HasSubstr("there is no validation data; give --validation"));
}

}  // namespace
}  // namespace graven::train
