// Graven as a contender: loads the compiled models and calls them through the checked C interface.
// Further commands: `raw predict B N` is `burst` through the unchecked call, `load - 0 N` answers
// the median seconds of opening the model, `profile train B N` the nanoseconds of each command of a
// step, `plan` the bytes that the compiler planned.
#include "graven/graven.h"
#include "tools/bench/workers/pipe.h"

typedef struct loaded {
  graven_model *model;
  graven_state *state;
  graven_context *context;
} loaded;

static options option;
static common data;
static loaded mlp, smallest;
static graven_pool *pool;
static float loss_value;
static float *output;
static char message[512];
static graven_status (*call)(graven_context *, graven_state *, uint32_t, int64_t,
                             const void *const *, void *const *) = graven_call;

static const char *failed(const char *what) {
  snprintf(message, sizeof message, "%s: %s", what, graven_last_error());
  return message;
}

// Calls `init`, where the model has it, with a seed.
static const char *initialize(loaded *l) {
  int32_t entry = graven_model_find_entry(l->model, "init", 0);
  if (entry < 0) return NULL;
  static const int32_t seed[2] = {1, 2};
  const void *inputs[] = {seed};
  if (graven_call(l->context, l->state, (uint32_t)entry, 0, inputs, NULL) != GRAVEN_OK)
    return failed("init");
  return NULL;
}

static const char *load(loaded *l, const char *path) {
  if (!path) return "no model was given";
  if (graven_model_open(path, &l->model) != GRAVEN_OK) return failed("open");
  if (graven_state_create(l->model, &l->state) != GRAVEN_OK) return failed("state");
  if (graven_context_create(l->model, pool, &l->context) != GRAVEN_OK) return failed("context");
  return initialize(l);
}

static const char *restart(int64_t batch) {
  (void)batch;
  const char *wrong = mlp.model ? NULL : load(&mlp, option.model);
  if (wrong) return wrong;
  graven_state_destroy(mlp.state);
  mlp.state = NULL;
  if (graven_state_create(mlp.model, &mlp.state) != GRAVEN_OK) return failed("state");
  wrong = initialize(&mlp);
  if (wrong) return wrong;
  struct {
    const char *name;
    const float *values;
    size_t count;
  } sets[] = {{"dense.kernel", data.w1, kFeatures * kHidden},
              {"dense.bias", data.b1, kHidden},
              {"dense_1.kernel", data.w2, kHidden * kClasses},
              {"dense_1.bias", data.b2, kClasses}};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; ++i)
    if (graven_state_set(mlp.state, sets[i].name, sets[i].values, sets[i].count * sizeof(float)) !=
        GRAVEN_OK)
      return failed(sets[i].name);
  return NULL;
}

// What `step` needs, looked up once by `prepare` and kept for the kind and batch last used.
static struct {
  char kind;
  int64_t batch;
  loaded *model;
  uint32_t entry;
} current;

static const char *find(const char *kind, int64_t batch) {
  int train = kind[0] == 't';
  loaded *l = kind[0] == 's' ? &smallest : &mlp;
  if (!l->model) {
    const char *wrong = l == &mlp ? restart(0) : load(l, option.smallest);
    if (wrong) return wrong;
  }
  int32_t entry = graven_model_find_entry(l->model, train ? "train_step" : "predict", batch);
  if (entry < 0) return "the model has no such entry for this batch size";
  uint32_t count;
  const graven_entry_record *record = graven_model_entries(l->model, &count) + entry;
  const graven_port_record *ports = graven_model_ports(l->model, &count);
  uint32_t inputs = 0;
  for (uint32_t i = 0; i < record->inputs.count; ++i)
    inputs += ports[record->inputs.first + i].kind == GRAVEN_PORT_DATA;
  if (inputs != (train ? 2u : 1u)) return "the entry takes other inputs than expected";
  if (record->batch != batch) return "the model was not compiled for this batch size";
  current.kind = kind[0];
  current.batch = batch;
  current.model = l;
  current.entry = (uint32_t)entry;
  return NULL;
}

static const char *step(const char *kind, int64_t batch, int64_t first) {
  if (current.kind != kind[0] || current.batch != batch) {
    const char *wrong = find(kind, batch);
    if (wrong) return wrong;
  }
  int train = kind[0] == 't';
  const void *inputs[] = {data.rows + first * (kind[0] == 's' ? 1 : kFeatures),
                          data.labels + first};
  void *outputs[] = {train ? &loss_value : output};
  if (call(current.model->context, current.model->state, current.entry, batch, inputs, outputs) !=
      GRAVEN_OK)
    return failed(kind);
  return NULL;
}

