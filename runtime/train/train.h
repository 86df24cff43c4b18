// fit, evaluate and predict from C: what graven-run does, in one call each. Link with Graven::train
// (C++ inside; a program that must stay on libc alone calls the entry points through graven.h).
//
// Functions return a status; graven_train_last_error() tells, per thread, what went wrong, where
// and what to do. Nothing here aborts the process.
#ifndef GRAVEN_RUNTIME_TRAIN_TRAIN_H_
#define GRAVEN_RUNTIME_TRAIN_TRAIN_H_

#include "graven/graven.h"

#ifdef __cplusplus
extern "C" {
#endif

#define graven_train_last_error GRAVEN_SYMBOL(train_last_error)
#define graven_fit GRAVEN_SYMBOL(fit)
#define graven_evaluate GRAVEN_SYMBOL(evaluate)
#define graven_predict GRAVEN_SYMBOL(predict)

// The calling thread's last error of a function of this header; "" when none.
const char *graven_train_last_error(void);

// One measure: "loss", "val_accuracy". Lists of them are ordered by name.
typedef struct graven_measure {
  const char *name;
  double value;
} graven_measure;

// Begin with `graven_fit_options options = {0};`: all zero means the defaults that the model's text
// gives with fit(...).
typedef struct graven_fit_options {
  const char *train;           // data as graven-run takes it: "F" or "F,F"; required
  const char *validation;      // or null
  const char *label;           // label column of CSV data, or null for the last
  const char *save;            // checkpoint to write, or null
  const char *resume;          // checkpoint to go on from, or null; may equal `save`
  const char *early_stopping;  // "patience=5,monitor=val_loss", "on", "off", or null
  int64_t epochs;              // 0: the model's
  int64_t batch_size;          // 0: the model's
  double validation_split;     // 0: the model's; negative: none
  uint64_t seed;
  int32_t threads;  // 0: one per core
  // After every epoch (from 1), with its measures; ends training when it returns other than 0.
  int (*on_epoch)(void *self, int64_t epoch, const graven_measure *measures, size_t count);
  void *self;  // given to on_epoch
} graven_fit_options;

typedef struct graven_fit_result {
  int64_t epochs;         // done
  int64_t best_epoch;     // 0: no best state was kept
  double best_value;      // of the monitored measure
  int32_t restored_best;  // whether the saved state is the best one, not the last
} graven_fit_result;

// Trains the model in file `model`. `result` may be null.
graven_status graven_fit(const char *model, const graven_fit_options *options,
                         graven_fit_result *result);

// Measures the state in file `state` on `data` and calls `take` once. Class names and the order of
// CSV columns are those of the run that wrote the state.
graven_status graven_evaluate(
    const char *model, const char *state, const char *data, int32_t threads,
    void (*take)(void *self, const graven_measure *measures, size_t count), void *self);

// Applies the state in file `state` to `data` and writes the first output of entry predict to the
// npy file `output`.
graven_status graven_predict(const char *model, const char *state, const char *data,
                             int32_t threads, const char *output);

#ifdef __cplusplus
}
#endif

#endif  // GRAVEN_RUNTIME_TRAIN_TRAIN_H_
