// Graven as a contender in the tables of single computations: opens any artifact and calls one of
// its entries on random inputs.
//
//   prepare KIND BATCH LO HI FILE    floats from [LO, HI); the entry is `call`, or else the first
//                                    whose name is not one of init and reset_metrics
//   digest KIND BATCH                a digest of each float output, see tensors.h
//   drop KIND BATCH                  frees everything
//   plan KIND BATCH                  bytes of state, arena, constants, inputs and outputs
//   load KIND BATCH N                seconds of opening the artifact, median of N
//   raw KIND BATCH N                 seconds of N unchecked calls
#include "graven/graven.h"
#include "tools/bench/workers/pipe.h"
#include "tools/bench/workers/tensors.h"

enum { kCases = 256, kPorts = 16 };

typedef struct loaded {
  char kind[256], path[kLine];
  int64_t batch;
  graven_model *model;
  graven_state *state;
  graven_context *context;
  uint32_t entry;
  int64_t rows;
  void *inputs[kPorts], *outputs[kPorts];
  size_t input_count, output_count;
  const graven_tensor_record *output_types[kPorts];
  uint64_t io_bytes;
} loaded;

static loaded cases[kCases];
static graven_pool *pool;
static char message[1024];

static const char *failed(const char *what) {
  snprintf(message, sizeof message, "%s: %s", what, graven_last_error());
  return message;
}

static loaded *find(const char *kind, int64_t batch) {
  for (int i = 0; i < kCases; ++i)
    if (cases[i].model && cases[i].batch == batch && !strcmp(cases[i].kind, kind)) return &cases[i];
  return NULL;
}

static void drop(loaded *l) {
  for (size_t i = 0; i < l->input_count; ++i) free(l->inputs[i]);
  for (size_t i = 0; i < l->output_count; ++i) free(l->outputs[i]);
  graven_context_destroy(l->context);
  graven_state_destroy(l->state);
  graven_model_destroy(l->model);
  memset(l, 0, sizeof *l);
}

static size_t elements(const graven_tensor_record *tensor) {
  size_t count = 1;
  for (uint32_t d = 0; d < tensor->rank; ++d) count *= (size_t)tensor->dims[d];
  return count;
}

static const char *fill_input(loaded *l, const graven_port_record *port, double lo, double hi) {
  uint32_t index = (uint32_t)l->input_count;
  size_t count = elements(&port->tensor);
  void *data = NULL;
  if (port->tensor.dtype == GRAVEN_F32) {
    data = uniform_floats(index, count, lo, hi);
  } else if (port->tensor.dtype == GRAVEN_I32) {
    int ranged = (port->flags & GRAVEN_PORT_HAS_RANGE) != 0;
    data = uniform_integers(index, count, ranged ? port->range_lo : 0, ranged ? port->range_hi : 2);
  } else {
    return "an input is neither f32 nor i32";
  }
  if (!data) return "out of memory";
  l->inputs[l->input_count++] = data;
  l->io_bytes += port->tensor.bytes;
  return NULL;
}

// Memory for every data port of the entry.
static const char *make_ports(loaded *l, double lo, double hi) {
  uint32_t count;
  const graven_entry_record *entry = graven_model_entries(l->model, &count) + l->entry;
  const graven_port_record *ports = graven_model_ports(l->model, &count);
  l->rows = entry->batch;
  if (entry->inputs.count > kPorts || entry->outputs.count > kPorts) return "too many ports";
  for (uint32_t i = 0; i < entry->inputs.count; ++i) {
    const graven_port_record *port = ports + entry->inputs.first + i;
    const char *wrong = port->kind == GRAVEN_PORT_DATA ? fill_input(l, port, lo, hi) : NULL;
    if (wrong) return wrong;
  }
  for (uint32_t i = 0; i < entry->outputs.count; ++i) {
    const graven_tensor_record *tensor = &ports[entry->outputs.first + i].tensor;
    void *data = tensor_memory(tensor->bytes);
    if (!data) return "out of memory";
    l->output_types[l->output_count] = tensor;
    l->outputs[l->output_count++] = data;
    l->io_bytes += tensor->bytes;
  }
  return NULL;
}

static const char *choose_entry(loaded *l) {
  int32_t named = graven_model_find_entry(l->model, "call", 0);
  uint32_t count;
  const graven_entry_record *entries = graven_model_entries(l->model, &count);
  for (uint32_t i = 0; named < 0 && i < count; ++i) {
    const char *name = graven_model_text(l->model, entries[i].name);
    if (strcmp(name, "init") && strcmp(name, "reset_metrics")) named = (int32_t)i;
  }
  if (named < 0) return "the artifact has no entry to call";
  l->entry = (uint32_t)named;
  return NULL;
}

