// Calls end to end on handwritten models: full and partial batches, checks, BUSY, metrics.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "runtime/core/context.h"
#include "runtime/core/state.h"
#include "test/runtime/core/fake_model.h"

namespace graven::testing {
namespace {

class ExecutorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    build_affine_model(&builder_);
    ASSERT_EQ(graven_model_create(builder_.build(), &model_), GRAVEN_OK) << graven_last_error();
    ASSERT_EQ(graven_state_create(model_, &state_), GRAVEN_OK) << graven_last_error();
    ASSERT_EQ(graven_context_create(model_, nullptr, &context_), GRAVEN_OK) << graven_last_error();
    ASSERT_EQ(call("init", 0, {}, {}), GRAVEN_OK) << graven_last_error();
    for (size_t i = 0; i < x_.size(); ++i) x_[i] = static_cast<float>(i) * 0.25f - 1;
  }
  void TearDown() override {
    graven_context_destroy(context_);
    graven_state_destroy(state_);
    graven_model_destroy(model_);
  }

  uint32_t entry(const char *name) {
    int32_t index = graven_model_find_entry(model_, name, 0);
    EXPECT_GE(index, 0) << name;
    return static_cast<uint32_t>(index);
  }
  graven_status call(const char *name, int64_t rows, std::vector<const void *> inputs,
                     std::vector<void *> outputs) {
    return graven_call(context_, state_, entry(name), rows, inputs.data(), outputs.data());
  }
  float expected(size_t i) const { return static_cast<float>(1 + i % 4) * x_[i] + 0.5f; }

  TableBuilder builder_;
  graven_model *model_ = nullptr;
  graven_state *state_ = nullptr;
  graven_context *context_ = nullptr;
  std::vector<float> x_ = std::vector<float>(kAffineBatch * kAffineFeatures);
  std::vector<int32_t> labels_ = std::vector<int32_t>(kAffineBatch, 1);
};

TEST_F(ExecutorTest, FullBatchUsesTheCallersBuffers) {
  std::vector<float> y(x_.size());
  ASSERT_EQ(call("predict", kAffineBatch, {x_.data()}, {y.data()}), GRAVEN_OK)
      << graven_last_error();
  for (size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], expected(i)) << i;
}

TEST_F(ExecutorTest, PartialBatchReadsAndWritesOnlyItsRows) {
  for (int64_t rows = 1; rows < kAffineBatch; ++rows) {
    size_t elements = static_cast<size_t>(rows * kAffineFeatures);
    // Exactly as large as the rows, so that a sanitizer would see one element too many.
    std::vector<float> x(x_.begin(), x_.begin() + static_cast<long>(elements)), y(elements + 1, 77);
    ASSERT_EQ(call("predict", rows, {x.data()}, {y.data()}), GRAVEN_OK) << graven_last_error();
    for (size_t i = 0; i < elements; ++i) EXPECT_EQ(y[i], expected(i)) << i;
    EXPECT_EQ(y[elements], 77);
  }
}

TEST_F(ExecutorTest, RowsPortCountsTheValidRows) {
  float sum = 0, total = 0;
  for (int i = 0; i < 5 * kAffineFeatures; ++i) total += x_[static_cast<size_t>(i)];
  ASSERT_EQ(call("train_step", 5, {x_.data(), labels_.data()}, {&sum}), GRAVEN_OK)
      << graven_last_error();
  EXPECT_EQ(sum, total);
  int64_t step = 0;
  ASSERT_EQ(graven_state_get(state_, "step", &step, sizeof step), GRAVEN_OK);
  EXPECT_EQ(step, 1);
  double loss = 0;
  ASSERT_EQ(graven_context_metric(context_, "loss", &loss), GRAVEN_OK);
  EXPECT_EQ(loss, static_cast<double>(total) / 5);
  ASSERT_EQ(call("reset_metrics", 0, {}, {}), GRAVEN_OK);
  ASSERT_EQ(graven_context_metric(context_, "loss", &loss), GRAVEN_OK);
  EXPECT_TRUE(std::isnan(loss));
}

TEST_F(ExecutorTest, CopyAndFillGoThroughTheArena) {
  std::vector<float> y(x_.size());
  ASSERT_EQ(call("exact", kAffineBatch, {x_.data()}, {y.data()}), GRAVEN_OK) << graven_last_error();
  uint32_t first;
  memcpy(&first, y.data(), sizeof first);
  EXPECT_EQ(first, 0x40404040u);
  for (size_t i = 1; i < y.size(); ++i) EXPECT_EQ(y[i], expected(i)) << i;
}

