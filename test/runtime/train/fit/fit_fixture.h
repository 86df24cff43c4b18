// A data set, a model built by hand, and runs of fit on both.
#ifndef GRAVEN_TEST_RUNTIME_TRAIN_FIT_FIT_FIXTURE_H_
#define GRAVEN_TEST_RUNTIME_TRAIN_FIT_FIT_FIXTURE_H_

#include <memory>
#include <string>

#include "runtime/train/fit/fit.h"
#include "test/runtime/train/fit/clouds.h"
#include "test/runtime/train/logistic_model.h"
#include "test/runtime/train/matchers.h"

namespace graven::testing {

class FitFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    BuildLogisticModel(&builder_, kLogisticSignature);
    auto model = train::Model::Create(builder_.build());
    GRAVEN_ASSERT_OK(model);
    model_ = *model;
    write_file(folder_.path("clouds.csv"), CloudsCsv());
    auto entry = model_->FindEntry("train_step", 0);
    GRAVEN_ASSERT_OK(entry);
    inputs_ = model_->Inputs(*entry);
    auto data = train::LoadDataset(folder_.path("clouds.csv"), inputs_[0], &inputs_[1], {});
    GRAVEN_ASSERT_OK(data);
    data_ = *data;
    request_.train = &data_;
    request_.settings.epochs = 6;
    request_.settings.seed = 3;
    request_.settings.validation_split = 0.2;
    request_.save_seconds = 0;
    request_.note = [this](const std::string &note) { notes_.push_back(note); };
  }

  absl::StatusOr<train::FitResult> Fit() {
    auto session = train::Session::Create(model_, 1);
    if (!session.ok()) return session.status();
    session_ = std::move(*session);
    return train::Fit(session_.get(), request_);
  }
  std::vector<float> Kernel() {
    std::vector<float> values(12);
    EXPECT_EQ(graven_state_get(session_->state(), "kernel", values.data(), 48), GRAVEN_OK);
    return values;
  }

  TemporaryFolder folder_;
  TableBuilder builder_;
  std::shared_ptr<const train::Model> model_;
  std::vector<train::Port> inputs_;
  train::Dataset data_;
  train::FitRequest request_;
  std::unique_ptr<train::Session> session_;
  std::vector<std::string> notes_;
};

}  // namespace graven::testing

#endif  // GRAVEN_TEST_RUNTIME_TRAIN_FIT_FIT_FIXTURE_H_
