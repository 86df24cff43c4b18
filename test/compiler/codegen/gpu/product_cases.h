// Matrix products as kernels under test: their text, what they must give, and ways to break them.
#ifndef GRAVEN_TEST_COMPILER_CODEGEN_GPU_PRODUCT_CASES_H_
#define GRAVEN_TEST_COMPILER_CODEGEN_GPU_PRODUCT_CASES_H_

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <regex>
#include <string>
#include <vector>

#include "test/compiler/codegen/gpu/kernel_harness.h"
#include "test/compiler/codegen/kernel_text.h"

namespace graven::codegen::gpu {

using std::string;

// Sizes of a product, and how its operands are stored.
struct Product {
  int64_t m, n, k;
  bool lhs_transposed = false, rhs_transposed = false;
  string type = "f32";  // "tf32": f32 that the compiler is told to round for tensor cores
  int64_t batch = 0;    // 0: no batch axis

  std::vector<int64_t> shape(int64_t rows, int64_t columns) const {
    if (batch) return {batch, rows, columns};
    return {rows, columns};
  }
  string lhs() const { return typeText(lhs_transposed ? shape(k, m) : shape(m, k), element()); }
  string rhs() const { return typeText(rhs_transposed ? shape(n, k) : shape(k, n), element()); }
  // 16-bit operands have f32 sums.
  bool narrow() const { return type == "f16" || type == "bf16"; }
  string element() const { return type == "tf32" ? "f32" : type; }
  string outType() const { return narrow() ? "f32" : element(); }
  bool tf32() const { return type == "tf32"; }
  // With inputs that are multiples of this nothing is lost by rounding them, nor their products, to
  // tf32, so what follows a product can be compared closely.
  double grid() const { return tf32() ? 0x1p-3 : 0; }
  // Of the target, what asks for this product.
  std::function<void(strategy::Target &)> asked() const {
    return [tf32 = tf32()](strategy::Target &target) {
      target.matmul = tf32 ? strategy::Matmul::kTf32 : strategy::Matmul::kF32;
    };
  }
  string out() const { return typeText(shape(m, n), outType()); }
  // Result %0 of operands `x` and `y`.
  string op(const string &x = "%a0", const string &y = "%a1") const {
    int64_t first = batch ? 1 : 0;
    string axes = batch ? "lhs_batch = [0], rhs_batch = [0], " : "";
    return opText("%0",
                  "dot_general(" + x + ", " + y + ", " + (narrow() ? "dtype = f32, " : "") + axes +
                      "lhs_contract = [" + text(first + (lhs_transposed ? 0 : 1)) +
                      "], rhs_contract = [" + text(first + (rhs_transposed ? 1 : 0)) + "])",
                  {lhs(), rhs()}, out());
  }
  string bare() const { return kernelText("contraction", {lhs(), rhs()}, op(), {"%0"}, {out()}); }
  // Followed by bias, a residual and the rectifier; the mask is a result, too.
  string withEpilogue() const {
    string row = typeText({n}, outType()), o = out(), mask = typeText(shape(m, n), "i1");
    string dims = listText(shape(m, n)), last = batch ? "[2]" : "[1]";
    string body =
        op() + opText("%1", "broadcast(%a2, shape = " + dims + ", axes = " + last + ")", {row}, o) +
        opText("%2", "add(%0, %1)", {o, o}, o) + opText("%3", "add(%2, %a3)", {o, o}, o) +
        opText("%4", "constant(0.0, shape = " + dims + ", dtype = " + outType() + ")", {}, o) +
        opText("%5", "greater(%3, %4)", {o, o}, mask) +
        opText("%6", "select(%5, %3, %4)", {mask, o, o}, o);
    return kernelText("contraction", {lhs(), rhs(), row, o}, body, {"%6", "%5"}, {o, mask});
  }
  string told() const {
    return (batch ? text(batch) + " of " : "") + text(m) + "x" + text(n) + "x" + text(k) + " " +
           (lhs_transposed ? "T" : "N") + (rhs_transposed ? "T" : "N") + " " + type;
  }
};

inline std::vector<Bytes> inputsOf(EmulatedKernel &kernel, unsigned seed,
                                   std::vector<Numbers> *numbers) {
  std::vector<Bytes> encoded;
  for (auto [type, each] :
       llvm::zip(kernel.func().getInputTypes(), randomInputs(kernel.func(), seed, -2, 2))) {
    encoded.push_back(encode(type, each));
    numbers->push_back(decode(type, encoded.back()));  // rounded as the kernel sees them
  }
  return encoded;
}

// Each element within (k + 1) units of roundoff of the sum of its terms' magnitudes (N. Higham,
// "Accuracy and Stability of Numerical Algorithms", section 3.1: k for the order of summation, and
// one for what the reference's own roundings in f64 add). Tensor cores may cut off instead of
// rounding: units twice as large. Each operand that is rounded to tf32 adds half a unit of its own.
inline void expectWithinBound(const Product &p, const std::vector<Numbers> &inputs,
                              const Numbers &out) {
  double unit = p.narrow() || p.tf32() ? 0x1p-23 : p.type == "f32" ? 0x1p-24 : 0x1p-52;
  double rounded = p.tf32() ? 2 * 0x1p-11 : 0;
  int64_t wrong = 0;
  for (int64_t batch = 0; batch < std::max<int64_t>(p.batch, 1); ++batch)
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) {
        double sum = 0, magnitude = 0;
        for (int64_t l = 0; l < p.k; ++l) {
          double x = inputs[0][batch * p.m * p.k + (p.lhs_transposed ? l * p.m + i : i * p.k + l)];
          double y = inputs[1][batch * p.k * p.n + (p.rhs_transposed ? j * p.k + l : l * p.n + j)];
          sum += x * y;
          magnitude += std::abs(x * y);
        }
        double found = out[(batch * p.m + i) * p.n + j];
        double bound = (rounded + static_cast<double>(p.k + 1) * unit) * magnitude;
        if (std::abs(found - sum) <= bound) continue;  // false for NaN
        if (wrong++ < 3)
          ADD_FAILURE() << "at " << batch << ", " << i << ", " << j << ": " << found
                        << " instead of " << sum << " +- " << bound;
      }
  EXPECT_EQ(wrong, 0);
}

