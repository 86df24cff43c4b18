// What this machine can do: the limits that a profile compares kernels with.
#ifndef GRAVEN_TOOLS_GRAVEN_RUN_CEILINGS_H_
#define GRAVEN_TOOLS_GRAVEN_RUN_CEILINGS_H_

#include <cstdint>
#include <string>

namespace graven::tools {

// Measured with `threads` threads at once, all sums over threads.
struct Ceilings {
  int threads = 1;
  // f32 operations per second / 1e9, a multiply-add counted as two, in vectors of `vector`.
  double gflops = 0;
  // Bytes per second / 1e9 of a[i] = b[i] + s c[i], 12 bytes per element, over arrays of
  // `triad_bytes` in all, larger than the caches.
  double gbs = 0;
  uint64_t triad_bytes = 0;
  const char *vector = "";   // "avx512f", "avx2+fma", "sse2", "neon", "generic"
  bool past_caches = false;  // stores past the caches were the faster ones
};

// Probes `threads` threads (at least 1) for a few tenths of a second. Takes the upper quartile of
// many short rounds, so that a tick of the clock does not count, a busy or slower machine does.
Ceilings ProbeCeilings(int threads);

// The higher of two probes of as many threads, limit by limit.
Ceilings Higher(const Ceilings &a, const Ceilings &b);

// "4.0 GB", "96.0 MB".
std::string SizeText(uint64_t bytes);

}  // namespace graven::tools

#endif  // GRAVEN_TOOLS_GRAVEN_RUN_CEILINGS_H_
