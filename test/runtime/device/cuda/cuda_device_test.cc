// The device for NVIDIA GPUs on a stand-in for their driver: what it asks of the driver, in which
// order, and what it says when the driver refuses. Copies and fills are real here, so data can be
// followed through a call; kernels are not run.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "runtime/core/context.h"
#include "runtime/core/state.h"
#include "test/runtime/core/fake_model.h"

namespace graven::testing {
namespace {

struct Standin {
  void (*configure)(const char *);
  long (*count)(const char *);
  void (*fail)(const char *, long, long);
  long (*allocated)();
  const char *(*log)();
};

const Standin &standin() {
  static const Standin found = [] {
    void *library = dlopen(GRAVEN_STANDIN_DRIVER, RTLD_NOW | RTLD_GLOBAL);
    EXPECT_NE(library, nullptr) << dlerror();
    Standin made = {};
    made.configure =
        reinterpret_cast<void (*)(const char *)>(dlsym(library, "graven_standin_configure"));
    made.count = reinterpret_cast<long (*)(const char *)>(dlsym(library, "graven_standin_count"));
    made.fail =
        reinterpret_cast<void (*)(const char *, long, long)>(dlsym(library, "graven_standin_fail"));
    made.log = reinterpret_cast<const char *(*)()>(dlsym(library, "graven_standin_log"));
    made.allocated = reinterpret_cast<long (*)()>(dlsym(library, "graven_standin_allocated"));
    return made;
  }();
  return found;
}

// Runs before the stand-in is loaded.
TEST(CudaDriverTest, WithoutADriverOneSentenceSaysSo) {
  if (void *real = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL)) {
    dlclose(real);
    GTEST_SKIP() << "this machine has a driver";
  }
  TableBuilder builder;
  builder.device = "cuda";
  builder.entry("run", 0, 0, 0);
  graven_model *model = nullptr;
  graven_device_info info;
  graven_device_describe(0, &info);  // links every device
  EXPECT_EQ(graven_model_create(builder.build(), &model), GRAVEN_NOT_FOUND);
  EXPECT_NE(strstr(graven_last_error(), "there is no NVIDIA driver on this machine (libcuda.so.1"),
            nullptr)
      << graven_last_error();
  bool listed = false;
  for (uint32_t i = 0; graven_device_describe(i, &info) == GRAVEN_OK; ++i) {
    if (strcmp(info.name, "cuda") != 0) continue;
    listed = true;
    EXPECT_EQ(info.available, 0);
    EXPECT_NE(strstr(info.description, "there is no NVIDIA driver"), nullptr) << info.description;
  }
  EXPECT_TRUE(listed);
}

constexpr int64_t kRows = 6, kColumns = 5;
constexpr uint64_t kBytes = kRows * kColumns * sizeof(float);

// echo(x) -> y: x goes through the arena in a chain of copies and fills that overlap, and the first
// float of y becomes `constant`'s; remember(x): x becomes the state. add(x) launches a kernel.
void build_echo_model(TableBuilder *b, uint32_t shared_bytes = 0, int64_t grid = 3) {
  using B = TableBuilder;
  const uint32_t read = GRAVEN_OPERAND_READ, write = GRAVEN_OPERAND_WRITE;
  b->model_name = "echo";
  b->device = "cuda";
  uint32_t state = b->state("memory", GRAVEN_F32, {kRows, kColumns}, GRAVEN_ROLE_PARAMETER);
  uint32_t kernel = b->image_kernel("add", 32, shared_bytes);
  b->image(GRAVEN_IMAGE_PTX, 80,
           std::string(".version 8.0\n.visible .entry add(.param .u64 add_param_0, "
                       ".param .u64 add_param_1)\n") +
               '\0');
  auto arena = [&](uint64_t offset, uint64_t bytes, uint32_t how) {
    return B::arena(offset, bytes, how);
  };
  b->input("x", GRAVEN_F32, {kRows, kColumns}, GRAVEN_PORT_BATCHED);
  b->rows_input();
  b->output("y", GRAVEN_F32, {kRows, kColumns}, GRAVEN_PORT_BATCHED);
  b->output("rows", GRAVEN_I32, {});
  b->fill(arena(0, 1024, write), 0x11);
  b->copy(B::input_operand(0, kBytes), arena(128, kBytes, write));
  b->fill(arena(0, 128, write), 0x22);
  b->copy(arena(128, kBytes, read), arena(384, kBytes, write));
  b->fill(arena(128, kBytes, write), 0);
  b->copy(arena(384, kBytes, read), arena(128, kBytes, write));
  b->fill(arena(384, 3, write), 0x33);
  b->copy(b->constant({42}), arena(128, 4, write));
  b->copy(arena(128, kBytes, read), B::output_operand(0, kBytes));
  b->copy(B::input_operand(1, 4), B::output_operand(1, 4));
  b->entry("echo", kRows, GRAVEN_ENTRY_PARTIAL, 1024);

  b->input("x", GRAVEN_F32, {kRows, kColumns}, GRAVEN_PORT_BATCHED);
  b->copy(B::input_operand(0, kBytes), b->write_state(state));
  b->entry("remember", kRows, 0, 0);

  b->input("x", GRAVEN_F32, {kRows, kColumns}, GRAVEN_PORT_BATCHED);
  b->output("y", GRAVEN_F32, {kRows, kColumns}, GRAVEN_PORT_BATCHED);
  b->launch(kernel, grid, {B::input_operand(0, kBytes), b->write_state(state)});
  b->launch(kernel, 0, {B::input_operand(0, kBytes), b->write_state(state)});
  b->launch(kernel, grid, {b->read_state(state), B::output_operand(0, kBytes)});
  b->entry("add", kRows, 0, 0);
}

class CudaDeviceTest : public ::testing::Test {
 protected:
  void SetUp() override { standin().configure("seed=1"); }
  void TearDown() override {
    graven_context_destroy(context_);
    graven_state_destroy(state_);
    graven_model_destroy(model_);
    EXPECT_EQ(standin().count("complaints"), complaints_);
    EXPECT_EQ(standin().allocated(), 0) << "device memory is given back";
    for (const char *kind : {"Stream", "Event"}) {
      const std::string made = std::string("cu") + kind + "Create";
      const std::string gone = std::string("cu") + kind + "Destroy_v2";
      EXPECT_EQ(standin().count(made.c_str()), standin().count(gone.c_str())) << kind;
    }
    EXPECT_EQ(standin().count("cuMemHostAlloc"), standin().count("cuMemFreeHost"));
    EXPECT_EQ(standin().count("graphs"), 0) << "instantiated graphs are given back";
    EXPECT_EQ(standin().count("cuCtxPushCurrent_v2"), standin().count("cuCtxPopCurrent_v2"));
  }

