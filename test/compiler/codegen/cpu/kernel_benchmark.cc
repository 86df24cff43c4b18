// Speed of single kernels on one core, for people. Not a test.
//
//   kernel_benchmark [FILTER]
//   kernel_benchmark nn:[TYPE:]MxNxK[:PARAM=NUMBER,...] ...
//       products (nn, nt or tn) of TYPE (f32 at first; f16, bf16, f64) with a forced tiling
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "test/compiler/codegen/cpu/kernel_harness.h"

namespace graven::codegen::cpu {
namespace {

double seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Median seconds of a run of `text`, and its work as the plan counts it.
void measure(const char *name, const std::string &text, const char *filter, double low = -2,
             strategy::Numerics numerics = strategy::Numerics::kFast,
             const std::string &force = "") {
  if (filter && !strstr(name, filter)) return;
  CompiledKernel kernel(text, force, "native",
                        [&](strategy::Target &target) { target.numerics = numerics; });
  if (!kernel.ok()) return;
  std::vector<void *> buffers;
  auto allocate = [&](int64_t bytes) {
    buffers.push_back(aligned_alloc(64, (bytes + 127) / 64 * 64));
  };
  for (auto [type, numbers] :
       llvm::zip(kernel.func().getInputTypes(), kernel.randomInputs(1, low))) {
    CompiledKernel::Bytes bytes = CompiledKernel::encode(type, numbers);
    allocate(bytes.size());
    memcpy(buffers.back(), bytes.data(), bytes.size());
  }
  for (mlir::Type type : kernel.func().getOutputTypes())
    allocate(CompiledKernel::encode(
                 type, Numbers(mlir::cast<mlir::RankedTensorType>(type).getNumElements()))
                 .size());
  allocate(kernel.func().getScratchBytes());
  kernel.launch(buffers.data());
  double once = seconds();
  kernel.launch(buffers.data());
  once = std::max(seconds() - once, 1e-7);
  int repeat = std::max(1, static_cast<int>(2e-3 / once));
  int rounds = std::clamp(static_cast<int>(0.5 / (once * repeat)), 5, 40);
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    double begin = seconds();
    for (int i = 0; i < repeat; ++i) kernel.launch(buffers.data());
    times.push_back((seconds() - begin) / repeat);
  }
  std::sort(times.begin(), times.end());
  double median = times[times.size() / 2];
  printf("%-28s %10.2f us %8.2f GFLOP/s %8.2f GB/s  %s\n", name, median * 1e6,
         static_cast<double>(kernel.func().getFlops()) / median * 1e-9,
         static_cast<double>(kernel.func().getBytes()) / median * 1e-9,
         kernel.func().getSymName().str().c_str());
  for (void *buffer : buffers) free(buffer);
}

std::string product(int64_t m, int64_t n, int64_t k, bool lhs_transposed, bool rhs_transposed,
                    const std::string &type = "f32") {
  auto t = [&](int64_t a, int64_t b) {
    return std::to_string(a) + "x" + std::to_string(b) + "x" + type;
  };
  std::string lhs = lhs_transposed ? t(k, m) : t(m, k), rhs = rhs_transposed ? t(n, k) : t(k, n);
  std::string body = "    %0 = dot_general(%a0, %a1, lhs_contract = [" +
                     std::string(lhs_transposed ? "0" : "1") + "], rhs_contract = [" +
                     (rhs_transposed ? "1" : "0") + "]) : (tensor<" + lhs + ">, tensor<" + rhs +
                     ">) -> tensor<" + t(m, n) + ">\n";
  return kernelText("contraction", {lhs, rhs}, body, {"%0"}, {t(m, n)});
}

// Measures the product that `argument` describes; false where it describes none.
bool measureProduct(const std::string &argument) {
  llvm::SmallVector<llvm::StringRef> parts;
  llvm::StringRef(argument).split(parts, ':', 3);
  if (parts.size() < 2 || !llvm::is_contained({"nn", "nt", "tn", "tt"}, parts[0])) return false;
  std::string type = "f32";
  if (llvm::is_contained({"f16", "bf16", "f32", "f64"}, parts[1])) {
    type = parts[1].str();
    parts.erase(parts.begin() + 1);
  }
  long m, n, k;
  if (parts.size() < 2 || sscanf(parts[1].str().c_str(), "%ldx%ldx%ld", &m, &n, &k) != 3)
    return false;
  std::string force = "contraction";
  for (llvm::StringRef params : llvm::ArrayRef(parts).drop_front(2)) force += ":" + params.str();
  measure(argument.c_str(), product(m, n, k, parts[0][0] == 't', parts[0][1] == 't', type), nullptr,
          -2, strategy::Numerics::kFast, parts.size() > 2 ? force : "");
  return true;
}

std::string softmax(int64_t rows, int64_t columns) {
  std::string s = std::to_string(rows) + "x" + std::to_string(columns) + "xf32",
              r = std::to_string(rows) + "xf32", S = "tensor<" + s + ">", R = "tensor<" + r + ">";
  std::string to =
      "shape = [" + std::to_string(rows) + ", " + std::to_string(columns) + "], axes = [0]";
  std::string body = "%0 = max(%a0, axis = 1) : (" + S + ") -> " + R + "\n%1 = broadcast(%0, " +
                     to + ") : (" + R + ") -> " + S + "\n%2 = subtract(%a0, %1) : (" + S + ", " +
                     S + ") -> " + S + "\n%3 = exp(%2) : (" + S + ") -> " + S +
                     "\n%4 = sum(%3, axis = 1) : (" + S + ") -> " + R + "\n%5 = broadcast(%4, " +
                     to + ") : (" + R + ") -> " + S + "\n%6 = divide(%3, %5) : (" + S + ", " + S +
                     ") -> " + S + "\n";
  return kernelText("row", {s}, body, {"%6"}, {s});
}

std::string map(int64_t count, const std::string &body) {
  std::string s = std::to_string(count) + "xf32", text = body;
  for (size_t at; (at = text.find('$')) != std::string::npos;)
    text.replace(at, 1, "tensor<" + s + ">");
  return kernelText("map", {s, s}, text, {"%0"}, {s});
}

// Adam's update of one parameter: value, both moments and the gradient in; value and moments out.
std::string adam(int64_t count) {
  std::string s = std::to_string(count) + "xf32", text;
  auto line = [&](const std::string &name, const std::string &op, int operands) {
    text += name + " = " + op + " : (" + (operands == 2 ? "$, $" : "$") + ") -> $\n";
  };
  auto constant = [&](const std::string &name, const std::string &value) {
    text += name + " = constant(" + value + ", shape = [" + std::to_string(count) +
            "], dtype = f32) : () -> $\n";
  };
  constant("%b1", "0.9");
  constant("%c1", "0.1");
  constant("%b2", "0.999");
  constant("%c2", "0.001");
  constant("%eps", "1.0e-8");
  constant("%rate", "0.001");
  line("%0", "multiply(%a1, %b1)", 2);
  line("%1", "multiply(%a3, %c1)", 2);
  line("%m", "add(%0, %1)", 2);
  line("%2", "multiply(%a2, %b2)", 2);
  line("%3", "multiply(%a3, %a3)", 2);
  line("%4", "multiply(%3, %c2)", 2);
  line("%v", "add(%2, %4)", 2);
  line("%5", "sqrt(%v)", 1);
  line("%6", "add(%5, %eps)", 2);
  line("%7", "divide(%m, %6)", 2);
  line("%8", "multiply(%7, %rate)", 2);
  line("%p", "subtract(%a0, %8)", 2);
  for (size_t at; (at = text.find('$')) != std::string::npos;)
    text.replace(at, 1, "tensor<" + s + ">");
  return kernelText("map", {s, s, s, s}, text, {"%p", "%m", "%v"}, {s, s, s});
}

}  // namespace
}  // namespace graven::codegen::cpu

