#include "tools/graven-run/ceilings.h"

#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#if defined(__SSE__)
#include <immintrin.h>
#endif

#include "absl/strings/str_format.h"

namespace graven::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 12;
constexpr double kRoundSeconds = 1.5e-3;
constexpr uint64_t kLeastTriadBytes = uint64_t{96} << 20, kMostTriadBytes = uint64_t{256} << 20;

typedef float Vector4 __attribute__((vector_size(16)));
typedef float Vector8 __attribute__((vector_size(32)));
typedef float Vector16 __attribute__((vector_size(64)));

// Chains of dependent multiply-adds, enough of them to hide the latency, few enough to stay in
// registers. The values tend to a fixed point, far from zero and from infinity.
template <typename Vector, int kChains>
[[gnu::always_inline]] inline float MultiplyAdds(int64_t steps) {
  const Vector factor = Vector{} + 0.999f, term = Vector{} + 1e-3f;
  Vector chain[kChains];
#pragma GCC unroll 32
  for (int i = 0; i < kChains; ++i) chain[i] = Vector{} + static_cast<float>(i);
  for (int64_t n = 0; n < steps; ++n) {
#pragma GCC unroll 32
    for (int i = 0; i < kChains; ++i) {
      chain[i] = chain[i] * factor + term;
      // Keeps the vectorizer from joining chains, and every chain in a register of its own.
#if defined(__x86_64__)
      asm volatile("" : "+v"(chain[i]));
#elif defined(__aarch64__)
      asm volatile("" : "+w"(chain[i]));
#endif
    }
  }
  Vector sum = chain[0];
#pragma GCC unroll 32
  for (int i = 1; i < kChains; ++i) sum += chain[i];
  return sum[0];
}

struct MultiplyAddLoop {
  float (*run)(int64_t steps);
  double flops_per_step;
  const char *vector;
};

#if defined(__x86_64__)
[[gnu::target("avx512f")]] float MultiplyAdds512(int64_t n) {
  return MultiplyAdds<Vector16, 12>(n);
}
[[gnu::target("avx2,fma")]] float MultiplyAdds256(int64_t n) {
  return MultiplyAdds<Vector8, 12>(n);
}
float MultiplyAdds128(int64_t n) { return MultiplyAdds<Vector4, 12>(n); }

MultiplyAddLoop WidestLoop() {
  if (__builtin_cpu_supports("avx512f")) return {MultiplyAdds512, 2.0 * 16 * 12, "avx512f"};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return {MultiplyAdds256, 2.0 * 8 * 12, "avx2+fma"};
  }
  return {MultiplyAdds128, 2.0 * 4 * 12, "sse2"};
}
#else
float MultiplyAdds128(int64_t n) { return MultiplyAdds<Vector4, 20>(n); }

MultiplyAddLoop WidestLoop() {
#if defined(__aarch64__)
  return {MultiplyAdds128, 2.0 * 4 * 20, "neon"};
#else
  return {MultiplyAdds128, 2.0 * 4 * 20, "generic"};
#endif
}
#endif

// The three arrays of one thread.
struct Arrays {
  explicit Arrays(size_t length) : n(length) {
    for (float *&array : arrays) {
      array = static_cast<float *>(std::aligned_alloc(64, n * sizeof(float)));
      if (array == nullptr) throw std::bad_alloc();
    }
  }
  ~Arrays() {
    for (float *array : arrays) std::free(array);
  }
  Arrays(const Arrays &) = delete;
  Arrays &operator=(const Arrays &) = delete;

  // By the thread that uses them, which brings the pages near to it.
  void Fill() {
    for (float *array : arrays) {
      for (size_t i = 0; i < n; ++i) array[i] = static_cast<float>(i % 97);
    }
  }

  size_t n;
  float *arrays[3] = {};
};

void Triad(const Arrays &of) {
  float *__restrict a = of.arrays[0];
  const float *__restrict b = of.arrays[1], *__restrict c = of.arrays[2];
  for (size_t i = 0; i < of.n; ++i) a[i] = b[i] + 3.0f * c[i];
  asm volatile("" : : "r"(a) : "memory");
}

