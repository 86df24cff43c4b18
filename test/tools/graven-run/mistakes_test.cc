// Wrong inputs: each answers with place and remedy, a non-zero code, no crash, nothing overwritten.
#include <sys/stat.h>
#include <unistd.h>

#include "test/tools/graven-run/run_fixture.h"

namespace graven::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class MistakesTest : public RunFixture {
 protected:
  // Runs and expects an error with `message`; exit code `code`.
  void Expect(std::vector<std::string> words, const std::string &message, int code = 1,
              const ToolOptions &options = {}) {
    std::vector<std::string> before = folder_.files();
    ToolResult result = Run(words, options);
    std::string line = ::testing::PrintToString(words);
    EXPECT_EQ(result.code, code) << line << result.errors;
    EXPECT_THAT(result.errors, StartsWith("graven-run: error: ")) << line;
    EXPECT_THAT(result.errors, EndsWith("\n")) << line;
    EXPECT_THAT(result.errors, HasSubstr(message)) << line;
    EXPECT_EQ(folder_.files(), before) << line;
  }
  std::vector<std::string> Fit(std::vector<std::string> more) {
    std::vector<std::string> words = {"fit", "m.so", "--train", "clouds.csv"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

TEST_F(MistakesTest, OnTheCommandLine) {
  Expect({"fti", "m.so"}, "there is no command 'fti'; did you mean 'fit'?", 2);
  Expect(Fit({"--epoch", "3"}), "'fit' has no flag '--epoch'; did you mean '--epochs'?", 2);
  Expect(Fit({"--epochs", "many"}), "--epochs", 2);
  Expect(Fit({"--epochs", "0"}), "--epochs", 2);
  Expect(Fit({"--validation-split", "1.5"}), "--validation-split", 2);
  Expect({"fit", "m.so"}, "--train is required; see 'graven-run fit --help'", 2);
  Expect(Fit({"--early-stopping", "patients=3"}),
         "--early-stopping: there is no option 'patients'; did you mean 'patience'?");
  Expect(Fit({"--batch-size", "32"}), "compile it again with graven-compile --batch=32");
  Expect(Fit({"--validation-split", "0", "--early-stopping", "on"}), "there is no validation data");
  Expect(Fit({"--label", "kid"}),
         "clouds.csv:1: there is no column 'kid' (the label); did you mean "
         "'kind'?");
}

TEST_F(MistakesTest, InTheDevice) {
  const std::string other = "the model is compiled for device 'cpu' and cannot run on 'cuda'";
  Expect(Fit({"--device=cuda"}), other);
  Expect(Fit({"--device=abacus"}), "there is no device 'abacus' in this program; it has cpu, cuda");
  Expect(Fit({"--device=cpu:1"}), "there is no device 'cpu:1'; all processors are device cpu");
  Expect(Fit({"--device=cpu:x"}), "'cpu:x' is no device; write auto, or a kind of device");
  Expect({"bench", "m.so", "--device", "cuda:1"}, other);
  Expect({"call", "m.so", "init", "--device", "cuda"}, other);
  Write("s", "");
  Expect({"evaluate", "m.so", "--state", "s", "--data", "clouds.csv", "--device=cuda"}, other);
  Expect(
      {"predict", "m.so", "--state", "s", "--data", "clouds.csv", "-o", "p.csv", "--device=cuda"},
      other);
}

TEST_F(MistakesTest, InBench) {
  Expect({"bench", "m.so", "--trace", "no/t.json"}, "--trace: ");
  Expect({"bench", "m.so", "--trace", "no/t.json"}, "no/t.json");
  Expect({"bench", "m.so", "--trace", "."}, "--trace: . is a folder; name a file in it");
}

TEST_F(MistakesTest, InData) {
  const std::string header = "a,b,c,d,kind\n";
  Write("f.csv", header + "1,2,3,4,x\n1,2,3,x\n");
  Expect({"fit", "m.so", "--train", "f.csv"}, "f.csv:3: this line has 4 cells");
  Write("f.csv", header + "1,2,nan,4,x\n");
  Expect({"fit", "m.so", "--train", "f.csv"}, "f.csv:2:3: column 'c' holds nan");
  Write("f.csv", header + "1,2,,4,x\n");
  Expect({"fit", "m.so", "--train", "f.csv"}, "f.csv:2:3: column 'c' is empty");
  Write("f.csv", header + "1,2,3,4,0\n1,2,3,4,5\n");
  Expect({"fit", "m.so", "--train", "f.csv"}, "f.csv:3:5: label 5 is out of range");
  Write("f.csv", "a,b,kind\n1,2,x\n");
  Expect({"fit", "m.so", "--train", "f.csv"}, "the model takes 4 features per row, got 2");
  Write("f.csv", "");
  Expect({"fit", "m.so", "--train", "f.csv"}, "f.csv: is empty");
  Expect({"fit", "m.so", "--train", "none.csv"}, "none.csv: no such file");
  Write("i.idx", std::string("\0\0\x08\x02\0\0\0\2\0\0\0\4\1\2\3", 15));
  Write("l.idx", std::string("\0\0\x08\x01\0\0\0\2\0\1", 10));
  Expect({"fit", "m.so", "--train", "i.idx,l.idx"}, "i.idx: the IDX header promises 2x4 elements");
  Write("i.idx", std::string("\0\0\x08\x02\0\0\0\2\0\0\0\4\1\2\3\4\5\6\7\x08", 20));
  Expect({"fit", "m.so", "--train", "l.idx,i.idx"}, "l.idx: a row has shape ui8 (1 elements)");
}

TEST_F(MistakesTest, InArtifacts) {
  Expect({"info", "none.so"}, "none.so");
  const std::string whole = Read("m.so");
  Write("d.so", whole.substr(0, whole.size() / 2));
  Expect({"info", "d.so"}, "does not end as a Graven model does");
  std::string flipped = whole;
  flipped[whole.size() / 3] = static_cast<char>(flipped[whole.size() / 3] ^ 4);
  Write("d.so", flipped);
  Expect({"info", "d.so"}, "'d.so' is damaged");
  Expect({"info", "clouds.csv"}, "does not end as a Graven model does");
}

TEST_F(MistakesTest, InStates) {
  Train();
  const std::string whole = Read("s.safetensors");
  Expect({"evaluate", "m.so", "--state", "none.safetensors", "--data", "clouds.csv"},
         "none.safetensors");
  Write("d.safetensors", whole.substr(0, whole.size() - 9));
  Expect({"evaluate", "m.so", "--state", "d.safetensors", "--data", "clouds.csv"}, "d.safetensors");
  std::string flipped = whole;
  flipped[whole.size() - 20] = static_cast<char>(flipped[whole.size() - 20] ^ 1);
  Write("d.safetensors", flipped);
  Expect({"evaluate", "m.so", "--state", "d.safetensors", "--data", "clouds.csv"}, "d.safetensors");
  Write("f.csv", "a,b,c,d,kind\n1,2,3,4,w\n");
  Expect({"evaluate", "m.so", "--state", "s.safetensors", "--data", "f.csv"},
         "f.csv:2:5: class 'w' is unknown");
  Write("f.csv", "a,b,c,e,kind\n1,2,3,4,x\n");
  Expect({"predict", "m.so", "--state", "s.safetensors", "--data", "f.csv", "-o", "o.npy"},
         "f.csv:1: there is no column 'd' (a feature the model was trained on)");
  Expect(Fit({"--resume", "s.safetensors", "--seed", "4"}), "seed: was 0, is 4");
  Expect(Fit({"--resume", "s.best.safetensors"}), "there is nothing to resume");
  Expect(Fit({"--resume", "t.safetensors", "--save", "u.safetensors"}),
         "--resume: there is no checkpoint t.safetensors");
  EXPECT_EQ(Read("s.safetensors"), whole);
}

TEST_F(MistakesTest, InOutputs) {
  Train();
  Expect(Fit({"--save", "no/s.safetensors"}),
         "--save: cannot write no/s.safetensors: there is no "
         "folder no");
  Expect(Fit({"--save", "."}), "is a folder");
  Expect(Fit({"--plot", "no/c.svg"}), "--plot: cannot write");
  Expect(Fit({"--log", "no/l.jsonl"}), "--log: cannot write");
  Expect({"predict", "m.so", "--state", "s.safetensors", "--data", "clouds.csv", "-o", "o.txt"},
         "-o: o.txt ends neither in .npy nor in .csv");
}

// The old files stay as they were.
TEST_F(MistakesTest, OnAFullDisk) {
  ToolOptions full;
  full.file_limit = 150000;
  if (Read("m.so").size() > 150000) {
    GTEST_SKIP() << "the model is built with sanitizers and does not fit the test's disk itself";
  }
  Train();
  const std::string state = Read("s.safetensors");
  std::string rows = CloudsCsv();
  std::string many = rows;
  for (int i = 0; i < 150; ++i) many += rows.substr(rows.find('\n') + 1);
  Write("many.csv", many);
  Write("o.npy", "old");
  Expect({"predict", "m.so", "--state", "s.safetensors", "--data", "many.csv", "-o", "o.npy"},
         "cannot write o.npy: File too large; what stood there is unchanged", 1, full);
  EXPECT_EQ(Read("o.npy"), "old");
  Expect(Fit({"--save", "s.safetensors", "--epochs", "3000", "--save-every", "1000"}),
         "s.safetensors", 1, full);
  EXPECT_EQ(Read("s.safetensors"), state);
}

TEST_F(MistakesTest, InCalls) {
  Train();
  auto call = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"call", "m.so"});
    return more;
  };
  Expect(call({"predcit"}), "has no entry 'predcit'; did you mean 'predict'?");
  Expect(call({"predict"}),
         "input 'x' is missing; give --input x=16x4xf32=VALUES or --input x=@FILE");
  Expect(call({"predict", "--input", "y=1xf32=1"}), "has no input 'y'");
  Expect(call({"predict", "--input", "x=2x3xf32=1,2,3,4,5,6"}),
         "--input x: expected 2x4xf32, got 2x3xf32");
  Expect(call({"predict", "--input", "x=2x4xf32=1,2"}), "2x4xf32 has 8 elements, got 2 values");
  Expect(call({"predict", "--input", "x=2x4xf33=1"}), "unknown element type 'f33'");
  Expect(call({"predict", "--input", "x=1x4xf32=a"}), "'a' is no number");
  Expect(call({"predict", "--input", "x=32x4xf32=0"}), "not compiled for 32 rows");
  Expect(call({"eval_step", "--input", "x=1x4xf32=0", "--input", "label=1xi32=3"}),
         "expected 0 <= value < 3");
}

}  // namespace
}  // namespace graven::testing
