/* fit, evaluate and predict from C: train_test MODEL.so DATA.csv FOLDER */
#include "graven/train.h"

#include <stdio.h>
#include <string.h>

static int epochs_seen = 0;

static int on_epoch(void *self, int64_t epoch, const graven_measure *measures, size_t count) {
  if (count == 4 && strcmp(measures[3].name, "val_loss") == 0) ++epochs_seen;
  return epoch == *(int64_t *)self;
}

static void take(void *self, const graven_measure *measures, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (strcmp(measures[i].name, "accuracy") == 0) *(double *)self = measures[i].value;
  }
}

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, graven_train_last_error());
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 4) return fail("usage: train_test MODEL.so DATA.csv FOLDER");
  char state[4096], output[4096];
  snprintf(state, sizeof state, "%s/train_test.safetensors", argv[3]);
  snprintf(output, sizeof output, "%s/train_test.npy", argv[3]);
  int64_t stop_at = 3;
  graven_fit_options options = {0};
  graven_fit_result result;
  options.train = argv[2];
  options.save = state;
  options.epochs = 20;
  options.on_epoch = on_epoch;
  options.self = &stop_at;
  if (graven_fit(argv[1], &options, &result) != GRAVEN_OK) return fail("fit");
  if (result.epochs != 3 || epochs_seen != 3) return fail("the listener ends training");
  double accuracy = 0;
  if (graven_evaluate(argv[1], state, argv[2], 1, take, &accuracy) != GRAVEN_OK) {
    return fail("evaluate");
  }
  if (!(accuracy > 0.9)) return fail("accuracy is too low");
  if (graven_predict(argv[1], state, argv[2], 1, output) != GRAVEN_OK) return fail("predict");
  options.train = "missing.csv";
  if (graven_fit(argv[1], &options, 0) != GRAVEN_NOT_FOUND)
    return fail("a missing file is noticed");
  if (strstr(graven_train_last_error(), "missing.csv: no such file") == 0) return fail("message");
  if (graven_fit(0, &options, 0) != GRAVEN_INVALID_ARGUMENT) return fail("null is noticed");
  puts("passed");
  return 0;
}
