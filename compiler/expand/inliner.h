// Copies bodies of the model text into an entry: calls inlined, types inferred, operands broadcast,
// numbers given the element type of what they meet, layers replaced by their rules.
#ifndef GRAVEN_COMPILER_EXPAND_INLINER_H_
#define GRAVEN_COMPILER_EXPAND_INLINER_H_

#include "compiler/expand/entry_builder.h"
#include "dialect/nn/nn.h"

namespace graven::expand {

class Inliner {
 public:
  Inliner(mlir::ModuleOp source, EntryBuilder &entry) : source_(source), entry_(entry) {}

  // The value of `model` for these rows; in `adapting` mode statistics are measured on the way.
  mlir::FailureOr<Expr> model(nn::ModelOp model, Expr x, bool adapting = false);
  // The body of `function` as the entry's own, with the entry's arguments; its results.
  mlir::FailureOr<llvm::SmallVector<Expr>> entryBody(graph::FuncOp function);

 private:
  // A value of the text: typed, or a number that waits to learn its element type.
  struct Known {
    mlir::Value value;
    graph::ConstantOp weak;
  };
  // One body being copied.
  struct Frame {
    mlir::Operation *callee;
    std::string path;  // of the names of its states: "" or "layer."
    bool isEntry = false;
    llvm::DenseMap<mlir::Value, Known> values = {};
    llvm::SmallVector<Known> results = {};
  };

  mlir::LogicalResult inlineBlock(mlir::Block &block, Frame &frame);
  mlir::LogicalResult inlineOp(mlir::Operation *op, Frame &frame);
  mlir::LogicalResult inlineGraphOp(mlir::Operation *op, Frame &frame);
  mlir::LogicalResult inlineLayer(mlir::Operation *op, Frame &frame);
  mlir::LogicalResult inlineApply(nn::ApplyOp op, Frame &frame);
  mlir::LogicalResult inlineCall(graph::CallOp op, Frame &frame);
  mlir::LogicalResult inlineRead(graph::ReadOp op, Frame &frame);
  mlir::LogicalResult inlineWrite(graph::WriteOp op, Frame &frame);
  mlir::LogicalResult inlineParameter(graph::ParameterOp op, Frame &frame);
  mlir::LogicalResult inlineGradient(graph::GradientOp op, Frame &frame);
  mlir::LogicalResult inlineForEach(graph::ForEachParameterOp op, Frame &frame);

  // Runs the body of a function, a layer or a model on `arguments`.
  mlir::FailureOr<llvm::SmallVector<Known>> enter(mlir::Operation *callee, mlir::Operation *call,
                                                  llvm::ArrayRef<Known> arguments,
                                                  std::string path);
  // The operand's typed value; numbers without a type get `element`, or their own where it is null.
  mlir::FailureOr<mlir::Value> typed(Known known, mlir::Type element);
  // All operands of an op, numbers adapted to the others.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> typedOperands(mlir::Operation *op, Frame &frame);
  mlir::FailureOr<Expr> typedOperand(mlir::Value operand, Frame &frame);
  mlir::FailureOr<uint32_t> siteOf(mlir::Operation *op, Frame &frame);
  mlir::Operation *lookup(mlir::Operation *from, mlir::StringAttr name, llvm::StringRef kind);
  mlir::Location locOf(mlir::Operation *op) const;

  mlir::ModuleOp source_;
  EntryBuilder &entry_;
  bool adapting_ = false;
  llvm::SmallVector<mlir::Operation *> callees_;  // being inlined, outermost first
  llvm::SmallVector<mlir::Operation *> calls_;    // through which
  llvm::DenseMap<mlir::Operation *, EntryBuilder::Scope> parameters_;  // of each callee
};

}  // namespace graven::expand

#endif  // GRAVEN_COMPILER_EXPAND_INLINER_H_
