// Kernels without reductions through the map and the reference strategy, against the interpreter.
#include <gtest/gtest.h>

#include <cstring>

#include "test/compiler/codegen/cpu/kernel_harness.h"

namespace graven::codegen::cpu {
namespace {

// One kernel; `$` in texts stands for the float type.
struct Row {
  const char *name;
  std::vector<std::string> types;
  std::string body;
  std::vector<std::string> results, result_types;
  double low = -2, high = 2;
};

std::string t(const std::string &type) { return "tensor<" + type + ">"; }
std::string op(const std::string &result, const std::string &call,
               const std::vector<std::string> &in, const std::string &out) {
  std::string types;
  for (const std::string &type : in) types += (types.empty() ? "" : ", ") + t(type);
  return "    " + result + " = " + call + " : (" + types + ") -> " + t(out) + "\n";
}

std::vector<Row> rows() {
  std::vector<Row> rows;
  for (std::string n : {"1", "7", "17", "33", "127", "4096", "9001"}) {
    std::string s = n + "x$";
    rows.push_back({"chain",
                    {s, s},
                    op("%0", "exp(%a0)", {s}, s) + op("%1", "multiply(%0, %a1)", {s, s}, s) +
                        op("%2", "tanh(%1)", {s}, s),
                    {"%2", "%1"},
                    {s, s}});
  }
  rows.push_back({"scalar", {"$", "$"}, op("%0", "add(%a0, %a1)", {"$", "$"}, "$"), {"%0"}, {"$"}});
  rows.push_back({"empty", {"0x5x$"}, op("%0", "exp(%a0)", {"0x5x$"}, "0x5x$"), {"%0"}, {"0x5x$"}});
  for (auto [m, n] : {std::pair{"3", "5"}, {"17", "33"}, {"64", "10"}, {"2", "9001"}, {"5", "1"}}) {
    std::string s = std::string(m) + "x" + n + "x$", b = std::string(n) + "x$",
                c = std::string(m) + "x$";
    std::string shape = std::string("[") + m + ", " + n + "]";
    rows.push_back({"bias",
                    {s, b, c, "$"},
                    op("%0", "broadcast(%a1, shape = " + shape + ", axes = [1])", {b}, s) +
                        op("%1", "broadcast(%a2, shape = " + shape + ", axes = [0])", {c}, s) +
                        op("%2", "broadcast(%a3, shape = " + shape + ", axes = [])", {"$"}, s) +
                        op("%3", "add(%a0, %0)", {s, s}, s) +
                        op("%4", "multiply(%3, %1)", {s, s}, s) +
                        op("%5", "add(%4, %2)", {s, s}, s),
                    {"%5"},
                    {s}});
    std::string u = std::string(n) + "x" + m + "x$";
    rows.push_back({"transpose", {s}, op("%0", "transpose(%a0)", {s}, u), {"%0"}, {u}});
    std::string k = std::string(m) + "x1x$";
    rows.push_back({"keep",
                    {s, k},
                    op("%0", "broadcast(%a1, shape = " + shape + ")", {k}, s) +
                        op("%1", "subtract(%a0, %0)", {s, s}, s),
                    {"%1"},
                    {s}});
  }
  rows.push_back({"relu",
                  {"37x$"},
                  op("%0", "constant(0.0, shape = [37], dtype = $)", {}, "37x$") +
                      op("%1", "greater(%a0, %0)", {"37x$", "37x$"}, "37xi1") +
                      op("%2", "select(%1, %a0, %0)", {"37xi1", "37x$", "37x$"}, "37x$"),
                  {"%2", "%1"},
                  {"37x$", "37xi1"}});
  rows.push_back({"bits",
                  {"37xi1", "37x$"},
                  op("%0", "logical_not(%a0)", {"37xi1"}, "37xi1") +
                      op("%1", "convert(%a0, dtype = $)", {"37xi1"}, "37x$") +
                      op("%2", "multiply(%1, %a1)", {"37x$", "37x$"}, "37x$"),
                  {"%0", "%2"},
                  {"37xi1", "37x$"}});
  rows.push_back({"bytes",
                  {"5x7xui8"},
                  op("%0", "convert(%a0, dtype = $)", {"5x7xui8"}, "5x7x$") +
                      op("%1", "convert(%0, dtype = i32)", {"5x7x$"}, "5x7xi32") +
                      op("%2", "convert(%1, dtype = ui8)", {"5x7xi32"}, "5x7xui8"),
                  {"%0", "%1", "%2"},
                  {"5x7x$", "5x7xi32", "5x7xui8"}});
  rows.push_back({"slice",
                  {"9x20x$"},
                  op("%0", "slice(%a0, start = [1, 3], limit = [8, 20])", {"9x20x$"}, "7x17x$") +
                      op("%1", "exp(%0)", {"7x17x$"}, "7x17x$"),
                  {"%1"},
                  {"7x17x$"}});
  rows.push_back({"strided_slice",
                  {"9x40x$"},
                  op("%0", "slice(%a0, start = [1, 3], limit = [8, 40], stride = [2, 2])",
                     {"9x40x$"}, "4x19x$"),
                  {"%0"},
                  {"4x19x$"}});
  rows.push_back(
      {"concatenate_inner",
       {"5x3x$", "5x20x$", "5x1x$"},
       op("%0", "concatenate(%a0, %a1, %a2, axis = 1)", {"5x3x$", "5x20x$", "5x1x$"}, "5x24x$") +
           op("%1", "exp(%0)", {"5x24x$"}, "5x24x$"),
       {"%1"},
       {"5x24x$"}});
  rows.push_back(
      {"concatenate_outer",
       {"2x5x$", "3x5x$", "0x5x$"},
       op("%0", "concatenate(%a0, %a1, %a2, axis = 0)", {"2x5x$", "3x5x$", "0x5x$"}, "5x5x$"),
       {"%0"},
       {"5x5x$"}});
  rows.push_back(
      {"pad",
       {"5x18x$"},
       op("%0", "pad(%a0, low = [1, 2], high = [0, 3], value = 1.5)", {"5x18x$"}, "6x23x$") +
           op("%1", "tanh(%0)", {"6x23x$"}, "6x23x$"),
       {"%1"},
       {"6x23x$"}});
  rows.push_back(
      {"pad_interior",
       {"3x6x$"},
       op("%0", "pad(%a0, low = [1, 2], high = [2, 0], interior = [1, 2])", {"3x6x$"}, "8x18x$"),
       {"%0"},
       {"8x18x$"}});
  rows.push_back({"reshape_split",
                  {"6x20x$", "20x$"},
                  op("%0", "broadcast(%a1, shape = [6, 20])", {"20x$"}, "6x20x$") +
                      op("%1", "add(%a0, %0)", {"6x20x$", "6x20x$"}, "6x20x$") +
                      op("%2", "reshape(%1, shape = [6, 4, 5])", {"6x20x$"}, "6x4x5x$"),
                  {"%2"},
                  {"6x4x5x$"}});
  rows.push_back({"reshape_merge",
                  {"6x4x5x$", "4x1x$"},
                  op("%0", "broadcast(%a1, shape = [6, 4, 5])", {"4x1x$"}, "6x4x5x$") +
                      op("%1", "add(%a0, %0)", {"6x4x5x$", "6x4x5x$"}, "6x4x5x$") +
                      op("%2", "reshape(%1, shape = [8, 15])", {"6x4x5x$"}, "8x15x$"),
                  {"%2"},
                  {"8x15x$"}});
  rows.push_back({"iota",
                  {"3x19x$"},
                  op("%0", "iota(shape = [3, 19], axis = 1)", {}, "3x19xi32") +
                      op("%1", "iota(shape = [3, 19], axis = 0, dtype = $)", {}, "3x19x$") +
                      op("%2", "convert(%0, dtype = $)", {"3x19xi32"}, "3x19x$") +
                      op("%3", "multiply(%1, %2)", {"3x19x$", "3x19x$"}, "3x19x$") +
                      op("%4", "add(%3, %a0)", {"3x19x$", "3x19x$"}, "3x19x$"),
                  {"%4", "%0"},
                  {"3x19x$", "3x19xi32"}});
  rows.push_back(
      {"table",
       {"2x3x$"},
       op("%0", "constant([[1.5, 2.0, -3.0], [4.0, 5.0, 6.25]], dtype = $)", {}, "2x3x$") +
           op("%1", "multiply(%0, %a0)", {"2x3x$", "2x3x$"}, "2x3x$"),
       {"%1"},
       {"2x3x$"}});
  rows.push_back({"integers",
                  {"29xi32", "29xi64"},
                  op("%0", "convert(%a0, dtype = i64)", {"29xi32"}, "29xi64") +
                      op("%1", "add(%0, %a1)", {"29xi64", "29xi64"}, "29xi64") +
                      op("%2", "convert(%1, dtype = $)", {"29xi64"}, "29x$"),
                  {"%1", "%2"},
                  {"29xi64", "29x$"}});
  rows.push_back({"gather_rows",
                  {"7x19x$", "5xi32"},
                  op("%0", "gather(%a0, %a1, axis = 0)", {"7x19x$", "5xi32"}, "5x19x$") +
                      op("%1", "exp(%0)", {"5x19x$"}, "5x19x$"),
                  {"%1"},
                  {"5x19x$"}});
  rows.push_back({"gather_columns",
                  {"4x9x$", "2x17xi64"},
                  op("%0", "gather(%a0, %a1, axis = -1)", {"4x9x$", "2x17xi64"}, "4x2x17x$"),
                  {"%0"},
                  {"4x2x17x$"}});
  for (std::string n : {"5", "64", "1003"}) {
    std::string s = "2x" + n + "x$", i = "2x" + n + "xi32", shape = "[2, " + n + "]";
    rows.push_back(
        {"random",
         {"2xi32", "i64", s},
         op("%0", "random_uniform(%a0, %a1, shape = " + shape + ", dtype = $, site = 77)",
            {"2xi32", "i64"}, s) +
             op("%1", "random_bits(%a0, shape = " + shape + ", site = -5)", {"2xi32"}, i) +
             op("%2", "multiply(%0, %a2)", {s, s}, s),
         {"%2", "%0", "%1"},
         {s, s, i}});
  }
  rows.push_back({"random_flat",
                  {"2xi32"},
                  op("%0", "random_uniform(%a0, shape = [3, 7, 5], dtype = $, site = 3)", {"2xi32"},
                     "3x7x5x$"),
                  {"%0"},
                  {"3x7x5x$"}});
  rows.push_back({"random_fold",
                  {"2xi32", "i32"},
                  op("%0", "random_fold(%a0, %a1)", {"2xi32", "i32"}, "2xi32"),
                  {"%0"},
                  {"2xi32"}});
  return rows;
}

std::string replaced(std::string text, const std::string &type) {
  for (size_t at; (at = text.find('$')) != std::string::npos;) text.replace(at, 1, type);
  return text;
}

TEST(ElementwiseKernels, AgreeWithInterpreter) {
  unsigned seed = 1;
  for (const Row &row : rows())
    for (const char *type : {"f32", "f64"})
      for (auto [strategy, cpu] :
           {std::pair{"map", "native"}, {"map", "x86-64-v3"}, {"reference", "native"}}) {
        SCOPED_TRACE(std::string(row.name) + " " + type + " " + strategy + " " + cpu);
        std::string text =
            replaced(kernelText("map", row.types, row.body, row.results, row.result_types), type);
        CompiledKernel kernel(text, strategy, cpu);
        ASSERT_TRUE(kernel.ok());
        kernel.check(++seed, type == std::string("f32") ? 1e-6 : 1e-14, row.low, row.high);
      }
}

// New values of states have no subnormal numbers in fast code on x86-64; the caller's mode comes
// back.
TEST(ElementwiseKernels, UpdatesFlushSubnormalNumbers) {
  const std::string text = R"(
graph.state @w : tensor<40xf32> role(parameter)
graph.entry @main(%x: tensor<40xf32>) attributes {result_names = []} {
  %w = read(@w) : () -> tensor<40xf32>
  %y = kernel.fused(%w, %x) {kind = "map"} : (tensor<40xf32>, tensor<40xf32>) -> tensor<40xf32> {
  ^bb0(%a: tensor<40xf32>, %b: tensor<40xf32>):
    %0 = multiply(%a, %b) : (tensor<40xf32>, tensor<40xf32>) -> tensor<40xf32>
    kernel.yield %0 : tensor<40xf32>
  }
  return(%y, writes = [@w]) : (tensor<40xf32>) -> ()
}
)";
  for (bool strict : {false, true}) {
    bool flushes = false;
    CompiledKernel kernel(text, "", "native", [&](strategy::Target &target) {
      if (strict) target.numerics = strategy::Numerics::kStrict;
      flushes = target.has_flush && !strict;
    });
    ASSERT_TRUE(kernel.ok());
    EXPECT_EQ(kernel.func().getStrategy().getParams().contains("flush"), flushes);
    std::vector<CompiledKernel::Bytes> inputs;
    // Each product is the subnormal number 2^-130.
    for (float each : {0x1p-100f, 0x1p-30f}) {
      std::vector<float> numbers(40, each);
      const char *begin = reinterpret_cast<const char *>(numbers.data());
      inputs.emplace_back(begin, begin + 40 * sizeof(float));
    }
    auto results = kernel.run(inputs);
    float first;
    memcpy(&first, results[0].data(), sizeof first);
    EXPECT_EQ(first, flushes ? 0.0f : 0x1p-130f);
    volatile float small = 0x1p-100f;
    EXPECT_EQ(small * 0x1p-30f, 0x1p-130f);
  }
}

}  // namespace
}  // namespace graven::codegen::cpu
