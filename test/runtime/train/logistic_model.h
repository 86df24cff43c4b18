// A trainable model built by hand: softmax regression with standardized inputs, for tests of fit.
#ifndef GRAVEN_TEST_RUNTIME_TRAIN_LOGISTIC_MODEL_H_
#define GRAVEN_TEST_RUNTIME_TRAIN_LOGISTIC_MODEL_H_

#include "test/runtime/core/fake_model.h"

namespace graven::testing {

constexpr int64_t kLogisticFeatures = 4, kLogisticClasses = 3, kLogisticBatch = 16;

// Entries init(seed), adapt(x), train_step(x, label, rows) -> loss, eval_step(x, label, rows),
// predict(x) -> scores, reset_metrics; all with a batch take any number of rows up to 16.
// States: kernel 4x3xf32, bias 3xf32 (parameter), kernel.momentum (slot), norm.count, norm.sum,
// norm.squares (statistic), step, lr_scale, seed (control), metrics accuracy and loss.
// train_step adds noise drawn from the seed and the step to the gradient, so that a run that
// repeats or skips a step ends elsewhere. `signature` holds the defaults of fit.
void BuildLogisticModel(TableBuilder *builder, const char *signature);

// batch_size 16, epochs 8, validation_split 0.2.
extern const char kLogisticSignature[];

}  // namespace graven::testing

#endif  // GRAVEN_TEST_RUNTIME_TRAIN_LOGISTIC_MODEL_H_
