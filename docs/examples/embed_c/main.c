// Trains the Iris classifier from C: no Python, no compiler, no file but the data.
//   graven-compile iris.mlir -o iris.a && cc main.c iris.a -lm -lpthread && ./a.out iris.csv
#include <stdio.h>
#include <string.h>
#include "iris.h"
#define ROWS 150
#define TRY(call) if ((call) != GRAVEN_OK) return fprintf(stderr, "%s\n", graven_last_error()), 1

int main(int argc, char **argv) {
  float x[ROWS][4];
  int32_t label[ROWS];
  const char *species[] = {"setosa", "versicolor", "virginica"};
  FILE *file = fopen(argc > 1 ? argv[1] : "iris.csv", "r");
  if (!file || fscanf(file, "%*[^\n]") != 0) return puts("cannot read the data"), 1;
  for (int i = 0; i < ROWS; ++i) {
    char name[16];
    if (fscanf(file, " %f,%f,%f,%f,%15s", &x[i][0], &x[i][1], &x[i][2], &x[i][3], name) != 5) return 1;
    for (label[i] = 0; label[i] < 3 && strcmp(name, species[label[i]]); ++label[i]) {}
  }
  graven_model *model; graven_state *state; graven_context *context;
  TRY(graven_model_create(&graven_model_iris, &model));
  TRY(graven_state_create(model, &state));
  TRY(graven_context_create(model, NULL, &context));
  const int32_t seed[2] = {0, 0};
  TRY(graven_call(context, state, GRAVEN_IRIS_ENTRY_INIT, 0, (const void *[]){seed}, NULL));
  for (int i = 0; i < ROWS; i += 10)
    TRY(graven_call(context, state, GRAVEN_IRIS_ENTRY_ADAPT, 10, (const void *[]){x[i]}, NULL));
  for (int step = 0; step < 3000; ++step) {
    int i = step * 97 % ROWS / 10 * 10;  // ten rows at a time, not in order
    TRY(graven_call(context, state, GRAVEN_IRIS_ENTRY_TRAIN_STEP, 10, (const void *[]){x[i], label + i}, NULL));
  }
  TRY(graven_call(context, state, GRAVEN_IRIS_ENTRY_RESET_METRICS, 0, NULL, NULL));
  for (int i = 0; i < ROWS; i += 10)
    TRY(graven_call(context, state, GRAVEN_IRIS_ENTRY_EVAL_STEP, 10, (const void *[]){x[i], label + i}, NULL));
  double accuracy;
  TRY(graven_context_metric(context, "accuracy", &accuracy));
  return printf("accuracy: %.4f\n", accuracy), 0;
}