  void open(uint32_t shared_bytes = 0) {
    build_echo_model(&builder_, shared_bytes);
    ASSERT_EQ(graven_model_create(builder_.build(), &model_), GRAVEN_OK) << graven_last_error();
    ASSERT_EQ(graven_state_create(model_, &state_), GRAVEN_OK) << graven_last_error();
    ASSERT_EQ(graven_context_create(model_, nullptr, &context_), GRAVEN_OK) << graven_last_error();
  }
  graven_status call(const char *name, int64_t rows, const float *x, std::vector<void *> outputs) {
    const void *inputs[] = {x};
    const uint32_t entry = static_cast<uint32_t>(graven_model_find_entry(model_, name, rows));
    return graven_call(context_, state_, entry, rows, inputs,
                       outputs.empty() ? nullptr : outputs.data());
  }
  // Calls echo with new data and compares.
  void echo(int64_t rows, float first) {
    std::vector<float> x(static_cast<size_t>(rows * kColumns)), y(x.size() + 1, -1);
    std::iota(x.begin(), x.end(), first);
    int32_t counted = 0;
    ASSERT_EQ(call("echo", rows, x.data(), {y.data(), &counted}), GRAVEN_OK) << graven_last_error();
    EXPECT_EQ(counted, rows);
    EXPECT_EQ(y[0], 42);
    for (size_t i = 1; i < x.size(); ++i) ASSERT_EQ(y[i], x[i]) << i;
    EXPECT_EQ(y[x.size()], -1);
  }
  // Expects that opening the model fails.
  void refuse(graven_status status, std::vector<std::string> texts, const char *device = nullptr) {
    EXPECT_EQ(graven_model_create_on(&builder_.artifact(), device, &model_), status);
    EXPECT_EQ(model_, nullptr);
    for (const std::string &text : texts) {
      EXPECT_NE(strstr(graven_last_error(), text.c_str()), nullptr) << graven_last_error();
    }
    EXPECT_EQ(strchr(graven_last_error(), '\n'), nullptr);
  }

