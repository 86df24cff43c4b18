// SLEEF and libmvec as contenders: an elementary function over an array, one call a vector.
// `vector_math_case sleef_u10|sleef_u35|libmvec ...`; KIND is map:FUNCTION:ELEMENTS.
#include <immintrin.h>
#include <sleef.h>

#include "tools/bench/workers/pipe.h"
#include "tools/bench/workers/tensors.h"

#if defined(__AVX512F__)
typedef __m512 vec;
enum { kLanes = 16 };
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#define SET _mm512_set1_ps
#define ADD _mm512_add_ps
#define DIVIDE _mm512_div_ps
#define SLEEF(function, ulp) Sleef_##function##f16_##ulp
#define MVEC(function) _ZGVeN16v_##function##f
#define MVEC2(function) _ZGVeN16vv_##function##f
#else
typedef __m256 vec;
enum { kLanes = 8 };
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps
#define SET _mm256_set1_ps
#define ADD _mm256_add_ps
#define DIVIDE _mm256_div_ps
#define SLEEF(function, ulp) Sleef_##function##f8_##ulp
#define MVEC(function) _ZGVdN8v_##function##f
#define MVEC2(function) _ZGVdN8vv_##function##f
#endif

typedef void (*map)(const float *a, const float *b, float *out, size_t count);

// A loop for each function, so that the call is direct.
#define MAP(name, value)                                                       \
  static void name(const float *a, const float *b, float *out, size_t count) { \
    (void)b;                                                                   \
    for (size_t i = 0; i < count; i += kLanes) {                               \
      vec x = LOAD(a + i);                                                     \
      STORE(out + i, value);                                                   \
    }                                                                          \
  }
#define MVEC_DECLARE(function) extern vec MVEC(function)(vec);
#define LOGISTIC(exponential) DIVIDE(SET(1.0f), ADD(SET(1.0f), exponential(-x)))

MVEC_DECLARE(exp)
MVEC_DECLARE(expm1)
MVEC_DECLARE(log)
MVEC_DECLARE(log1p)
MVEC_DECLARE(tanh)
MVEC_DECLARE(erf)
MVEC_DECLARE(erfc)
MVEC_DECLARE(sin)
MVEC_DECLARE(cos)
extern vec MVEC2(pow)(vec, vec);

MAP(exp_u10, SLEEF(exp, u10)(x))
MAP(expm1_u10, SLEEF(expm1, u10)(x))
MAP(log_u10, SLEEF(log, u10)(x))
MAP(log_u35, SLEEF(log, u35)(x))
MAP(log1p_u10, SLEEF(log1p, u10)(x))
MAP(tanh_u10, SLEEF(tanh, u10)(x))
MAP(tanh_u35, SLEEF(tanh, u35)(x))
MAP(erf_u10, SLEEF(erf, u10)(x))
MAP(erfc_u15, SLEEF(erfc, u15)(x))
MAP(sin_u10, SLEEF(sin, u10)(x))
MAP(sin_u35, SLEEF(sin, u35)(x))
MAP(cos_u10, SLEEF(cos, u10)(x))
MAP(cos_u35, SLEEF(cos, u35)(x))
MAP(power_u10, SLEEF(pow, u10)(x, LOAD(b + i)))
MAP(sqrt_u05, SLEEF(sqrt, u05)(x))
MAP(sqrt_u35, SLEEF(sqrt, u35)(x))
MAP(rsqrt_u05, DIVIDE(SET(1.0f), SLEEF(sqrt, u05)(x)))
MAP(rsqrt_u35, DIVIDE(SET(1.0f), SLEEF(sqrt, u35)(x)))
MAP(logistic_u10, LOGISTIC(SLEEF(exp, u10)))
MAP(exp_mvec, MVEC(exp)(x))
MAP(expm1_mvec, MVEC(expm1)(x))
MAP(log_mvec, MVEC(log)(x))
MAP(log1p_mvec, MVEC(log1p)(x))
MAP(tanh_mvec, MVEC(tanh)(x))
MAP(erf_mvec, MVEC(erf)(x))
MAP(erfc_mvec, MVEC(erfc)(x))
MAP(sin_mvec, MVEC(sin)(x))
MAP(cos_mvec, MVEC(cos)(x))
MAP(power_mvec, MVEC2(pow)(x, LOAD(b + i)))
MAP(logistic_mvec, LOGISTIC(MVEC(exp)))

