// Graven as a contender in training the digits network: loads the compiled model and calls it
// through the checked C interface. An artifact with its weights inside has no state and predicts
// alone. A further command: `profile train B N` answers the nanoseconds of each command of a step.
#include "graven/graven.h"
#include "tools/bench/workers/mlp.h"

static graven_model *model;
static graven_state *state;
static graven_context *context;
static graven_pool *pool;
static int on_gpu;
static float loss_value;
static float *output;
static char message[512];
static const char *failed(const char *what) {
  snprintf(message, sizeof message, "%s: %s", what, graven_last_error());
  return message;
}

static const char *restart(int64_t batch) {
  (void)batch;
  if (!option.model) return "no model was given";
  if (!model && graven_model_open(option.model, &model) != GRAVEN_OK) return failed("open");
  on_gpu = strcmp(graven_model_text(model, graven_model_table(model)->device), "cpu") != 0;
  if (!context && graven_context_create(model, pool, &context) != GRAVEN_OK)
    return failed("context");
  graven_state_destroy(state);
  state = NULL;
  int32_t entry = graven_model_find_entry(model, "init", 0);
  if (entry < 0) return NULL;
  if (graven_state_create(model, &state) != GRAVEN_OK) return failed("state");
  static const int32_t seed[2] = {1, 2};
  const void *inputs[] = {seed};
  if (graven_call(context, state, (uint32_t)entry, 0, inputs, NULL) != GRAVEN_OK)
    return failed("init");
  struct {
    const char *name;
    const float *values;
    size_t count;
  } sets[] = {{"dense.kernel", data.w1, kFeatures * kHidden},
              {"dense.bias", data.b1, kHidden},
              {"dense_1.kernel", data.w2, kHidden * kClasses},
              {"dense_1.bias", data.b2, kClasses}};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; ++i)
    if (graven_state_set(state, sets[i].name, sets[i].values, sets[i].count * sizeof(float)) !=
        GRAVEN_OK)
      return failed(sets[i].name);
  return NULL;
}

// What `step` needs, looked up once by `prepare` and kept for the kind and batch last used.
static struct {
  char kind;
  int64_t batch;
  uint32_t entry;
} current;

static const char *find(const char *kind, int64_t batch) {
  int train = kind[0] == 't';
  const char *wrong = model ? NULL : restart(0);
  if (wrong) return wrong;
  int32_t entry = graven_model_find_entry(model, train ? "train_step" : "predict", batch);
  if (entry < 0) return "the model has no such entry for this batch size";
  uint32_t count;
  const graven_entry_record *record = graven_model_entries(model, &count) + entry;
  const graven_port_record *ports = graven_model_ports(model, &count);
  uint32_t inputs = 0;
  for (uint32_t i = 0; i < record->inputs.count; ++i)
    inputs += ports[record->inputs.first + i].kind == GRAVEN_PORT_DATA;
  if (inputs != (train ? 2u : 1u)) return "the entry takes other inputs than expected";
  if (record->batch != batch) return "the model was not compiled for this batch size";
  current.kind = kind[0];
  current.batch = batch;
  current.entry = (uint32_t)entry;
  return NULL;
}

static const char *step(const char *kind, int64_t batch, int64_t first) {
  if (current.kind != kind[0] || current.batch != batch) {
    const char *wrong = find(kind, batch);
    if (wrong) return wrong;
  }
  int train = kind[0] == 't';
  const void *inputs[] = {data.rows + first * kFeatures, data.labels + first};
  void *outputs[] = {!train ? output : on_gpu && !losses_wanted ? NULL : &loss_value};
  if (graven_call(context, state, current.entry, batch, inputs, outputs) != GRAVEN_OK)
    return failed(kind);
  return NULL;
}

static const char *finish(void) {
  float bias[kClasses];
  if (!on_gpu) return NULL;
  return graven_state_get(state, "dense_1.bias", bias, sizeof bias) == GRAVEN_OK ? NULL
                                                                                 : failed("wait");
}

static float loss(void) { return loss_value; }

static const char *answer_profile(const char *kind, int64_t batch, int64_t steps) {
  const char *wrong = find(kind, batch);
  if (wrong) return wrong;
  const graven_table_header *table = graven_model_table(model);
  const char *base = (const char *)table;
  const graven_command_record *commands = (const void *)(base + table->commands_offset);
  const graven_kernel_record *kernels = (const void *)(base + table->kernels_offset);
  uint64_t *times = calloc(table->commands_count, sizeof *times);
  wrong = ring_run(kind, batch, steps / 10 + 1);
  graven_context_profile(context, times, table->commands_count);
  if (!wrong) wrong = ring_run(kind, batch, steps);
  graven_context_profile(context, NULL, 0);
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
  return wrong ? wrong : "";
}

static const char *other(const char *command, const char *kind, int64_t batch, int64_t steps) {
  return strcmp(command, "profile") ? NULL : answer_profile(kind, batch, steps);
}

int main(int argc, char **argv) {
  option = parse_options(argc, argv);
  data = read_common(option.data);
  output = malloc(sizeof(float) * (size_t)data.count * kClasses);
  if (option.threads > 1) {
    graven_pool_options settings = {option.threads, 0};
    if (graven_pool_create(&settings, &pool) != GRAVEN_OK) return puts(failed("pool")), 1;
  }
  serve_network("0.1.0", (network){find, step, restart, loss, finish, other});
  return 0;
}
