// What every device must do, run over all of them; and the executor on devices that are not the
// CPU.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "runtime/core/model.h"
#include "runtime/device/cpu/cpu_device.h"
#include "runtime/device/device.h"
#include "runtime/device/null/null_device.h"
#include "runtime/device/registry.h"
#include "test/runtime/core/fake_model.h"

// Under a sanitizer impossible allocations fail as they do without one.
extern "C" const char *__asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char *__tsan_default_options() { return "allocator_may_return_null=1"; }

namespace graven::testing {
namespace {

using graven1::Device;

// One row per device: how to get one, and for which kind artifacts are compiled.
struct Maker {
  const char *name;
  const Device *(*make)();
  const char *compiled;
  bool executes;
};

const Device *make_null(bool uses_host_memory) {
  static graven1::NullDevice devices[2];
  static graven1::NullCommand commands[2][256];
  graven1::null_device_init(&devices[uses_host_memory], uses_host_memory,
                            commands[uses_host_memory], 256);
  return &devices[uses_host_memory].device;
}

// NVIDIA's driver, or the stand-in for it that this test is built with.
const Device *make_cuda() {
  static void *driver = dlopen(GRAVEN_STANDIN_DRIVER, RTLD_NOW | RTLD_GLOBAL);
  EXPECT_NE(driver, nullptr) << dlerror();
  graven1::link_every_device();
  const Device *device = nullptr;
  EXPECT_EQ(graven1::open_device("cuda", nullptr, &device), GRAVEN_OK) << graven_last_error();
  return device;
}

const Maker kMakers[] = {
    {"cpu", graven1::cpu_device, "cpu", true},
    {"null_on_host_memory", [] { return make_null(true); }, "cpu", false},
    {"null_with_staging", [] { return make_null(false); }, "cpu", false},
    {"cuda", make_cuda, "cuda", GRAVEN_STANDIN_EXECUTES},
};

class DeviceTest : public ::testing::TestWithParam<Maker> {
 protected:
  void SetUp() override {
    device_ = GetParam().make();
    ASSERT_NE(device_, nullptr);
    builder_.device = GetParam().compiled;
    if (builder_.device == "cuda") {
      builder_.image(GRAVEN_IMAGE_PTX, 80, read_file(GRAVEN_AFFINE_KERNELS) + '\0');
    }
  }
  void TearDown() override {
    if (device_ && !in_model_ && device_->close) device_->close(device_->self);
  }
  const Device *device_ = nullptr;
  bool in_model_ = false;  // which closes it
  TableBuilder builder_;
};

TEST_P(DeviceTest, MemoryIsAlignedAndTransfersAreExact) {
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{100}, size_t{5} << 20}) {
    void *memory = nullptr;
    ASSERT_EQ(device_->allocate(device_->self, bytes, "a test", &memory), GRAVEN_OK);
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % GRAVEN_SEGMENT_ALIGNMENT, 0u);
    std::vector<char> out(bytes + 1), in(bytes + 1, 5);
    std::iota(out.begin(), out.end(), 1);
    ASSERT_EQ(device_->upload(device_->self, memory, out.data(), bytes), GRAVEN_OK);
    ASSERT_EQ(device_->download(device_->self, in.data(), memory, bytes), GRAVEN_OK);
    EXPECT_EQ(memcmp(in.data(), out.data(), bytes), 0);
    EXPECT_EQ(in[bytes], 5);
    ASSERT_EQ(device_->clear(device_->self, memory, bytes), GRAVEN_OK);
    ASSERT_EQ(device_->download(device_->self, in.data(), memory, bytes), GRAVEN_OK);
    EXPECT_EQ(in, std::vector<char>([&] {
                std::vector<char> zeros(bytes + 1);
                zeros[bytes] = 5;
                return zeros;
              }()));
    device_->release(device_->self, memory, bytes);
  }
}

TEST_P(DeviceTest, ImpossibleAllocationsAreRefused) {
  void *memory = &memory;
  EXPECT_EQ(device_->allocate(device_->self, size_t{1} << 60, "a test of limits", &memory),
            GRAVEN_OUT_OF_MEMORY);
  EXPECT_EQ(memory, nullptr);
  EXPECT_NE(strstr(graven_last_error(), "a test of limits"), nullptr) << graven_last_error();
}

// Each workgroup adds its number plus one; run twice it would show.
void add_number(void *const *buffers, int64_t lo, int64_t hi) {
  const int *in = static_cast<const int *>(buffers[0]);
  int *out = static_cast<int *>(buffers[1]);
  for (int64_t i = lo; i < hi; ++i) out[i] += in[i] + static_cast<int>(i) + 1;
}

