// The states of a module while its entries are built: those the text declares and those that
// layers, optimizers, metrics and random numbers bring. One table serves all entries, so that every
// entry sees the same state under the same name.
#ifndef GRAVEN_COMPILER_EXPAND_STATE_TABLE_H_
#define GRAVEN_COMPILER_EXPAND_STATE_TABLE_H_

#include "dialect/graph/ir/graph.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "mlir/IR/BuiltinOps.h"

namespace graven::expand {

struct State {
  mlir::StringAttr name;
  mlir::RankedTensorType type;
  llvm::StringRef role;
  mlir::Attribute init;    // a number or an initializer; null: zero
  mlir::Location loc;      // where it was declared
  mlir::Operation *owner;  // the line it belongs to; null: declared by the text or by the compiler
};

class StateTable {
 public:
  // Takes over the graph.state ops of the module's text.
  explicit StateTable(mlir::ModuleOp module);

  // The state of this name; made if it is new. An error at `loc` if the name is taken by another
  // line or by a state of another type or role.
  mlir::FailureOr<const State *> declare(llvm::StringRef name, mlir::RankedTensorType type,
                                         llvm::StringRef role, mlir::Attribute init,
                                         mlir::Location loc, mlir::Operation *owner);
  // Null where there is none.
  const State *find(llvm::StringRef name) const;
  // The same; the compiler's own control states (seed, step, lr_scale) are made when first asked
  // for.
  const State *findOrMakeControl(llvm::StringRef name, mlir::Location loc);
  // In order of declaration.
  auto states() const { return llvm::make_pointee_range(llvm::make_second_range(states_)); }
  llvm::SmallVector<llvm::StringRef> names() const;

  // The number that sets the draws called `name` apart; an error at `loc` where two names share it.
  mlir::FailureOr<uint32_t> site(llvm::StringRef name, mlir::Location loc);

  // Writes one graph.state for each, without `init`, at the builder's insertion point.
  void materialize(mlir::OpBuilder &builder) const;

 private:
  llvm::MapVector<mlir::StringAttr, std::unique_ptr<State>> states_;  // their addresses are kept
  llvm::DenseMap<uint32_t, std::string> sites_;
  mlir::MLIRContext *context_;
};

}  // namespace graven::expand

#endif  // GRAVEN_COMPILER_EXPAND_STATE_TABLE_H_
