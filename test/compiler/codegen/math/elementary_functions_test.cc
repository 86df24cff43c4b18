// Compiles every elementary function through the object emitter, loads the machine code and
// compares it with the C library's long double functions: maximum error in units in the last place
// over random and special arguments, and equal bits for scalars and vectors of any length.
//
// GRAVEN_EXHAUSTIVE=1 runs the f32 functions of one argument over all 2^32 bit patterns.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "compiler/codegen/cpu/lower.h"
#include "compiler/codegen/cpu/target.h"
#include "compiler/codegen/host/emit_object.h"
#include "compiler/codegen/loops/lower.h"
#include "compiler/package/link.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

namespace graven::codegen {
namespace {

struct Range {
  double low, high;
};

// One function: its op, its reference, the promised bounds (f32 in strict and in fast code, f64),
// and where its arguments are interesting.
struct Row {
  const char *name;
  const char *op;
  int operands;
  long double (*reference)(long double, long double);
  double bound_f32, bound_fast, bound_f64;
  std::vector<Range> ranges;  // of the first operand
  Range second = {0, 0};
  double most = std::numeric_limits<double>::infinity();  // no result is larger
};
// How the test runner spells a row.
void PrintTo(const Row &row, std::ostream *out) { *out << row.name; }

using LD = long double;
const Row kRows[] = {
    {"exp",
     "math.exp",
     1,
     [](LD x, LD y) -> LD { return std::exp(x); },
     0.9,
     2.2,
     0.9,
     {{-1, 1}, {-105, 90}, {-750, 712}}},
    {"expm1",
     "math.expm1",
     1,
     [](LD x, LD y) -> LD { return std::expm1(x); },
     0.95,
     1.6,
     1,
     {{-1, 1}, {-1e-3, 1e-3}, {-45, 90}, {-45, 712}}},
    {"log",
     "math.log",
     1,
     [](LD x, LD y) -> LD { return std::log(x); },
     0.93,
     1.2,
     1,
     {{0.5, 2}, {0.99, 1.01}, {0, 1e6}, {0, 1e300}}},
    {"log1p",
     "math.log1p",
     1,
     [](LD x, LD y) -> LD { return std::log1p(x); },
     0.93,
     1.3,
     1,
     {{-1, 1}, {-0.01, 0.01}, {0, 100}, {-1, 1e30}}},
    {"tanh",
     "math.tanh",
     1,
     [](LD x, LD y) -> LD { return std::tanh(x); },
     0.72,
     2.6,
     0.75,
     {{-1, 1}, {-0.01, 0.01}, {-25, 25}, {-5, 5}},
     {0, 0},
     1},
    {"logistic",
     "element.logistic",
     1,
     [](LD x, LD y) -> LD { return 1 / (1 + std::exp(-x)); },
     0.8,
     2.6,
     0.8,
     {{-1, 1}, {-20, 20}, {-105, 0}, {-88, -87}, {-750, 50}},
     {0, 0},
     1},
    {"erf",
     "math.erf",
     1,
     [](LD x, LD y) -> LD { return std::erf(x); },
     1,
     3.1,
     1,
     {{-1, 1}, {-0.01, 0.01}, {-7, 7}, {-2, 2}},
     {0, 0},
     1},
    {"erfc",
     "math.erfc",
     1,
     [](LD x, LD y) -> LD { return std::erfc(x); },
     0.51,
     3.4,
     1.8,
     {{-1, 1}, {-7, 7}, {0, 11}, {0, 28}},
     {0, 0},
     2},
    {"sin",
     "math.sin",
     1,
     [](LD x, LD y) -> LD { return std::sin(x); },
     0.8,
     2.2,
     0.8,
     {{-1, 1}, {-7, 7}, {-1e5, 1e5}, {-1e9, 1e9}, {0, 1e30}},
     {0, 0},
     1},
    {"cos",
     "math.cos",
     1,
     [](LD x, LD y) -> LD { return std::cos(x); },
     0.8,
     2.2,
     0.8,
     {{-1, 1}, {-7, 7}, {-1e5, 1e5}, {-1e9, 1e9}, {0, 1e30}},
     {0, 0},
     1},
    {"pow",
     "math.powf",
     2,
     [](LD x, LD y) -> LD { return std::pow(x, y); },
     0.51,
     0.51,
     1,
     {{0.5, 2}, {0, 1e3}, {-10, 10}, {0, 1e30}, {0.999, 1.001}},
     {-30, 30}},
    {"rsqrt",
     "math.rsqrt",
     1,
     [](LD x, LD y) -> LD { return 1 / std::sqrt(x); },
     0.51,
     1.1,
     0.51,
     {{0, 1}, {0, 1e6}, {0, 1e30}}},
    {"sqrt",
     "math.sqrt",
     1,
     [](LD x, LD y) -> LD { return std::sqrt(x); },
     0.51,
     0.85,
     0.51,
     {{0, 1}, {0, 1e6}, {0, 1e30}}},
};

// Text of one kernel: `void name(x, y, out, count)` over `lanes` elements a step (0: scalars).
std::string kernelText(const Row &row, const std::string &type, int lanes,
                       const std::string &name) {
  std::string value = lanes ? "vector<" + std::to_string(lanes) + "x" + type + ">" : type;
  std::string step = std::to_string(lanes ? lanes : 1);
  std::string bytes = type == "f32" ? "4" : "8";
  std::string text = "func.func @" + name +
                     "(%x: !llvm.ptr, %y: !llvm.ptr, %out: !llvm.ptr, %count: i64) {\n"
                     "  %zero = arith.constant 0 : i64\n  %step = arith.constant " +
                     step + " : i64\n  scf.for %i = %zero to %count step %step : i64 {\n";
  auto pointer = [&](const std::string &to, const std::string &from) {
    text += "    %p" + to + " = llvm.getelementptr %" + from +
            "[%i] : (!llvm.ptr, i64) -> !llvm.ptr, " + type + "\n";
  };
  auto load = [&](const std::string &from) {
    pointer(from, from);
    text += "    %v" + from + " = llvm.load %p" + from + " {alignment = " + bytes +
            " : i64} : !llvm.ptr -> " + value + "\n";
  };
  load("x");
  if (row.operands == 2) load("y");
  text += std::string("    %r = ") + row.op + (row.operands == 2 ? " %vx, %vy" : " %vx") + " : " +
          value + "\n";
  pointer("out", "out");
  text += "    llvm.store %r, %pout {alignment = " + bytes + " : i64} : " + value + ", !llvm.ptr\n";
  return text + "  }\n  return\n}\n";
}

// Which formulas are compiled.
enum class Variant {
  kStrict,
  kFast,
  kFastElsewhere,  // as for a machine without the instructions of AVX-512
};

using Kernel = void (*)(const void *, const void *, void *, int64_t);
constexpr int kLanes[] = {16, 0, 5};  // the first is the one measured

std::string kernelName(const Row &row, const std::string &type, int lanes) {
  return std::string("f_") + row.name + "_" + type + "_" + std::to_string(lanes);
}

// One function for every type and vector length, compiled for this machine, loaded once.
class Library {
 public:
  static Library &get(const Row &row, Variant variant) {
    static auto *libraries =
        new std::map<std::pair<std::string, Variant>, std::unique_ptr<Library>>;
    auto &library = (*libraries)[{row.name, variant}];
    if (!library) library.reset(new Library(row, variant));
    return *library;
  }
  Kernel find(const std::string &name) {
    return handle_ ? reinterpret_cast<Kernel>(dlsym(handle_, name.c_str())) : nullptr;
  }