TEST_P(DeviceTest, CommandsRunInOrder) {
  constexpr size_t kCount = 1000, kBytes = kCount * sizeof(int);
  uint32_t kernel = builder_.kernel("add_number", add_number);
  const auto write = GRAVEN_OPERAND_WRITE;
  const TableBuilder::Operand operand_a = TableBuilder::arena(0, kBytes, write);
  const TableBuilder::Operand operand_b = TableBuilder::arena(4096, kBytes, write);
  builder_.fill(operand_a, 1);
  builder_.copy(operand_a, operand_b);
  builder_.launch(kernel, kCount,
                  {TableBuilder::arena(0, kBytes, GRAVEN_OPERAND_READ),
                   TableBuilder::arena(4096, kBytes, GRAVEN_OPERAND_READ | write)});
  builder_.fill(operand_a, 0);
  builder_.entry("run", 0, 0, 8192);
  const graven_artifact &artifact = *builder_.build();
  graven_pool_options options = {2, 1, nullptr, nullptr};
  graven_pool *pool = nullptr;
  ASSERT_EQ(graven_pool_create(&options, &pool), GRAVEN_OK);
  void *queue = nullptr;
  void *program = nullptr;
  ASSERT_EQ(device_->load(device_->self, &artifact, &program), GRAVEN_OK);
  ASSERT_EQ(device_->create_queue(device_->self, {&artifact, program, pool, nullptr, 0}, &queue),
            GRAVEN_OK);
  void *a = nullptr, *b = nullptr;
  ASSERT_EQ(device_->allocate(device_->self, kBytes, "a test", &a), GRAVEN_OK);
  ASSERT_EQ(device_->allocate(device_->self, kBytes, "a test", &b), GRAVEN_OK);
  for (int round = 0; round < 3; ++round) {
    bool replayed = true;
    ASSERT_EQ(device_->begin(queue, {0}, &replayed), GRAVEN_OK);
    ASSERT_FALSE(replayed && round == 0);
    if (!replayed) {
      EXPECT_EQ(device_->fill(queue, a, 1, kBytes), GRAVEN_OK);
      EXPECT_EQ(device_->copy(queue, b, a, kBytes), GRAVEN_OK);
      void *buffers[] = {a, b};
      EXPECT_EQ(device_->launch(queue, {0, 2, buffers, kCount, 1, 1}), GRAVEN_OK);
      buffers[0] = buffers[1] = nullptr;  // the device keeps no pointer to the list
      EXPECT_EQ(device_->fill(queue, a, 0, kBytes), GRAVEN_OK);
    }
    ASSERT_EQ(device_->finish(queue), GRAVEN_OK);
  }
  std::vector<int> got(kCount), zeros(kCount);
  ASSERT_EQ(device_->download(device_->self, got.data(), b, kBytes), GRAVEN_OK);
  for (size_t i = 0; i < kCount; ++i) {
    int expected = GetParam().executes ? 2 * 0x01010101 + static_cast<int>(i) + 1
                   : device_->executes ? 0x01010101
                                       : 0;
    ASSERT_EQ(got[i], expected) << i;
  }
  ASSERT_EQ(device_->download(device_->self, got.data(), a, kBytes), GRAVEN_OK);
  EXPECT_EQ(got, zeros);
  device_->release(device_->self, a, kBytes);
  device_->release(device_->self, b, kBytes);
  device_->destroy_queue(device_->self, queue);
  device_->unload(device_->self, program);
  graven_pool_destroy(pool);
}

TEST_P(DeviceTest, ServesAModelThroughItsWholeLife) {
  build_affine_model(&builder_);
  graven_model *model = nullptr;
  in_model_ = true;
  ASSERT_EQ(graven1::create_model(builder_.build(), device_, &model), GRAVEN_OK)
      << graven_last_error();
  graven_state *state = nullptr, *copy = nullptr;
  graven_context *context = nullptr;
  ASSERT_EQ(graven_state_create(model, &state), GRAVEN_OK) << graven_last_error();
  ASSERT_EQ(graven_context_create(model, nullptr, &context), GRAVEN_OK) << graven_last_error();
  ASSERT_EQ(graven_call(context, state, 0, 0, nullptr, nullptr), GRAVEN_OK) << graven_last_error();
  std::vector<float> x(kAffineBatch * kAffineFeatures, 2.0f);
  for (int64_t rows : {int64_t{3}, kAffineBatch}) {
    std::vector<float> y(x.size(), 77.0f);
    const void *inputs[] = {x.data()};
    void *outputs[] = {y.data()};
    uint32_t predict = static_cast<uint32_t>(graven_model_find_entry(model, "predict", rows));
    ASSERT_EQ(graven_call(context, state, predict, rows, inputs, outputs), GRAVEN_OK)
        << graven_last_error();
    for (size_t i = 0; i < y.size() && GetParam().executes; ++i) {
      bool valid = static_cast<int64_t>(i) < rows * kAffineFeatures;
      EXPECT_EQ(y[i], valid ? static_cast<float>(1 + i % 4) * 2 + 0.5f : 77.0f) << i;
    }
  }
  // Checkpoints and clones work wherever the state lies.
  float w[4] = {4, 3, 2, 1}, got[4] = {};
  ASSERT_EQ(graven_state_set(state, "w", w, sizeof w), GRAVEN_OK);
  TemporaryFolder folder;
  ASSERT_EQ(graven_state_save(state, folder.path("s").c_str(), nullptr), GRAVEN_OK)
      << graven_last_error();
  ASSERT_EQ(graven_state_clone(state, &copy), GRAVEN_OK);
  w[0] = 9;
  ASSERT_EQ(graven_state_set(state, "w", w, sizeof w), GRAVEN_OK);
  ASSERT_EQ(graven_state_load(state, folder.path("s").c_str()), GRAVEN_OK) << graven_last_error();
  for (graven_state *each : {state, copy}) {
    ASSERT_EQ(graven_state_get(each, "w", got, sizeof got), GRAVEN_OK);
    EXPECT_EQ(got[0], 4);
  }
  double loss;
  EXPECT_EQ(graven_context_metric(context, "loss", &loss), GRAVEN_OK);
  graven_context_destroy(context);
  graven_state_destroy(copy);
  graven_state_destroy(state);
  graven_model_destroy(model);
}

