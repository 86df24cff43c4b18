// A strategy: one way to compute kernels of some kind on one device.
//
// A device offers an ordered table of strategies, the most specialised first, `reference` last,
// which takes everything. `--strategy-choose-strategies` takes the first that matches, and writes
// its plan into the IR; code generation later calls the chosen strategy's `emit`, which obeys that
// plan.
#ifndef GRAVEN_COMPILER_STRATEGY_STRATEGY_H_
#define GRAVEN_COMPILER_STRATEGY_STRATEGY_H_

#include <functional>
#include <string>
#include <utility>

#include "compiler/strategy/target.h"
#include "dialect/kernel/kernel.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "mlir/IR/BuiltinOps.h"

namespace graven::strategy {

// What a strategy decides for one kernel.
struct Plan {
  // One launch: `grid` workgroups of the function <kernel>_<name>, or <kernel> where it has no
  // name.
  struct Stage {
    std::string name;
    int64_t grid;
    // On devices whose workgroups are several threads; else 0.
    int64_t threads = 0;
    int64_t shared_bytes = 0;  // of dynamic shared memory
    // Where not 0, the stage computes nothing of the kernel's operations and moves so many bytes.
    int64_t moves = 0;
  };
  // Numbers that `emit` needs again, in the order in which they are printed.
  llvm::SmallVector<std::pair<std::string, int64_t>> params;
  llvm::SmallVector<Stage> stages;
  int64_t scratch_bytes = 0;
  // Pairs (input, output) that may share memory; see kernel.func.
  llvm::SmallVector<std::pair<int64_t, int64_t>> same_index;
  // A constant input (see isStoredConstant) that the kernel wants in another order: `elements` of
  // its type, of which number i is element source(i) of the constant, row-major, or 0 where that is
  // -1.
  struct Packed {
    int64_t input;
    int64_t elements;
    std::function<int64_t(int64_t)> source;
  };
  llvm::SmallVector<Packed> packed;
  std::string shape;   // for the kernel's name: "64x128x784"
  std::string config;  // for the kernel's name: "t8x32", may be empty
};

struct Strategy {
  llvm::StringRef name;
  // Whether this strategy can compute the kernel, and well.
  bool (*matches)(kernel::FusedOp fused, const Target &target);
  // The decisions; called only where matches() holds.
  Plan (*plan)(kernel::FusedOp fused, const Target &target);
  // Adds the kernel's functions to `out`, one for each stage.
  llvm::LogicalResult (*emit)(kernel::FuncOp kernel, const Target &target, mlir::ModuleOp out);
};

using StrategyTable = llvm::ArrayRef<Strategy>;

}  // namespace graven::strategy

#endif  // GRAVEN_COMPILER_STRATEGY_STRATEGY_H_
