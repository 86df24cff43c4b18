// Every strategy, forced by its name on kernels that it takes, over random shapes with 0, 1 and
// primes among them, against the interpreter: whatever the table would choose, results agree within
// the kernel's bound. The strategies' own tests say more about each.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>

#include "compiler/codegen/cpu/strategies/strategies.h"
#include "test/compiler/codegen/cpu/kernel_harness.h"

namespace graven::codegen::cpu {
namespace {

// Writes the ops of a kernel.
class Region {
 public:
  std::string input(const std::string &type) {
    inputs_.push_back(type);
    return name("%a" + std::to_string(inputs_.size() - 1), type);
  }
  std::string op(const std::string &op, const std::vector<std::string> &operands,
                 const std::string &options, const std::string &type) {
    std::string list, types;
    for (const std::string &operand : operands) {
      list += (list.empty() ? "" : ", ") + operand;
      types += (types.empty() ? "" : ", ") + ("tensor<" + type_of_.at(operand) + ">");
    }
    if (!options.empty()) list += (list.empty() ? "" : ", ") + options;
    std::string result = name("%" + std::to_string(results_++), type);
    text_ +=
        "    " + result + " = " + op + "(" + list + ") : (" + types + ") -> tensor<" + type + ">\n";
    return result;
  }
  std::string kernel(const std::string &kind, const std::vector<std::string> &results) {
    std::vector<std::string> types;
    for (const std::string &result : results) types.push_back(type_of_.at(result));
    return kernelText(kind, inputs_, text_, results, types);
  }