static const char *open_case(loaded *l, double lo, double hi) {
  if (graven_model_open(l->path, &l->model) != GRAVEN_OK) return failed("open");
  if (graven_state_create(l->model, &l->state) != GRAVEN_OK) return failed("state");
  if (graven_context_create(l->model, pool, &l->context) != GRAVEN_OK) return failed("context");
  int32_t init = graven_model_find_entry(l->model, "init", 0);
  static const int32_t seed[2] = {1, 2};
  const void *inputs[] = {seed};
  if (init >= 0 && graven_call(l->context, l->state, (uint32_t)init, 0, inputs, NULL) != GRAVEN_OK)
    return failed("init");
  const char *wrong = choose_entry(l);
  return wrong ? wrong : make_ports(l, lo, hi);
}

static const char *prepare(const char *kind, int64_t batch, const char *rest, const char **chosen) {
  (void)chosen;
  loaded *l = find(kind, batch);
  if (l) drop(l);
  for (int i = 0; i < kCases && !l; ++i)
    if (!cases[i].model) l = &cases[i];
  if (!l) return "too many cases at once";
  double lo, hi;
  snprintf(l->kind, sizeof l->kind, "%s", kind);
  l->batch = batch;
  if (sscanf(rest, "%lf %lf %4095s", &lo, &hi, l->path) != 3) return "prepare: LO HI FILE";
  const char *wrong = open_case(l, lo, hi);
  if (wrong) drop(l);
  return wrong;
}

static const char *run(const char *kind, int64_t batch, int64_t steps) {
  loaded *l = find(kind, batch);
  if (!l) return "not prepared";
  for (int64_t i = 0; i < steps; ++i)
    if (graven_call(l->context, l->state, l->entry, l->rows, (const void *const *)l->inputs,
                    l->outputs) != GRAVEN_OK)
      return failed(kind);
  return NULL;
}

static const char *answer_raw(loaded *l, int64_t steps) {
  double start = now_seconds();
  for (int64_t i = 0; i < steps; ++i)
    if (graven_call_raw(l->context, l->state, l->entry, l->rows, (const void *const *)l->inputs,
                        l->outputs) != GRAVEN_OK)
      return failed("raw");
  printf("{\"seconds\": %.9g}\n", now_seconds() - start);
  return "";
}

static const char *answer_load(loaded *l, int64_t steps) {
  double times[101];
  if (steps > 101) steps = 101;
  for (int64_t i = 0; i < steps; ++i) {
    graven_model *model;
    double start = now_seconds();
    if (graven_model_open(l->path, &model) != GRAVEN_OK) return failed("open");
    times[i] = now_seconds() - start;
    graven_model_destroy(model);
  }
  qsort(times, (size_t)steps, sizeof(double), compare_doubles);
  printf("{\"seconds\": %.9g}\n", times[steps / 2]);
  return "";
}

static const char *answer_digest(loaded *l) {
  printf("{\"digests\": [");
  int first = 1;
  for (size_t i = 0; i < l->output_count; ++i) {
    if (l->output_types[i]->dtype != GRAVEN_F32) continue;
    if (!first) printf(", ");
    print_digest((const float *)l->outputs[i], elements(l->output_types[i]));
    first = 0;
  }
  printf("]}\n");
  return "";
}

static const char *answer_plan(loaded *l) {
  const graven_table_header *table = graven_model_table(l->model);
  printf("{\"state\": %llu, \"arena\": %llu, \"constants\": %llu, \"io\": %llu}\n",
         (unsigned long long)table->state_bytes, (unsigned long long)table->arena_bytes,
         (unsigned long long)table->constant_bytes, (unsigned long long)l->io_bytes);
  return "";
}

static const char *other(const char *command, const char *kind, int64_t batch, int64_t steps) {
  loaded *l = find(kind, batch);
  if (!l) return "not prepared";
  if (!strcmp(command, "digest")) return answer_digest(l);
  if (!strcmp(command, "plan")) return answer_plan(l);
  if (!strcmp(command, "load")) return answer_load(l, steps);
  if (!strcmp(command, "raw")) return answer_raw(l, steps);
  if (!strcmp(command, "drop")) return drop(l), puts("{}"), "";
  return NULL;
}

int main(int argc, char **argv) {
  int threads = 1;
  for (int i = 1; i + 1 < argc; ++i)
    if (!strcmp(argv[i], "--threads")) threads = atoi(argv[i + 1]);
  if (threads > 1) {
    graven_pool_options settings = {threads, 0, NULL, NULL};
    if (graven_pool_create(&settings, &pool) != GRAVEN_OK) return puts(failed("pool")), 1;
  }
  contender c = {"0.1.0", prepare, run, other};
  serve(&c);
  return 0;
}
