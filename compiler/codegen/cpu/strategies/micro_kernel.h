// The innermost part of a matrix product: one register tile, and what follows from it.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_MICRO_KERNEL_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_MICRO_KERNEL_H_

#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/tiling.h"

namespace graven::codegen::cpu {

// Emits tiles of the product `dot` and stores the kernel's outputs there.
//
// The accumulators of a tile stay in registers while k ascends, with one fused multiply-add per
// element and k, so an element has the same bits in whatever tile it falls; with pairs of bf16, one
// instruction for two k. A step of k loads the tile's vectors of the right operand and spreads one
// element of the left operand after the other over all lanes: the outer product of K. Goto and
// R. van de Geijn (2008) and of BLIS (F. G. Van Zee and R. van de Geijn, ACM TOMS 41, 2015). With
// several streams, k takes their stretches in turn; the order is that of the tiling all the same.
//
// Where the tiling `overlaps`, whole tiles are written down and wait: their rows get the epilogue
// one by one between the steps of the next tile, whose multiplications fill the machine meanwhile.
class MicroKernel {
 public:
  // One operand at a tile: element (k, i) lies at pointer + k stride_k + i stride_i, where i counts
  // from the tile's first row or column. Where products are computed in pairs and the operand is
  // `padded`, elements are pairs, and k counts them.
  struct Operand {
    mlir::Value pointer;
    mlir::Type element;  // in memory
    int64_t stride_k, stride_i;
    bool padded;  // it is packed: elements behind the last index may be read
    // Of the right operand, where not null: vectors are also written there, row after row of the
    // tile's width in whole vectors, which packs a panel (panel_format.h) on the way.
    mlir::Value copy = {};
  };
  // Memory that a tile asks for on its way: the line at pointer + k stride_k in step k. Not used
  // where `pointer` is null.
  struct Ahead {
    mlir::Value pointer;
    mlir::Type element;
    int64_t stride_k = 0;
  };
  // `epilogue`: operations on each element behind the product.
  MicroKernel(KernelFunction &function, const Tiling &tiling, graph::DotGeneralOp dot,
              int64_t epilogue);

  // Where sums of a part of k are, row after row, from the tile's first element on. Not used where
  // `pointer` is null.
  struct Partial {
    mlir::Value pointer;
    int64_t stride = 0;  // of rows
    bool adds = false;   // to what lies there
  };

  // A tile of `rows` x `width` elements at row `m` and column `n` of product number `outer`.
  struct Tile {
    Index outer, m;
    int64_t rows;
    Index n;
    int64_t width;
    Operand lhs, rhs;
    Ahead ahead;
    Index steps;           // of k
    Partial partial = {};  // where used, sums go there, not to the epilogue
    // The tile shall wait. Where the i1 `behind` (null: false) holds, that of the rows before
    // waits.
    bool waits = false;
    mlir::Value behind = {};
  };
  void emit(const Tile &tile);
  // The epilogue of the tile that waits, `width` wide at row `m` and column `n`.
  void finishWaiting(const Index &m, const Index &n, int64_t width);
  // What follows from the sums of `rows` rows from `m` on, at columns [n, n + width), which lie in
  // `memory` in rows of whole vectors.
  void finish(const Index &outer, const Index &m, const Index &rows, const Index &n, int64_t width,
              mlir::Value memory);

 private:
  llvm::SmallVector<mlir::Value> multiply(const Tile &tile);
  void writeDown(int64_t rows, int64_t width, llvm::ArrayRef<mlir::Value> sums);
  // The epilogue of row number `row` of those in `memory` (see finish).
  void finishRow(const Index &m, const Index &row, const Index &n, int64_t width,
                 mlir::Value memory);
  // `both`: with pairs, there is an odd k.
  Emitter::Carry step(const Index &k, mlir::ValueRange sums, const Tile &tile, bool both);
  // What an operand holds at step `k`, `index` behind the tile's first row or column.
  mlir::Value read(const Operand &operand, mlir::Value at, const Index &index, bool both);
  mlir::Value at(const Operand &operand, const Index &k);
  // Calls `body` with the place of each of the tile's vectors in `tile.partial` and its number.
  void forEachPartial(const Tile &tile, llvm::function_ref<void(const Index &, size_t)> body);
  void finishTile(const Index &m, int64_t rows, const Index &n, int64_t width,
                  llvm::ArrayRef<mlir::Value> sums);
  // Runs `body` for the vector of a tile `width` wide that begins at `column`, masked where columns
  // end within it.
  void inColumns(int64_t column, int64_t width, llvm::function_ref<void()> body);

  KernelFunction &f_;
  Emitter &e_;
  const Tiling &t_;
  const GemmShape &g_;
  mlir::Type element_;   // of sums
  bool through_memory_;  // tiles of more than a few vectors are written down before the epilogue
  mlir::Value tile_;     // where
  Index outer_;
};

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_MICRO_KERNEL_H_
