// The affine model in the shape that the compiler gives one, shared or static: a single exported
// graven_artifact. Here its table is made while the program or library is loaded.
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
