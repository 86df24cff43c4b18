// Rows of contractions.
#include "test/ops/row.h"

namespace graven::ops_test {

using namespace graph;
using In = llvm::ArrayRef<Expr>;

std::vector<Row> contractionRows() {
  std::vector<Row> rows;
  auto dot = [&](const char *facet, Argument x, Argument y, DotAxes axes,
                 Row::Reference reference = nullptr) {
    rows.push_back({"dot_general",
                    facet,
                    {std::move(x), std::move(y)},
                    [axes](GraphBuilder &, In in) { return dotGeneral(in[0], in[1], axes); },
                    std::move(reference)});
  };
  Argument a = given(Kind::kReal, {2, 3}, {1, 2, 3, 4, 5, 6});
  Argument b = given(Kind::kReal, {3, 2}, {1, -1, 0, 2, 3, 1});
  dot("matrices", a, b, {{}, {}, {1}, {0}}, expects({10, 6, 22, 12}));
  dot("outer", given(Kind::kReal, {2}, {2, 3}), given(Kind::kReal, {2}, {5, 7}), {{}, {}, {}, {}},
      expects({10, 14, 15, 21}));
  dot("inner", given(Kind::kReal, {2}, {2, 3}), given(Kind::kReal, {2}, {5, 7}), {{}, {}, {0}, {0}},
      expects({31}));
  dot("both_axes", a, a, {{}, {}, {0, 1}, {0, 1}}, expects({91}));
  dot("crossed_axes", a, b, {{}, {}, {0, 1}, {1, 0}}, expects({1 - 4 + 0 + 10 + 9 + 6}));
  // Every pairing of transposed and plain operands.
  dot("nn", real({7, 5}), real({5, 3}), {{}, {}, {1}, {0}});
  dot("nt", real({7, 5}), real({3, 5}), {{}, {}, {1}, {1}});
  dot("tn", real({5, 7}), real({5, 3}), {{}, {}, {0}, {0}});
  dot("tt", real({5, 7}), real({3, 5}), {{}, {}, {0}, {1}});
  dot("batched", real({3, 2, 5}), real({3, 5, 4}), {{0}, {0}, {2}, {1}});
  dot("batch_inside", real({2, 3, 5}), real({5, 4, 3}), {{1}, {2}, {2}, {0}});
  dot("two_batches", real({2, 3, 4}), real({3, 2, 5}), {{0, 1}, {1, 0}, {}, {}});
  dot("unit", real({1, 1}), real({1, 5}), {{}, {}, {1}, {0}});
  dot("empty", real({0, 3}), real({3, 2}), {{}, {}, {1}, {0}}, expects({}));
  dot("of_nothing", real({2, 0}), real({0, 2}), {{}, {}, {1}, {0}}, expects({0, 0, 0, 0}));
  return rows;
}

}  // namespace graven::ops_test