INSTANTIATE_TEST_SUITE_P(AllDevices, DeviceTest, ::testing::ValuesIn(kMakers),
                         [](const auto &row) { return std::string(row.param.name); });

TEST(NullDeviceTest, RecordsWhatACallAmountsTo) {
  graven1::NullDevice device;
  graven1::NullCommand commands[16];
  graven1::null_device_init(&device, true, commands, 16);
  TableBuilder builder;
  build_affine_model(&builder);
  graven_model *model = nullptr;
  graven_state *state = nullptr;
  graven_context *context = nullptr;
  ASSERT_EQ(graven1::create_model(builder.build(), &device.device, &model), GRAVEN_OK);
  ASSERT_EQ(graven_state_create(model, &state), GRAVEN_OK);
  ASSERT_EQ(graven_context_create(model, nullptr, &context), GRAVEN_OK);
  std::vector<float> x(kAffineBatch * kAffineFeatures), y(x.size());
  const void *inputs[] = {x.data()};
  void *outputs[] = {y.data()};
  uint32_t exact = static_cast<uint32_t>(graven_model_find_entry(model, "exact", 0));
  ASSERT_EQ(graven_call(context, state, exact, kAffineBatch, inputs, outputs), GRAVEN_OK);
  ASSERT_EQ(device.recorded, 3u);
  EXPECT_EQ(device.calls, 1u);
  EXPECT_EQ(commands[0].kind, GRAVEN_COMMAND_LAUNCH);
  EXPECT_EQ(commands[0].grid, kAffineBatch);
  EXPECT_EQ(commands[0].buffer_count, 4u);
  EXPECT_EQ(commands[0].destination, x.data());
  EXPECT_EQ(commands[1].kind, GRAVEN_COMMAND_FILL);
  EXPECT_EQ(commands[1].byte, 0x40);
  EXPECT_EQ(commands[2].kind, GRAVEN_COMMAND_COPY);
  EXPECT_EQ(commands[2].destination, y.data());
  EXPECT_EQ(commands[2].bytes, x.size() * sizeof(float));
  null_device_reset(&device);
  EXPECT_EQ(device.recorded, 0u);
  graven_context_destroy(context);
  graven_state_destroy(state);
  graven_model_destroy(model);
  EXPECT_EQ(device.block_count, 0u) << "everything is given back";
}

TEST(NullDeviceTest, MisuseIsRefused) {
  graven1::NullDevice device;
  graven1::null_device_init(&device, false, nullptr, 0);
  const Device &d = device.device;
  graven_artifact artifact = {};
  void *queue = nullptr, *memory = nullptr;
  ASSERT_EQ(d.create_queue(d.self, {&artifact, nullptr, nullptr, nullptr, 0}, &queue), GRAVEN_OK);
  ASSERT_EQ(d.allocate(d.self, 64, "a test", &memory), GRAVEN_OK);
  char host[64] = {};
  EXPECT_EQ(d.fill(queue, memory, 0, 64), GRAVEN_INVALID_ARGUMENT) << "outside begin and finish";
  EXPECT_EQ(d.finish(queue), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(d.feed(queue, {memory, host, 64, 64, 64}), GRAVEN_INVALID_ARGUMENT);
  bool replayed = false;
  ASSERT_EQ(d.begin(queue, {0}, &replayed), GRAVEN_OK);
  EXPECT_EQ(d.begin(queue, {0}, &replayed), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(d.feed(queue, {memory, host, 32, 32, 65}), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(d.feed(queue, {memory, host, 32, 16, 64}), GRAVEN_OK);
  EXPECT_EQ(d.fill(queue, memory, 0, 65), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(d.copy(queue, memory, host, 64), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(d.launch(queue, {0, 0, nullptr, 1, 0, 0}), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(d.upload(d.self, host, host, 64), GRAVEN_INVALID_ARGUMENT);
  EXPECT_EQ(d.fill(queue, memory, 0, 64), GRAVEN_OK);
  EXPECT_EQ(d.finish(queue), GRAVEN_OK);
  EXPECT_EQ(device.recorded, 1u);
  d.release(d.self, memory, 64);
  d.destroy_queue(d.self, queue);
}

}  // namespace
}  // namespace graven::testing