int main(int argc, char **argv) {
  using namespace graven::codegen::cpu;
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1 && measureProduct(argv[1])) {
    for (int i = 2; i < argc; ++i)
      if (!measureProduct(argv[i])) printf("not a product: %s\n", argv[i]);
    return 0;
  }
  const char *filter = argc > 1 ? argv[1] : nullptr;
  measure("nn 128x512x784", product(128, 512, 784, false, false), filter);
  measure("nn 128x128x784", product(128, 128, 784, false, false), filter);
  measure("nn 256x256x256", product(256, 256, 256, false, false), filter);
  measure("nn 64x256x256", product(64, 256, 256, false, false), filter);
  measure("nn 512x512x64", product(512, 512, 64, false, false), filter);
  measure("nn 1024x1024x1024", product(1024, 1024, 1024, false, false), filter);
  measure("nn 128x10x128", product(128, 10, 128, false, false), filter);
  measure("nn 16x16x4", product(16, 16, 4, false, false), filter);
  measure("nn 1x512x784", product(1, 512, 784, false, false), filter);
  measure("nn 127x500x256", product(127, 500, 256, false, false), filter);
  measure("tn 784x128x128", product(784, 128, 128, true, false), filter);
  measure("tn 784x512x128", product(784, 512, 128, true, false), filter);
  measure("tn 1024x1024x1024", product(1024, 1024, 1024, true, false), filter);
  measure("tn 1024x1024x128", product(1024, 1024, 128, true, false), filter);
  measure("tn 512x512x128", product(512, 512, 128, true, false), filter);
  measure("tn 512x256x128", product(512, 256, 128, true, false), filter);
  measure("nt 128x784x128", product(128, 784, 128, false, true), filter);
  measure("nt 512x512x64", product(512, 512, 64, false, true), filter);
  measure("nt 128x128x10", product(128, 128, 10, false, true), filter);
  measure("nt 1024x1024x1024", product(1024, 1024, 1024, false, true), filter);
  measure("softmax 512x512", softmax(512, 512), filter);
  measure("softmax 128x10", softmax(128, 10), filter);
  measure("exp 65536", map(65536, "%0 = exp(%a0) : ($) -> $\n"), filter);
  measure("tanh 65536", map(65536, "%0 = tanh(%a0) : ($) -> $\n"), filter);
  for (auto numerics : {graven::strategy::Numerics::kFast, graven::strategy::Numerics::kStrict}) {
    bool strict = numerics == graven::strategy::Numerics::kStrict;
    auto both = [&](const std::string &name, const std::string &text) {
      measure((name + (strict ? " strict" : " fast")).c_str(), text, filter, 0.001, numerics);
    };
    both("sqrt 65536", map(65536, "%0 = sqrt(%a0) : ($) -> $\n"));
    both("rsqrt 65536", map(65536, "%0 = rsqrt(%a0) : ($) -> $\n"));
    both("divide 65536", map(65536, "%0 = divide(%a0, %a1) : ($, $) -> $\n"));
    both("adam 101770", adam(101770));
  }
  measure("add 4194304", map(4194304, "%0 = add(%a0, %a1) : ($, $) -> $\n"), filter);
}