// Runs the bare product and returns its bits.
inline Bytes check(const Product &p, const string &only = "contraction") {
  SCOPED_TRACE(p.told() + " " + only);
  EmulatedKernel kernel(p.bare(), only, p.asked());
  EXPECT_TRUE(kernel.ok());
  if (!kernel.ok()) return {};
  EXPECT_EQ(countOf(kernel.ptx(), "mma.sync") > 0, p.narrow() || p.tf32());
  EXPECT_EQ(kernel.strategy(), only.substr(0, only.find(':')));
  std::vector<Numbers> numbers;
  std::vector<Bytes> inputs = inputsOf(kernel, static_cast<unsigned>(p.m * 31 + p.n), &numbers);
  Bytes out = kernel.run(inputs)[0];
  expectWithinBound(p, numbers, decode(kernel.func().getOutputTypes()[0], out));
  return out;
}

// Changed texts of a kernel, one for each place where `pattern` matches: its last group
// becomes `with`, or with `more` a number larger by that.
inline std::vector<string> mutants(const string &ptx, const string &pattern, int64_t more,
                                   const string &with = "") {
  std::vector<string> texts;
  const std::regex regex(pattern);
  for (std::sregex_iterator each(ptx.begin(), ptx.end(), regex), end; each != end; ++each) {
    size_t group = each->size() - 1;
    string old = each->str(group);
    texts.push_back(ptx);
    texts.back().replace(each->position(group), old.size(),
                         more ? text(std::stoll(old) + more) : with);
  }
  return texts;
}

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_TEST_COMPILER_CODEGEN_GPU_PRODUCT_CASES_H_
