// The worker pool: each workgroup once, the same bits for any number of threads and any caller's
// float mode, callers at once, sleep and wake.
#include "runtime/core/pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "runtime/core/float_mode.h"
#include "test/runtime/core/fake_model.h"

namespace graven::testing {
namespace {

graven_pool *make_pool(int32_t threads, bool force) {
  graven_pool_options options = {threads, force, nullptr, nullptr};
  graven_pool *pool = nullptr;
  EXPECT_EQ(graven_pool_create(&options, &pool), GRAVEN_OK) << graven_last_error();
  return pool;
}

void count(void *const *buffers, int64_t lo, int64_t hi) {
  int *counts = static_cast<int *>(buffers[0]);
  for (int64_t i = lo; i < hi; ++i) ++counts[i];
}

// Runs a launch as the CPU device does.
void run(graven_pool *pool, graven1::Launch launch) {
  graven1::run_on_pool(pool, launch, graven1::wanted_threads(pool, launch));
}

TEST(PoolTest, EveryWorkgroupRunsOnce) {
  for (int32_t threads : {1, 2, 3, 5, 8}) {
    graven_pool *pool = make_pool(threads, true);
    EXPECT_EQ(graven_pool_threads(pool), threads);
    for (int64_t grid : {0, 1, 2, 3, 7, 64, 1001}) {
      std::vector<int> counts(static_cast<size_t>(grid) + 1);
      void *buffers[] = {counts.data()};
      for (uint64_t flops : {uint64_t{0}, uint64_t{1} << 16, uint64_t{1} << 40}) {
        std::fill(counts.begin(), counts.end(), 0);
        run(pool, {count, buffers, grid, flops, 0});
        for (int64_t i = 0; i <= grid; ++i) EXPECT_EQ(counts[static_cast<size_t>(i)], i < grid);
      }
    }
    graven_pool_destroy(pool);
  }
}

// Sums the workgroups it is given; grids of more workgroups than 32 bits count.
void add_range(void *const *buffers, int64_t lo, int64_t hi) {
  auto *total = static_cast<std::atomic<int64_t> *>(buffers[0]);
  total[0] += hi - lo;
  total[1] += lo % 1000003 * 3 - hi % 1000003 * 3;
}

TEST(PoolTest, GridsBeyond32BitsAreCovered) {
  graven_pool *pool = make_pool(3, true);
  const int64_t grid = (int64_t{1} << 36) + 12345;
  std::atomic<int64_t> total[2] = {};
  void *buffers[] = {total};
  run(pool, {add_range, buffers, grid, 0, 0});
  EXPECT_EQ(total[0], grid);
  EXPECT_EQ(total[1], -(grid % 1000003 * 3)) << "ranges must join without a gap";
  graven_pool_destroy(pool);
}

TEST(PoolTest, SmallWorkIsWorthOneThread) {
  graven_pool *pool = make_pool(4, false);
  auto wanted = [pool](int64_t grid, uint64_t flops, uint64_t bytes) {
    return graven1::wanted_threads(pool, {nullptr, nullptr, grid, flops, bytes});
  };
  EXPECT_LT(wanted(100, 1000, 1000), 2);
  EXPECT_EQ(wanted(100, 1u << 30, 1000), 4);
  EXPECT_EQ(wanted(3, 1u << 30, 1000), 3);
  EXPECT_EQ(graven1::wanted_threads(nullptr, {nullptr, nullptr, 100, 1u << 30, 0}), 1);
  graven_pool_destroy(pool);
}

// Two threads that meet: the workgroups of a launch run at the same time.
void meet(void *const *buffers, int64_t lo, int64_t hi) {
  auto *arrived = static_cast<std::atomic<int> *>(buffers[0]);
  ++*arrived;
  while (*arrived < 2) std::this_thread::yield();
}

TEST(PoolTest, TwoThreadsRunAtOnce) {
  graven_pool *pool = make_pool(2, true);
  for (int i = 0; i < 50; ++i) {
    std::atomic<int> arrived{0};
    void *buffers[] = {&arrived};
    run(pool, {meet, buffers, 2, 0, 0});
    EXPECT_EQ(arrived, 2);
  }
  graven_pool_destroy(pool);
}

// The caller's first workgroup waits until all others are done, so the worker takes the caller's
// tail.
void hold_first(void *const *buffers, int64_t lo, int64_t hi) {
  auto *done = static_cast<std::atomic<int64_t> *>(buffers[0]);
  for (int64_t i = lo; i < hi; ++i) {
    if (i == 0) {
      const int64_t mine = hi - lo;
      while (*done < 64 - mine) std::this_thread::yield();
    }
    ++*done;
  }
}

TEST(PoolTest, TailsAreTakenFromASlowThread) {
  graven_pool *pool = make_pool(2, true);
  std::atomic<int64_t> done{0};
  void *buffers[] = {&done};
  run(pool, {hold_first, buffers, 64, 0, 0});
  EXPECT_EQ(done, 64);
  graven_pool_destroy(pool);
}

// A program's own threads, as graven_pool_options has them.
struct OwnThreads {
  std::atomic<int> regions{0};
  static void parallel_for(void *self, int64_t parts, void (*body)(void *, int64_t), void *data) {
    ++static_cast<OwnThreads *>(self)->regions;
    std::vector<std::thread> threads;
    for (int64_t i = 0; i < parts; ++i) threads.emplace_back(body, data, i);
    for (std::thread &thread : threads) thread.join();
  }
};

TEST(PoolTest, TheProgramsOwnThreadsServe) {
  OwnThreads own;
  graven_pool_options options = {3, 1, OwnThreads::parallel_for, &own};
  graven_pool *pool = nullptr;
  ASSERT_EQ(graven_pool_create(&options, &pool), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(graven_pool_threads(pool), 3);
  std::vector<int> counts(1001);
  void *buffers[] = {counts.data()};
  run(pool, {count, buffers, 1000, 0, 0});
  EXPECT_EQ(own.regions, 1);
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 1), 1000);
  EXPECT_EQ(counts[1000], 0);
  graven_pool_destroy(pool);