TEST_F(ExecutorTest, UnwantedOutputsMayBeNull) {
  EXPECT_EQ(call("predict", 3, {x_.data()}, {nullptr}), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(call("predict", kAffineBatch, {x_.data()}, {nullptr}), GRAVEN_OK);
  const void *inputs[] = {x_.data()};
  EXPECT_EQ(graven_call(context_, state_, entry("exact"), kAffineBatch, inputs, nullptr),
            GRAVEN_OK);
}

TEST_F(ExecutorTest, WrongRowsAreRefused) {
  std::vector<float> y(x_.size());
  for (int64_t rows : {int64_t{0}, int64_t{-1}, kAffineBatch + 1, INT64_MAX}) {
    EXPECT_EQ(call("predict", rows, {x_.data()}, {y.data()}), GRAVEN_INVALID_ARGUMENT) << rows;
    EXPECT_NE(strstr(graven_last_error(), "1 to 8 rows"), nullptr) << graven_last_error();
  }
  EXPECT_EQ(call("exact", 7, {x_.data()}, {y.data()}), GRAVEN_INVALID_ARGUMENT);
  EXPECT_NE(strstr(graven_last_error(), "exactly 8 rows, got 7"), nullptr) << graven_last_error();
}

TEST_F(ExecutorTest, LabelOutOfRangeNamesTheRow) {
  float sum;
  labels_[6] = 3;
  EXPECT_EQ(call("train_step", 6, {x_.data(), labels_.data()}, {&sum}), GRAVEN_OK)
      << "row 6 is not part of the call";
  EXPECT_EQ(call("train_step", 7, {x_.data(), labels_.data()}, {&sum}), GRAVEN_INVALID_ARGUMENT);
  EXPECT_NE(strstr(graven_last_error(), "row 6 holds 3, expected 0 <= value < 3"), nullptr)
      << graven_last_error();
  labels_[2] = -1;
  EXPECT_EQ(call("train_step", 7, {x_.data(), labels_.data()}, {&sum}), GRAVEN_INVALID_ARGUMENT);
  EXPECT_NE(strstr(graven_last_error(), "row 2 holds -1"), nullptr) << graven_last_error();
}

TEST_F(ExecutorTest, WrongHandlesAndPointersAreRefused) {
  std::vector<float> y(x_.size());
  const void *inputs[] = {x_.data()};
  void *outputs[] = {y.data()};
  uint32_t predict = entry("predict");
  EXPECT_EQ(graven_call(nullptr, state_, predict, 8, inputs, outputs), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(graven_call(context_, nullptr, predict, 8, inputs, outputs), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(graven_call(context_, state_, 99, 8, inputs, outputs), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(graven_call(context_, state_, predict, 8, nullptr, outputs), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(call("predict", 8, {nullptr}, {y.data()}), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(call("predict", 8, {reinterpret_cast<char *>(x_.data()) + 1}, {y.data()}),
            GRAVEN_INVALID_ARGUMENT);
  EXPECT_NE(strstr(graven_last_error(), "aligned"), nullptr) << graven_last_error();
  EXPECT_EQ(graven_call(context_, nullptr, entry("reset_metrics"), 0, nullptr, nullptr), GRAVEN_OK)
      << "an entry that leaves the state alone needs none";
  graven_model *other;
  graven_state *others;
  ASSERT_EQ(graven_model_create(&builder_.artifact(), &other), GRAVEN_OK);
  ASSERT_EQ(graven_state_create(other, &others), GRAVEN_OK);
  EXPECT_EQ(graven_call(context_, others, predict, 8, inputs, outputs), GRAVEN_INVALID_ARGUMENT);
  graven_state_destroy(others);
  graven_model_destroy(other);
}

TEST_F(ExecutorTest, StateTakesManyReadersOrOneWriter) {
  std::vector<float> y(x_.size());
  float sum, b;
  {
    graven1::StateLock reader(*state_, false);
    ASSERT_TRUE(reader.held());
    EXPECT_EQ(call("predict", 8, {x_.data()}, {y.data()}), GRAVEN_OK);
    EXPECT_EQ(call("train_step", 8, {x_.data(), labels_.data()}, {&sum}), GRAVEN_BUSY);
    EXPECT_EQ(graven_state_set(state_, "b", &y[0], 4), GRAVEN_BUSY);
    EXPECT_EQ(graven_state_get(state_, "b", &b, 4), GRAVEN_OK);
  }
  {
    graven1::StateLock writer(*state_, true);
    ASSERT_TRUE(writer.held());
    EXPECT_EQ(call("predict", 8, {x_.data()}, {y.data()}), GRAVEN_BUSY);
    EXPECT_NE(strstr(graven_last_error(), "clone"), nullptr);
    EXPECT_EQ(graven_state_get(state_, "b", &b, 4), GRAVEN_BUSY);
    EXPECT_EQ(graven_state_save(state_, "/nonexistent/x", nullptr), GRAVEN_BUSY);
    EXPECT_EQ(graven_state_load(state_, "/nonexistent/x"), GRAVEN_BUSY);
    graven_state *copy;
    EXPECT_EQ(graven_state_clone(state_, &copy), GRAVEN_BUSY);
  }
  EXPECT_EQ(call("train_step", 8, {x_.data(), labels_.data()}, {&sum}), GRAVEN_OK);
}

TEST_F(ExecutorTest, ContextTakesOneCallAtATime) {
  std::vector<float> y(x_.size());
  double loss;
  uint64_t counter;
  std::vector<char> metrics(graven_model_table(model_)->metric_bytes);
  context_->taken.store(1);
  EXPECT_EQ(call("predict", 8, {x_.data()}, {y.data()}), GRAVEN_BUSY);
  EXPECT_NE(strstr(graven_last_error(), "one context for each thread"), nullptr);
  EXPECT_EQ(graven_context_metric(context_, "loss", &loss), GRAVEN_BUSY);
  EXPECT_EQ(graven_context_profile(context_, nullptr, 0), GRAVEN_BUSY);
  EXPECT_EQ(graven_context_trace(context_, nullptr), GRAVEN_BUSY);
  EXPECT_EQ(graven_context_get_metrics(context_, metrics.data(), metrics.size()), GRAVEN_BUSY);
  EXPECT_EQ(graven_context_set_metrics(context_, metrics.data(), metrics.size()), GRAVEN_BUSY);
  context_->taken.store(0);
  EXPECT_EQ(call("predict", 8, {x_.data()}, {y.data()}), GRAVEN_OK);
  EXPECT_EQ(graven_context_profile(context_, &counter, 1), GRAVEN_INVALID_ARGUMENT);
}

TEST_F(ExecutorTest, MetricMemoryMovesToAnotherContext) {
  float sum;
  ASSERT_EQ(call("train_step", 4, {x_.data(), labels_.data()}, {&sum}), GRAVEN_OK);
  double before, after;
  ASSERT_EQ(graven_context_metric(context_, "loss", &before), GRAVEN_OK);
  std::vector<char> metrics(graven_model_table(model_)->metric_bytes);
  ASSERT_EQ(graven_context_get_metrics(context_, metrics.data(), metrics.size()), GRAVEN_OK);
  EXPECT_EQ(graven_context_get_metrics(context_, metrics.data(), 1), GRAVEN_INVALID_ARGUMENT);
  graven_context *other = nullptr;
  ASSERT_EQ(graven_context_create(model_, nullptr, &other), GRAVEN_OK);
  ASSERT_EQ(graven_context_set_metrics(other, metrics.data(), metrics.size()), GRAVEN_OK);
  ASSERT_EQ(graven_context_metric(other, "loss", &after), GRAVEN_OK);
  EXPECT_EQ(after, before);
  graven_context_destroy(other);
}

TEST_F(ExecutorTest, StateIsReadAndWrittenByName) {
  float w[4], set[4] = {5, 6, 7, 8};
  ASSERT_EQ(graven_state_set(state_, "w", set, sizeof set), GRAVEN_OK);
  ASSERT_EQ(graven_state_get(state_, "w", w, sizeof w), GRAVEN_OK);
  EXPECT_EQ(memcmp(w, set, sizeof w), 0);
  EXPECT_EQ(graven_state_get(state_, "w", w, 12), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(graven_state_get(state_, "v", w, 16), GRAVEN_NOT_FOUND);
  EXPECT_EQ(graven_state_get(state_, "loss.sum", w, 8), GRAVEN_NOT_FOUND);
  EXPECT_EQ(graven_state_set(state_, "flag", "\1\2\0", 3), GRAVEN_INVALID_ARGUMENT);
  graven_state *copy;
  ASSERT_EQ(graven_state_clone(state_, &copy), GRAVEN_OK);
  set[0] = 9;
  ASSERT_EQ(graven_state_set(state_, "w", set, sizeof set), GRAVEN_OK);
  ASSERT_EQ(graven_state_get(copy, "w", w, sizeof w), GRAVEN_OK);
  EXPECT_EQ(w[0], 5);
  graven_state_destroy(copy);
}

TEST_F(ExecutorTest, ProfileCountsEachCommand) {
  uint32_t count;
  const graven_entry_record &exact =
      graven_model_entries(model_, &count)[graven_model_find_entry(model_, "exact", 0)];
  std::vector<uint64_t> times(graven_model_table(model_)->commands_count);
  EXPECT_EQ(graven_context_profile(context_, times.data(), times.size() - 1),
            GRAVEN_INVALID_ARGUMENT);
  ASSERT_EQ(graven_context_profile(context_, times.data(), times.size()), GRAVEN_OK);
  std::vector<float> y(x_.size());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(call("exact", 8, {x_.data()}, {y.data()}), GRAVEN_OK);
  }
  ASSERT_EQ(graven_context_profile(context_, nullptr, 0), GRAVEN_OK);
  for (uint32_t c = 0; c < times.size(); ++c) {
    bool ran = c >= exact.commands.first && c < exact.commands.first + exact.commands.count;
    EXPECT_EQ(times[c] > 0, ran) << c;
  }
}

TEST_F(ExecutorTest, TraceNestsPartsInCommandsInCalls) {
  uint32_t count;
  const int32_t number = graven_model_find_entry(model_, "exact", 0);
  const graven_span commands = graven_model_entries(model_, &count)[number].commands;
  const graven_command_record *records = model_->table.commands;
  graven_pool_options options = {3, 1, nullptr, nullptr};
  graven_pool *pool = nullptr;
  ASSERT_EQ(graven_pool_create(&options, &pool), GRAVEN_OK);
  graven_context *serial = context_;
  ASSERT_EQ(graven_context_create(model_, pool, &context_), GRAVEN_OK);
  std::vector<graven_trace_event> events(1000);
  graven_trace trace = {events.data(), events.size(), 0};
  ASSERT_EQ(graven_context_trace(context_, &trace), GRAVEN_OK);
  std::vector<float> y(x_.size());
  ASSERT_EQ(call("exact", 8, {x_.data()}, {y.data()}), GRAVEN_OK);
  ASSERT_LE(trace.count, events.size());
  events.resize(trace.count);
  const graven_trace_event &whole = events.back();
  ASSERT_EQ(whole.kind, GRAVEN_TRACE_CALL);
  EXPECT_EQ(whole.number, static_cast<uint32_t>(number));
  uint32_t next = commands.first;
  uint64_t before = whole.begin, sum = 0;
  std::vector<int64_t> workgroups(commands.first + commands.count);
  for (const graven_trace_event &event : events) {
    if (event.kind == GRAVEN_TRACE_PART) workgroups[event.number] += event.hi - event.lo;
    if (event.kind != GRAVEN_TRACE_COMMAND) continue;
    EXPECT_EQ(event.number, next++);
    EXPECT_EQ(event.thread, whole.thread);
    EXPECT_GE(event.begin, before) << "commands follow one another";
    EXPECT_GE(event.end, event.begin);
    before = event.end;
    sum += event.end - event.begin;
    for (const graven_trace_event &part : events) {
      if (part.kind != GRAVEN_TRACE_PART || part.number != event.number) continue;
      EXPECT_GE(part.begin, event.begin);
      EXPECT_LE(part.end, event.end);
    }
    if (records[event.number].kind == GRAVEN_COMMAND_LAUNCH) {
      EXPECT_EQ(workgroups[event.number], records[event.number].grid) << "parts make the whole";
    }
  }
  EXPECT_EQ(next, commands.first + commands.count);
  EXPECT_LE(before, whole.end);
  EXPECT_LE(sum, whole.end - whole.begin);

  // What has no room is counted, and nothing is written past the end.
  events.assign(3, graven_trace_event{});
  trace = {events.data(), 2, 0};
  ASSERT_EQ(call("exact", 8, {x_.data()}, {y.data()}), GRAVEN_OK);
  EXPECT_GT(trace.count, 2u);
  EXPECT_EQ(events[2].end, 0u);
  // Off again.
  ASSERT_EQ(graven_context_trace(context_, nullptr), GRAVEN_OK);
  const uint64_t seen = trace.count;
  ASSERT_EQ(call("exact", 8, {x_.data()}, {y.data()}), GRAVEN_OK);
  EXPECT_EQ(trace.count, seen);
  trace = {nullptr, 1, 0};
  EXPECT_EQ(graven_context_trace(context_, &trace), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(graven_context_trace(nullptr, nullptr), GRAVEN_INVALID_ARGUMENT);
  graven_context_destroy(context_);
  context_ = serial;
  graven_pool_destroy(pool);
}

TEST_F(ExecutorTest, FindsEntriesByRows) {
  EXPECT_EQ(graven_model_find_entry(model_, "predict", 3),
            graven_model_find_entry(model_, "predict", 8));
  EXPECT_EQ(graven_model_find_entry(model_, "predict", 9), -1);
  EXPECT_EQ(graven_model_find_entry(model_, "exact", 7), -1);
  EXPECT_GE(graven_model_find_entry(model_, "exact", 8), 0);
  EXPECT_EQ(graven_model_find_entry(model_, "nothing", 0), -1);
  EXPECT_EQ(graven_model_find_state(model_, "w.slot"), 2);
  EXPECT_EQ(graven_model_find_state(model_, "w."), -1);
}

}  // namespace
}  // namespace graven::testing
