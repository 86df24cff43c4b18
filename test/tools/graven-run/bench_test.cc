// What bench says of kernels: profiles, ceilings and traces.
#include <algorithm>
#include <set>

#include "absl/strings/str_split.h"
#include "nlohmann/json.hpp"
#include "test/tools/graven-run/run_fixture.h"
#include "tools/graven-run/profile.h"

namespace graven::testing {
namespace {

using ::testing::HasSubstr;
using tools::Ceilings;
using tools::KernelProfile;

class BenchTest : public RunFixture {
 protected:
  void SetUp() override {
    RunFixture::SetUp();
    auto opened = train::Model::Open(folder_.path("m.so"));
    ASSERT_TRUE(opened.ok()) << opened.status();
    model_ = *opened;
  }
  // The names of an entry's commands, in order, read from the plan alone.
  std::vector<std::string> Plan(uint32_t entry) {
    std::vector<std::string> names;
    const graven_span span = model_->entries()[entry].commands;
    for (uint32_t i = 0; i < span.count; ++i) {
      names.push_back(tools::CommandName(*model_, span.first + i));
    }
    return names;
  }

  std::shared_ptr<const train::Model> model_;
};

TEST_F(BenchTest, RooflineIsTheLeastTimeOverTheTimeTaken) {
  const uint32_t entry = *model_->FindEntry("train_step", 16);
  const graven_span span = model_->entries()[entry].commands;
  ASSERT_EQ(span.count, 1u);
  const char *base = reinterpret_cast<const char *>(&model_->table());
  const graven_command_record &command = reinterpret_cast<const graven_command_record *>(
      base + model_->table().commands_offset)[span.first];
  const double flops = static_cast<double>(command.flops);
  const double bytes = static_cast<double>(command.bytes);
  ASSERT_GT(flops, 0);
  ASSERT_GT(bytes, 0);
  // 10 calls of 3 us each.
  std::vector<uint64_t> times(model_->table().commands_count);
  times[span.first] = 30000;
  Ceilings ceilings;
  ceilings.gflops = flops / 1e3;  // the operations take 1 us at the ceiling
  ceilings.gbs = bytes / 2e3;     // the bytes take 2 us
  std::vector<KernelProfile> kernels = tools::SummarizeProfile(*model_, entry, times, 10, ceilings);
  ASSERT_EQ(kernels.size(), 1u);
  EXPECT_EQ(kernels[0].name, "train");
  EXPECT_EQ(kernels[0].launches, 1);
  EXPECT_DOUBLE_EQ(kernels[0].seconds, 3e-6);
  EXPECT_DOUBLE_EQ(kernels[0].share, 1);
  EXPECT_DOUBLE_EQ(kernels[0].gflops, flops / 3e3);
  EXPECT_DOUBLE_EQ(kernels[0].gbs, bytes / 3e3);
  EXPECT_DOUBLE_EQ(kernels[0].roofline, 2.0 / 3);
  EXPECT_TRUE(kernels[0].bound_by_memory);
  ceilings.gbs *= 4;
  kernels = tools::SummarizeProfile(*model_, entry, times, 10, ceilings);
  EXPECT_DOUBLE_EQ(kernels[0].roofline, 1.0 / 3);
  EXPECT_FALSE(kernels[0].bound_by_memory);
}

TEST_F(BenchTest, ProfileAsJson) {
  ToolResult result =
      Run({"bench", "m.so", "--seconds", "0.02", "--threads", "2", "--profile", "--json"});
  ASSERT_EQ(result.code, 0) << result.errors;
  nlohmann::json profile = nlohmann::json::parse(result.output);
  ASSERT_EQ(profile["ceilings"].size(), 2u);
  for (int t : {1, 2}) {
    const nlohmann::json &probed = profile["ceilings"][t - 1];
    EXPECT_EQ(probed["threads"], t);
    // Any machine that builds this does a million a second, none a million times as many.
    EXPECT_GT(probed["gflops"].get<double>(), 0.001);
    EXPECT_LT(probed["gflops"].get<double>(), 1e5);
    EXPECT_GT(probed["gbs"].get<double>(), 0.001);
    EXPECT_LT(probed["gbs"].get<double>(), 1e5);
    EXPECT_GE(probed["triad_bytes"].get<uint64_t>(), uint64_t{90} << 20);
  }
  std::vector<std::string> plan = Plan(*model_->FindEntry("train_step", 16));
  double share = 0, seconds = 0;
  std::set<std::string> names;
  for (const nlohmann::json &kernel : profile["kernels"]) {
    share += kernel["share"].get<double>();
    seconds += kernel["seconds"].get<double>();
    names.insert(kernel["name"].get<std::string>());
    EXPECT_GE(kernel["roofline"].get<double>(), 0);
  }
  EXPECT_EQ(names, std::set<std::string>(plan.begin(), plan.end()));
  EXPECT_NEAR(share, 1, 1e-9);
  EXPECT_GT(seconds, 0);
  EXPECT_LE(seconds, profile["max_seconds"].get<double>());
}

TEST_F(BenchTest, TraceNestsAndNamesThePlan) {
  ToolResult result = Run(
      {"bench", "m.so", "--seconds", "0.01", "--threads", "2", "--profile", "--trace=trace.json"});
  ASSERT_EQ(result.code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("trace of 5 calls -> trace.json\n"));
  const nlohmann::json trace = nlohmann::json::parse(Read("trace.json"));
  EXPECT_EQ(trace["otherData"]["dropped"], 0);
  const std::vector<std::string> plan = Plan(*model_->FindEntry("train_step", 16));
  size_t calls = 0, parts = 0;
  std::set<std::string> metadata;
  std::vector<std::string> names;
  double call_begin = 0, call_end = 0, command_begin = 0, command_end = 0, sum = 0, length = 0;
  constexpr double kRounding = 1e-6;  // a thousandth of a nanosecond, in microseconds
  for (const nlohmann::json &event : trace["traceEvents"]) {
    EXPECT_EQ(event["pid"], 1);
    ASSERT_TRUE(event["tid"].is_number());
    if (event["ph"] == "M") {
      metadata.insert(event["name"].get<std::string>());
      continue;
    }
    ASSERT_EQ(event["ph"], "X");
    const double begin = event["ts"], end = begin + event["dur"].get<double>();
    if (event["cat"] == "call") {
      if (calls > 0) {
        EXPECT_EQ(names, plan);
      }
      EXPECT_LE(sum, length + kRounding) << "commands take no longer than their call";
      EXPECT_GE(begin, call_end - kRounding);
      EXPECT_EQ(event["name"], "train_step");
      call_begin = begin, call_end = end, length = end - begin, sum = 0;
      names.clear();
      ++calls;
    } else if (event["cat"] == "part") {
      EXPECT_EQ(event["name"], names.back());
      EXPECT_GE(begin, command_begin - kRounding);
      EXPECT_LE(end, command_end + kRounding);
      EXPECT_LT(event["args"]["lo"], event["args"]["hi"]);
      ++parts;
    } else {
      EXPECT_EQ(event["cat"], "launch");
      EXPECT_EQ(event["tid"], 0);
      EXPECT_GE(begin, call_begin - kRounding);
      EXPECT_LE(end, call_end + kRounding);
      EXPECT_GT(event["args"]["flops"], 0);
      EXPECT_GT(event["args"]["bytes"], 0);
      EXPECT_GE(event["args"]["grid"], 1);
      command_begin = begin, command_end = end, sum += end - begin;
      names.push_back(event["name"]);
    }
  }
  EXPECT_EQ(names, plan);
  EXPECT_LE(sum, length + kRounding);
  EXPECT_EQ(calls, 5u);
  EXPECT_GE(parts, 5u);
  EXPECT_EQ(metadata, (std::set<std::string>{"process_name", "thread_name", "thread_sort_index"}));
}

TEST_F(BenchTest, ProfileFitsEightyColumns) {
  std::vector<KernelProfile> kernels(1);
  kernels[0].name = "matmul_add_relu_f32_128x128x784_t8x32_and_much_more_of_a_name_pack";
  kernels[0].seconds = 0.123456;
  kernels[0].gflops = 12345.67;
  kernels[0].gbs = 1234.56;
  kernels[0].roofline = 1.2345;
  Ceilings one, all;
  one.vector = all.vector = "avx2+fma";
  one.past_caches = all.past_caches = true;
  one.triad_bytes = all.triad_bytes = 268435456;
  all.threads = 64;
  ::testing::internal::CaptureStdout();
  tools::PrintProfile(kernels, one, all);
  std::string page = ::testing::internal::GetCapturedStdout();
  EXPECT_THAT(page, HasSubstr("matmul_add_re"));
  EXPECT_THAT(page, HasSubstr("a_name_pack\n"));
  for (absl::string_view line : absl::StrSplit(page, '\n')) {
    EXPECT_LE(line.size(), 80u) << line;
  }
}

}  // namespace
}  // namespace graven::testing
