// Two model archives, each with a core of its own, in one program: the cores coincide.
#include <gtest/gtest.h>

#include <vector>

#include "graven/graven.h"
#include "test/runtime/core/fake_model.h"

extern "C" graven_artifact graven_model_affine;
extern "C" graven_artifact graven_model_chain;

namespace graven::testing {
namespace {

TEST(TwoModelsTest, BothRunInOneProgram) {
  graven_model *affine = nullptr, *chain = nullptr;
  ASSERT_EQ(graven_model_create(&graven_model_affine, &affine), GRAVEN_OK) << graven_last_error();
  ASSERT_EQ(graven_model_create(&graven_model_chain, &chain), GRAVEN_OK) << graven_last_error();
  graven_pool *pool = nullptr;
  ASSERT_EQ(graven_pool_create(nullptr, &pool), GRAVEN_OK);
  for (graven_model *model : {affine, chain}) {
    graven_state *state = nullptr;
    graven_context *context = nullptr;
    ASSERT_EQ(graven_state_create(model, &state), GRAVEN_OK);
    ASSERT_EQ(graven_context_create(model, pool, &context), GRAVEN_OK);
    EXPECT_EQ(graven_call(context, state, 0, 0, nullptr, nullptr), GRAVEN_OK)
        << graven_last_error();
    graven_context_destroy(context);
    graven_state_destroy(state);
  }
  EXPECT_GE(graven_model_find_entry(affine, "init", 0), 0);
  EXPECT_GE(graven_model_find_entry(chain, "run", 0), 0);
  graven_model_destroy(affine);
  graven_model_destroy(chain);
  graven_pool_destroy(pool);
}

}  // namespace
}  // namespace graven::testing
