// The side of a contender written in C or C++: see pipe.py for the protocol. A contender fills a
// `contender` and calls serve().
#ifndef GRAVEN_TOOLS_BENCH_WORKERS_PIPE_H_
#define GRAVEN_TOOLS_BENCH_WORKERS_PIPE_H_

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { kLine = 4096 };

// Each function answers null, or what is wrong.
typedef struct contender {
  const char *version;  // text for the first answer
  // Prepares `kind` at `batch`; `rest` is the remainder of the line; *chosen may name the way
  // taken.
  const char *(*prepare)(const char *kind, int64_t batch, const char *rest, const char **chosen);
  // Runs `steps` steps of what was prepared.
  const char *(*run)(const char *kind, int64_t batch, int64_t steps);
  // Other commands; null if the command is not one of them, else "" or what is wrong. Prints its
  // answer line itself.
  const char *(*other)(const char *command, const char *kind, int64_t batch, int64_t steps);
} contender;

static double now_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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

static const char *answer_prepared(const contender *c, const char *kind, int64_t batch,
                                   const char *rest) {
  const char *chosen = "";
  double start = now_seconds();
  const char *wrong = c->prepare(kind, batch, rest, &chosen);
  if (!wrong) wrong = c->run(kind, batch, 1);
  if (!wrong)
    printf("{\"chosen\": \"%s\", \"prepare_seconds\": %.6g, \"candidates\": {}, \"failed\": {}}\n",
           chosen, now_seconds() - start);
  return wrong;
}

static const char *answer_burst(const contender *c, const char *kind, int64_t batch,
                                int64_t steps) {
  const char *wrong = c->run(kind, batch, steps / 10 + 1);
  double start = now_seconds();
  if (!wrong) wrong = c->run(kind, batch, steps);
  double took = now_seconds() - start;
  if (!wrong) printf("{\"seconds\": %.9g}\n", took);
  return wrong;
}

static const char *answer_latency(const contender *c, const char *kind, int64_t batch,
                                  int64_t steps) {
  double *times = (double *)malloc(sizeof(double) * (size_t)steps);
  if (!times) return "out of memory";
  const char *wrong = c->run(kind, batch, steps / 10 + 1);
  for (int64_t i = 0; i < steps && !wrong; ++i) {
    double start = now_seconds();
    wrong = c->run(kind, batch, 1);
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

static const char *answer_memory(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"bytes\": %ld}\n", usage.ru_maxrss * 1024L);
  return NULL;
}

static void serve(const contender *c) {
  setvbuf(stdout, NULL, _IOLBF, 1 << 16);
  printf("{\"version\": \"%s\"}\n", c->version);
  static char line[kLine], command[32], kind[256];
  while (fgets(line, sizeof line, stdin)) {
    long batch = 0, steps = 0;
    int at = (int)strlen(line);
    kind[0] = 0;
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "%31s", command) != 1 || !strcmp(command, "quit")) return;
    sscanf(line, "%*s %255s %ld %n%ld", kind, &batch, &at, &steps);
    const char *wrong;
    if (!strcmp(command, "prepare")) {
      wrong = answer_prepared(c, kind, batch, line + at);
    } else if (!strcmp(command, "burst")) {
      wrong = answer_burst(c, kind, batch, steps);
    } else if (!strcmp(command, "latency")) {
      wrong = answer_latency(c, kind, batch, steps);
    } else if (!strcmp(command, "memory")) {
      wrong = answer_memory();
    } else {
      wrong = c->other ? c->other(command, kind, batch, steps) : NULL;
      if (!wrong) wrong = "no such command";
      if (!*wrong) wrong = NULL;
    }
    if (wrong) answer_error(wrong);
  }
}

#endif  // GRAVEN_TOOLS_BENCH_WORKERS_PIPE_H_
