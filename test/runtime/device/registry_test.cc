// Choosing a device by name, a device that joins from outside of the runtime, and the list.
#include "runtime/device/registry.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

#include "runtime/core/context.h"
#include "runtime/core/model.h"
#include "runtime/device/cpu/cpu_device.h"
#include "runtime/device/null/null_device.h"
#include "test/runtime/core/fake_model.h"

namespace graven::testing {
namespace {

using graven1::Device;
using graven1::open_device;

// Two recording devices, which count how often they are closed.
graven1::NullDevice toys[2];
int closed = 0;

graven_status open_toy(uint32_t ordinal, const Device **device) {
  if (ordinal > 1) return GRAVEN_NOT_FOUND;
  null_device_init(&toys[ordinal], false, nullptr, 0);
  toys[ordinal].device.close = [](void *) { ++closed; };
  *device = &toys[ordinal].device;
  return GRAVEN_OK;
}

bool describe_toy(uint32_t ordinal, graven_device_info *info) {
  if (ordinal > 1) return false;
  snprintf(info->name, sizeof info->name, "toy:%u", ordinal);
  snprintf(info->description, sizeof info->description, "a toy");
  info->available = 1;
  return true;
}

graven1::DeviceKind toy_kind = {"toy", open_toy, describe_toy};

class RegistryTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { graven1::register_device(&toy_kind); }
};

TEST_F(RegistryTest, OpensWhatTheArtifactOrTheUserNames) {
  const Device *device = nullptr;
  for (const char *wish : {static_cast<const char *>(nullptr), "auto", "cpu", "cpu:0"}) {
    ASSERT_EQ(open_device("cpu", wish, &device), GRAVEN_OK) << graven_last_error();
    EXPECT_EQ(device, graven1::cpu_device());
  }
  for (const char *wish : {static_cast<const char *>(nullptr), "auto", "toy", "toy:0", "toy:00"}) {
    ASSERT_EQ(open_device("toy", wish, &device), GRAVEN_OK) << graven_last_error();
    EXPECT_EQ(device, &toys[0].device);
  }
  ASSERT_EQ(open_device("toy", "toy:1", &device), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(device, &toys[1].device);
}

TEST_F(RegistryTest, RefusesInOneSentence) {
  const struct {
    const char *compiled, *wish;
    graven_status status;
    const char *text;
  } rows[] = {
      {"cpu", "toy", GRAVEN_INVALID_ARGUMENT,
       "the model is compiled for device 'cpu' and cannot run on 'toy'; compile it again with "
       "--device=toy"},
      {"toy", "cpu:0", GRAVEN_INVALID_ARGUMENT,
       "compiled for device 'toy' and cannot run on 'cpu'"},
      {"cpu", "cpu:1", GRAVEN_NOT_FOUND, "there is no device 'cpu:1'"},
      {"cpu", "abacus", GRAVEN_NOT_FOUND, "there is no device 'abacus' in this program; it has "},
      {"abacus", nullptr, GRAVEN_NOT_FOUND, "there is no device 'abacus' in this program"},
      {"toy", "toy:", GRAVEN_INVALID_ARGUMENT, "'toy:' is no device"},
      {"toy", "toy:1x", GRAVEN_INVALID_ARGUMENT, "such as toy or toy:0"},
      {"toy", "toy:-1", GRAVEN_INVALID_ARGUMENT, "'toy:-1' is no device"},
      {"toy", "toy:99999999999", GRAVEN_INVALID_ARGUMENT, "is no device"},
      {"toy", "", GRAVEN_NOT_FOUND, "there is no device ''"},
  };
  for (const auto &row : rows) {
    const Device *device = graven1::cpu_device();
    EXPECT_EQ(open_device(row.compiled, row.wish, &device), row.status) << row.wish;
    EXPECT_EQ(device, nullptr);
    EXPECT_NE(strstr(graven_last_error(), row.text), nullptr) << graven_last_error();
  }
}

TEST_F(RegistryTest, AModelCanBeLookedAtWithoutItsDevice) {
  TableBuilder builder;
  build_affine_model(&builder);
  builder.device = "abacus";
  graven_model *model = nullptr;
  ASSERT_EQ(graven_model_create_on(builder.build(), nullptr, &model), GRAVEN_NOT_FOUND);
  ASSERT_EQ(graven_model_create_on(builder.build(), "none", &model), GRAVEN_OK);
  EXPECT_STREQ(graven_model_text(model, graven_model_table(model)->device), "abacus");
  graven_state *state = nullptr;
  graven_context *context = nullptr;
  EXPECT_EQ(graven_state_create(model, &state), GRAVEN_INVALID_ARGUMENT);
  EXPECT_NE(strstr(graven_last_error(), "opened on device 'none'"), nullptr);
  EXPECT_EQ(graven_context_create(model, nullptr, &context), GRAVEN_INVALID_ARGUMENT);
  graven_model_destroy(model);
}

TEST_F(RegistryTest, KernelsInAnImageAreNotRunAsFunctions) {
  TableBuilder builder;
  builder.image_kernel("scale", 128, 0);
  builder.image(GRAVEN_IMAGE_PTX, 80, std::string("text", 5));
  builder.entry("run", 0, 0, 0);
  graven_model *model = nullptr;
  EXPECT_EQ(graven_model_create(builder.build(), &model), GRAVEN_INCOMPATIBLE);
  EXPECT_NE(strstr(graven_last_error(), "--device=cpu"), nullptr) << graven_last_error();
}

TEST_F(RegistryTest, ListsEachDeviceOnce) {
  std::multiset<std::string> names;
  graven_device_info info;
  uint32_t count = 0;
  while (graven_device_describe(count, &info) == GRAVEN_OK) {
    names.insert(info.name);
    EXPECT_STRNE(info.description, "") << info.name;
    ++count;
  }
  EXPECT_EQ(names.count("cpu"), 1u);
  EXPECT_EQ(names.count("toy:0"), 1u);
  EXPECT_EQ(names.count("toy:1"), 1u);
  EXPECT_EQ(graven_device_describe(count, &info), GRAVEN_NOT_FOUND);
  EXPECT_EQ(graven_device_describe(UINT32_MAX, &info), GRAVEN_NOT_FOUND);
  EXPECT_EQ(graven_device_describe(0, nullptr), GRAVEN_INVALID_ARGUMENT);
}

// The model brings its constants to a device that cannot read the program's memory, uses its
// staging memory in turn, and gives everything back.
TEST_F(RegistryTest, AModelLivesOnItsDevice) {
  const Device *device = nullptr;
  ASSERT_EQ(open_device("toy", "toy:1", &device), GRAVEN_OK);
  graven1::NullDevice &toy = toys[1];
  graven1::NullCommand commands[8];
  toy.commands = commands;
  toy.capacity = 8;
  closed = 0;
  TableBuilder builder;
  build_affine_model(&builder);
  graven_model *model = nullptr;
  ASSERT_EQ(graven1::create_model(builder.build(), device, &model), GRAVEN_OK);
  ASSERT_EQ(toy.block_count, 1u);
  EXPECT_EQ(memcmp(toy.blocks[0].memory, builder.artifact().constants, 16), 0);
  EXPECT_EQ(model->constants, toy.blocks[0].memory);
  graven_state *state = nullptr;
  graven_context *context = nullptr;
  ASSERT_EQ(graven_state_create(model, &state), GRAVEN_OK);
  ASSERT_EQ(graven_context_create(model, nullptr, &context), GRAVEN_OK);
  uint32_t predict = static_cast<uint32_t>(graven_model_find_entry(model, "predict", 0));
  float x[kAffineBatch * kAffineFeatures];
  const void *inputs[] = {x};
  for (int call = 0; call < 4; ++call) {
    for (float &value : x) value = static_cast<float>(call + 1);
    ASSERT_EQ(graven_call(context, state, predict, 3, inputs, nullptr), GRAVEN_OK);
    for (size_t i = 0; i < kAffineBatch * kAffineFeatures; ++i) {
      ASSERT_EQ(static_cast<const float *>(commands[call].destination)[i], call + 1) << i;
    }
  }
  EXPECT_NE(commands[0].destination, commands[1].destination);
  EXPECT_EQ(commands[0].destination, commands[2].destination);
  EXPECT_EQ(commands[1].destination, commands[3].destination);
  EXPECT_EQ(closed, 0);
  graven_context_destroy(context);
  graven_state_destroy(state);
  graven_model_destroy(model);
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(toy.block_count, 0u);

  // A model that cannot be made closes its device too.
  builder.artifact().magic = 0;
  EXPECT_EQ(graven1::create_model(&builder.artifact(), device, &model), GRAVEN_CORRUPT);
  EXPECT_EQ(closed, 2);
}

}  // namespace
}  // namespace graven::testing
