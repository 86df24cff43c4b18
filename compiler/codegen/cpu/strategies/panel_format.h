// The order of a matrix operand that has been packed for a product.
//
// A panel holds `width` neighbouring indices of the operand's free axis (columns of the right
// operand, rows of the left one) for every k: what one step of the innermost loop reads lies
// together, and steps follow each other. Panels follow each other, matrices follow each other:
//
//   element (matrix o, k, i) at ((o * panels + i / width) * k_count + k) * width + i % width
//
// The last panel may be narrower: its width is what is left of the axis, rounded up to `granule`,
// and the stride of its k likewise; the place where it begins, and the size of a matrix, are as if
// it were whole. Indices behind the end of the axis, up to the panel's width, hold zeros; memory
// behind a narrower panel holds nothing.
// The scheme is that of K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication", ACM TOMS 34 (2008).
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_PANEL_FORMAT_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_PANEL_FORMAT_H_

#include <algorithm>
#include <cstdint>

namespace graven::codegen::cpu {

// Lengths count elements. Where elements are packed in pairs along k (bf16_pairs.h), a pair counts
// as one, and `k` as half, rounded up.
struct PanelFormat {
  int64_t length;   // of the free axis
  int64_t k;        // of the contracted axis
  int64_t width;    // of a panel
  int64_t granule;  // the last panel's width is a multiple of it; divides `width`

  int64_t panels() const { return std::max<int64_t>((length + width - 1) / width, 1); }
  // Panels that are filled wholly.
  int64_t wholePanels() const { return length / width; }
  // Indices in the last panel where it is not whole, else 0.
  int64_t left() const { return length % width; }
  // Width of the last panel where it is not whole, with its padding.
  int64_t leftWidth() const { return (left() + granule - 1) / granule * granule; }
  // Elements from the start of a panel to that of the next one.
  int64_t panelStride() const { return k * width; }
  // Elements of one matrix.
  int64_t matrixStride() const { return panels() * panelStride(); }
  // What lies at `place` of a matrix: element (k, i), or nothing.
  bool find(int64_t place, int64_t &k_index, int64_t &i) const {
    int64_t panel = place / panelStride(), in_panel = place % panelStride();
    int64_t wide = panel < wholePanels() ? width : leftWidth();
    if (in_panel >= k * wide) return false;
    k_index = in_panel / wide;
    i = panel * width + in_panel % wide;
    return i < length;
  }
};

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_PANEL_FORMAT_H_
