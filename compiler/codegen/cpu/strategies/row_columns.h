// How rows are gone through column by column: what is carried along, kept for later passes, and
// joined to the results of a row's reductions.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROW_COLUMNS_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROW_COLUMNS_H_

#include <vector>

#include "compiler/codegen/cpu/kernel_function.h"
#include "compiler/codegen/cpu/strategies/row_plan.h"
#include "compiler/codegen/loops/row_reduction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace graven::codegen::cpu {

class RowColumns {
 protected:
  RowColumns(KernelFunction &function, const RowPlan &plan, bool strict);

  // Results of a row's reductions, level by level.
  using Results = Emitter::Carry;

  // Buffers lie as far from a page's begin as the row itself. Processors tell a load from the
  // stores before it by these bits first: where a buffer lay a little further, each load of the row
  // would wait for a store that is none of its business.
  void placeBuffers(const Index &row);

  // Say what a reduction found in a row; what an earlier pass kept.
  void give(mlir::Value value, mlir::Value scalar, int depth);
  void giveKept(mlir::Value kept, int depth);
  // What the passes before `pass` have found in a row.
  llvm::SmallVector<mlir::Value> giveRow(int64_t pass, const Results &results, int depth);
  void takeBack(llvm::ArrayRef<mlir::Value> given);

  // Asks memory for what the rows to come will read; `row` is the newest, `vector` the number of
  // the vector in its step.
  void fetch(const PassOrder &order, int64_t sweep, const Index &row, const Index &first,
             int64_t vector);

  // What a vector of columns is to store, behind all that is read for it: rows and buffers often
  // lie equally far from a page's begin, and a load whose address ends as a recent store's waits
  // for it.
  struct Store {
    mlir::Value pointer;
    mlir::Type element;
    Index place;
    mlir::Value value;
  };
  using Stores = llvm::SmallVector<Store>;

  void writeColumns(const Index &row, const Index &first, Stores &stores);

  // Goes through columns [from, to) with values carried along: `unroll` vectors at a time, then
  // single ones, then the lanes that are left, masked. `body` gets the first column, the number of
  // the vector in its step and the values.
  Emitter::Carry carry(
      const Index &from, const Index &to, int64_t unroll, Emitter::Carry carried,
      llvm::function_ref<Emitter::Carry(const Index &, int64_t, mlir::ValueRange)> body);

  mlir::Value compare(mlir::arith::CmpIPredicate how, const Index &a, int64_t b);
  Index maximum(const Index &a, const Index &b);

  // Whether rows are reduced block by block, in one stage.
  bool blockwise() const { return p_.strict && p_.blocks == 1 && p_.rowBlocks() > 1; }

  // Reductions of one level, each with some values among those carried along.
  struct Group {
    int64_t accumulators = 1;
    std::vector<RowReduction> each;
    llvm::SmallVector<int64_t> begins;
    Emitter::Carry values;

    mlir::ValueRange of(mlir::ValueRange carried, int64_t number, int64_t accumulator) {
      int64_t parts = each[number].parts();
      return carried.slice(begins[number] + accumulator * parts, parts);
    }
    void set(llvm::MutableArrayRef<mlir::Value> carried, int64_t number, int64_t accumulator,
             mlir::ValueRange to) {
      llvm::copy(to, carried.begin() + begins[number] + accumulator * each[number].parts());
    }
  };
  Group beginGroup(llvm::ArrayRef<mlir::Operation *> reductions, const Index &from,
                   int64_t accumulators);

  // Adds the vector of columns from `first` on to `values`, which are the group's, and keeps what
  // later passes want to read.
  void addColumn(int64_t pass, Group &group, llvm::MutableArrayRef<mlir::Value> values,
                 int64_t accumulator, const Index &row, const Index &first, Stores &stores);
  void emitStores(const Stores &stores);

  // A group's results, as scalars.
  Results join(Group &group);

  // Results of `pass` over columns [from, to) of `row`.
  Results reduce(int64_t pass, const Index &row, const Index &from, const Index &to);

  // Results of `pass` over a whole row that is cut into blocks.
  Results reduceInBlocks(int64_t pass, const Index &row);

  // In blocks whose results are joined as a tree. The place of a largest element does not depend on
  // the order and goes on from block to block.
  Results reduceBlocks(int64_t pass, const Index &row);

  // Joins the results of a row's blocks, which lie in memory from element `first` on and are
  // overwritten: neighbours first, then neighbouring pairs, and so on.
  mlir::Value joinTree(mlir::Operation *op, mlir::Value pointer, const Index &first);

  mlir::Value partials(int64_t number) { return f_.scratchPointer(p_.partialOffset(number)); }

  // The blocks' results of one row, in order.
  mlir::Value joinPartials(mlir::Operation *op, int64_t number, const Index &row);

  KernelFunction &f_;
  Emitter &e_;
  const RowPlan &p_;
  const bool strict_;
  llvm::DenseMap<mlir::Value, mlir::Value> memory_, buffers_;     // of kept values; a row's part
  llvm::DenseMap<mlir::Operation *, mlir::Value> block_results_;  // of a row's blocks, in order
  Index column_;
};

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_STRATEGIES_ROW_COLUMNS_H_
