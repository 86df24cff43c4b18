// A call allocates nothing: every allocation of the process is counted while a compiled model
// trains.
#include <errno.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <vector>

#include "compiler/api/compile.h"
#include "graven/graven.h"

namespace {
std::atomic<long> allocations{0};
}

// These take the place of libc's for the whole program, shared libraries included.
extern "C" {
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}
void *realloc(void *memory, size_t bytes) {
  ++allocations;
  return __libc_realloc(memory, bytes);
}
int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  ++allocations;
  *memory = __libc_memalign(alignment, bytes);
  return *memory ? 0 : ENOMEM;
}
void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset) {
  ++allocations;
  return reinterpret_cast<void *>(
      syscall(SYS_mmap, address, bytes, protection, flags, file, offset));
}
}

namespace graven {
namespace {

constexpr char kModel[] = R"(nn.model @net {
  input(shape = [64])
  dense(units = 48, activation = relu)
  dropout(rate = 0.2)
  dense(units = 3)
} train {
  sparse_categorical_crossentropy(from_logits = true)
  adam(learning_rate = 0.01)
  accuracy()
  fit(batch_size = 16)
}
)";

TEST(Allocations, AreCounted) {
  long before = allocations;
  free(malloc(10));
  EXPECT_EQ(allocations, before + 1);
  before = allocations;
  void *page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  munmap(page, 4096);
  EXPECT_EQ(allocations, before + 1);
}

TEST(Allocations, NoneDuringCalls) {
  auto artifact = compile(kModel, CompileOptions());
  ASSERT_TRUE(artifact.ok()) << artifact.status();
  std::string path = ::testing::TempDir() + "allocations.so";
  std::FILE *file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(std::fwrite(artifact->bytes.data(), 1, artifact->bytes.size(), file),
            artifact->bytes.size());
  std::fclose(file);
  graven_model *model = nullptr;
  ASSERT_EQ(graven_model_open(path.c_str(), &model), GRAVEN_OK) << graven_last_error();

  // Serial, two threads as the runtime chooses, and every launch split.
  const graven_pool_options all[] = {
      {1, 0, nullptr, nullptr}, {2, 0, nullptr, nullptr}, {2, 1, nullptr, nullptr}};
  for (const graven_pool_options &options : all) {
    graven_pool *pool = nullptr;
    graven_state *state = nullptr;
    graven_context *context = nullptr;
    ASSERT_EQ(graven_pool_create(&options, &pool), GRAVEN_OK);
    ASSERT_EQ(graven_state_create(model, &state), GRAVEN_OK);
    ASSERT_EQ(graven_context_create(model, pool, &context), GRAVEN_OK);
    const int32_t seed[] = {1, 2};
    const void *seeds[] = {seed};
    auto entry = [model](const char *name, int64_t rows) {
      return static_cast<uint32_t>(graven_model_find_entry(model, name, rows));
    };
    ASSERT_EQ(graven_call(context, state, entry("init", 0), 0, seeds, nullptr), GRAVEN_OK);
    std::vector<float> x(16 * 64, 0.5f), y(16 * 3);
    std::vector<int32_t> labels(16, 1);
    const void *inputs[] = {x.data(), labels.data()};
    void *outputs[] = {y.data()};
    const uint32_t train = entry("train_step", 16), predict = entry("predict", 16);

    bool failed = false;
    const long before = allocations;
    for (int64_t i = 0; i < 1000; ++i) {
      int64_t rows = i % 10 == 0 ? 7 : 16;  // some batches are partial
      failed |= graven_call(context, state, train, rows, inputs, nullptr) != GRAVEN_OK;
      failed |= graven_call_raw(context, state, predict, rows, inputs, outputs) != GRAVEN_OK;
    }
    const long after = allocations;
    EXPECT_FALSE(failed) << graven_last_error();
    EXPECT_EQ(after - before, 0) << options.threads << " threads";
    graven_context_destroy(context);
    graven_state_destroy(state);
    graven_pool_destroy(pool);
  }
  graven_model_destroy(model);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace graven
