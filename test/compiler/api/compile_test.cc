// The compiler as a function: artifacts, diagnostics, threads.
#include "compiler/api/compile.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace graven {
namespace {

constexpr char kModel[] = R"(nn.model @net {
  input(shape = [4])
  dense(units = 8, activation = relu)
  dense(units = 3)
} train {
  sparse_categorical_crossentropy(from_logits = true)
  sgd(learning_rate = 0.1)
  accuracy()
  fit(batch_size = 8)
}
)";

CompileOptions options(Output output, const std::string &compile_to = "") {
  CompileOptions options;
  options.file_name = "net.mlir";
  options.output = output;
  options.compile_to = compile_to;
  options.target = "x86_64-linux-gnu";
  return options;
}

std::string message(const absl::StatusOr<Artifact> &result) {
  return std::string(result.status().message());
}

TEST(Compile, MakesASharedArtifactWithFigures) {
  auto artifact = compile(kModel, options(Output::kShared));
  ASSERT_TRUE(artifact.ok()) << message(artifact);
  EXPECT_EQ(artifact->model_name, "net");
  EXPECT_EQ(artifact->bytes.substr(0, 4),
            "\x7f"
            "ELF");
  EXPECT_EQ(artifact->bytes.substr(artifact->bytes.size() - 8), "GRAVEN\x02\n");
  EXPECT_GT(artifact->statistics.kernels, 0u);
  EXPECT_GE(artifact->statistics.peak_bytes, artifact->statistics.arena_bytes);
  EXPECT_GT(artifact->statistics.training_bytes, artifact->statistics.state_bytes);
}

TEST(Compile, BytesDoNotDependOnThreads) {
  CompileOptions given = options(Output::kShared);
  given.batches = {1, 8, 32};
  given.threads = 1;
  auto alone = compile(kModel, given);
  ASSERT_TRUE(alone.ok()) << message(alone);
  for (unsigned threads : {2u, 5u}) {
    given.threads = threads;
    auto shared = compile(kModel, given);
    ASSERT_TRUE(shared.ok()) << message(shared);
    EXPECT_TRUE(shared->bytes == alone->bytes) << threads << " threads";
  }
}

TEST(Compile, StopsAfterAnyPhase) {
  for (const auto &[phase, sentence] : compilerPhases()) {
    if (phase == "codegen" || phase == "package") continue;
    auto artifact = compile(kModel, options(Output::kIr, phase));
    ASSERT_TRUE(artifact.ok()) << phase << ": " << message(artifact);
    EXPECT_EQ(artifact->bytes.find("nn.model") != std::string::npos, phase == "import") << phase;
    EXPECT_EQ(artifact->bytes.find("plan.program") != std::string::npos, phase == "schedule")
        << phase;
  }
}

TEST(Compile, ReportsEachPhaseInOrder) {
  std::vector<std::string> seen;
  CompileOptions with_callback = options(Output::kObject);
  with_callback.after_phase = [&](const std::string &phase, const std::string &ir) {
    seen.push_back(phase);
    EXPECT_FALSE(ir.empty());
  };
  ASSERT_TRUE(compile(kModel, with_callback).ok());
  std::vector<std::string> expected;
  for (const auto &[phase, sentence] : compilerPhases()) expected.push_back(phase);
  expected.resize(expected.size() - 2);
  EXPECT_EQ(seen, expected);
}

TEST(Compile, PointsAtTheMistake) {
  std::string text = kModel;
  text.replace(text.find("units = 8"), 9, "unit = 8");
  auto result = compile(text, options(Output::kShared));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(message(result).substr(0, 16), "net.mlir:3:9: er") << message(result);
  EXPECT_NE(message(result).find("did you mean 'units'?"), std::string::npos) << message(result);
  EXPECT_NE(message(result).find("\n    dense(unit = 8, activation = relu)\n"), std::string::npos)
      << message(result);
}

TEST(Compile, RefusesForeignOperations) {
  auto result = compile("func.func @f() { return }", options(Output::kShared));
  ASSERT_FALSE(result.ok());
  EXPECT_NE(message(result).find("net.mlir:1:1: error: "), std::string::npos) << message(result);
  EXPECT_FALSE(compile("", options(Output::kShared)).ok());
  EXPECT_FALSE(compile("\"graph.state\"() : () -> ()", options(Output::kShared)).ok());
  EXPECT_FALSE(compile("module { module { } }", options(Output::kShared)).ok());
}

TEST(Compile, ManyThreadsGetTheSameBytes) {
  auto alone = compile(kModel, options(Output::kShared));
  ASSERT_TRUE(alone.ok()) << message(alone);
  std::vector<std::string> bytes(4);
  std::vector<std::thread> threads;
  for (std::string &each : bytes)
    threads.emplace_back([&each] {
      auto artifact = compile(kModel, options(Output::kShared));
      if (artifact.ok()) each = artifact->bytes;
    });
  for (std::thread &thread : threads) thread.join();
  for (const std::string &each : bytes) EXPECT_EQ(each, alone->bytes);
}

TEST(Compile, ExplainsAMissingCoreRuntime) {
  CompileOptions archive = options(Output::kArchive);
  archive.core_archive = "/no/such/libgraven_core.a";
  auto result = compile(kModel, archive);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(message(result).find("the core runtime for x86_64"), std::string::npos);
}

}  // namespace
}  // namespace graven
