// Input tensors that all contenders fill alike, and digests of outputs by which they are compared;
// values.py says the same in Python.
#ifndef GRAVEN_TOOLS_BENCH_WORKERS_TENSORS_H_
#define GRAVEN_TOOLS_BENCH_WORKERS_TENSORS_H_

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A number in [0, 1) for element `i` of input `input`: 24 bits of a hash of both.
static inline double uniform_at(uint32_t input, uint32_t i) {
  uint32_t x = i * 2654435761u + (input + 1) * 0x9e3779b9u;
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  x ^= x >> 16;
  return (double)(x >> 8) / 16777216.0;
}

// 64-byte aligned; null when there is no memory.
static inline void *tensor_memory(size_t bytes) {
  void *data = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (data) memset(data, 0, bytes);
  return data;
}

static inline float *uniform_floats(uint32_t input, size_t count, double lo, double hi) {
  float *data = (float *)tensor_memory(count * sizeof(float));
  for (size_t i = 0; data && i < count; ++i)
    data[i] = (float)(lo + (hi - lo) * uniform_at(input, (uint32_t)i));
  return data;
}

static inline int32_t *uniform_integers(uint32_t input, size_t count, int64_t lo, int64_t hi) {
  int32_t *data = (int32_t *)tensor_memory(count * sizeof(int32_t));
  for (size_t i = 0; data && i < count; ++i)
    data[i] = (int32_t)(lo + (int64_t)((double)(hi - lo) * uniform_at(input, (uint32_t)i)));
  return data;
}

// Prints [mean, mean of squares, mean weighted by position], which tells a result from its
// transpose.
static inline void print_digest(const float *data, size_t count) {
  double sum = 0, squares = 0, weighted = 0;
  for (size_t i = 0; i < count; ++i) {
    sum += data[i];
    squares += (double)data[i] * data[i];
    weighted += (double)data[i] * (double)(i % 1021) / 1021.0;
  }
  printf("[%.9g, %.9g, %.9g]", sum / (double)count, squares / (double)count,
         weighted / (double)count);
}

#endif  // GRAVEN_TOOLS_BENCH_WORKERS_TENSORS_H_
