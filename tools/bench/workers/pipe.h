// The side of a contender written in C: see pipe.py for the protocol. A contender fills a
// `contender` and calls serve(); a step is one call of `step`.
#ifndef GRAVEN_TOOLS_BENCH_WORKERS_PIPE_H_
#define GRAVEN_TOOLS_BENCH_WORKERS_PIPE_H_

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { kFeatures = 784, kHidden = 128, kClasses = 10 };

// What the command line gives: --threads N --dropout P --data FOLDER, and the rest for the
// contender.
typedef struct options {
  int threads;
  float dropout;
  const char *data;
  const char *model;     // --model FILE
  const char *smallest;  // --smallest FILE
} options;

// The common weights and rows.
typedef struct common {
  float *w1, *b1, *w2, *b2, *rows;
  int32_t *labels;
  int64_t count;  // rows
} common;

typedef struct contender {
  const char *version;  // text for the first answer
  // Prepares `kind` at `batch`; null or what is wrong.
  const char *(*prepare)(const char *kind, int64_t batch);
  // One step on `batch` rows from row `first` on; null or what is wrong.
  const char *(*step)(const char *kind, int64_t batch, int64_t first);
  const char *(*restart)(int64_t batch);  // back to the common weights
  float (*loss)(void);                    // of the last training step
  // Other commands; answers true when it has printed its answer line.
  int (*other)(const char *command, const char *kind, int64_t batch, int64_t steps);
} contender;

static double now_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *read_all(const char *folder, const char *name, int64_t *bytes) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file) return fprintf(stderr, "cannot read %s\n", path), exit(1), NULL;
  fseek(file, 0, SEEK_END);
  *bytes = ftell(file);
  rewind(file);
  void *data = aligned_alloc(64, (size_t)(*bytes + 63) / 64 * 64);
  if (!data || fread(data, 1, (size_t)*bytes, file) != (size_t)*bytes) exit(1);
  fclose(file);
  return data;
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
  options o = {1, 0, NULL, NULL, NULL};
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--threads")) o.threads = atoi(argv[i + 1]);
    if (!strcmp(argv[i], "--dropout")) o.dropout = (float)atof(argv[i + 1]);
    if (!strcmp(argv[i], "--data")) o.data = argv[i + 1];
    if (!strcmp(argv[i], "--model")) o.model = argv[i + 1];
    if (!strcmp(argv[i], "--smallest")) o.smallest = argv[i + 1];
  }
  return o;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void answer_error(const char *text) {
  printf("{\"error\": \"");
  for (; *text; ++text) putchar(*text == '"' || *text == '\\' || *text < ' ' ? '\'' : *text);
  printf("\"}\n");
}

// Runs `steps` steps over the rows in a ring, from *first on; null or what is wrong.
static const char *run_steps(const contender *c, const common *rows, const char *kind,
                             int64_t batch, int64_t steps, int64_t *first) {
  for (int64_t i = 0; i < steps; ++i) {
    const char *wrong = c->step(kind, batch, *first);
    if (wrong) return wrong;
    *first += batch;
    if (*first + batch > rows->count) *first = 0;
  }
  return NULL;
}

static const char *answer_latency(const contender *c, const common *rows, const char *kind,
                                  int64_t batch, int64_t steps) {
  double *times = malloc(sizeof(double) * (size_t)steps);
  if (!times) return "out of memory";
  int64_t first = 0;
  const char *wrong = run_steps(c, rows, kind, batch, steps / 10 + 1, &first);
  for (int64_t i = 0; i < steps && !wrong; ++i) {
    double start = now_seconds();
    wrong = run_steps(c, rows, kind, batch, 1, &first);
    times[i] = now_seconds() - start;
  }
  if (!wrong) {
    qsort(times, (size_t)steps, sizeof(double), compare_doubles);
    int64_t p99 = (int64_t)(0.99 * (double)steps);
    printf("{\"p50\": %.9g, \"p99\": %.9g}\n", times[steps / 2],
           times[p99 < steps ? p99 : steps - 1]);
  }
  free(times);
  return wrong;
}

static const char *answer_losses(const contender *c, const common *rows, int64_t batch,
                                 int64_t steps) {
  if (!c->restart) return "this contender does not train";
  const char *wrong = c->restart(batch);
  int64_t first = 0;
  double *losses = malloc(sizeof(double) * (size_t)steps);
  for (int64_t i = 0; i < steps && !wrong; ++i) {
    wrong = run_steps(c, rows, "train", batch, 1, &first);
    losses[i] = c->loss();
  }
  if (!wrong) {
    printf("{\"losses\": [");
    for (int64_t i = 0; i < steps; ++i) printf("%s%.9g", i ? ", " : "", losses[i]);
    printf("]}\n");
  }
  free(losses);
  return wrong;
}

static void serve(const contender *c, const common *rows) {
  setvbuf(stdout, NULL, _IOLBF, 1 << 16);
  printf("{\"version\": \"%s\"}\n", c->version);
  char line[256], command[32], kind[32];
  while (fgets(line, sizeof line, stdin)) {
    long batch = 0, steps = 0;
    const char *wrong = NULL;
    kind[0] = 0;
    if (sscanf(line, "%31s", command) != 1 || !strcmp(command, "quit")) return;
    if (!strcmp(command, "losses")) {
      sscanf(line, "%*s %ld %ld", &batch, &steps);
    } else {
      sscanf(line, "%*s %31s %ld %ld", kind, &batch, &steps);
    }
    if (!strcmp(command, "prepare")) {
      double start = now_seconds();
      wrong = c->prepare(kind, batch);
      int64_t first = 0;
      if (!wrong) wrong = run_steps(c, rows, kind, batch, 3, &first);
      if (!wrong)
        printf(
            "{\"chosen\": \"\", \"prepare_seconds\": %.6g, \"candidates\": {}, \"failed\": {}}\n",
            now_seconds() - start);
    } else if (!strcmp(command, "burst")) {
      int64_t first = 0;
      wrong = run_steps(c, rows, kind, batch, steps / 10 + 1, &first);
      double start = now_seconds();
      if (!wrong) wrong = run_steps(c, rows, kind, batch, steps, &first);
      double took = now_seconds() - start;
      if (!wrong) printf("{\"seconds\": %.9g}\n", took);
    } else if (!strcmp(command, "latency")) {
      wrong = answer_latency(c, rows, kind, batch, steps);
    } else if (!strcmp(command, "losses")) {
      wrong = answer_losses(c, rows, batch, steps);
    } else if (!strcmp(command, "memory")) {
      struct rusage usage;
      getrusage(RUSAGE_SELF, &usage);
      printf("{\"bytes\": %ld}\n", usage.ru_maxrss * 1024L);
    } else if (!c->other || !c->other(command, kind, batch, steps)) {
      wrong = "no such command";
    }
    if (wrong) answer_error(wrong);
  }
}

#endif  // GRAVEN_TOOLS_BENCH_WORKERS_PIPE_H_
