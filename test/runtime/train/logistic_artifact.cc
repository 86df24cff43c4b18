// The model of logistic_model.h as a shared object for tests of the tools: its table is built when
// the object is loaded, before the runtime looks at it.
#include "test/runtime/train/logistic_model.h"

extern "C" {
__attribute__((visibility("default"))) graven_artifact graven_model_logistic;
}

namespace {

graven::testing::TableBuilder &Builder() {
  static graven::testing::TableBuilder builder;  // until the object is unloaded
  return builder;
}

__attribute__((constructor)) void Build() {
  graven::testing::BuildLogisticModel(&Builder(), graven::testing::kLogisticSignature);
  graven_model_logistic = *Builder().build();
}

}  // namespace
