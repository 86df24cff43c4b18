// Each template of a matrix product on the GPU x layout x element type x size, in the emulator
// against sums in double precision.
//
// Templates: blocks by fused multiply-add (f32, f64), blocks on tensor cores (f16, bf16, tf32), dot
// products of few rows (f32, f64). Layouts: either operand stored as it is or transposed, alone and
// in a batch. Sizes: 1, 7, 63, 65, 127 and 1000 as m, n and k.
//
// Of the 216 triples of sizes, 36 are run for each template and type, shared out over its layouts:
// any two sizes stand together at any two of the three places (the triples are a Latin square, with
// 1 or 7 where two are 1000), and in each layout every size stands at every place. Dot products
// take at most 8 rows and at least 32 steps of k; of these sizes, too, each stands at every place
// in each layout. In a batch of 3 every size stands at every place.
//
// With GRAVEN_EXHAUSTIVE=1 in the environment all 216 triples are run in each layout, and the 36 in
// batches; this takes 20 minutes of processor time, and the seconds of each case are printed.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "test/compiler/codegen/gpu/product_cases.h"

namespace graven::codegen::gpu {
namespace {

constexpr int64_t kGridSizes[] = {1, 7, 63, 65, 127, 1000};
using Triple = std::array<int64_t, 3>;

bool exhaustive() { return getenv("GRAVEN_EXHAUSTIVE") != nullptr; }

std::vector<Triple> allTriples() {
  std::vector<Triple> triples;
  for (int64_t m : kGridSizes)
    for (int64_t n : kGridSizes)
      for (int64_t k : kGridSizes) triples.push_back({m, n, k});
  return triples;
}

// Every `step`-th pair of diagonals, from pair `first`, of a Latin square of sizes; `turn` turns
// those that are neither 1, 7 nor 1000. A pair, and so all, has every size at every place.
std::vector<Triple> latinSquare(int64_t turn, int64_t first = 0, int64_t step = 1) {
  const int64_t middle[] = {63, 65, 127};
  const int64_t order[] = {middle[turn % 3],       7,   middle[(turn + 1) % 3], 1,
                           middle[(turn + 2) % 3], 1000};
  std::vector<Triple> triples;
  for (int64_t pair = first; pair < 3; pair += step)
    for (int64_t diagonal : {2 * pair, 2 * pair + 1})
      for (int64_t i = 0; i < 6; ++i) {
        int64_t j = (i + diagonal) % 6;
        triples.push_back({order[i], order[j], order[(i + j + 5) % 6]});
      }
  return triples;
}

// Sizes of a product of few rows: each number of rows and columns, with half of the lengths that
// there are; which half, `turn` says.
std::vector<Triple> fewRows(int64_t turn) {
  const int64_t lengths[] = {63, 65, 127, 1000};
  std::vector<Triple> triples;
  for (int64_t i = 0; i < 6; ++i)
    for (int64_t m : {1, 7})
      triples.push_back({m, kGridSizes[i], lengths[(i + turn + (m == 1 ? 0 : 2)) % 4]});
  return triples;
}

struct Grid {
  const char *strategy, *type;
  bool lhs_transposed, rhs_transposed;

  string told() const {
    return string(strategy) + "_" + type + "_" + (lhs_transposed ? "T" : "N") +
           (rhs_transposed ? "T" : "N");
  }
  Product of(const Triple &sizes, int64_t batch = 0) const {
    return {sizes[0], sizes[1], sizes[2], lhs_transposed, rhs_transposed, type, batch};
  }
  bool isDot() const { return string(strategy) == "dot"; }
  int64_t layout() const { return 2 * lhs_transposed + rhs_transposed; }
  // What the dot products' strategy takes (compiler/codegen/gpu/strategies/dot.cc).
  bool takes(const Triple &sizes) const {
    auto [m, n, k] = sizes;
    if (!isDot()) return true;
    bool reads_neighbours = !rhs_transposed || !lhs_transposed || m == 1 || n == 1;
    return m <= 8 && k >= 32 && reads_neighbours;
  }
};

void PrintTo(const Grid &grid, std::ostream *out) { *out << grid.told(); }

class GpuProductGrid : public testing::TestWithParam<Grid> {
 protected:
  void run(const std::vector<Triple> &triples, int64_t batch) {
    for (const Triple &sizes : triples) {
      if (!GetParam().takes(sizes)) continue;
      Product product = GetParam().of(sizes, batch);
      auto begin = std::chrono::steady_clock::now();
      check(product, GetParam().strategy);
      ++cases_;
      std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
      if (exhaustive()) {
        printf("%8.3f s  %s %s%s\n", seconds.count(), GetParam().strategy, product.told().c_str(),
               HasFailure() ? "  (failures so far)" : "");
        fflush(stdout);
      }
    }
  }

  int64_t cases_ = 0;
};

TEST_P(GpuProductGrid, Sizes) {
  const Grid &grid = GetParam();
  // The last of four layouts has a part of another square.
  std::vector<Triple> part =
      grid.isDot() ? fewRows(grid.layout()) : latinSquare(grid.layout() / 3, grid.layout() % 3, 3);
  run(exhaustive() ? allTriples() : part, 0);
  EXPECT_GE(cases_, 6);
}

TEST_P(GpuProductGrid, Batched) {
  std::vector<Triple> triples;
  for (int64_t i = 0; i < 6; ++i)
    triples.push_back({kGridSizes[i], kGridSizes[(i + 1) % 6], kGridSizes[(i + 3) % 6]});
  triples.push_back({64, 32, 32});
  if (GetParam().isDot()) triples = {{7, 65, 63}, {1, 127, 65}};
  run(exhaustive() ? latinSquare(0) : triples, 3);
  EXPECT_GE(cases_, 1);
}

std::vector<Grid> grids() {
  std::vector<Grid> all;
  for (auto [strategy, type] : {std::pair{"contraction", "f32"},
                                {"contraction", "f64"},
                                {"contraction", "f16"},
                                {"contraction", "bf16"},
                                {"contraction", "tf32"},
                                {"dot", "f32"},
                                {"dot", "f64"}})
    for (bool lhs : {false, true})
      for (bool rhs : {false, true}) all.push_back({strategy, type, lhs, rhs});
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, GpuProductGrid, testing::ValuesIn(grids()),
                         [](const testing::TestParamInfo<Grid> &info) {
                           return info.param.told();
                         });

}  // namespace
}  // namespace graven::codegen::gpu
