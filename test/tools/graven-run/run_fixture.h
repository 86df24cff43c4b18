// A folder with a data set, and graven-run in it.
#ifndef GRAVEN_TEST_TOOLS_GRAVEN_RUN_RUN_FIXTURE_H_
#define GRAVEN_TEST_TOOLS_GRAVEN_RUN_RUN_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/runtime/core/fake_model.h"
#include "test/runtime/train/fit/clouds.h"
#include "test/tools/graven-run/tool_process.h"

namespace graven::testing {

class RunFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    write_file(folder_.path("m.so"), read_file(GRAVEN_LOGISTIC_SO));
    write_file(folder_.path("clouds.csv"), CloudsCsv());
  }
  ToolResult Run(std::vector<std::string> words, const ToolOptions &options = {}) {
    words.insert(words.begin(), GRAVEN_RUN);
    return RunTool(folder_.path(), words, options);
  }
  std::string Read(const std::string &name) { return read_file(folder_.path(name)); }
  void Write(const std::string &name, const std::string &content) {
    write_file(folder_.path(name), content);
  }
  // A trained state in s.safetensors.
  void Train() {
    ToolResult result = Run({"fit", "m.so", "--train", "clouds.csv", "--save", "s.safetensors"});
    ASSERT_EQ(result.code, 0) << result.errors;
  }

  TemporaryFolder folder_;
};

}  // namespace graven::testing

#endif  // GRAVEN_TEST_TOOLS_GRAVEN_RUN_RUN_FIXTURE_H_