  TableBuilder builder_;
  graven_model *model_ = nullptr;
  graven_state *state_ = nullptr;
  graven_context *context_ = nullptr;
  long complaints_ = 0;
};

TEST_F(CudaDeviceTest, DataSurvivesAnyOrderThatTheDriverMayChoose) {
  for (int seed = 1; seed <= 40; ++seed) {
    standin().configure(("seed=" + std::to_string(seed)).c_str());
    TableBuilder fresh;
    builder_ = fresh;
    open();
    for (int round = 0; round < 6; ++round) {
      echo(kRows, static_cast<float>(100 * seed + 10 * round));
      echo(1 + round % kRows, static_cast<float>(round));
    }
    graven_context_destroy(context_);
    graven_state_destroy(state_);
    graven_model_destroy(model_);
    context_ = nullptr, state_ = nullptr, model_ = nullptr;
    ASSERT_EQ(standin().count("complaints"), 0);
  }
}

// Calls without outputs do not wait; the bytes of each are its own all the same.
TEST_F(CudaDeviceTest, TheCallersInputsAreFreeWhenACallReturns) {
  open();
  std::vector<float> x(kRows * kColumns), got(x.size());
  for (int round = 0; round < 50; ++round) {
    std::fill(x.begin(), x.end(), static_cast<float>(round));
    ASSERT_EQ(call("remember", kRows, x.data(), {}), GRAVEN_OK) << graven_last_error();
    std::fill(x.begin(), x.end(), -1.0f);
    if (round % 7 != 0) continue;
    ASSERT_EQ(graven_state_get(state_, "memory", got.data(), kBytes), GRAVEN_OK);
    EXPECT_EQ(got, std::vector<float>(got.size(), static_cast<float>(round)));
  }
}

TEST_F(CudaDeviceTest, ACallIsOneGraphLaunchAndOneTransferOfInputs) {
  open();
  for (int i = 0; i < 4; ++i) echo(kRows, 0);
  const long launches = standin().count("cuGraphLaunch"),
             sent = standin().count("cuMemcpyHtoDAsync_v2");
  const long made = standin().count("cuGraphInstantiateWithFlags");
  EXPECT_EQ(made, 2) << "one for each half of the staging memory";
  // Of commands 0 to 9: 0-1, 0-2, 1-3, 3-4, 4-5, 5-6, 5-7, 7-8; the last waits for none.
  EXPECT_EQ(standin().count("graph_edges"), 2 * 8);
  for (int i = 0; i < 20; ++i) echo(1 + i % kRows, 0);
  EXPECT_EQ(standin().count("cuGraphLaunch") - launches, 20);
  EXPECT_EQ(standin().count("cuMemcpyHtoDAsync_v2") - sent, 20);
  EXPECT_EQ(standin().count("cuGraphInstantiateWithFlags"), made);
  EXPECT_EQ(standin().count("cuLaunchKernel") + standin().count("cuMemcpyDtoDAsync_v2") +
                standin().count("cuMemsetD8Async"),
            1)
      << "the cleared state alone is no part of a graph";
}

// s1 computes, s2 brings inputs; of slot 0, e1 tells that they have left the host and e2 that the
// call is done with them, of slot 1 e3 and e4.
TEST_F(CudaDeviceTest, InputsOfTheNextCallTravelWhileThisOneComputes) {
  standin().configure("seed=1,log=1");
  open();
  std::vector<float> x(kRows * kColumns);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(call("remember", kRows, x.data(), {}), GRAVEN_OK);
  const std::string before = standin().log();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(call("remember", kRows, x.data(), {}), GRAVEN_OK);
  const auto step = [](const std::string &sent, const std::string &done) {
    return "await " + sent + "\n" +    // of two calls ago: the host's copy is free,
           "wait s2 " + done + "\n" +  // and so is the GPU's
           "to device s2 locked\n" + "record s2 " + sent + "\n" + "wait s1 " + sent +
           "\n" +  // for its own inputs alone
           "graph s1\n" + "record s1 " + done + "\n";
  };
  EXPECT_EQ(std::string(standin().log()).substr(before.size()),
            step("e1", "e2") + step("e3", "e4") + step("e1", "e2"));
}

// Page-locked memory is dear: outputs need none.
TEST_F(CudaDeviceTest, OnlyInputsAreInPageLockedMemory) {
  open();
  EXPECT_EQ(standin().count("bytes_locked"), 2 * (128 + 64)) << "x and the number of rows, twice";
}

TEST_F(CudaDeviceTest, AnotherStateUpdatesTheGraph) {
  open();
  std::vector<float> x(kRows * kColumns), got(x.size());
  graven_state *states[5] = {};
  for (graven_state *&each : states) ASSERT_EQ(graven_state_clone(state_, &each), GRAVEN_OK);
  graven_state *first = state_;
  for (int round = 0; round < 12; ++round) {
    state_ = states[round % 5];
    std::fill(x.begin(), x.end(), static_cast<float>(round));
    ASSERT_EQ(call("remember", kRows, x.data(), {}), GRAVEN_OK) << graven_last_error();
    ASSERT_EQ(graven_state_get(state_, "memory", got.data(), kBytes), GRAVEN_OK);
    EXPECT_EQ(got[7], static_cast<float>(round));
  }
  EXPECT_LE(standin().count("cuGraphInstantiateWithFlags"), 4);
  EXPECT_GE(standin().count("cuGraphExecUpdate"), 4);
  // A graph that cannot be updated is made anew.
  const long made = standin().count("cuGraphInstantiateWithFlags");
  state_ = first;
  standin().fail("cuGraphExecUpdate", 910, 1);
  ASSERT_EQ(call("remember", kRows, x.data(), {}), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(standin().count("cuGraphInstantiateWithFlags"), made + 1);
  for (graven_state *each : states) graven_state_destroy(each);
}

TEST_F(CudaDeviceTest, AProfileTimesEachCommand) {
  open();
  std::vector<float> x(kRows * kColumns);
  std::vector<uint64_t> times(graven_model_table(model_)->commands_count);
  ASSERT_EQ(graven_context_profile(context_, times.data(), times.size()), GRAVEN_OK);
  std::vector<graven_trace_event> events(64);
  graven_trace trace = {events.data(), events.size(), 0};
  ASSERT_EQ(graven_context_trace(context_, &trace), GRAVEN_OK);
  ASSERT_EQ(call("add", kRows, x.data(), {}), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(standin().count("cuGraphLaunch"), 0);
  EXPECT_EQ(standin().count("cuLaunchKernel"), 2) << "the empty grid is not launched";
  EXPECT_EQ(standin().count("kernels_run"), 2);
  const uint32_t first = graven_model_entries(model_, nullptr)[2].commands.first;
  for (uint32_t i = 0; i < times.size(); ++i) {
    EXPECT_EQ(times[i] != 0, i == first || i == first + 2) << i;
  }
  ASSERT_EQ(trace.count, 3u);
  EXPECT_EQ(events[0].number, first);
  EXPECT_EQ(events[1].number, first + 2);
  EXPECT_EQ(events[0].end, events[1].begin);
  EXPECT_EQ(events[2].kind, GRAVEN_TRACE_CALL);
  EXPECT_LE(events[2].begin, events[0].begin);
  ASSERT_EQ(graven_context_profile(context_, nullptr, 0), GRAVEN_OK);
  ASSERT_EQ(graven_context_trace(context_, nullptr), GRAVEN_OK);
  ASSERT_EQ(call("add", kRows, x.data(), {}), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(standin().count("cuGraphLaunch"), 1);
  EXPECT_EQ(standin().count("cuLaunchKernel"), 2);
}

TEST_F(CudaDeviceTest, ThreadsShareAModel) {
  open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      graven_context *context = nullptr;
      graven_state *state = nullptr;
      ASSERT_EQ(graven_context_create(model_, nullptr, &context), GRAVEN_OK);
      ASSERT_EQ(graven_state_create(model_, &state), GRAVEN_OK);
      std::vector<float> x(kRows * kColumns, static_cast<float>(t)), got(x.size());
      const void *inputs[] = {x.data()};
      for (int round = 0; round < 20; ++round) {
        ASSERT_EQ(graven_call(context, state, 1, kRows, inputs, nullptr), GRAVEN_OK);
        ASSERT_EQ(graven_state_get(state, "memory", got.data(), kBytes), GRAVEN_OK);
        ASSERT_EQ(got, x);
      }
      graven_state_destroy(state);
      graven_context_destroy(context);
    });
  }
  for (std::thread &thread : threads) thread.join();
}

TEST_F(CudaDeviceTest, SharedMemoryBeyondTheUsualIsAskedFor) {
  open(100 << 10);
  EXPECT_EQ(standin().count("cuFuncSetAttribute"), 1);
  std::vector<float> x(kRows * kColumns);
  EXPECT_EQ(call("add", kRows, x.data(), {}), GRAVEN_OK) << graven_last_error();
}

TEST_F(CudaDeviceTest, EveryDeviceIsListed) {
  standin().configure("devices=2,capability=90,memory=1000000");
  std::vector<graven_device_info> found;
  graven_device_info info;
  for (uint32_t i = 0; graven_device_describe(i, &info) == GRAVEN_OK; ++i) {
    if (strncmp(info.name, "cuda", 4) == 0) found.push_back(info);
  }
  ASSERT_EQ(found.size(), 2u);
  EXPECT_STREQ(found[1].name, "cuda:1");
  EXPECT_EQ(found[1].memory_bytes, 1000000u);
  EXPECT_EQ(found[1].available, 1);
  EXPECT_STREQ(
      found[1].description,
      "Graven stand-in GPU, compute capability 9.0, 4 multiprocessors, driver for CUDA 12.4");
}

TEST_F(CudaDeviceTest, WhatIsMissingIsSaidInOneSentence) {
  build_echo_model(&builder_);
  builder_.build();
  standin().configure("driver_version=11080");
  refuse(GRAVEN_INCOMPATIBLE,
         {"too old: it serves CUDA 11.8, models need 12.0; install driver 525"});
  standin().configure("devices=0");
  refuse(GRAVEN_NOT_FOUND, {"the NVIDIA driver finds no GPU; check nvidia-smi"});
  standin().configure("devices=2");
  refuse(GRAVEN_NOT_FOUND, {"there is no 'cuda:2': this machine has 2 GPUs, numbered from 0"},
         "cuda:2");
  standin().configure("fail=cuInit:999:1");
  refuse(GRAVEN_DEVICE_FAILED, {"CUDA_ERROR_UNKNOWN", "asked to start; check nvidia-smi"});
  standin().configure("capability=75");
  refuse(GRAVEN_INCOMPATIBLE, {"compiled for GPUs of compute capability 8.0 and later",
                               "'cuda:0' (Graven stand-in GPU) has 7.5"});
  standin().configure("fail=cuDevicePrimaryCtxRetain:2:1");
  refuse(GRAVEN_OUT_OF_MEMORY, {"out of memory", "make a context"});
}

TEST_F(CudaDeviceTest, MemoryThatIsMissingIsSaidWithBytesAndPurpose) {
  standin().configure("memory=100");
  build_echo_model(&builder_);
  ASSERT_EQ(graven_model_create(builder_.build(), &model_), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(graven_state_create(model_, &state_), GRAVEN_OUT_OF_MEMORY);
  EXPECT_STREQ(
      graven_last_error(),
      "out of memory on 'cuda:0' (Graven stand-in GPU): 128 bytes for the model's state are "
      "not to be had, 36 of 100 are free; end other programs on the GPU, or compile the "
      "model with a smaller --batch");
}

TEST_F(CudaDeviceTest, TheLogOfTheDriversCompilerIsShown) {
  builder_.device = "cuda";
  builder_.image_kernel("k", 32, 0);
  builder_.image(GRAVEN_IMAGE_PTX, 80, std::string("nonsense") + '\0');
  builder_.entry("run", 0, 0, 0);
  builder_.build();
  refuse(GRAVEN_INCOMPATIBLE,
         {"the driver of 'cuda:0' refuses the model's PTX for sm_80 "
          "(CUDA_ERROR_INVALID_PTX): ptxas application ptx input, line 1; fatal",
          "directive Ptx assembly aborted"});
}

TEST_F(CudaDeviceTest, TheImageThatSuitsBestIsTaken) {
  build_echo_model(&builder_);
  builder_.image(GRAVEN_IMAGE_CUBIN, 80, std::string("\177ELF for 8.0"));
  builder_.image(GRAVEN_IMAGE_CUBIN, 90, std::string("\177ELF for 9.0"));
  builder_.image(GRAVEN_IMAGE_PTX, 90, std::string("newer") + '\0');
  builder_.build();
  // The cubin is refused as an old driver would, then the PTX serves.
  ASSERT_EQ(graven_model_create(&builder_.artifact(), &model_), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(standin().count("cuModuleLoadDataEx"), 2);
  graven_model_destroy(model_);
  model_ = nullptr;
  standin().configure("capability=89");  // cubins of 8.0 run on 8.9
  ASSERT_EQ(graven_model_create(&builder_.artifact(), &model_), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(standin().count("cuModuleLoadDataEx"), 2);
  graven_model_destroy(model_);
  model_ = nullptr;
  standin().configure("capability=120");  // no cubin; the newer PTX first
  ASSERT_EQ(graven_model_create(&builder_.artifact(), &model_), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(standin().count("cuModuleLoadDataEx"), 2);
}

TEST_F(CudaDeviceTest, KernelsThatAGpuCannotRunAreRefused) {
  auto try_model = [&](uint32_t shared_bytes, int64_t grid) {
    TableBuilder fresh;
    builder_ = fresh;
    build_echo_model(&builder_, shared_bytes, grid);
    builder_.build();
  };
  try_model(200 << 10, 3);
  refuse(GRAVEN_INCOMPATIBLE,
         {"kernel 'add' needs 204800 bytes of shared memory, 'cuda:0'", "has 166912"});
  try_model(0, int64_t{1} << 31);
  refuse(GRAVEN_INCOMPATIBLE,
         {"kernel 'add' is launched with 2147483648 workgroups, a GPU takes 2147483647"});
  builder_ = TableBuilder();
  builder_.image_kernel("other", 32, 0);
  build_echo_model(&builder_);
  builder_.build();
  refuse(GRAVEN_CORRUPT, {"the model's image has no kernel 'other'"});
  builder_ = TableBuilder();
  builder_.image_kernel("add", 0, 0);
  build_echo_model(&builder_);
  builder_.build();
  refuse(GRAVEN_CORRUPT, {"kernel 'add' has workgroups of 0 threads"});
}

// A fault shows in the call that meets it or in whatever waits for it, and nothing is lost of what
// the program holds.
TEST_F(CudaDeviceTest, FaultsOfTheGpuAreReported) {
  for (const char *function :
       {"cuGraphLaunch", "cuMemcpyHtoDAsync_v2", "cuEventRecord", "cuStreamWaitEvent",
        "cuGraphCreate", "cuGraphAddMemcpyNode", "cuGraphAddMemsetNode",
        "cuGraphInstantiateWithFlags", "cuEventSynchronize", "cuMemcpyDtoHAsync_v2"}) {
    TableBuilder fresh;
    builder_ = fresh;
    open();
    std::vector<float> x(kRows * kColumns), y(x.size());
    int32_t rows = 0;
    standin().fail(function, 719, 1);
    EXPECT_EQ(call("echo", kRows, x.data(), {y.data(), &rows}), GRAVEN_DEVICE_FAILED) << function;
    EXPECT_NE(strstr(graven_last_error(), "CUDA_ERROR_LAUNCH_FAILED"), nullptr)
        << graven_last_error();
    // This stand-in recovers, which no GPU does: the queue is as it was.
    for (int round = 0; round < 4; ++round) echo(kRows, 5);
    graven_context_destroy(context_);
    graven_state_destroy(state_);
    graven_model_destroy(model_);
    context_ = nullptr, state_ = nullptr, model_ = nullptr;
  }
}

// A graph does not tell which kernel failed; one by one they do.
TEST_F(CudaDeviceTest, AKernelThatFailsIsNamedWhereEachIsWaitedFor) {
  open();
  std::vector<float> x(kRows * kColumns);
  standin().fail("cuGraphLaunch", 700, 1);
  EXPECT_EQ(call("add", kRows, x.data(), {}), GRAVEN_DEVICE_FAILED);
  EXPECT_NE(
      strstr(graven_last_error(), "run it again with GRAVEN_CUDA_ONE_BY_ONE=1 in the environment"),
      nullptr)
      << graven_last_error();
  graven_context_destroy(context_);
  setenv("GRAVEN_CUDA_ONE_BY_ONE", "1", 1);
  ASSERT_EQ(graven_context_create(model_, nullptr, &context_), GRAVEN_OK);
  unsetenv("GRAVEN_CUDA_ONE_BY_ONE");
  ASSERT_EQ(call("add", kRows, x.data(), {}), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(standin().count("cuLaunchKernel"), 2);
  standin().fail("cuStreamSynchronize", 719, 2);  // waits for each of two kernels
  EXPECT_EQ(call("add", kRows, x.data(), {}), GRAVEN_DEVICE_FAILED);
  EXPECT_STREQ(graven_last_error(),
               "kernel 'add' of entry 'add' failed on 'cuda:0' (Graven stand-in GPU): "
               "CUDA_ERROR_LAUNCH_FAILED (unspecified launch failure, number 719)");
  echo(kRows, 3);  // copies and fills one by one
}

}  // namespace
}  // namespace graven::testing