  options.threads = 0;
  EXPECT_EQ(graven_pool_create(&options, &pool), GRAVEN_INVALID_ARGUMENT);
  EXPECT_NE(strstr(graven_last_error(), "how many threads"), nullptr);
}

TEST(PoolTest, SleepingWorkersWake) {
  graven_pool *pool = make_pool(3, true);
  std::vector<int> counts(300);
  void *buffers[] = {counts.data()};
  for (int i = 0; i < 20; ++i) {
    run(pool, {count, buffers, 300, 0, 0});
    std::this_thread::sleep_for(std::chrono::milliseconds(i % 3));
  }
  for (int i = 0; i < 5000; ++i) run(pool, {count, buffers, 300, 0, 0});
  for (int n : counts) EXPECT_EQ(n, 5020);
  graven_pool_destroy(pool);
}

// Waits until all workers are asleep, since nothing has been asked of them for a while.
void wait_for_sleep(graven_pool *pool) {
  while (graven1::workers_awake(pool, graven_pool_threads(pool))) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

TEST(PoolTest, RousedWorkersLookForWork) {
  const bool spins = std::thread::hardware_concurrency() >= 2;
  if (!spins) GTEST_SKIP() << "on one processor nobody looks for work";
  graven_pool *pool = make_pool(2, false);
  for (int i = 0; i < 20; ++i) {
    wait_for_sleep(pool);
    // Whoever is not seen awake in time has gone to sleep again.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!graven1::workers_awake(pool, 2)) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      graven1::rouse_workers(pool, 2);
    }
  }
  EXPECT_GT(graven1::looking_time(pool), 0u);
  graven_pool_destroy(pool);
}

TEST(PoolTest, ShortLaunchesLetSleepersSleep) {
  graven_pool *pool = make_pool(2, false);
  std::vector<int> counts(100);
  void *buffers[] = {counts.data()};
  int woken = 0;
  for (int i = 0; i < 100; ++i) {
    wait_for_sleep(pool);
    graven1::run_on_pool(pool, {count, buffers, 100, 1000, 1000}, 2);
    woken += graven1::workers_awake(pool, 2);
  }
  EXPECT_LE(woken, 10) << "only one that was about to go to sleep sees the work";
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 100), 100);
  // A long one is worth waking them, and needs them: its workgroups wait for each other.
  std::atomic<int> arrived{0};
  void *meeting[] = {&arrived};
  graven1::run_on_pool(pool, {meet, meeting, 2, uint64_t{1} << 40, 0}, 2);
  EXPECT_EQ(arrived, 2);
  graven_pool_destroy(pool);
}

TEST(PoolTest, SecondCallerRunsSerially) {
  graven_pool *pool = make_pool(2, true);
  std::vector<std::thread> callers;
  std::vector<std::vector<int>> counts(4, std::vector<int>(64));
  for (auto &mine : counts) {
    callers.emplace_back([&mine, pool] {
      void *buffers[] = {mine.data()};
      for (int i = 0; i < 2000; ++i) run(pool, {count, buffers, 64, 0, 0});
    });
  }
  for (std::thread &caller : callers) caller.join();
  for (const auto &mine : counts) {
    for (int n : mine) EXPECT_EQ(n, 2000);
  }
  graven_pool_destroy(pool);
}

