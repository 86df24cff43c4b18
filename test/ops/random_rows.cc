// Rows of random numbers: the known answers of Philox4x32-10 (Random123's kat_vectors).
#include <cmath>

#include "test/ops/row.h"

namespace graven::ops_test {

using namespace graph;
using In = llvm::ArrayRef<Expr>;

namespace {

template <typename OpTy>
Expr draw(GraphBuilder &g, In in, llvm::ArrayRef<int64_t> shape, uint32_t site,
          mlir::Type element = {}) {
  llvm::SmallVector<mlir::Value> operands(in.begin(), in.end());
  llvm::SmallVector<mlir::NamedAttribute> options{g.ints("shape", shape), g.integer("site", site)};
  if (element) options.push_back(g.type("dtype", element));
  return {g, g.create<OpTy>(operands, options)};
}

double word(uint32_t bits) { return static_cast<int32_t>(bits); }
// The number in [0, 1) that f32 draws make of a word.
double fraction(uint32_t bits) { return std::ldexp(bits >> 8, -24); }

}  // namespace

std::vector<Row> randomRows() {
  // Counter (0, site, counter low, counter high) of the third vector has no 0 in front; the first
  // and a block further on stand for it.
  Argument zeroKey = given(Kind::kInt, {2}, {0, 0});
  Argument key = given(Kind::kInt, {2}, {word(0xa4093822), word(0x299f31d0)});
  return {
      {"random_bits",
       "known",
       {zeroKey},
       [](GraphBuilder &g, In in) { return draw<RandomBitsOp>(g, in, {4}, 0); },
       expects({word(0x6627e8d5), word(0xe169c58d), word(0xbc57ac4c), word(0x9b00dbd8)})},
      {"random_bits",
       "part_of_a_block",
       {zeroKey},
       [](GraphBuilder &g, In in) { return draw<RandomBitsOp>(g, in, {1, 3}, 0); },
       expects({word(0x6627e8d5), word(0xe169c58d), word(0xbc57ac4c)})},
      {"random_bits",
       "counter",
       {key, given(Kind::kLong, {}, {1234567890123.0})},
       [](GraphBuilder &g, In in) { return draw<RandomBitsOp>(g, in, {3, 7}, 0x85a308d3); },
       nullptr},
      {"random_uniform",
       "f32",
       {zeroKey},
       [](GraphBuilder &g, In in) {
         return draw<RandomUniformOp>(g, in, {2, 2}, 0, g.builder().getF32Type());
       },
       expects({fraction(0x6627e8d5), fraction(0xe169c58d), fraction(0xbc57ac4c),
                fraction(0x9b00dbd8)})},
      {"random_uniform",
       "f64",
       {key, given(Kind::kLong, {}, {77})},
       [](GraphBuilder &g, In in) {
         return draw<RandomUniformOp>(g, in, {13}, 9, g.builder().getF64Type());
       },
       nullptr},
      {"random_fold",
       "",
       {key, given(Kind::kInt, {}, {-3})},
       [](GraphBuilder &g, In in) { return Expr(g, g.create<RandomFoldOp>({in[0], in[1]})); },
       nullptr},
  };
}

}  // namespace graven::ops_test
