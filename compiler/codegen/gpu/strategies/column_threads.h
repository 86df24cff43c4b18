// Columns that the threads of a workgroup reduce together: the column strategy, and stages of
// others that join rows of partial results.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_COLUMN_THREADS_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_COLUMN_THREADS_H_

#include <functional>

#include "compiler/codegen/gpu/kernel_function.h"

namespace graven::codegen::gpu {

// How a workgroup's threads stand on a matrix: `across` along its columns, each with a vector of
// `lanes` of them, `down` along its rows, each taking every down-th row. Thread t stands at column
// vector t mod across. It follows from the numbers of columns and rows alone.
struct ColumnLayout {
  // `lanes` divides `columns`.
  ColumnLayout(int64_t columns, int64_t lanes, int64_t rows);

  int64_t columns, lanes, across, down;

  int64_t threads() const { return across * down; }
  int64_t width() const { return across * lanes; }
  int64_t blocks() const;  // workgroups side by side
};

class ColumnThreads {
 public:
  // The threads of a workgroup at block `block` of columns. Sets the emitter's lanes.
  ColumnThreads(KernelFunction &function, const ColumnLayout &layout, const Index &block,
                bool strict);

  // The element, a vector of lanes, that reduction `number` is of at a row and the thread's
  // columns.
  using Element = std::function<mlir::Value(size_t number, const Index &row, const Index &column)>;
  // Results of `reductions` over rows [from, to) at the thread's columns, for use in whenOwner().
  // Each thread adds its rows in ascending order, then threads are joined in a fixed order. All
  // threads must come here, once.
  llvm::SmallVector<mlir::Value> reduce(llvm::ArrayRef<mlir::Operation *> reductions,
                                        const Index &from, const Index &to, const Element &element);
  // Runs `body` in one thread for each vector of columns.
  void whenOwner(llvm::function_ref<void()> body);
  // Computes the kernel's outputs from `results` and stores them; `first` is the number of the
  // matrix' first result.
  void finish(llvm::ArrayRef<mlir::Operation *> reductions, llvm::ArrayRef<mlir::Value> results,
              const Index &first);

  // The thread's columns; where there are none behind the last, the last ones.
  const Index &column() const { return column_; }

 private:
  KernelFunction &f_;
  Emitter &e_;
  const ColumnLayout layout_;
  const bool strict_;
  Index across_, down_, column_;
  mlir::Value exists_;  // whether the thread's columns are there; null: always
};

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_STRATEGIES_COLUMN_THREADS_H_