static const struct {
  const char *library, *function;
  map apply;
} table[] = {
    {"sleef_u10", "exp", exp_u10},
    {"sleef_u10", "expm1", expm1_u10},
    {"sleef_u10", "log", log_u10},
    {"sleef_u10", "log1p", log1p_u10},
    {"sleef_u10", "tanh", tanh_u10},
    {"sleef_u10", "erf", erf_u10},
    {"sleef_u10", "erfc", erfc_u15},
    {"sleef_u10", "sin", sin_u10},
    {"sleef_u10", "cos", cos_u10},
    {"sleef_u10", "power", power_u10},
    {"sleef_u10", "sqrt", sqrt_u05},
    {"sleef_u10", "rsqrt", rsqrt_u05},
    {"sleef_u10", "logistic", logistic_u10},
    {"sleef_u35", "log", log_u35},
    {"sleef_u35", "tanh", tanh_u35},
    {"sleef_u35", "sin", sin_u35},
    {"sleef_u35", "cos", cos_u35},
    {"sleef_u35", "sqrt", sqrt_u35},
    {"sleef_u35", "rsqrt", rsqrt_u35},
    {"libmvec", "exp", exp_mvec},
    {"libmvec", "expm1", expm1_mvec},
    {"libmvec", "log", log_mvec},
    {"libmvec", "log1p", log1p_mvec},
    {"libmvec", "tanh", tanh_mvec},
    {"libmvec", "erf", erf_mvec},
    {"libmvec", "erfc", erfc_mvec},
    {"libmvec", "sin", sin_mvec},
    {"libmvec", "cos", cos_mvec},
    {"libmvec", "power", power_mvec},
    {"libmvec", "logistic", logistic_mvec},
};

static const char *library;
static map current;
static char current_kind[256];
static float *inputs[2], *output;
static size_t count;

static const char *choose(const char *kind) {
  if (!strcmp(kind, current_kind)) return NULL;
  char function[64];
  long elements;
  if (sscanf(kind, "map:%63[^:]:%ld", function, &elements) != 2 || elements % kLanes)
    return "not a map";
  current = NULL;
  for (size_t i = 0; i < sizeof table / sizeof *table; ++i)
    if (!strcmp(table[i].library, library) && !strcmp(table[i].function, function))
      current = table[i].apply;
  if (!current) return "the library has no such function";
  snprintf(current_kind, sizeof current_kind, "%s", kind);
  count = (size_t)elements;
  return NULL;
}

// Ranges differ by function and are kept for one at a time: `digest` and `burst` refill.
typedef struct range {
  char kind[256];
  double lo, hi;
} range;
static range ranges[64];
static int range_count;
static char filled[256];

static const char *fill(const char *kind) {
  const char *wrong = choose(kind);
  if (wrong || !strcmp(filled, kind)) return wrong;
  const range *r = NULL;
  for (int i = 0; i < range_count; ++i)
    if (!strcmp(ranges[i].kind, kind)) r = &ranges[i];
  if (!r) return "not prepared";
  for (uint32_t i = 0; i < 2; ++i) {
    free(inputs[i]);
    inputs[i] = uniform_floats(i, count, r->lo, r->hi);
  }
  free(output);
  output = (float *)tensor_memory(count * sizeof(float));
  snprintf(filled, sizeof filled, "%s", kind);
  return inputs[0] && inputs[1] && output ? NULL : "out of memory";
}

static const char *prepare(const char *kind, int64_t batch, const char *rest, const char **chosen) {
  (void)batch;
  (void)chosen;
  if (range_count == 64) return "too many cases";
  range *r = &ranges[range_count++];
  snprintf(r->kind, sizeof r->kind, "%s", kind);
  if (sscanf(rest, "%lf %lf", &r->lo, &r->hi) != 2) return "prepare: LO HI";
  return fill(kind);
}

static const char *run(const char *kind, int64_t batch, int64_t steps) {
  (void)batch;
  const char *wrong = fill(kind);
  for (int64_t i = 0; i < steps && !wrong; ++i) current(inputs[0], inputs[1], output, count);
  return wrong;
}

static const char *other(const char *command, const char *kind, int64_t batch, int64_t steps) {
  (void)steps;
  if (!strcmp(command, "drop")) return puts("{}"), "";
  if (strcmp(command, "digest")) return NULL;
  const char *wrong = run(kind, batch, 1);
  if (wrong) return wrong;
  printf("{\"digests\": [");
  print_digest(output, count);
  printf("]}\n");
  return "";
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  library = argv[1];
  serve(&(contender){strcmp(library, "libmvec") ? "3.5" : "glibc", prepare, run, other});
  return 0;
}
