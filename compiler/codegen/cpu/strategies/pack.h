// Copies a matrix into panels: columns [p w, p w + w) of all rows lie together, row by row.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_PACK_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_PACK_H_

#include "compiler/codegen/loops/emitter.h"

namespace graven::codegen::cpu {

// Element (k, n) of matrix o lies at source + o's offset + k stride_k + n stride_n and goes to
// target[((o panels + n / columns) k_count + k) columns + n % columns]; columns behind the last are
// 0.
struct PanelPacking {
  mlir::Value source, target;
  mlir::Type element;
  int64_t k, n;
  int64_t stride_k, stride_n;
  int64_t columns;  // of a panel, a multiple of `lanes`
  int64_t lanes;
  // Axes that number the matrices: length and stride in the source.
  llvm::SmallVector<std::pair<int64_t, int64_t>> outer;
};

// Emits the copy of panel number `panel`, counted through all matrices.
void emitPackedPanel(Emitter &emitter, const PanelPacking &packing, const Index &panel);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_PACK_H_
