// Rows of access by computed index.
#include "test/ops/row.h"

namespace graven::ops_test {

using namespace graph;
using In = llvm::ArrayRef<Expr>;

std::vector<Row> indexingRows() {
  Argument table = given(Kind::kReal, {3, 2}, {1, 2, 3, 4, 5, 6});
  auto take = [](int64_t axis) {
    return [axis](GraphBuilder &, In in) { return gather(in[0], in[1], axis); };
  };
  auto put = [](int64_t axis) {
    return [axis](GraphBuilder &, In in) { return scatterAdd(in[0], in[1], in[2], axis); };
  };
  return {
      {"gather",
       "rows",
       {table, given(Kind::kInt, {4}, {2, 0, 2, 1})},
       take(0),
       expects({5, 6, 1, 2, 5, 6, 3, 4})},
      {"gather", "columns", {table, given(Kind::kLong, {1}, {1})}, take(1), expects({2, 4, 6})},
      {"gather",
       "clamps",
       {table, given(Kind::kInt, {2}, {-5, 9})},
       take(0),
       expects({1, 2, 5, 6})},
      {"gather", "scalar_index", {table, given(Kind::kInt, {}, {1})}, take(-2), expects({3, 4})},
      {"gather", "matrix_of_indices", {real({5, 3}), integer({2, 3}, 0, 5)}, take(0), nullptr},
      {"gather", "middle", {real({2, 5, 3}), integer({4}, 0, 5)}, take(1), nullptr},
      {"gather", "no_index", {real({5, 3}), integer({0})}, take(0), expects({})},
      {"scatter_add",
       "rows",
       {table, given(Kind::kInt, {3}, {2, 0, 2}),
        given(Kind::kReal, {3, 2}, {10, 20, 30, 40, 50, 60})},
       put(0),
       expects({31, 42, 3, 4, 65, 86})},
      {"scatter_add",
       "columns",
       {table, given(Kind::kLong, {1}, {1}), given(Kind::kReal, {3, 1}, {10, 20, 30})},
       put(1),
       expects({1, 12, 3, 24, 5, 36})},
      {"scatter_add",
       "clamps",
       {table, given(Kind::kInt, {2}, {-5, 9}), given(Kind::kReal, {2, 2}, {1, 1, 2, 2})},
       put(0),
       expects({2, 3, 3, 4, 7, 8})},
      {"scatter_add",
       "middle",
       {real({2, 5, 3}), integer({4}, 0, 5), real({2, 4, 3})},
       put(1),
       nullptr},
      {"scatter_add",
       "i32",
       {given(Kind::kInt, {2}, {1, 2}), given(Kind::kInt, {3}, {0, 0, 1}),
        given(Kind::kInt, {3}, {5, 6, 7})},
       put(0),
       expects({12, 9})},
  };
}

}  // namespace graven::ops_test