#if defined(__SSE__)
constexpr bool kStoresPastCaches = true;
// The lines that are overwritten are not read first.
void TriadPastCaches(const Arrays &of) {
  const float *b = of.arrays[1], *c = of.arrays[2];
  const __m128 scale = _mm_set1_ps(3.0f);
  for (size_t i = 0; i < of.n; i += 4) {
    _mm_stream_ps(of.arrays[0] + i,
                  _mm_add_ps(_mm_load_ps(b + i), _mm_mul_ps(scale, _mm_load_ps(c + i))));
  }
  _mm_sfence();
}
#else
constexpr bool kStoresPastCaches = false;
void TriadPastCaches(const Arrays &) {}
#endif

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

// The time that a quarter of the rounds stay below.
double LowerQuartile(std::vector<double> &times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 4];
}

uint64_t TriadBytes() {
  uint64_t cache = 0;
#ifdef _SC_LEVEL3_CACHE_SIZE
  long size = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (size > 0) cache = static_cast<uint64_t>(size);
#endif
  return std::clamp(4 * cache, kLeastTriadBytes, kMostTriadBytes);
}

}  // namespace

Ceilings ProbeCeilings(int threads) {
  Ceilings found;
  found.threads = threads = std::max(threads, 1);
  const MultiplyAddLoop loop = WidestLoop();
  found.vector = loop.vector;
  // Whole cache lines for each array of each thread.
  const size_t elements = TriadBytes() / 3 / static_cast<size_t>(threads) / 64 * 16;
  found.triad_bytes = 3 * elements * sizeof(float) * static_cast<size_t>(threads);

  Clock::time_point start = Clock::now();
  constexpr int64_t kTrialSteps = 20000;
  volatile float result = loop.run(kTrialSteps);
  result = loop.run(kTrialSteps);
  (void)result;
  const int64_t steps = std::max<int64_t>(
      1000, static_cast<int64_t>(2 * kTrialSteps * kRoundSeconds / Seconds(start)));

  std::barrier all(threads);
  std::vector<double> computed, copied, streamed;
  // Every thread does all of it, between barriers; the first one keeps the times.
  auto work = [&](Arrays &arrays, bool first) {
    arrays.Fill();
    auto time = [&](std::vector<double> &times, const std::function<void()> &body) {
      all.arrive_and_wait();
      Clock::time_point began = Clock::now();
      body();
      all.arrive_and_wait();
      if (first) times.push_back(Seconds(began));
    };
    for (int round = 0; round < kRounds; ++round) {
      time(computed, [&] {
        volatile float sum = loop.run(steps);
        (void)sum;
      });
      time(copied, [&] { Triad(arrays); });
      if (kStoresPastCaches) time(streamed, [&] { TriadPastCaches(arrays); });
    }
  };
  std::vector<std::unique_ptr<Arrays>> arrays;
  for (int t = 0; t < threads; ++t) arrays.push_back(std::make_unique<Arrays>(elements));
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) {
    others.emplace_back([&work, &mine = *arrays[static_cast<size_t>(t)]] { work(mine, false); });
  }
  work(*arrays[0], true);
  for (std::thread &other : others) other.join();

  found.gflops =
      loop.flops_per_step * static_cast<double>(steps) * threads / LowerQuartile(computed) * 1e-9;
  const double bytes = static_cast<double>(found.triad_bytes);
  found.gbs = bytes / LowerQuartile(copied) * 1e-9;
  if (kStoresPastCaches) {
    double past = bytes / LowerQuartile(streamed) * 1e-9;
    found.past_caches = past > found.gbs;
    found.gbs = std::max(found.gbs, past);
  }
  return found;
}

Ceilings Higher(const Ceilings &a, const Ceilings &b) {
  Ceilings higher = a.gbs >= b.gbs ? a : b;
  higher.gflops = std::max(a.gflops, b.gflops);
  return higher;
}

std::string SizeText(uint64_t bytes) {
  double size = static_cast<double>(bytes);
  if (size < 1e6) return absl::StrFormat("%.1f kB", size * 1e-3);
  if (size < 1e9) return absl::StrFormat("%.1f MB", size * 1e-6);
  return absl::StrFormat("%.1f GB", size * 1e-9);
}

}  // namespace graven::tools
