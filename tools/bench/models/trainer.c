// The smallest program that trains the network: what an executable with the core and the kernels
// inside weighs.
#include <stdio.h>

#include "mlp.h"

int main(void) {
  static float x[GRAVEN_MLP_TRAIN_STEP_INPUT_X_BYTES / sizeof(float)];
  static int32_t label[GRAVEN_MLP_TRAIN_STEP_INPUT_LABEL_BYTES / sizeof(int32_t)];
  graven_model *model;
  graven_state *state;
  graven_context *context;
  if (graven_model_create(&graven_model_mlp, &model) != GRAVEN_OK ||
      graven_state_create(model, &state) != GRAVEN_OK ||
      graven_context_create(model, NULL, &context) != GRAVEN_OK)
    return 1;
  const int32_t seed[2] = {0, 0};
  const void *first[] = {seed}, *inputs[] = {x, label};
  if (graven_call(context, state, GRAVEN_MLP_ENTRY_INIT, 0, first, NULL) != GRAVEN_OK) return 1;
  while (fread(x, sizeof x, 1, stdin) == 1 && fread(label, sizeof label, 1, stdin) == 1)
    if (graven_call(context, state, GRAVEN_MLP_ENTRY_TRAIN_STEP, GRAVEN_MLP_TRAIN_STEP_BATCH,
                    inputs, NULL) != GRAVEN_OK)
      return 1;
  return graven_state_save(state, "mlp.safetensors", NULL) != GRAVEN_OK;
}
