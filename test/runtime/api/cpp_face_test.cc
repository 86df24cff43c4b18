// The C++ face: ownership, spans, exceptions.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "graven/graven.hpp"
#include "test/runtime/core/fake_model.h"

namespace graven::testing {
namespace {

TEST(CppFaceTest, TrainsSavesAndLoads) {
  TableBuilder builder;
  build_affine_model(&builder);
  Model model(*builder.build());
  EXPECT_EQ(model.name(), "affine");
  EXPECT_EQ(model.states().size(), 7u);
  EXPECT_EQ(model.text(model.entries()[1].name), "predict");
  EXPECT_EQ(model.metrics().size(), 1u);
  EXPECT_FALSE(model.ports().empty());

  Pool pool(2);
  EXPECT_EQ(pool.threads(), 2);
  State state(model);
  Context context(model, pool);
  context.call(state, model.entry("init"), 0, {}, {});
  std::vector<float> x(3 * kAffineFeatures, 1.0f), y(x.size());
  context.call(state, model.entry("predict", 3), 3, {x.data()}, {y.data()});
  EXPECT_EQ(y[3], 4.5f);
  std::vector<int> labels(3, 2);
  float sum = 0;
  context.call(state, model.entry("train_step"), 3, {x.data(), labels.data()}, {&sum});
  EXPECT_EQ(sum, 12.0f);
  EXPECT_EQ(context.metric("loss"), 4.0);

  TemporaryFolder folder;
  state.save(folder.path("s"), {{"epoch", "3"}});
  State copy = state.clone(), other(model);
  other.load(folder.path("s"));
  EXPECT_STREQ(other.metadata("epoch"), "3");
  std::vector<float> a(4), b(4);
  other.read<float>("w", a);
  copy.read<float>("w", b);
  EXPECT_EQ(a, b);
  EXPECT_EQ(a[0], 1.0f + 3.0f);
  copy.write<float>("w", std::vector<float>(4, 7.0f));
  copy.read<float>("w", a);
  EXPECT_EQ(a[2], 7.0f);
  std::vector<std::uint64_t> times(model.table().commands_count);
  context.profile(times);
  context.profile({});
  context.trace(nullptr);
  Context moved = std::move(context);
  moved.call(state, model.entry("reset_metrics"), 0, {}, {});
}

TEST(CppFaceTest, ErrorsCarryStatusAndSentence) {
  TableBuilder builder;
  build_affine_model(&builder);
  Model model(*builder.build());
  State state(model);
  Context context(model);
  auto status_of = [](auto call) {
    try {
      call();
    } catch (const Error &error) {
      EXPECT_STRNE(error.what(), "");
      return error.status();
    }
    return GRAVEN_OK;
  };
  EXPECT_EQ(status_of([] { Model::open("/nonexistent/model.so"); }), GRAVEN_NOT_FOUND);
  EXPECT_EQ(status_of([&] { model.entry("nothing"); }), GRAVEN_NOT_FOUND);
  EXPECT_EQ(status_of([&] { context.metric("nothing"); }), GRAVEN_NOT_FOUND);
  EXPECT_EQ(status_of([&] { state.load("/nonexistent/s"); }), GRAVEN_NOT_FOUND);
  EXPECT_EQ(status_of([&] { context.call(state, model.entry("predict"), 9, {}, {}); }),
            GRAVEN_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace graven::testing
