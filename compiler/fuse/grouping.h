// Which ops of an entry become one kernel.
//
// Ops are visited in order; each joins the group of one of its operands if the group's shape of
// computation admits it, or opens a group of its own. Groups never depend on one another in a
// circle. Some values belong to no group: they are cheaper to compute again than to store.
// Each refusal is a remark of the category `fuse` at the op, with the reason and, as `from`, the
// location of the first op of the group that the op reads from memory instead.
#ifndef GRAVEN_COMPILER_FUSE_GROUPING_H_
#define GRAVEN_COMPILER_FUSE_GROUPING_H_

#include "dialect/graph/ir/graph.h"
#include "dialect/kernel/kernel.h"
#include "llvm/ADT/SetVector.h"

namespace graven::fuse {

enum class Kind { kMap, kRow, kColumn, kContraction, kReference };
llvm::StringRef kindName(Kind kind);

struct Group {
  Kind kind;
  // The index space: of a map or contraction its result's shape, of row and column kernels the
  // shape that is reduced.
  llvm::SmallVector<int64_t> space;
  int64_t reduced = 0;  // row: how many last axes; column: how many first axes
  llvm::SetVector<mlir::Operation *> ops;
};

// True for values that every kernel computes for itself: constants of one number, counters, random
// numbers, what follows from these alone, and broadcasts.
bool isRepeated(mlir::Operation *op);

// True for ops that stay outside kernels: reads, stored constants, reshapes of stored values.
bool isStored(mlir::Operation *op);

class Grouping {
 public:
  explicit Grouping(graph::EntryOp entry);

  // Groups in an order in which each comes after those it depends on.
  llvm::SmallVector<Group *> inOrder();
  // The group that computes `op`, or null. A repeated op has one where somebody wants it stored;
  // kernels compute it for themselves even so, which keeps them from depending on one another in a
  // circle through it. Only contractions read what is stored.
  Group *groupOf(mlir::Operation *op) const { return groups_.lookup(op); }

 private:
  void place(mlir::Operation *op);
  Group *open(mlir::Operation *op, Kind kind, llvm::ArrayRef<int64_t> space, int64_t reduced = 0);
  // Why `op` may not be computed with `group`, as the end of a sentence; "" where it may.
  llvm::StringRef refusal(const Group &group, mlir::Operation *op) const;
  // Why `group`, which `op` reads as well, stays apart from `home`, which `op` has joined.
  llvm::StringRef whyApart(mlir::Operation *op, const Group &home, Group &group) const;
  // At most how many inputs and outputs a kernel of these ops has.
  int64_t mostBuffers(const Group &group, llvm::ArrayRef<mlir::Operation *> more) const;
  void join(Group &group, mlir::Operation *op);
  void absorb(Group &into, Group &from);
  // The groups whose results `op` reads, seen through repeated values and reshapes.
  llvm::SetVector<Group *> sources(mlir::Operation *op) const;
  llvm::SetVector<Group *> sources(const Group &group) const;
  bool dependsOn(const Group *later, const Group *earlier) const;

  // Elementwise ops that lead to new values of state and nowhere else are the optimizer's formulas.
  // Where they are all that reads a gradient, they are computed with it, tile by tile, and it is
  // never stored. Elsewhere (its norm is wanted first, say) they stay apart from the kernels that
  // make gradients, so that all of them can be one kernel.
  void findUpdates(mlir::Block &block);

  llvm::SmallVector<std::unique_ptr<Group>> all_;
  llvm::SmallPtrSet<mlir::Operation *, 16> updates_;
  // Heroes all of whose uses are updates.
  llvm::SmallPtrSet<mlir::Operation *, 16> gradients_;
  llvm::DenseMap<mlir::Operation *, Group *> groups_;
};

}  // namespace graven::fuse

#endif  // GRAVEN_COMPILER_FUSE_GROUPING_H_
