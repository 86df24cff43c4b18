// fit is stopped from outside: Ctrl-C saves and tells how to go on; a kill loses nothing but time.
#include <signal.h>

#include <unistd.h>

#include <chrono>
#include <random>

#include "test/tools/graven-run/run_fixture.h"

namespace graven::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class SignalsTest : public RunFixture {
 protected:
  std::vector<std::string> Fit(const std::string &more) {
    return {"fit",      "m.so",          "--train",          "clouds.csv",
            "--epochs", "1500",          "--save-every",     "0.005",
            "--save",   "s.safetensors", "--early-stopping", "patience=5000,monitor=val_accuracy",
            more};
  }
  std::vector<std::string> Resume() {
    std::vector<std::string> words = Fit("--resume");
    words.push_back("s.safetensors");
    return words;
  }
};

TEST_F(SignalsTest, CtrlCSavesAndTellsHowToGoOn) {
  std::vector<std::string> words = Fit("--threads=1");
  ASSERT_EQ(Run(words).code, 0);
  std::string last = Read("s.safetensors"), best = Read("s.best.safetensors");
  unlink(folder_.path("s.safetensors").c_str());
  unlink(folder_.path("s.best.safetensors").c_str());

  ToolOptions interrupt;
  interrupt.kill_signal = SIGINT;
  interrupt.kill_when = "Epoch 100/";
  ToolResult result = Run(words, interrupt);
  EXPECT_EQ(result.code, 130);
  EXPECT_THAT(result.errors,
              ContainsRegex("^Interrupted after [0-9]+ epochs( and [0-9]+ batches)?; saved "
                            "s.safetensors.\nGo on with the same command and --resume "
                            "s.safetensors\n$"));
  EXPECT_THAT(result.errors, ::testing::Not(HasSubstr("error")));
  result = Run(Resume());
  EXPECT_EQ(result.code, 0) << result.errors;
  EXPECT_TRUE(Read("s.safetensors") == last);
  EXPECT_TRUE(Read("s.best.safetensors") == best);
}

TEST_F(SignalsTest, AKillAtAnyMomentLosesNothing) {
  auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(Run(Fit("--threads=1")).code, 0);
  auto whole = std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::steady_clock::now() - start)
                   .count();
  std::string last = Read("s.safetensors"), best = Read("s.best.safetensors");
  std::mt19937 random(1);
  int killed = 0;
  for (int i = 0; i < 15; ++i) {
    unlink(folder_.path("s.safetensors").c_str());
    unlink(folder_.path("s.best.safetensors").c_str());
    ToolOptions kill;
    kill.kill_signal = SIGKILL;
    kill.kill_after = static_cast<int64_t>(random() % static_cast<uint64_t>(whole));
    if (Run(Fit("--threads=1"), kill).code == 128 + SIGKILL) ++killed;
    ToolResult result = Run(Resume());
    EXPECT_EQ(result.code, 0) << result.errors;
    EXPECT_TRUE(Read("s.safetensors") == last) << "killed after " << kill.kill_after << " us";
    EXPECT_TRUE(Read("s.best.safetensors") == best) << "killed after " << kill.kill_after << " us";
  }
  EXPECT_GT(killed, 5);
}

}  // namespace
}  // namespace graven::testing
