/* The C interface from C: compiles as C99, and links against libc and pthread alone. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graven/graven.h"

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      printf("line %d: %s (%s)\n", __LINE__, #condition, graven_last_error()); \
      return 1;                                                                \
    }                                                                          \
  } while (0)

int main(void) {
  graven_artifact artifact;
  graven_model *model = NULL;
  graven_pool *pool = NULL;
  graven_pool_options options = {2, 0, NULL, NULL};
  uint32_t count = 7;

  memset(&artifact, 0, sizeof artifact);
  CHECK(strcmp(graven_last_error(), "") == 0);
  CHECK(graven_model_create(&artifact, &model) == GRAVEN_CORRUPT);
  CHECK(model == NULL);
  CHECK(strstr(graven_last_error(), "no Graven artifact") != NULL);
  CHECK(graven_model_create(NULL, &model) == GRAVEN_INVALID_ARGUMENT);
  CHECK(graven_model_open("/nonexistent/model.so", &model) == GRAVEN_NOT_FOUND);
  CHECK(strcmp(graven_status_name(GRAVEN_BUSY), "BUSY") == 0);
  CHECK(graven_pool_create(&options, &pool) == GRAVEN_OK);
  CHECK(graven_pool_threads(pool) == 2);
  graven_pool_destroy(pool);

  /* Null handles are refused or have no content; destroying them is allowed. */
  CHECK(graven_model_states(NULL, &count) == NULL && count == 0);
  CHECK(graven_model_find_entry(NULL, "x", 0) == -1);
  CHECK(graven_state_create(NULL, NULL) == GRAVEN_INVALID_ARGUMENT);
  CHECK(graven_state_save(NULL, "x", NULL) == GRAVEN_INVALID_ARGUMENT);
  CHECK(graven_state_load(NULL, "x") == GRAVEN_INVALID_ARGUMENT);
  CHECK(graven_context_create(NULL, NULL, NULL) == GRAVEN_INVALID_ARGUMENT);
  CHECK(graven_context_metric(NULL, "loss", NULL) == GRAVEN_INVALID_ARGUMENT);
  CHECK(graven_call(NULL, NULL, 0, 0, NULL, NULL) == GRAVEN_INVALID_ARGUMENT);
  graven_context_destroy(NULL);
  graven_state_destroy(NULL);
  graven_model_destroy(NULL);
  graven_pool_destroy(NULL);
  puts("passed");
  return 0;
}
