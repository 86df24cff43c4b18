#include "runtime/train/engine/signature.h"

#include "test/runtime/train/matchers.h"

namespace graven::train {
namespace {

using ::graven::testing::MessageOf;
using ::testing::HasSubstr;

TEST(SignatureTest, ReadsDefaults) {
  auto settings = FitDefaults(R"({"name":"iris","fit":{"batch_size":16,"epochs":100,
      "validation_split":0.2,"early_stopping":true,"shuffle":false,"verbose":1}})");
  GRAVEN_ASSERT_OK(settings);
  EXPECT_EQ(settings->batch_size, 16);
  EXPECT_EQ(settings->epochs, 100);
  EXPECT_EQ(settings->validation_split, 0.2);
  EXPECT_FALSE(settings->shuffle);
  ASSERT_TRUE(settings->early_stopping.has_value());
  EXPECT_EQ(settings->early_stopping->monitor, "val_loss");
  EXPECT_TRUE(settings->early_stopping->restore_best_weights);
}

TEST(SignatureTest, GroupsMayBeObjectsOrOff) {
  auto settings = FitDefaults(R"({"fit":{"early_stopping":{"patience":3,"monitor":"val_accuracy",
      "mode":"max","min_delta":0.01,"restore_best_weights":false},"reduce_lr":{"factor":0.1}}})");
  GRAVEN_ASSERT_OK(settings);
  EXPECT_EQ(settings->early_stopping->patience, 3);
  EXPECT_EQ(settings->early_stopping->monitor, "val_accuracy");
  EXPECT_FALSE(settings->early_stopping->restore_best_weights);
  EXPECT_EQ(settings->reduce_lr->factor, 0.1);
  settings = FitDefaults(R"({"fit":{"early_stopping":false}})");
  GRAVEN_ASSERT_OK(settings);
  EXPECT_FALSE(settings->early_stopping.has_value());
}

TEST(SignatureTest, WithoutFitThereAreDefaults) {
  for (const char *text : {"", "{}", R"({"name":"x"})", R"({"fit":null})"}) {
    auto settings = FitDefaults(text);
    GRAVEN_ASSERT_OK(settings);
    EXPECT_EQ(settings->epochs, 1);
    EXPECT_TRUE(settings->shuffle);
  }
}

TEST(SignatureTest, WrongTypesAreErrors) {
  EXPECT_THAT(MessageOf(FitDefaults("nonsense")), HasSubstr("no JSON object"));
  EXPECT_THAT(MessageOf(FitDefaults(R"({"fit":[1]})")), HasSubstr("fit is no object"));
  EXPECT_THAT(MessageOf(FitDefaults(R"({"fit":{"epochs":"ten"}})")),
              HasSubstr("epochs is \"ten\"; expected a whole number, 1 or more"));
  EXPECT_THAT(MessageOf(FitDefaults(R"({"fit":{"early_stopping":{"patients":1}}})")),
              HasSubstr("there is no option 'patients'; did you mean 'patience'?"));
}

TEST(SignatureTest, TheUsersWordsOverride) {
  std::optional<EarlyStoppingSettings> settings;
  GRAVEN_ASSERT_OK(ApplyEarlyStopping("--early-stopping", "", &settings));
  EXPECT_FALSE(settings.has_value());
  GRAVEN_ASSERT_OK(ApplyEarlyStopping(
      "--early-stopping", "patience=2,monitor=val_accuracy,restore_best_weights=false", &settings));
  ASSERT_TRUE(settings.has_value());
  EXPECT_EQ(settings->patience, 2);
  EXPECT_EQ(settings->monitor, "val_accuracy");
  EXPECT_FALSE(settings->restore_best_weights);
  EXPECT_THAT(MessageOf(ApplyEarlyStopping("--early-stopping", "patience=-1", &settings)),
              HasSubstr("--early-stopping: patience is -1.0; expected a whole number, 0 or more"));
  EXPECT_THAT(MessageOf(ApplyEarlyStopping("--early-stopping", "patience", &settings)),
              HasSubstr("'patience' lacks a value"));
  EXPECT_THAT(MessageOf(ApplyEarlyStopping("--early-stopping", "mode=down", &settings)),
              HasSubstr("expected min, max or auto"));
  GRAVEN_ASSERT_OK(ApplyEarlyStopping("--early-stopping", "off", &settings));
  EXPECT_FALSE(settings.has_value());
  std::optional<ReduceLrSettings> reduce;
  GRAVEN_ASSERT_OK(ApplyReduceLr("--reduce-lr", "on", &reduce));
  EXPECT_TRUE(reduce.has_value());
  EXPECT_THAT(MessageOf(ApplyReduceLr("--reduce-lr", "factor=2", &reduce)),
              HasSubstr("expected a number between 0 and 1"));
}

}  // namespace
}  // namespace graven::train
