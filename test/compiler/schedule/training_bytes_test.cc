// Peak memory of training, from hand-written programs.
#include "compiler/schedule/memory.h"
#include "gtest/gtest.h"
#include "mlir/Parser/Parser.h"

namespace graven::schedule {
namespace {

std::string program(const std::string &name, int arena) {
  return "plan.program @" + name + " attributes {public_name = \"" + name +
         "\", batch = 4 : i64, arg_names = [\"x\"], arg_types = [tensor<4x3xf32>], "
         "result_names = [\"y\", \"hit\"], result_types = [tensor<2xf64>, tensor<5xi1>], "
         "arena_bytes = " +
         std::to_string(arena) +
         " : i64, liveness_bound = 0 : i64, initial = [], final = []} {\n}\n";
}

int64_t bytes(const std::string &programs) {
  mlir::MLIRContext context;
  context.loadDialect<graph::GraphDialect, plan::PlanDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      "module attributes {plan.state_bytes = 1000 : i64, plan.metric_bytes = 200 : i64, "
      "plan.constant_bytes = 30 : i64} {\n" +
          programs + "}\n",
      &context);
  return module ? trainingBytes(*module) : -1;
}

// Arguments take 4 * 3 * 4 = 48 bytes, results 2 * 8 + 5 * 1 = 21.
TEST(TrainingBytes, AreStateArenaArgumentsAndResults) {
  EXPECT_EQ(bytes(program("train_step", 640)), 1230 + 640 + 48 + 21);
}

TEST(TrainingBytes, CountTrainingOnly) {
  EXPECT_EQ(bytes(program("predict", 6400) + program("train_step", 640)), 1230 + 640 + 48 + 21);
}

TEST(TrainingBytes, WithoutTrainingAreThoseOfTheLargestEntry) {
  EXPECT_EQ(bytes(program("predict", 64) + program("eval_step", 128)), 1230 + 128 + 48 + 21);
  EXPECT_EQ(bytes(""), 1230);
}

}  // namespace
}  // namespace graven::schedule