 private:
  Library(const Row &row, Variant variant) {
    mlir::DialectRegistry registry;
    registerLowerToLlvm(registry);
    mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
    context.loadAllAvailableDialects();
    std::string text;
    for (const char *type : {"f32", "f64"})
      for (int lanes : kLanes) text += kernelText(row, type, lanes, kernelName(row, type, lanes));
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    if (!module) return;
    auto target = cpu::resolveTarget("", "native");
    if (!target) {
      ADD_FAILURE() << llvm::toString(target.takeError());
      return;
    }
    target->numerics =
        variant == Variant::kStrict ? strategy::Numerics::kStrict : strategy::Numerics::kFast;
    if (variant == Variant::kFastElsewhere) target->has_estimates = false;
    llvm::LLVMContext llvm_context;
    auto llvm_module = cpu::lowerToLlvm(*module, *target, llvm_context);
    EXPECT_TRUE(llvm_module);
    if (!llvm_module) return;
    for (llvm::Function &function : *llvm_module)
      if (!function.isDeclaration()) {
        function.setVisibility(llvm::GlobalValue::DefaultVisibility);
        function.setDSOLocal(false);
      }
    if (llvm::Error failure = host::optimizeModule(*llvm_module, *target)) {
      ADD_FAILURE() << llvm::toString(std::move(failure));
      return;
    }
    auto object = host::emitObject(*llvm_module, *target);
    if (!object) {
      ADD_FAILURE() << llvm::toString(object.takeError());
      return;
    }
    auto shared = package::linkSharedObject({*object}, *target);
    if (!shared) {
      ADD_FAILURE() << llvm::toString(shared.takeError());
      return;
    }
    std::string path = testing::TempDir() + "elementary_functions_" + std::to_string(getpid()) +
                       "_" + row.name + "_" + std::to_string(static_cast<int>(variant)) + ".so";
    FILE *file = fopen(path.c_str(), "wb");
    ASSERT_WRITTEN(file, *shared);
    handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    EXPECT_TRUE(handle_) << dlerror();
    unlink(path.c_str());
  }
  static void ASSERT_WRITTEN(FILE *file, const std::string &bytes) {
    ASSERT_TRUE(file);
    ASSERT_EQ(fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
    ASSERT_EQ(fclose(file), 0);
  }
  void *handle_ = nullptr;
};

// Distance of `got` from `want` in units in the last place of T at `want`; infinite where one is
// NaN and the other is not, or where a zero or an infinity has the wrong sign.
template <typename T>
double ulpDistance(T got, LD want) {
  constexpr double kWrong = std::numeric_limits<double>::infinity();
  if (std::isnan(want)) return std::isnan(got) ? 0 : kWrong;
  if (std::isnan(got)) return kWrong;
  T rounded = static_cast<T>(want);
  if (got == rounded) return std::signbit(got) == std::signbit(rounded) ? 0 : kWrong;
  if (std::isinf(got) || std::isinf(rounded)) {
    // One unit beyond the largest number counts as its distance, an infinity far off as wrong.
    LD largest = std::numeric_limits<T>::max();
    LD unit =
        std::ldexp(1.0L, std::numeric_limits<T>::max_exponent - std::numeric_limits<T>::digits);
    LD a = std::isinf(got) ? std::copysign(largest + unit, static_cast<LD>(got)) : got;
    LD b = std::isinf(want) || std::fabs(want) > largest + unit
               ? std::copysign(largest + unit, want)
               : want;
    if ((std::isinf(got) && std::fabs(want) < largest - 4 * unit) || std::isinf(want))
      return kWrong;
    return static_cast<double>(std::fabs(a - b) / unit);
  }
  int exponent = want == 0 ? std::numeric_limits<T>::min_exponent - 1 : std::ilogb(want);
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent - 1);
  LD unit = std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits + 1);
  return static_cast<double>(std::fabs(static_cast<LD>(got) - want) / unit);
}

template <typename T>
T fromRandomBits(std::mt19937_64 &random) {
  if constexpr (sizeof(T) == 4)
    return std::bit_cast<float>(static_cast<uint32_t>(random()));
  else
    return std::bit_cast<double>(static_cast<uint64_t>(random()));
}

template <typename T>
std::vector<T> specialValues() {
  using L = std::numeric_limits<T>;
  std::vector<T> values = {0,
                           L::min(),
                           L::denorm_min(),
                           L::min() / 2,
                           L::epsilon(),
                           T(0.5),
                           1,
                           std::nextafter(T(1), T(0)),
                           std::nextafter(T(1), T(2)),
                           2,
                           3,
                           T(2.5),
                           T(M_PI),
                           T(M_PI_2),
                           T(M_PI_4),
                           T(M_PI * 1000),
                           T(M_LN2),
                           10,
                           88,
                           89,
                           103,
                           104,
                           105,
                           709,
                           T(709.9),
                           745,
                           746,
                           T(1e10),
                           T(1e22),
                           T(16777217),
                           T(9007199254740993.0),
                           L::max(),
                           L::infinity()};
  size_t count = values.size();
  for (size_t i = 0; i < count; ++i) values.push_back(-values[i]);
  values.push_back(L::quiet_NaN());
  return values;
}

template <typename T>
struct Worst {
  double ulp = 0;
  T x = 0, y = 0, got = 0;
  LD want = 0;
};

template <typename T>
void measure(const Row &row, Kernel kernel, const std::vector<T> &x, const std::vector<T> &y,
             Worst<T> &worst) {
  std::vector<T> out(x.size());
  kernel(x.data(), y.data(), out.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    LD want = row.reference(x[i], y[i]);
    double ulp = std::fabs(out[i]) > row.most ? std::numeric_limits<double>::infinity()
                                              : ulpDistance<T>(out[i], want);
    if (ulp > worst.ulp) worst = {ulp, x[i], y[i], out[i], want};
  }
}

template <typename T>
void check(const Row &row, const char *type, double bound, Variant variant = Variant::kStrict) {
  Kernel kernel = Library::get(row, variant).find(kernelName(row, type, kLanes[0]));
  ASSERT_TRUE(kernel);
  std::mt19937_64 random(7);
  std::vector<T> x, y;
  std::vector<T> special = specialValues<T>();
  for (T a : special)
    for (size_t b = 0; b < (row.operands == 2 ? special.size() : 1); ++b) {
      x.push_back(a);
      y.push_back(special[b]);
    }
  constexpr size_t kCount = 1000000;
  std::uniform_real_distribution<double> unit(0, 1);
  while (x.size() < kCount || x.size() % 80) {
    // A quarter random bit patterns, the rest uniform over the row's ranges.
    bool bits = x.size() % 4 == 0;
    Range range = row.ranges[random() % row.ranges.size()];
    x.push_back(bits ? fromRandomBits<T>(random)
                     : static_cast<T>(range.low + (range.high - range.low) * unit(random)));
    y.push_back(
        row.operands == 1 ? T(0)
        : bits && x.size() % 8 == 0
            ? fromRandomBits<T>(random)
            : static_cast<T>(row.second.low + (row.second.high - row.second.low) * unit(random)));
  }
  Worst<T> worst;
  measure(row, kernel, x, y, worst);
  printf("%-6s %s  max %.3f ulp  at %.17g%s  got %.17g want %.17Lg\n", row.name, type, worst.ulp,
         double(worst.x), row.operands == 2 ? (", " + std::to_string(double(worst.y))).c_str() : "",
         double(worst.got), worst.want);
  EXPECT_LE(worst.ulp, bound) << row.name << " " << type;

  // The same bits whatever the vector length.
  std::vector<T> first(x.size()), other(x.size());
  kernel(x.data(), y.data(), first.data(), x.size());
  for (int lanes : kLanes) {
    Kernel same = Library::get(row, variant).find(kernelName(row, type, lanes));
    ASSERT_TRUE(same);
    same(x.data(), y.data(), other.data(), x.size());
    size_t different = 0;
    for (size_t i = 0; i < x.size(); ++i)
      if (!(std::isnan(first[i]) && std::isnan(other[i])) &&
          memcmp(&first[i], &other[i], sizeof(T)) != 0)
        ++different;
    EXPECT_EQ(different, 0u) << row.name << " " << type << " with " << lanes << " lanes";
  }

  if constexpr (sizeof(T) == 4) {
    if (row.operands == 1 && getenv("GRAVEN_EXHAUSTIVE")) {
      worst = {};
      constexpr uint64_t kChunk = 1 << 20;
      x.resize(kChunk);
      y.assign(kChunk, 0);
      for (uint64_t base = 0; base < (uint64_t{1} << 32); base += kChunk) {
        for (uint64_t i = 0; i < kChunk; ++i)
          x[i] = std::bit_cast<float>(static_cast<uint32_t>(base + i));
        measure(row, kernel, x, y, worst);
      }
      printf("%-6s %s  max %.3f ulp over all inputs, at %.9g\n", row.name, type, worst.ulp,
             double(worst.x));
      EXPECT_LE(worst.ulp, bound) << row.name;
    }
  }
}

class ElementaryFunctions : public testing::TestWithParam<Row> {};

TEST_P(ElementaryFunctions, SingleIsWithinItsBound) {
  check<float>(GetParam(), "f32", GetParam().bound_f32);
}
TEST_P(ElementaryFunctions, FastSingleIsWithinItsBound) {
  check<float>(GetParam(), "f32", GetParam().bound_fast, Variant::kFast);
}
TEST_P(ElementaryFunctions, FastSingleIsWithinItsBoundElsewhere) {
  check<float>(GetParam(), "f32", GetParam().bound_fast, Variant::kFastElsewhere);
}
TEST_P(ElementaryFunctions, DoubleIsWithinItsBound) {
  check<double>(GetParam(), "f64", GetParam().bound_f64);
}

INSTANTIATE_TEST_SUITE_P(All, ElementaryFunctions, testing::ValuesIn(kRows),
                         [](const auto &info) { return std::string(info.param.name); });

}  // namespace
}  // namespace graven::codegen
