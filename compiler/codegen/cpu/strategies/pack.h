// Copies a matrix into the order of panel_format.h.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_PACK_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_PACK_H_

#include "compiler/codegen/cpu/strategies/panel_format.h"
#include "compiler/codegen/loops/emitter.h"

namespace graven::codegen::cpu {

// Narrow elements are packed as what they are computed with, or bf16 in pairs (bf16_pairs.h): the
// format's unit is then a pair, and its k counts pairs; an odd last k is followed by zeros.
// Element (k, i) of matrix o lies at source + o's offset + k stride_k + i stride_i.
struct PanelPacking {
  mlir::Value source, target;
  mlir::Type element;
  PanelFormat format;
  int64_t stride_k, stride_i;
  int64_t lanes;  // of a vector; divides the format's width and granule
  Index steps;    // of k that are copied: all, or, unknown before, at most as many
  bool pairs = false;
  // Whole panels that are copied side by side, where i is contiguous: longer runs of memory.
  int64_t together = 1;
  // Groups of so many panels, the last one maybe smaller, of one matrix.
  int64_t groups() const { return (format.panels() + together - 1) / together; }
  mlir::Type packedElement() const;
  // Axes that number the matrices: length and stride in the source.
  llvm::SmallVector<std::pair<int64_t, int64_t>> outer;
};

// Emits the copy of the `count` indices that `from` points to into the panel at `to`, which is
// `width` wide; with `panels`, of so many whole ones that follow each other. Where the number of
// steps is not known, steps behind the last one may be zeros, up to a multiple of the lanes. Leaves
// the emitter at `packing.lanes` lanes.
void emitPanel(Emitter &emitter, const PanelPacking &packing, mlir::Value from, mlir::Value to,
               int64_t count, int64_t width, int64_t panels = 1);
// Emits the copy of panel number `panel`, counted through all matrices.
void emitPackedPanel(Emitter &emitter, const PanelPacking &packing, const Index &panel);
// Emits the copy of group number `group` of panels, counted through all matrices.
void emitPackedGroup(Emitter &emitter, const PanelPacking &packing, const Index &group);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_PACK_H_
