// A model's whole life without a test framework, so that it can be built for any triple and run
// under an emulator: prints "passed", or what went wrong.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/core/float_mode.h"
#include "test/runtime/core/fake_model.h"

namespace graven::testing {
namespace {

#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::printf("line %d: %s (%s)\n", __LINE__, #condition, graven_last_error()); \
      return 1;                                                                     \
    }                                                                               \
  } while (0)

int run() {
  TableBuilder builder;
#if defined(__x86_64__)
  builder.cpu_features = "sse2";
#else
  builder.cpu_features = "neon,fp-armv8";
#endif
  build_affine_model(&builder);
  graven_model *model = nullptr;
  graven_state *state = nullptr;
  graven_context *context = nullptr;
  graven_pool *pool = nullptr;
  graven_pool_options options = {2, 1, nullptr, nullptr};
  CHECK(graven_model_create(builder.build(), &model) == GRAVEN_OK);
  CHECK(graven_state_create(model, &state) == GRAVEN_OK);
  CHECK(graven_pool_create(&options, &pool) == GRAVEN_OK);
  CHECK(graven_context_create(model, pool, &context) == GRAVEN_OK);
  CHECK(graven_call(context, state, 0, 0, nullptr, nullptr) == GRAVEN_OK);
  std::vector<float> x(5 * kAffineFeatures, 2.0f), y(x.size());
  const void *inputs[] = {x.data()};
  void *outputs[] = {y.data()};
  for (int i = 0; i < 200; ++i) {
    CHECK(graven_call(context, state, 1, 5, inputs, outputs) == GRAVEN_OK);
  }
  for (size_t i = 0; i < y.size(); ++i) CHECK(y[i] == static_cast<float>(1 + i % 4) * 2 + 0.5f);
  TemporaryFolder folder;
  CHECK(graven_state_save(state, folder.path("s").c_str(), nullptr) == GRAVEN_OK);
  std::string file = read_file(folder.path("s"));
  CHECK(graven_state_load(state, folder.path("s").c_str()) == GRAVEN_OK);
  file[file.size() / 2] = static_cast<char>(file[file.size() / 2] ^ 1);
  write_file(folder.path("s"), file);
  CHECK(graven_state_load(state, folder.path("s").c_str()) == GRAVEN_CORRUPT);
  graven_context_destroy(context);
  graven_state_destroy(state);
  graven_model_destroy(model);

  // The same bits for any number of threads, also under a caller that flushes subnormals to zero.
  constexpr int64_t kGrid = 333;
  TableBuilder chain;
  build_chain_model(&chain, kGrid);
  CHECK(graven_model_create(chain.build(), &model) == GRAVEN_OK);
  CHECK(graven_state_create(model, &state) == GRAVEN_OK);
  float seed = 1.25f;
  CHECK(graven_state_set(state, "seed", &seed, sizeof seed) == GRAVEN_OK);
  std::vector<float> first;
#if defined(__x86_64__)
  const graven1::FloatMode flushing = 0x1f80 | 0x8040;
#else
  const graven1::FloatMode flushing = 1u << 24;
#endif
  for (graven1::FloatMode mode : {graven1::default_float_mode(), flushing}) {
    for (graven_pool *each : {static_cast<graven_pool *>(nullptr), pool}) {
      std::vector<float> out(2 * kGrid);
      void *results[] = {out.data()};
      CHECK(graven_context_create(model, each, &context) == GRAVEN_OK);
      const graven1::FloatMode before = graven1::float_mode();
      graven1::set_float_mode(mode);
      graven_status status = graven_call(context, state, 0, 0, nullptr, results);
      const graven1::FloatMode after = graven1::float_mode();
      graven1::set_float_mode(before);
      CHECK(status == GRAVEN_OK);
      CHECK((after & ~graven1::FloatMode{0x3f}) == (mode & ~graven1::FloatMode{0x3f}));
      if (first.empty()) first = out;
      CHECK(out[0] != 0);
      CHECK(std::memcmp(out.data(), first.data(), out.size() * sizeof(float)) == 0);
      graven_context_destroy(context);
    }
  }
  graven_state_destroy(state);
  graven_model_destroy(model);

  TableBuilder missing;
  missing.cpu_features = "sve2-of-the-future";
  build_affine_model(&missing);
  CHECK(graven_model_create(missing.build(), &model) == GRAVEN_INCOMPATIBLE);
  graven_pool_destroy(pool);
  std::puts("passed");
  return 0;
}

}  // namespace
}  // namespace graven::testing

int main() { return graven::testing::run(); }
