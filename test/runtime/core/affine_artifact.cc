// The affine model as a shared object, in the shape that the compiler gives one: a single exported
// graven_artifact. Here the table is made while the library is loaded.
#include "test/runtime/core/fake_model.h"

namespace {

const graven_artifact *affine() {
  static graven::testing::TableBuilder builder;
  graven::testing::build_affine_model(&builder);
  return builder.build();
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) graven_artifact graven_model_affine = *affine();
}
