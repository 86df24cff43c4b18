// The chain model as an artifact linked into a program; see affine_artifact.cc.
#include "test/runtime/core/fake_model.h"

namespace {

const graven_artifact *chain() {
  static graven::testing::TableBuilder builder;
  graven::testing::build_chain_model(&builder, 16);
  return builder.build();
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) graven_artifact graven_model_chain = *chain();
}
