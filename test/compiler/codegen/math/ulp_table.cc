// Not a test: measures the error of every elementary function over all numbers of f32, and over
// samples of f64 and of pairs, and keeps the results as a table.
//
//   ulp_table TABLE.md [--functions=exp,log] [--types=f32,f64] [--numerics=fast,strict]
//             [--every=1] [--pairs=1000000000] [--samples=1000000] [--threads=1]
//
// A function is a kernel of one op over 65,536 elements, as models get it. Error is
// |computed - exact| / ulp(exact), where ulp(exact) is the distance of neighbouring numbers in the
// binade of the exact result, not less than the smallest subnormal number. Exact means the C
// library in f64 for f32, whose own error is some 10^-8 of these units, and libquadmath for f64.
// All numerics asked for are compared with one computation of it. Rows that TABLE.md holds of other
// functions stay.
#include <gtest/gtest.h>
#include <quadmath.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <limits>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "test/compiler/codegen/cpu/kernel_harness.h"

namespace graven::codegen {
namespace {

constexpr int64_t kBatch = 65536;
using Quad = __float128;

struct Function {
  const char *name;
  int operands;
  double (*exact)(double, double);  // for f32
  Quad (*exact_quad)(Quad, Quad);   // for f64
};

// `call` applies to x (and y) by functions of either type.
#define GRAVEN_UNARY(name, function)                            \
  {#name, 1, [](double x, double) { return std::function(x); }, \
   [](Quad x, Quad) { return function##q(x); }}
const Function kFunctions[] = {
    GRAVEN_UNARY(exp, exp),
    GRAVEN_UNARY(expm1, expm1),
    GRAVEN_UNARY(log, log),
    GRAVEN_UNARY(log1p, log1p),
    GRAVEN_UNARY(tanh, tanh),
    {"logistic", 1, [](double x, double) { return 1 / (1 + std::exp(-x)); },
     [](Quad x, Quad) { return 1 / (1 + expq(-x)); }},
    GRAVEN_UNARY(erf, erf),
    GRAVEN_UNARY(erfc, erfc),
    GRAVEN_UNARY(sin, sin),
    GRAVEN_UNARY(cos, cos),
    GRAVEN_UNARY(sqrt, sqrt),
    {"rsqrt", 1, [](double x, double) { return 1 / std::sqrt(x); },
     [](Quad x, Quad) { return 1 / sqrtq(x); }},
    {"power", 2, [](double x, double y) { return std::pow(x, y); },
     [](Quad x, Quad y) { return powq(x, y); }},
};
#undef GRAVEN_UNARY

struct Options {
  std::string table, functions;
  std::string types = ",f32,f64,", numerics = ",fast,strict,";
  uint64_t every = 1, pairs = 1000000000, samples = 1000000;
  int threads = 1;
};

template <typename T>
struct Result {
  double ulp = 0;
  T x = 0, y = 0;
  double normal = 0;  // the largest error where the exact result is a normal number
  uint64_t count = 0;
  uint64_t special = 0;  // exact results that are NaN, infinite or zero
  uint64_t wrong = 0;    // of those, and of signs of zeros that results became

  void join(const Result &other) {
    if (other.ulp > ulp) ulp = other.ulp, x = other.x, y = other.y;
    normal = std::max(normal, other.normal);
    count += other.count;
    special += other.special;
    wrong += other.wrong;
  }
};

// Biased binary exponent and sign without a call; enough for normal numbers of f64.
int exponentOf(double x) { return int(std::bit_cast<uint64_t>(x) >> 52 & 2047) - 1023; }
int exponentOf(Quad x) {
  int exponent;
  frexpq(x, &exponent);
  return exponent - 1;
}
bool negative(double x) { return std::signbit(x); }
bool negative(Quad x) { return signbitq(x) != 0; }
double power2(int n, double) { return std::bit_cast<double>(uint64_t(n + 1023) << 52); }
Quad power2(int n, Quad) { return ldexpq(1, n); }

template <typename T, typename Wide>
void add(Result<T> &result, T x, T y, T got, Wide exact) {
  using Limits = std::numeric_limits<T>;
  constexpr int kMost = Limits::max_exponent - 1, kLeast = Limits::min_exponent - 1;
  Wide limit = power2(kMost, exact) * 2;  // what infinity counts as
  Wide size = exact < 0 ? -exact : exact;
  ++result.count;
  bool nan = exact != exact;
  if (nan || exact == 0 || size > Wide(std::numeric_limits<double>::max()) * (sizeof(T) / 4)) {
    ++result.special;
    bool right = nan          ? got != got
                 : exact == 0 ? got == 0 && std::signbit(got) == negative(exact)
                              : std::isinf(got) && std::signbit(got) == negative(exact);
    result.wrong += !right;
    return;
  }
  if (got != got || (got == 0 && std::signbit(got) != negative(exact)) ||
      (std::isinf(got) && std::signbit(got) != negative(exact))) {
    ++result.wrong;
    return;
  }
  if (std::isinf(got) && size >= limit) return;
  Wide value = std::isinf(got) ? (exact < 0 ? -limit : limit) : Wide(got);
  int exponent = std::clamp(exponentOf(exact), kLeast, kMost);
  Wide error = (value - exact) * power2(Limits::digits - 1 - exponent, exact);
  double ulp = std::fabs(static_cast<double>(error));
  if (exponentOf(exact) >= kLeast) result.normal = std::max(result.normal, ulp);
  if (ulp > result.ulp) result.ulp = ulp, result.x = x, result.y = y;
}

template <typename T>
std::vector<T> specialValues() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> values = {0,
                           Limits::denorm_min(),
                           Limits::min() / 2,
                           Limits::min(),
                           Limits::epsilon(),
                           T(0.5),
                           1 - Limits::epsilon() / 2,
                           1,
                           1 + Limits::epsilon(),
                           T(1.5),
                           2,
                           3,
                           4,
                           17,
                           127,
                           128,
                           1023,
                           1024,
                           T(16777215),
                           T(16777217),
                           T(9007199254740991.0),
                           Limits::max() / 2,
                           Limits::max(),
                           Limits::infinity(),
                           Limits::quiet_NaN()};
  for (size_t i = 0, count = values.size() - 1; i < count; ++i) values.push_back(-values[i]);
  return values;
}

using Kernels = std::vector<std::unique_ptr<cpu::CompiledKernel>>;

// Runs `next` over batches until it has filled none; it returns how many arguments it filled. One
// result for each kernel.
template <typename T, typename Next>
std::vector<Result<T>> batches(const Function &function, const Kernels &kernels, Next next) {
  using Wide = std::conditional_t<sizeof(T) == 4, double, Quad>;
  constexpr size_t kAligned = 64 / sizeof(T);
  std::vector<T> memory[3];
  T *buffers[3];
  for (int i = 0; i < 3; ++i) {
    memory[i].resize(kBatch + kAligned);
    buffers[i] = reinterpret_cast<T *>((reinterpret_cast<uintptr_t>(memory[i].data()) + 63) & ~63);
  }
  T *x = buffers[0], *y = buffers[1], *out = buffers[2];
  void *const unary[] = {x, out}, *const binary[] = {x, y, out};
  std::vector<Wide> exact(kBatch);
  std::vector<Result<T>> results(kernels.size());
  while (int64_t count = next(x, y)) {
    for (int64_t i = 0; i < count; ++i) {
      if constexpr (sizeof(T) == 4)
        exact[i] = function.exact(x[i], y[i]);
      else
        exact[i] = function.exact_quad(x[i], y[i]);
    }
    for (size_t kernel = 0; kernel < kernels.size(); ++kernel) {
      kernels[kernel]->launch(function.operands == 2 ? binary : unary);
      for (int64_t i = 0; i < count; ++i)
        add<T, Wide>(results[kernel], x[i], y[i], out[i], exact[i]);
    }
  }
  return results;
}

// Every `every`th bit pattern of f32 whose batch falls to `thread`.
std::vector<Result<float>> patterns(const Function &function, const Kernels &kernels,
                                    const Options &options, int thread) {
  uint64_t number = ((uint64_t{1} << 32) + options.every - 1) / options.every;
  uint64_t from = uint64_t(thread) * kBatch;
  return batches<float>(function, kernels, [&](float *x, float *) {
    int64_t count =
        std::min<int64_t>(kBatch, std::max<int64_t>(0, int64_t(number) - int64_t(from)));
    for (int64_t i = 0; i < count; ++i)
      x[i] = std::bit_cast<float>(uint32_t((from + i) * options.every));
    from += uint64_t(options.threads) * kBatch;
    return count;
  });
}

// All (pairs of) special values, then random ones: bit patterns and numbers of moderate size.
template <typename T>
std::vector<Result<T>> samples(const Function &function, const Kernels &kernels,
                               const Options &options, int thread) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  std::vector<T> special = specialValues<T>();
  uint64_t specials = thread ? 0 : special.size() * (function.operands == 2 ? special.size() : 1);
  uint64_t count_of_type = sizeof(T) == 4 ? options.pairs : options.samples;
  uint64_t total = specials + count_of_type / options.threads, done = 0;
  std::mt19937_64 random(1 + thread);
  std::normal_distribution<double> exponent(0, 4);
  auto moderate = [&] { return T((random() & 1 ? 1 : -1) * std::exp2(exponent(random))); };
  return batches<T>(function, kernels, [&](T *x, T *y) {
    int64_t count = std::min<int64_t>(kBatch, total - done);
    for (int64_t i = 0; i < count; ++i, ++done) {
      if (done < specials) {
        x[i] = special[done % special.size()];
        y[i] = special[done / special.size()];
      } else {
        x[i] = done % 4 ? moderate() : std::bit_cast<T>(Bits(random()));
        y[i] = done % 8 ? moderate() : std::bit_cast<T>(Bits(random()));
      }
      if (function.operands == 2 && done >= specials && done % 4) x[i] = std::fabs(x[i]);
    }
    return count;
  });
}

// The rows of one function and type, one for each of the numerics asked for; none after a failure.
template <typename T>
std::vector<std::string> rows(const Function &function, const char *type, const Options &options) {
  std::string tensor = "tensor<" + std::to_string(kBatch) + "x" + type + ">";
  std::string plain = std::to_string(kBatch) + "x" + type;
  bool binary = function.operands == 2;
  std::string body = std::string("    %0 = ") + function.name + (binary ? "(%a0, %a1)" : "(%a0)") +
                     " : (" + tensor + (binary ? ", " + tensor : "") + ") -> " + tensor + "\n";
  std::vector<std::string> types(function.operands, plain);
  std::vector<const char *> names;
  Kernels kernels;
  for (auto [name, numerics] : {std::pair("fast", strategy::Numerics::kFast),
                                std::pair("strict", strategy::Numerics::kStrict)}) {
    if (options.numerics.find(std::string(",") + name + ",") == std::string::npos) continue;
    names.push_back(name);
    kernels.push_back(std::make_unique<cpu::CompiledKernel>(
        codegen::kernelText("map", types, body, {"%0"}, {plain}), "", "native",
        [&, numerics = numerics](strategy::Target &target) { target.numerics = numerics; }));
    if (!kernels.back()->ok()) return {};
  }
  bool all = sizeof(T) == 4 && !binary;
  std::vector<std::vector<Result<T>>> parts(options.threads);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < options.threads; ++thread)
    threads.emplace_back([&, thread] {
      if constexpr (sizeof(T) == 4) {
        if (all) {
          parts[thread] = patterns(function, kernels, options, thread);
          return;
        }
      }
      parts[thread] = samples<T>(function, kernels, options, thread);
    });
  for (std::thread &thread : threads) thread.join();
  std::vector<std::string> lines;
  for (size_t kernel = 0; kernel < kernels.size(); ++kernel) {
    Result<T> result;
    for (const std::vector<Result<T>> &part : parts) result.join(part[kernel]);
    char date[16], text[512], at[128];
    time_t now = time(nullptr);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
    snprintf(at, sizeof at, binary ? "%.17g, %.17g" : "%.17g", double(result.x), double(result.y));
    snprintf(text, sizeof text,
             "| %s | %s | %s | %.6g | %s | %.4f | %llu%s | %llu, %llu wrong | %s |", function.name,
             type, names[kernel], result.ulp, at, result.normal,
             static_cast<unsigned long long>(result.count),
             !all                 ? ""
             : options.every == 1 ? " (all)"
                                  : (" (every " + std::to_string(options.every) + ")").c_str(),
             static_cast<unsigned long long>(result.special),
             static_cast<unsigned long long>(result.wrong), date);
    lines.push_back(text);
  }
  return lines;
}

// "| exp | f32 | fast |": what a row is of.
std::string keyOf(const std::string &line) {
  size_t end = 0;
  for (int bars = 0; bars < 4; ++bars) {
    end = line.find('|', end);
    if (end == std::string::npos) return "";
    ++end;
  }
  return line.substr(0, end);
}

const char kHead[] =
    "# Errors of the elementary functions\n\n"
    "The largest errors found, in units in the last place: |computed - exact| / ulp(exact), where\n"
    "ulp(exact) is the distance of neighbouring numbers in the binade of the exact result. Exact\n"
    "is the C library in f64 for f32, libquadmath for f64. f32 functions of one argument are run\n"
    "over all 2^32 numbers, or over every n-th bit pattern where the row says so; the others over\n"
    "special values, random bit patterns and random numbers of moderate size. Special results are\n"
    "those that are exactly NaN, infinite or zero (with its sign); wrong counts those computed as\n"
    "something else, NaNs and signs that appear elsewhere included. f64 is computed the same by "
    "both\n"
    "kinds of numerics.\n\n"
    "A function's rows are measured anew by\n`build/bin/ulp_table "
    "docs/reference/elementary_functions.md --functions=NAME`;\n`--every=N` thins out f32, "
    "`--pairs=N` and `--samples=N` count the pairs of f32 and what is tried\nof f64.\n\n"
    "| Function | Type | Numerics | Max error | at | of normal results | Arguments | Special "
    "results | Date |\n"
    "|---|---|---|---|---|---|---|---|---|\n";

// Puts `line` in the place of the row of the same function, type and numerics, or at the end.
void keep(const std::string &path, const std::string &line) {
  std::vector<std::string> rows;
  std::ifstream in(path);
  bool found = false, table = false;
  for (std::string old; std::getline(in, old);) {
    if (table) {
      bool same = keyOf(old) == keyOf(line);
      found |= same;
      rows.push_back(same ? line : old);
    }
    table |= old.starts_with("|---");
  }
  if (!found) rows.push_back(line);
  std::ofstream out(path);
  out << kHead;
  for (const std::string &kept : rows) out << kept << "\n";
}

int main(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i], value = word.substr(word.find('=') + 1);
    if (word.starts_with("--functions="))
      options.functions = "," + value + ",";
    else if (word.starts_with("--every="))
      options.every = std::max(1ull, std::stoull(value));
    else if (word.starts_with("--types="))
      options.types = "," + value + ",";
    else if (word.starts_with("--numerics="))
      options.numerics = "," + value + ",";
    else if (word.starts_with("--pairs="))
      options.pairs = std::stoull(value);
    else if (word.starts_with("--samples="))
      options.samples = std::stoull(value);
    else if (word.starts_with("--threads="))
      options.threads = std::max(1, std::stoi(value));
    else
      options.table = word;
  }
  if (options.table.empty() || options.table.starts_with("-")) {
    fprintf(stderr,
            "usage: ulp_table TABLE.md [--functions=exp,log] [--types=f32,f64] "
            "[--numerics=fast,strict] [--every=1] [--pairs=1000000000] [--samples=1000000] "
            "[--threads=1]\n");
    return 2;
  }
  for (const Function &function : kFunctions) {
    if (!options.functions.empty() &&
        options.functions.find(std::string(",") + function.name + ",") == std::string::npos)
      continue;
    for (const char *type : {"f32", "f64"}) {
      if (options.types.find(std::string(",") + type + ",") == std::string::npos) continue;
      std::vector<std::string> lines = type == std::string("f32")
                                           ? rows<float>(function, type, options)
                                           : rows<double>(function, type, options);
      if (lines.empty()) return 1;
      for (const std::string &line : lines) {
        keep(options.table, line);
        printf("%s\n", line.c_str());
        fflush(stdout);
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace graven::codegen

int main(int argc, char **argv) { return graven::codegen::main(argc, argv); }
