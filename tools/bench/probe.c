// The machine's ceilings: f32 multiply-add rate and triad bandwidth, with stores through the cache
// and, as stream_gbs, with non-temporal ones, `probe THREADS`.
// Prints {"gflops": ..., "triad_gbs": ..., "stream_gbs": ...}, medians of the better half of many
// short rounds, all threads at once: a tick of the clock does not count, a busy or slower machine
// does.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#ifdef __AVX512F__
enum { kLanes = 16 };
#else
enum { kLanes = 8 };
#endif
typedef float vec __attribute__((vector_size(kLanes * 4)));

enum { kChains = 12, kRounds = 40, kSteps = 500000 };
// Of each of the triad's three arrays, per thread: 128 MB, since caches of 32 MB would serve a good
// part of smaller ones and show a bandwidth that memory does not have.
static const size_t kElements = (size_t)32 << 20;

static pthread_barrier_t barrier;
static int threads;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float multiply_adds(void) {
  vec a[kChains] = {{0}};
  for (int i = 0; i < kChains; ++i)
    for (int l = 0; l < kLanes; ++l) a[i][l] = (float)(i + l);
  vec b = a[1] * 0 + 0.999f, c = a[2] * 0 + 1e-3f;
  for (long n = 0; n < kSteps; ++n)
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) {
      a[i] = a[i] * b + c;
      __asm__ volatile("" : "+v"(a[i]));
    }
  float sum = 0;
  for (int i = 0; i < kChains; ++i) sum += a[i][0];
  return sum;
}

static void triad(float *restrict a, const float *restrict b, const float *restrict c) {
  for (size_t i = 0; i < kElements; ++i) a[i] = b[i] + 3.0f * c[i];
  __asm__ volatile("" : : "r"(a) : "memory");
}

// The same without reading the lines that are overwritten.
static void stream(float *restrict a, const float *restrict b, const float *restrict c) {
#if defined(__AVX512F__)
  for (size_t i = 0; i < kElements; i += 16)
    _mm512_stream_ps(
        a + i, _mm512_fmadd_ps(_mm512_set1_ps(3.0f), _mm512_load_ps(c + i), _mm512_load_ps(b + i)));
  _mm_sfence();
#elif defined(__AVX2__) && defined(__FMA__)
  for (size_t i = 0; i < kElements; i += 8)
    _mm256_stream_ps(
        a + i, _mm256_fmadd_ps(_mm256_set1_ps(3.0f), _mm256_load_ps(c + i), _mm256_load_ps(b + i)));
  _mm_sfence();
#else
  triad(a, b, c);
#endif
}

static int descending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

// Every thread measures the whole, between barriers; thread 0 reports.
static void *work(void *argument) {
  int first = argument == NULL;
  float *arrays[3];
  for (int i = 0; i < 3; ++i) {
    arrays[i] = aligned_alloc(64, kElements * sizeof(float));
    if (!arrays[i]) exit(1);
    for (size_t k = 0; k < kElements; ++k) arrays[i][k] = (float)(k % 97) + (float)i;
  }
  double gflops[kRounds], bytes[kRounds], streamed[kRounds];
  volatile float sink = 0;
  for (int r = 0; r < kRounds; ++r) {
    pthread_barrier_wait(&barrier);
    double start = now();
    sink = sink + multiply_adds();
    pthread_barrier_wait(&barrier);
    gflops[r] = 2.0 * kLanes * kChains * kSteps * threads / (now() - start) * 1e-9;
    pthread_barrier_wait(&barrier);
    start = now();
    triad(arrays[0], arrays[1], arrays[2]);
    pthread_barrier_wait(&barrier);
    bytes[r] = 12.0 * (double)kElements * threads / (now() - start) * 1e-9;
    pthread_barrier_wait(&barrier);
    start = now();
    stream(arrays[0], arrays[1], arrays[2]);
    pthread_barrier_wait(&barrier);
    streamed[r] = 12.0 * (double)kElements * threads / (now() - start) * 1e-9;
  }
  if (first) {
    qsort(gflops, kRounds, sizeof *gflops, descending);
    qsort(bytes, kRounds, sizeof *bytes, descending);
    qsort(streamed, kRounds, sizeof *streamed, descending);
    printf("{\"gflops\": %.2f, \"triad_gbs\": %.2f, \"stream_gbs\": %.2f}\n", gflops[kRounds / 4],
           bytes[kRounds / 4], streamed[kRounds / 4]);
  }
  for (int i = 0; i < 3; ++i) free(arrays[i]);
  return NULL;
}

int main(int argc, char **argv) {
  threads = argc > 1 ? atoi(argv[1]) : 1;
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  pthread_t *others = calloc((size_t)threads, sizeof *others);
  for (int i = 1; i < threads; ++i) pthread_create(&others[i], NULL, work, others);
  work(NULL);
  for (int i = 1; i < threads; ++i) pthread_join(others[i], NULL);
  free(others);
  return 0;
}