 private:
  std::string name(const std::string &name, const std::string &type) {
    type_of_[name] = type;
    return name;
  }
  std::vector<std::string> inputs_;
  std::string text_;
  int results_ = 0;
  std::map<std::string, std::string> type_of_;
};

using Shape = std::vector<int64_t>;
std::string f32(const Shape &shape) {
  std::string text;
  for (int64_t length : shape) text += std::to_string(length) + "x";
  return text + "f32";
}
std::string list(const Shape &shape) {
  std::string text;
  for (int64_t length : shape) text += (text.empty() ? "" : ", ") + std::to_string(length);
  return "[" + text + "]";
}

// exp(x - max) / sum, and the logarithm of the sum.
std::string rows(const Shape &s) {
  Region r;
  std::string full = f32(s), one = f32({s[0]}), spread = "shape = " + list(s) + ", axes = [0]";
  std::string x = r.input(full), top = r.op("max", {x}, "axis = 1", one);
  std::string e = r.op(
      "exp", {r.op("subtract", {x, r.op("broadcast", {top}, spread, full)}, "", full)}, "", full);
  std::string sum = r.op("sum", {e}, "axis = 1", one);
  std::string y = r.op("divide", {e, r.op("broadcast", {sum}, spread, full)}, "", full);
  return r.kernel("row", {y, r.op("log", {sum}, "", one)});
}
std::string columns(const Shape &s) {
  Region r;
  std::string full = f32(s), one = f32({s[1]}), x = r.input(full), b = r.input(one);
  std::string sum = r.op("sum", {r.op("multiply", {x, x}, "", full)}, "axis = 0", one);
  return r.kernel("column", {r.op("add", {sum, b}, "", one), r.op("max", {x}, "axis = 0", one)});
}
std::string elements(const Shape &s) {
  Region r;
  std::string full = f32(s), x = r.input(full), b = r.input(f32({s[1]}));
  std::string wide = r.op("broadcast", {b}, "shape = " + list(s) + ", axes = [1]", full);
  std::string y = r.op("tanh", {r.op("add", {x, wide}, "", full)}, "", full);
  return r.kernel("map", {y, r.op("multiply", {x, y}, "", full)});
}
std::string transposed(const Shape &s) {
  Region r;
  std::string from = f32(s), to = f32({s[1], s[0]}), x = r.input(from), y = r.input(to);
  std::string turned = r.op("transpose", {x}, "permutation = [1, 0]", to);
  return r.kernel("map", {r.op("subtract", {turned, y}, "", to)});
}
std::string products(const Shape &s) {
  Region r;
  std::string out = f32({s[0], s[1]}), x = r.input(f32({s[0], s[2]})),
              w = r.input(f32({s[1], s[2]}));
  std::string b = r.input(out);
  std::string y = r.op("dot_general", {x, w}, "lhs_contract = [1], rhs_contract = [1]", out);
  return r.kernel("contraction", {r.op("add", {y, b}, "", out)});
}
std::string scattered(const Shape &s) {
  Region r;
  std::string table = f32({5, s[1]}), i = r.input(std::to_string(s[0]) + "xi32");
  std::string u = r.input(f32(s)),
              zero =
                  r.op("constant", {}, "0.0, shape = " + list({5, s[1]}) + ", dtype = f32", table);
  return r.kernel("reference", {r.op("scatter_add", {zero, i, u}, "axis = 0", table)});
}
// Two tensors with the same update.
std::string segments(const Shape &s) {
  Region r;
  std::string rate = r.input("f32");
  std::vector<std::array<std::string, 2>> states;
  std::vector<std::string> results;
  const std::string types[] = {f32(s), f32({s[1]})}, dims[] = {list(s), list({s[1]})};
  for (const std::string &type : types) {
    std::string w = r.input(type);
    states.push_back({w, r.input(type)});
  }
  for (int i : {0, 1}) {
    auto [w, g] = states[i];
    std::string step = r.op("broadcast", {rate}, "shape = " + dims[i] + ", axes = []", types[i]);
    results.push_back(
        r.op("subtract", {w, r.op("multiply", {g, step}, "", types[i])}, "", types[i]));
  }
  std::string text = r.kernel("segments", results), kind = "kind = \"segments\"";
  return text.replace(text.find(kind), kind.size(),
                      kind + ", segments = 2 : i64, shared = 1 : i64");
}

struct Family {
  std::string (*text)(const Shape &);
  size_t rank;
  std::vector<std::string> strategies;
  double tolerance;
  std::vector<Shape> always;
};
const Family kFamilies[] = {
    {rows, 2, {"row", "reference"}, 2e-6, {{0, 5}, {1, 1}, {13, 257}}},
    {columns, 2, {"column", "reference"}, 1e-5, {{0, 5}, {5, 0}, {1, 1}, {127, 31}}},
    {elements, 2, {"map", "reference"}, 2e-6, {{0, 5}, {5, 0}, {1, 1}, {31, 127}}},
    {transposed, 2, {"transpose", "map", "reference"}, 2e-6, {{31, 67}, {64, 16}}},
    {products,
     3,
     {"contraction", "reference"},
     2e-6,
     {{0, 5, 3}, {3, 5, 0}, {1, 1, 1}, {7, 13, 31}}},
    {products, 3, {"dot", "contraction", "reference"}, 2e-6, {{1, 31, 127}, {7, 13, 67}}},
    {scattered, 2, {"scatter", "reference"}, 1e-5, {{0, 5}, {1, 1}, {31, 67}}},
    {segments, 2, {"segments", "reference"}, 2e-6, {{0, 5}, {1, 1}, {67, 127}}},
};

class ForcedStrategies : public testing::TestWithParam<size_t> {};

TEST_P(ForcedStrategies, AgreeWithTheInterpreter) {
  const Family &family = kFamilies[GetParam()];
  std::vector<Shape> shapes = family.always;
  // Lengths that fall short of a vector, fill some, and exceed a block.
  const int64_t lengths[] = {1, 2, 3, 5, 7, 16, 17, 31, 64, 67, 127, 128, 131, 509};
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  bool dot = family.strategies[0] == "dot", squares = family.strategies[0] == "transpose";
  for (int i = 0; i < 4; ++i) {
    Shape shape(family.rank);
    for (int64_t &length : shape) length = lengths[random() % std::size(lengths)];
    if (dot) shape = {1 + shape[0] % 4, shape[1], 64 + shape[2]};
    if (squares) shape = {16 + shape[0], 16 + shape[1]};
    shapes.push_back(shape);
  }
  for (const Shape &shape : shapes)
    for (const std::string &strategy : family.strategies) {
      SCOPED_TRACE(list(shape) + " " + strategy);
      CompiledKernel kernel(family.text(shape), strategy);
      ASSERT_TRUE(kernel.ok());
      ASSERT_EQ(kernel.strategy(), strategy);
      kernel.check(11, family.tolerance);
    }
}

INSTANTIATE_TEST_SUITE_P(Families, ForcedStrategies,
                         testing::Range<size_t>(0, std::size(kFamilies)),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return kFamilies[info.param].strategies[0] + std::to_string(info.param);
                         });

// A strategy that is added to the table is added here too.
TEST(ForcedStrategiesTable, IsCovered) {
  std::set<std::string> forced, known;
  for (const Family &family : kFamilies)
    forced.insert(family.strategies.begin(), family.strategies.end());
  for (const strategy::Strategy &strategy : strategies()) known.insert(strategy.name.str());
  EXPECT_EQ(forced, known);
}

}  // namespace
}  // namespace graven::codegen::cpu
