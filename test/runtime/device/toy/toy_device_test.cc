// Iris on a device that neither compiler nor runtime knows.
#include "test/runtime/device/toy/toy_device.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "compiler/api/compile.h"
#include "runtime/train/train.h"
#include "test/compiler/codegen/toy/toy_backend.h"

namespace graven::testing {
namespace {

namespace fs = std::filesystem;
using Measures = std::map<std::string, double>;

const fs::path kIris = fs::path(GRAVEN_SOURCE) / "docs/examples/iris";

class ToyDeviceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    codegen::registerBackend(codegen::toy::kToyBackend);
    graven1::register_device(&toy_kind);
  }
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "graven_toy_XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string compileIris(const std::string &device) {
    std::ifstream file(kIris / "iris.mlir");
    std::stringstream source;
    source << file.rdbuf();
    CompileOptions options;
    options.file_name = "iris.mlir";
    options.device = device;
    absl::StatusOr<Artifact> artifact = compile(source.str(), options);
    if (!artifact.ok()) {
      ADD_FAILURE() << artifact.status().message();
      return "";
    }
    fs::path path = folder_ / (device + ".so");
    std::ofstream(path, std::ios::binary) << artifact->bytes;
    return path.string();
  }

  // The measures of each epoch.
  static std::vector<Measures> fit(const std::string &model, const std::string &state,
                                   int64_t epochs) {
    std::vector<Measures> history;
    std::string data = (kIris / "iris.csv").string();
    graven_fit_options options = {};
    options.train = data.c_str();
    options.save = state.c_str();
    options.epochs = epochs;
    options.early_stopping = "off";
    options.threads = 1;
    options.seed = 4;
    options.self = &history;
    options.on_epoch = [](void *self, int64_t, const graven_measure *measures, size_t count) {
      Measures &epoch = static_cast<std::vector<Measures> *>(self)->emplace_back();
      for (size_t i = 0; i < count; ++i) epoch[measures[i].name] = measures[i].value;
      return 0;
    };
    EXPECT_EQ(graven_fit(model.c_str(), &options, nullptr), GRAVEN_OK) << graven_train_last_error();
    return history;
  }

  fs::path folder_;
};

TEST_F(ToyDeviceTest, TrainsIrisAsTheCpuDoes) {
  constexpr int64_t kEpochs = 30;
  std::string toy_state = folder_ / "toy.safetensors", cpu_state = folder_ / "cpu.safetensors";
  uint64_t launches = toy_launches(0);
  std::vector<Measures> toy = fit(compileIris("toy"), toy_state, kEpochs);
  EXPECT_GT(toy_launches(0), launches + kEpochs);
  EXPECT_EQ(toy_bytes(0), 0u);
  std::vector<Measures> cpu = fit(compileIris("cpu"), cpu_state, kEpochs);
  ASSERT_EQ(toy.size(), static_cast<size_t>(kEpochs));
  ASSERT_EQ(cpu.size(), toy.size());
  for (size_t epoch = 0; epoch < toy.size(); ++epoch) {
    ASSERT_EQ(toy[epoch].size(), cpu[epoch].size());
    EXPECT_NEAR(toy[epoch]["loss"], cpu[epoch]["loss"], 1e-3) << "epoch " << epoch;
  }
  EXPECT_LT(toy.back()["loss"], 0.5 * toy.front()["loss"]);

  // A state trained on one device is a state on the other.
  auto evaluate = [&](const char *device, const std::string &state) {
    Measures measures;
    std::string data = (kIris / "iris.csv").string();
    EXPECT_EQ(graven_evaluate((folder_ / device).c_str(), state.c_str(), data.c_str(), 1,
                              [](void *self, const graven_measure *list, size_t count) {
                                for (size_t i = 0; i < count; ++i)
                                  (*static_cast<Measures *>(self))[list[i].name] = list[i].value;
                              },
                              &measures),
              GRAVEN_OK)
        << graven_train_last_error();
    return measures;
  };
  Measures there = evaluate("toy.so", cpu_state), here = evaluate("cpu.so", cpu_state);
  EXPECT_NEAR(there["loss"], here["loss"], 1e-5);
  EXPECT_EQ(there["accuracy"], here["accuracy"]);
  EXPECT_GT(evaluate("cpu.so", toy_state)["accuracy"], 0.9);
}

TEST_F(ToyDeviceTest, IsChosenByNumberAndNotMistakenForAnother) {
  std::string path = compileIris("toy");
  graven_model *model = nullptr;
  ASSERT_EQ(graven_model_open_on(path.c_str(), "toy:1", &model), GRAVEN_OK) << graven_last_error();
  graven_state *state = nullptr;
  ASSERT_EQ(graven_state_create(model, &state), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(toy_bytes(0), 0u);
  EXPECT_GT(toy_bytes(1), 0u);
  graven_state_destroy(state);
  graven_model_destroy(model);
  EXPECT_EQ(toy_bytes(1), 0u);
  EXPECT_EQ(graven_model_open_on(path.c_str(), "cpu", &model), GRAVEN_INVALID_ARGUMENT);
  EXPECT_NE(std::string(graven_last_error()).find("compiled for device 'toy'"), std::string::npos);
}

TEST_F(ToyDeviceTest, AnUnknownDeviceIsAnsweredWithThoseThereAre) {
  CompileOptions options;
  options.device = "abacus";
  absl::StatusOr<Artifact> artifact = compile("", options);
  ASSERT_FALSE(artifact.ok());
  for (const char *part : {"unknown device 'abacus'", "cpu", "toy"})
    EXPECT_NE(artifact.status().message().find(part), std::string::npos) << artifact.status();
}

}  // namespace
}  // namespace graven::testing
