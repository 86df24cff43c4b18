// The digits network as a contender written in C: common weights and rows, and a ring over the
// rows. Compiled with -DHIDDEN=... for the width of the hidden layer.
#ifndef GRAVEN_TOOLS_BENCH_WORKERS_MLP_H_
#define GRAVEN_TOOLS_BENCH_WORKERS_MLP_H_

#include "tools/bench/workers/pipe.h"

#ifndef HIDDEN
#define HIDDEN 128
#endif

enum { kFeatures = 784, kHidden = HIDDEN, kClasses = 10 };

// What the command line gives: --threads N --dropout P --data FOLDER, and for Graven --model FILE.
typedef struct options {
  int threads;
  float dropout;
  const char *data;
  const char *model;
} options;

// The common weights and rows.
typedef struct common {
  float *w1, *b1, *w2, *b2, *rows;
  int32_t *labels;
  int64_t count;  // rows
} common;

// Each function answers null, or what is wrong.
typedef struct network {
  const char *(*prepare)(const char *kind, int64_t batch);
  // One step on `batch` rows from row `first` on.
  const char *(*step)(const char *kind, int64_t batch, int64_t first);
  const char *(*restart)(int64_t batch);  // back to the common weights
  float (*loss)(void);                    // of the last training step
  const char *(*finish)(void);            // waits for all steps; null where a step waits itself
  const char *(*other)(const char *command, const char *kind, int64_t batch, int64_t steps);
} network;

static options option;
static common data;
static network net_served;
static int64_t ring_first;
static int losses_wanted;  // of each step: `losses` is being answered

static void *read_all(const char *folder, const char *name, int64_t *bytes) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file) return fprintf(stderr, "cannot read %s\n", path), exit(1), NULL;
  fseek(file, 0, SEEK_END);
  *bytes = ftell(file);
  rewind(file);
  void *contents = aligned_alloc(64, (size_t)(*bytes + 63) / 64 * 64);
  if (!contents || fread(contents, 1, (size_t)*bytes, file) != (size_t)*bytes) exit(1);
  fclose(file);
  return contents;
}

static common read_common(const char *folder) {
  int64_t bytes;
  common c;
  c.w1 = read_all(folder, "w1", &bytes);
  c.b1 = read_all(folder, "b1", &bytes);
  c.w2 = read_all(folder, "w2", &bytes);
  c.b2 = read_all(folder, "b2", &bytes);
  c.rows = read_all(folder, "rows", &bytes);
  c.labels = read_all(folder, "labels", &bytes);
  c.count = bytes / 4;
  return c;
}

static options parse_options(int argc, char **argv) {
  options o = {1, 0, NULL, NULL};
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--threads")) o.threads = atoi(argv[i + 1]);
    if (!strcmp(argv[i], "--dropout")) o.dropout = (float)atof(argv[i + 1]);
    if (!strcmp(argv[i], "--data")) o.data = argv[i + 1];
    if (!strcmp(argv[i], "--model")) o.model = argv[i + 1];
  }
  return o;
}

// `steps` steps over the rows in a ring.
static const char *ring_run(const char *kind, int64_t batch, int64_t steps) {
  for (int64_t i = 0; i < steps; ++i) {
    if (ring_first + batch > data.count) ring_first = 0;
    const char *wrong = net_served.step(kind, batch, ring_first);
    if (wrong) return wrong;
    ring_first += batch;
  }
  return net_served.finish ? net_served.finish() : NULL;
}

static const char *answer_losses(int64_t batch, int64_t steps) {
  const char *wrong = net_served.restart(batch);
  ring_first = 0;
  losses_wanted = 1;
  double *losses = malloc(sizeof(double) * (size_t)steps);
  for (int64_t i = 0; i < steps && !wrong; ++i) {
    wrong = ring_run("train", batch, 1);
    losses[i] = net_served.loss();
  }
  losses_wanted = 0;
  if (!wrong) {
    printf("{\"losses\": [");
    for (int64_t i = 0; i < steps; ++i) printf("%s%.9g", i ? ", " : "", losses[i]);
    printf("]}\n");
  }
  free(losses);
  return wrong ? wrong : "";
}

static const char *prepare_network(const char *kind, int64_t batch, const char *rest,
                                   const char **chosen) {
  (void)rest;
  (void)chosen;
  ring_first = 0;
  return net_served.prepare(kind, batch);
}

// `losses BATCH N`, and what the network answers itself.
static const char *other_command(const char *command, const char *kind, int64_t batch,
                                 int64_t steps) {
  if (!strcmp(command, "losses")) return answer_losses(atol(kind), batch);
  if (!strcmp(command, "drop")) return puts("{}"), "";
  return net_served.other ? net_served.other(command, kind, batch, steps) : NULL;
}

static void serve_network(const char *version, network n) {
  net_served = n;
  contender c = {version, prepare_network, ring_run, other_command};
  serve(&c);
}

#endif  // GRAVEN_TOOLS_BENCH_WORKERS_MLP_H_
