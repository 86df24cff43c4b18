// Builds one typed graph.entry: its arguments, reads and writes of state, and what a call to
// `train_step` adds by itself (metrics, the step counter).
#ifndef GRAVEN_COMPILER_EXPAND_ENTRY_BUILDER_H_
#define GRAVEN_COMPILER_EXPAND_ENTRY_BUILDER_H_

#include "compiler/expand/state_table.h"
#include "dialect/graph/build/expr.h"
#include "llvm/ADT/SetVector.h"

namespace graven::expand {

using graph::Expr;

class EntryBuilder {
 public:
  // Starts the entry `symbol` at the end of `module`. `batch`: what `?` stands for.
  EntryBuilder(mlir::ModuleOp module, StateTable &states, llvm::StringRef symbol, int64_t batch,
               bool training, mlir::Location loc);

  graph::GraphBuilder &g() { return g_; }
  graph::EntryOp op() { return entry_; }
  StateTable &states() { return states_; }
  bool training() const { return training_; }
  int64_t batch() const { return batch_; }

  // `type` with its `?` bound; an error at `loc` where `?` is not the first axis.
  mlir::FailureOr<mlir::RankedTensorType> bind(mlir::Type type, mlir::Location loc);
  // A new argument of a bound or unbound type. `range`: [low, high), or null.
  mlir::FailureOr<Expr> argument(llvm::StringRef name, mlir::Type type, mlir::Attribute range,
                                 mlir::Location loc);
  // The number of rows that are there (i32), an argument of entries with a batch axis.
  Expr rows();
  bool hasBatch() const { return !batched_.empty(); }

  // Declares a state (see StateTable::declare) and reads it.
  mlir::FailureOr<Expr> state(llvm::StringRef name, mlir::RankedTensorType type,
                              llvm::StringRef role, mlir::Attribute init, mlir::Location loc,
                              mlir::Operation *owner);
  // The value at entry of a state that is declared.
  Expr read(const State &state, mlir::Location loc);
  // The compiler's control state seed, step or lr_scale.
  Expr control(llvm::StringRef name);
  // The state's value from the next call on; an error where it has one already.
  mlir::LogicalResult write(llvm::StringRef name, mlir::Value value, mlir::Location loc);
  bool writes(llvm::StringRef name) const;

  // States of role parameter that were read, in order of their first reading.
  llvm::ArrayRef<const State *> parameters() const { return parameters_.getArrayRef(); }
  // While a scope is open it collects the parameters that are read.
  using Scope = llvm::SetVector<const State *>;
  void openScope(Scope *scope) { scopes_.push_back(scope); }
  void closeScope() { scopes_.pop_back(); }

  // Terms that layers add to the loss; taken once.
  void addPenalty(Expr term) { penalties_.push_back(term); }
  Expr addPenalties(Expr loss);

  // metric.sum += sum, metric.count += rows.
  mlir::LogicalResult accumulate(llvm::StringRef metric, Expr sum, mlir::Location loc);

  // Ends the entry with these results, drops what nothing needs, and checks what an entry of this
  // name may do to state.
  mlir::LogicalResult finish(mlir::ValueRange results, llvm::ArrayRef<std::string> names,
                             mlir::Location loc);

 private:
  mlir::LogicalResult checkState();

  StateTable &states_;
  mlir::OpBuilder builder_;
  graph::GraphBuilder g_;
  graph::EntryOp entry_;
  int64_t batch_;
  bool training_;
  llvm::SmallVector<mlir::Attribute> argumentNames_, ranges_;
  llvm::SmallVector<int64_t> batched_;
  Expr rows_;
  llvm::DenseMap<const State *, mlir::Value> reads_;
  mlir::Operation *lastRead_ = nullptr;
  Scope parameters_;
  llvm::SmallVector<Scope *> scopes_;
  struct Write {
    mlir::Value value;
    mlir::Location loc;
  };
  llvm::MapVector<const State *, Write> writes_;
  llvm::SmallVector<Expr> penalties_;
};

}  // namespace graven::expand

#endif  // GRAVEN_COMPILER_EXPAND_ENTRY_BUILDER_H_
