// Speed of kernels that memory bounds, beside a triad on the same machine, for people:
//   memory_benchmark [-t THREADS] [FILTER]
// Bytes are the least that the algorithm must move: each input and each output once. Not a test.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <thread>

#include "test/compiler/codegen/cpu/kernel_harness.h"

namespace graven::codegen::cpu {
namespace {

// One thread counts its own time alone, so that other programs do not count.
clockid_t measured_clock = CLOCK_THREAD_CPUTIME_ID;

double seconds() {
  timespec now;
  clock_gettime(measured_clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void pin(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

// The calling thread and, with two threads, a second one that waits in a loop.
class Pair {
 public:
  explicit Pair(int threads) : threads_(threads) {
    if (threads_ < 2) return;
    // The second thread inherits the processors and the priority of the first: it moves away before
    // the first one waits in a loop, which could keep it from ever running.
    std::promise<void> moved;
    other_ = std::thread([this, &moved] {
      pin(1);
      moved.set_value();
      for (int turn = 1;; ++turn) {
        while (begun_.load(std::memory_order_acquire) < turn) {
        }
        if (!work_) return;
        (*work_)(1, 2);
        done_.store(turn, std::memory_order_release);
      }
    });
    moved.get_future().wait();
    pin(0);
  }
  ~Pair() {
    if (threads_ < 2) return;
    work_ = nullptr;
    begun_.store(begun_ + 1, std::memory_order_release);
    other_.join();
  }
  // Runs work(share, shares) for each share.
  void run(const std::function<void(int, int)> &work) {
    if (threads_ < 2) return work(0, 1);
    work_ = &work;
    int turn = begun_ + 1;
    begun_.store(turn, std::memory_order_release);
    work(0, 2);
    while (done_.load(std::memory_order_acquire) < turn) {
    }
  }

 private:
  int threads_;
  const std::function<void(int, int)> *work_ = nullptr;
  std::atomic<int> begun_{0}, done_{0};
  std::thread other_;
};

// Large blocks ask for huge pages, as the runtime does for its own.
void *pages(int64_t bytes) {
  constexpr int64_t kHuge = 2 << 20;
  bool huge = bytes >= 2 * kHuge;
  int64_t unit = huge ? kHuge : 64;
  bytes = (bytes + 64 + unit - 1) / unit * unit;
  void *memory = aligned_alloc(unit, bytes);
  if (huge) madvise(memory, bytes, MADV_HUGEPAGE);
  return memory;
}

double median(const std::function<void()> &once, double budget) {
  once();
  double begin = seconds();
  once();
  double first = std::max(seconds() - begin, 1e-7);
  int repeat = std::max(1, static_cast<int>(1e-3 / first));
  int rounds = std::clamp(static_cast<int>(budget / (first * repeat)), 5, 60);
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    begin = seconds();
    for (int i = 0; i < repeat; ++i) once();
    times.push_back((seconds() - begin) / repeat);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) void triad(const float *a, const float *b, float *c, int64_t lo,
                                              int64_t hi, bool stream) {
  __m512 k = _mm512_set1_ps(3);
  if (stream)
    for (int64_t i = lo; i < hi; i += 16)
      _mm512_stream_ps(c + i, _mm512_fmadd_ps(k, _mm512_load_ps(b + i), _mm512_load_ps(a + i)));
  else
    for (int64_t i = lo; i < hi; i += 16)
      _mm512_store_ps(c + i, _mm512_fmadd_ps(k, _mm512_load_ps(b + i), _mm512_load_ps(a + i)));
  _mm_sfence();
}
#else
void triad(const float *a, const float *b, float *c, int64_t lo, int64_t hi, bool) {
  for (int64_t i = lo; i < hi; ++i) c[i] = a[i] + 3 * b[i];
}
#endif

void measureTriad(Pair &threads) {
  constexpr int64_t kCount = 16 << 20;
  float *v[3];
  for (float *&each : v) {
    each = static_cast<float *>(pages(kCount * 4));
    for (int64_t i = 0; i < kCount; ++i) each[i] = static_cast<float>(i % 17);
  }
  for (bool stream : {false, true}) {
    double time = median(
        [&] {
          threads.run([&](int share, int shares) {
            triad(v[0], v[1], v[2], kCount * share / shares, kCount * (share + 1) / shares, stream);
          });
        },
        0.5);
    printf("%-28s %12.2f us %8.2f GB/s\n", stream ? "triad, streaming stores" : "triad", time * 1e6,
           12.0 * kCount / time * 1e-9);
  }
  for (float *each : v) free(each);
}

struct Case {
  std::string name;
  std::string text;
  // Inputs whose memory the first outputs take: {input, output}.
  std::vector<std::pair<int, int>> in_place;
};

void measure(const Case &c, Pair &threads) {
  CompiledKernel kernel(c.text);
  if (!kernel.ok()) return;
  std::vector<void *> buffers, owned;
  auto allocate = [&](int64_t bytes) {
    owned.push_back(pages(bytes));
    buffers.push_back(owned.back());
  };
  auto sizeOf = [](mlir::Type type) {
    auto tensor = mlir::cast<mlir::RankedTensorType>(type);
    return tensor.getNumElements() * ((tensor.getElementTypeBitWidth() + 7) / 8);
  };
  int64_t bytes = 0;
  for (mlir::Type type : kernel.func().getInputTypes()) {
    int64_t size = sizeOf(type);
    bytes += size;
    allocate(size);
    auto tensor = mlir::cast<mlir::RankedTensorType>(type);
    uint32_t random = 12345;
    bool real = mlir::isa<mlir::FloatType>(tensor.getElementType());
    for (int64_t i = 0; i < size / 4; ++i) {
      random = random * 1664525u + 1013904223u;
      if (real)
        static_cast<float *>(buffers.back())[i] = static_cast<float>(random >> 8) * 0x1p-22f + 0.1f;
      else
        static_cast<int32_t *>(buffers.back())[i] = random >> 20;
    }
  }
  size_t outputs = buffers.size();
  for (mlir::Type type : kernel.func().getOutputTypes()) {
    int64_t size = sizeOf(type);
    bytes += size;
    int output = buffers.size() - outputs, shared = -1;
    for (auto [from, to] : c.in_place)
      if (to == output) shared = from;
    if (shared >= 0) {
      if (!kernel.func().mayShare(shared, output))
        printf("(%s may not be in place) ", c.name.c_str());
      buffers.push_back(buffers[shared]);
    } else {
      allocate(size);
      memset(buffers.back(), 0, size);
    }
  }
  if (kernel.func().getScratchBytes()) {
    allocate(kernel.func().getScratchBytes());
    memset(buffers.back(), 0, kernel.func().getScratchBytes());
  }
  double time = median(
      [&] {
        for (size_t stage = 0; stage < kernel.stages(); ++stage)
          threads.run([&](int share, int shares) {
            kernel.launchPart(stage, buffers.data(), share, shares);
          });
      },
      0.4);
  printf("%-28s %12.2f us %8.2f GB/s  %s %s\n", c.name.c_str(), time * 1e6,
         static_cast<double>(bytes) / time * 1e-9, kernel.strategy().c_str(),
         kernel.func().getSymName().str().c_str());
  fflush(stdout);
  for (void *buffer : owned) free(buffer);
}

// A little writer of kernels: types of values are remembered.
class Text {
 public:
  std::string input(const std::string &type) {
    types_.push_back(type);
    std::string name = "%a" + std::to_string(types_.size() - 1);
    type_of_[name] = type;
    return name;
  }
  std::string op(const std::string &name, const std::vector<std::string> &operands,
                 const std::string &options, const std::string &type) {
    std::string result = "%v" + std::to_string(count_++), list, in;
    for (const std::string &operand : operands) {
      list += (list.empty() ? "" : ", ") + operand;
      in += (in.empty() ? "" : ", ") + ("tensor<" + type_of_[operand] + ">");
    }
    if (!options.empty()) list += (list.empty() ? "" : ", ") + options;
    body_ +=
        "    " + result + " = " + name + "(" + list + ") : (" + in + ") -> tensor<" + type + ">\n";
    type_of_[result] = type;
    return result;
  }
  std::string binary(const std::string &name, const std::string &a, const std::string &b) {
    return op(name, {a, b}, "", type_of_[a]);
  }
  std::string unary(const std::string &name, const std::string &a) {
    return op(name, {a}, "", type_of_[a]);
  }
  // A number in the shape of `like`.
  std::string number(const std::string &value, const std::string &like) {
    std::string type = type_of_[like];
    return op("constant", {}, value + ", shape = " + dims(type) + ", dtype = f32", type);
  }
  static std::string dims(const std::string &type) {
    std::string result =
        "[" + type.substr(0, type.rfind('x') == std::string::npos ? 0 : type.rfind('x')) + "]";
    for (size_t at; (at = result.find('x')) != std::string::npos;) result.replace(at, 1, ", ");
    return result;
  }
  std::string spread(const std::string &value, const std::string &type, const std::string &axes) {
    return op("broadcast", {value}, "shape = " + dims(type) + ", axes = " + axes, type);
  }
  std::string finish(const std::string &kind, const std::vector<std::string> &results) {
    std::vector<std::string> types;
    for (const std::string &result : results) types.push_back(type_of_[result]);
    return kernelText(kind, types_, body_, results, types);
  }

 private:
  std::vector<std::string> types_;
  std::string body_;
  std::map<std::string, std::string> type_of_;
  int count_ = 0;
};

std::string n(int64_t number) { return std::to_string(number); }
std::string f32(std::initializer_list<int64_t> shape) {
  std::string type;
  for (int64_t length : shape) type += n(length) + "x";
  return type + "f32";
}

Case softmax(int64_t rows, int64_t columns) {
  Text t;
  std::string s = f32({rows, columns}), r = f32({rows}), x = t.input(s);
  std::string top = t.op("max", {x}, "axis = 1", r);
  std::string e = t.unary("exp", t.binary("subtract", x, t.spread(top, s, "[0]")));
  std::string sum = t.op("sum", {e}, "axis = 1", r);
  return {"softmax " + n(rows) + "x" + n(columns),
          t.finish("row", {t.binary("divide", e, t.spread(sum, s, "[0]"))}),
          {}};
}

// Loss of each row and the gradient by its scores, as the compiler derives it.
Case crossEntropy(int64_t rows, int64_t columns) {
  Text t;
  std::string s = f32({rows, columns}), r = f32({rows}), x = t.input(s),
              si = n(rows) + "x" + n(columns) + "xi32", label = t.input(n(rows) + "xi32");
  std::string top = t.op("max", {x}, "axis = 1", r);
  std::string shifted = t.binary("subtract", x, t.spread(top, s, "[0]"));
  std::string e = t.unary("exp", shifted);
  std::string sum = t.op("sum", {e}, "axis = 1", r);
  std::string place = t.op("iota", {}, "shape = " + Text::dims(s) + ", axis = 1", si);
  std::string wanted = t.op("broadcast", {label}, "shape = " + Text::dims(s) + ", axes = [0]", si);
  std::string hit = t.op("equal", {place, wanted}, "", n(rows) + "x" + n(columns) + "xi1");
  std::string truth = t.op("convert", {hit}, "dtype = f32", s);
  std::string logs = t.binary("subtract", shifted, t.spread(t.unary("log", sum), s, "[0]"));
  std::string loss = t.op("sum", {t.binary("multiply", truth, logs)}, "axis = 1", r);
  std::string cost = t.binary("multiply", truth, t.number("-0.002", truth));
  std::string all = t.op("sum", {t.unary("negate", cost)}, "axis = 1", r);
  std::string share = t.spread(t.binary("divide", all, sum), s, "[0]");
  std::string gradient = t.binary("add", cost, t.binary("multiply", share, e));
  return {"cross-entropy " + n(rows) + "x" + n(columns), t.finish("row", {gradient, loss}), {}};
}

Case layerNorm(int64_t rows, int64_t columns) {
  Text t;
  std::string s = f32({rows, columns}), r = f32({rows}), c = f32({columns}), x = t.input(s),
              scale = t.input(c), shift = t.input(c);
  std::string sum = t.op("sum", {x}, "axis = 1", r);
  std::string share = t.number(std::to_string(1.0 / static_cast<double>(columns)), sum);
  std::string mean = t.binary("multiply", sum, share);
  std::string centered = t.binary("subtract", x, t.spread(mean, s, "[0]"));
  std::string squares = t.op("sum", {t.binary("multiply", centered, centered)}, "axis = 1", r);
  std::string variance = t.binary("multiply", squares, share);
  std::string norm = t.unary("rsqrt", t.binary("add", variance, t.number("1.0e-5", variance)));
  std::string y = t.binary("multiply", centered, t.spread(norm, s, "[0]"));
  y = t.binary("multiply", y, t.spread(scale, s, "[1]"));
  y = t.binary("add", y, t.spread(shift, s, "[1]"));
  return {"layer norm " + n(rows) + "x" + n(columns), t.finish("row", {y}), {}};
}

Case adam(int64_t count) {
  Text t;
  std::string s = f32({count}), rate = t.input("f32"), w = t.input(s), m = t.input(s),
              v = t.input(s), g = t.input(s);
  auto mix = [&](const std::string &a, const std::string &b, const char *p, const char *q) {
    return t.binary("add", t.binary("multiply", a, t.number(p, a)),
                    t.binary("multiply", b, t.number(q, b)));
  };
  std::string m1 = mix(m, g, "0.9", "0.1"),
              v1 = mix(v, t.binary("multiply", g, g), "0.999", "0.001");
  std::string below = t.binary("add", t.unary("sqrt", v1), t.number("1.0e-7", v1));
  std::string move = t.binary("divide", t.binary("multiply", m1, t.spread(rate, s, "[]")), below);
  std::string text = t.finish("segments", {t.binary("subtract", w, move), m1, v1});
  text.replace(text.find("kind = \"segments\""), 17,
               "kind = \"segments\", segments = 1 : i64, shared = 1 : i64");
  return {"adam " + n(count), text, {{1, 0}, {2, 1}, {3, 2}}};
}

Case reduce(const std::string &op, const std::string &type, const std::string &axes,
            const std::string &to, const std::string &kind) {
  Text t;
  std::string x = t.input(type);
  return {op + " " + type.substr(0, type.rfind('x')) + " over " + axes,
          t.finish(kind, {t.op(op, {x}, "axis = " + axes, to)}),
          {}};
}

Case map(int64_t count, const std::string &op, int inputs) {
  Text t;
  std::vector<std::string> in;
  for (int i = 0; i < inputs; ++i) in.push_back(t.input(f32({count})));
  return {op + " " + n(count), t.finish("map", {t.op(op, in, "", f32({count}))}), {}};
}

Case moved(const std::string &name, const std::string &op, const std::string &from,
           const std::string &options, const std::string &to) {
  Text t;
  std::string x = t.input(from);
  return {name, t.finish("map", {t.op(op, {x}, options, to)}), {}};
}

Case joined(int64_t rows, int64_t columns) {
  Text t;
  std::string a = t.input(f32({rows, columns})), b = t.input(f32({rows, columns}));
  return {"concatenate " + n(rows) + "x" + n(columns),
          t.finish("map", {t.op("concatenate", {a, b}, "axis = 1", f32({rows, 2 * columns}))}),
          {}};
}

Case gather(int64_t table, int64_t width, int64_t count) {
  Text t;
  std::string x = t.input(f32({table, width})), i = t.input(n(count) + "xi32");
  return {"gather " + n(count) + " of " + n(table) + "x" + n(width),
          t.finish("map", {t.op("gather", {x, i}, "axis = 0", f32({count, width}))}),
          {}};
}

Case scatter(int64_t table, int64_t width, int64_t count) {
  Text t;
  std::string i = t.input(n(count) + "xi32"), u = t.input(f32({count, width})),
              type = f32({table, width});
  std::string zero =
      t.op("constant", {}, "0.0, shape = " + Text::dims(type) + ", dtype = f32", type);
  return {"scatter_add " + n(count) + " to " + n(table) + "x" + n(width),
          t.finish("reference", {t.op("scatter_add", {zero, i, u}, "axis = 0", type)}),
          {}};
}

}  // namespace
}  // namespace graven::codegen::cpu

int main(int argc, char **argv) {
  using namespace graven::codegen::cpu;
  testing::InitGoogleTest(&argc, argv);
  int threads = 1;
  const char *filter = nullptr;
  for (int i = 1; i < argc; ++i) {
    if (!strcmp(argv[i], "-t") && i + 1 < argc)
      threads = atoi(argv[++i]);
    else
      filter = argv[i];
  }
  if (threads > 1) measured_clock = CLOCK_MONOTONIC;
  Pair pair(threads);
  measureTriad(pair);
  const std::function<Case()> cases[] = {
      [] { return softmax(512, 512); },
      [] { return softmax(8192, 4096); },
      [] { return softmax(65536, 512); },
      [] { return softmax(2048, 16384); },
      [] { return softmax(600, 50257); },
      [] { return softmax(128, 10); },
      [] { return crossEntropy(512, 512); },
      [] { return crossEntropy(8192, 4096); },
      [] { return layerNorm(512, 512); },
      [] { return layerNorm(8192, 4096); },
      [] { return layerNorm(65536, 512); },
      [] { return layerNorm(2048, 16384); },
      [] { return adam(32 << 20); },
      [] { return adam(101770); },
      [] { return reduce("sum", f32({4 << 20}), "[0]", "f32", "row"); },
      [] { return reduce("sum", f32({64 << 20}), "[0]", "f32", "row"); },
      [] { return reduce("sum", f32({65536}), "[0]", "f32", "row"); },
      [] { return reduce("max", f32({8192, 4096}), "[1]", f32({8192}), "row"); },
      [] { return reduce("sum", f32({8192, 4096}), "[0]", f32({4096}), "column"); },
      [] { return reduce("sum", f32({128, 512}), "[0]", f32({512}), "column"); },
      [] { return reduce("sum", f32({32, 64, 56, 56}), "[0, 2, 3]", f32({64}), "reference"); },
      [] { return reduce("sum", f32({64, 64, 28, 28}), "[0, 2, 3]", f32({64}), "reference"); },
      [] { return reduce("sum", f32({64, 56, 8, 128}), "[1]", f32({64, 8, 128}), "reference"); },
      [] { return reduce("argmax", f32({8192, 4096}), "1", "8192xi32", "row"); },
      [] { return reduce("argmax", f32({128, 10}), "1", "128xi32", "row"); },
      [] { return map(65536, "add", 2); },
      [] { return map(4 << 20, "add", 2); },
      [] { return map(32 << 20, "add", 2); },
      [] { return map(32 << 20, "abs", 1); },
      [] {
        return moved("transpose 512x512", "transpose", f32({512, 512}), "permutation = [1, 0]",
                     f32({512, 512}));
      },
      [] {
        return moved("transpose 4096x4096", "transpose", f32({4096, 4096}), "permutation = [1, 0]",
                     f32({4096, 4096}));
      },
      [] {
        return moved("transpose 1000x2001", "transpose", f32({1000, 2001}), "permutation = [1, 0]",
                     f32({2001, 1000}));
      },
      [] {
        return moved("transpose 8x128x12x64", "transpose", f32({8, 128, 12, 64}),
                     "permutation = [0, 2, 1, 3]", f32({8, 12, 128, 64}));
      },
      [] {
        return moved("transpose 16x64x784", "transpose", f32({16, 64, 784}),
                     "permutation = [0, 2, 1]", f32({16, 784, 64}));
      },
      [] {
        return moved("slice 4000x4000", "slice", f32({4096, 4096}),
                     "start = [48, 48], limit = [4048, 4048]", f32({4000, 4000}));
      },
      [] {
        return moved("pad 32x64x56x56", "pad", f32({32, 64, 56, 56}),
                     "low = [0, 0, 1, 1], high = [0, 0, 1, 1]", f32({32, 64, 58, 58}));
      },
      [] { return joined(4096, 1024); },
      [] { return gather(30000, 512, 4096); },
      [] { return scatter(30000, 512, 4096); },
      [] { return scatter(1000, 64, 512); },
  };
  for (const auto &make : cases) {
    Case each = make();
    if (filter && each.name.find(filter) == std::string::npos) continue;
    measure(each, pair);
  }
}