static float loss(void) { return loss_value; }

static const char *answer_load(int64_t steps) {
  if (steps > 101) steps = 101;
  double times[101];
  for (int64_t i = 0; i < steps; ++i) {
    graven_model *model;
    double start = now_seconds();
    if (graven_model_open(option.model, &model) != GRAVEN_OK) return failed("open");
    times[i] = now_seconds() - start;
    graven_model_destroy(model);
  }
  qsort(times, (size_t)steps, sizeof(double), compare_doubles);
  printf("{\"seconds\": %.9g}\n", times[steps / 2]);
  return NULL;
}

static const char *answer_profile(const char *kind, int64_t batch, int64_t steps) {
  const char *wrong = find(kind, batch);
  if (wrong) return wrong;
  const graven_model *model = current.model->model;
  const graven_table_header *table = graven_model_table(model);
  const char *base = (const char *)table;
  const graven_command_record *commands = (const void *)(base + table->commands_offset);
  const graven_kernel_record *kernels = (const void *)(base + table->kernels_offset);
  uint64_t *times = calloc(table->commands_count, sizeof *times);
  int64_t first = 0;
  contender c = {"", NULL, step, NULL, NULL, NULL};
  wrong = run_steps(&c, &data, kind, batch, steps / 10 + 1, &first);
  graven_context_profile(current.model->context, times, table->commands_count);
  if (!wrong) wrong = run_steps(&c, &data, kind, batch, steps, &first);
  graven_context_profile(current.model->context, NULL, 0);
  uint32_t count;
  const graven_entry_record *entry = graven_model_entries(model, &count) + current.entry;
  if (!wrong) {
    static const char *const other[] = {"launch", "copy", "fill"};
    printf("{\"commands\": [");
    for (uint32_t i = 0; i < entry->commands.count; ++i) {
      uint32_t at = entry->commands.first + i;
      const graven_command_record *r = commands + at;
      const char *name = r->kind == GRAVEN_COMMAND_LAUNCH
                             ? graven_model_text(model, kernels[r->kernel].name)
                             : other[r->kind];
      printf(
          "%s{\"name\": \"%s\", \"grid\": %lld, \"flops\": %llu, \"bytes\": %llu, "
          "\"nanoseconds\": %.1f}",
          i ? ", " : "", name, (long long)r->grid, (unsigned long long)r->flops,
          (unsigned long long)r->bytes, (double)times[at] / (double)steps);
    }
    printf("]}\n");
  }
  free(times);
  return wrong;
}

static const char *answer_plan(void) {
  const char *wrong = find("train", current.batch ? current.batch : 1);
  if (wrong && !mlp.model) return wrong;
  const graven_table_header *table = graven_model_table(mlp.model);
  printf("{\"state\": %llu, \"metric\": %llu, \"arena\": %llu, \"constants\": %llu}\n",
         (unsigned long long)table->state_bytes, (unsigned long long)table->metric_bytes,
         (unsigned long long)table->arena_bytes, (unsigned long long)table->constant_bytes);
  return NULL;
}

static const char *answer_raw(const char *kind, int64_t batch, int64_t steps) {
  int64_t first = 0;
  contender c = {"", NULL, step, NULL, NULL, NULL};
  call = graven_call_raw;
  const char *wrong = run_steps(&c, &data, kind, batch, steps / 10 + 1, &first);
  double start = now_seconds();
  if (!wrong) wrong = run_steps(&c, &data, kind, batch, steps, &first);
  double took = now_seconds() - start;
  call = graven_call;
  if (!wrong) printf("{\"seconds\": %.9g}\n", took);
  return wrong;
}

static int other(const char *command, const char *kind, int64_t batch, int64_t steps) {
  const char *wrong = NULL;
  if (!strcmp(command, "raw"))
    wrong = answer_raw(kind, batch, steps);
  else if (!strcmp(command, "load"))
    wrong = answer_load(steps);
  else if (!strcmp(command, "profile"))
    wrong = answer_profile(kind, batch, steps);
  else if (!strcmp(command, "plan"))
    wrong = answer_plan();
  else
    return 0;
  if (wrong) answer_error(wrong);
  return 1;
}

int main(int argc, char **argv) {
  option = parse_options(argc, argv);
  data = read_common(option.data);
  output = malloc(sizeof(float) * (size_t)data.count * kClasses);
  if (option.threads > 1) {
    graven_pool_options settings = {option.threads, 0};
    if (graven_pool_create(&settings, &pool) != GRAVEN_OK) return puts(failed("pool")), 1;
  }
  contender c = {"0.1.0", find, step, restart, loss, other};
  serve(&c, &data);
  return 0;
}
