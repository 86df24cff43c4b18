// The model is part of the program.
#include <stdio.h>

#include "iris.h"

int main(void) {
  graven_model *model;
  if (graven_model_create(&graven_model_iris, &model) != GRAVEN_OK) {
    printf("%s\n", graven_last_error());
    return 1;
  }
  printf("predict takes 5 rows: %d\n", graven_model_find_entry(model, "predict", 5) >= 0);
  graven_model_destroy(model);
  return 0;
}