TEST(PoolTest, ImpossiblePoolsAreRefused) {
  for (int32_t threads : {-1, 1025}) {
    graven_pool_options options = {threads, 0, nullptr, nullptr};
    graven_pool *pool;
    EXPECT_EQ(graven_pool_create(&options, &pool), GRAVEN_INVALID_ARGUMENT);
    EXPECT_EQ(pool, nullptr);
  }
  graven_pool *pool;
  ASSERT_EQ(graven_pool_create(nullptr, &pool), GRAVEN_OK);
  EXPECT_GE(graven_pool_threads(pool), 1);
  graven_pool_destroy(pool);
}

// Runs the chain model on `threads` threads (0: without a pool).
std::vector<float> run_chain(int32_t threads) {
  constexpr int64_t kGrid = 1023;
  TableBuilder builder;
  build_chain_model(&builder, kGrid);
  graven_model *model = nullptr;
  graven_state *state = nullptr;
  graven_context *context = nullptr;
  graven_pool *pool = threads ? make_pool(threads, true) : nullptr;
  EXPECT_EQ(graven_model_create(builder.build(), &model), GRAVEN_OK) << graven_last_error();
  EXPECT_EQ(graven_state_create(model, &state), GRAVEN_OK);
  EXPECT_EQ(graven_context_create(model, pool, &context), GRAVEN_OK);
  float seed = 1.25f;
  EXPECT_EQ(graven_state_set(state, "seed", &seed, sizeof seed), GRAVEN_OK);
  std::vector<float> out(2 * kGrid);
  void *outputs[] = {out.data()};
  EXPECT_EQ(graven_call(context, state, 0, 0, nullptr, outputs), GRAVEN_OK) << graven_last_error();
  graven_context_destroy(context);
  graven_state_destroy(state);
  graven_model_destroy(model);
  graven_pool_destroy(pool);
  return out;
}

TEST(PoolTest, BitsDependNeitherOnThreadsNorOnTheCallersFloatMode) {
  std::vector<float> expected = run_chain(0);
  EXPECT_NE(expected[0], 0) << "the test must reach the subnormal numbers";
#if defined(__x86_64__)
  // Flush to zero, denormals are zero, round towards zero.
  const graven1::FloatMode modes[] = {graven1::default_float_mode(), 0x1f80 | 0x8040,
                                      0x1f80 | 0x6000};
#else
  const graven1::FloatMode modes[] = {graven1::default_float_mode(), 1u << 24, 3u << 22};
#endif
  const graven1::FloatMode before = graven1::float_mode();
  for (graven1::FloatMode mode : modes) {
    for (int32_t threads : {0, 1, 2, 4, 7}) {
      graven1::set_float_mode(mode);
      std::vector<float> got = run_chain(threads);
      graven1::FloatMode after = graven1::float_mode();
      graven1::set_float_mode(before);
      EXPECT_EQ(memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0)
          << threads << " threads, mode " << mode;
      EXPECT_EQ(after & ~0x3fu, mode & ~0x3fu) << "the caller's mode is restored";
    }
  }
}

TEST(PoolTest, ConcurrentPredictsShareOneModelAndState) {
  TableBuilder builder;
  build_affine_model(&builder);
  graven_model *model = nullptr;
  graven_state *state = nullptr;
  ASSERT_EQ(graven_model_create(builder.build(), &model), GRAVEN_OK) << graven_last_error();
  ASSERT_EQ(graven_state_create(model, &state), GRAVEN_OK);
  graven_context *first = nullptr;
  ASSERT_EQ(graven_context_create(model, nullptr, &first), GRAVEN_OK);
  ASSERT_EQ(graven_call(first, state, 0, 0, nullptr, nullptr), GRAVEN_OK);
  graven_pool *pool = make_pool(2, true);
  uint32_t predict = static_cast<uint32_t>(graven_model_find_entry(model, "predict", 0));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      graven_context *context = nullptr;
      if (graven_context_create(model, pool, &context) != GRAVEN_OK) {
        ++wrong;
        return;
      }
      for (int i = 0; i < 300; ++i) {
        int64_t rows = 1 + (i + t) % kAffineBatch;
        std::vector<float> x(static_cast<size_t>(rows * kAffineFeatures), static_cast<float>(t));
        std::vector<float> y(x.size());
        const void *inputs[] = {x.data()};
        void *outputs[] = {y.data()};
        wrong += graven_call(context, state, predict, rows, inputs, outputs) != GRAVEN_OK;
        for (size_t k = 0; k < y.size(); ++k) {
          wrong += y[k] != static_cast<float>(1 + k % 4) * static_cast<float>(t) + 0.5f;
        }
      }
      graven_context_destroy(context);
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  graven_pool_destroy(pool);
  graven_context_destroy(first);
  graven_state_destroy(state);
  graven_model_destroy(model);
}

}  // namespace
}  // namespace graven::testing
