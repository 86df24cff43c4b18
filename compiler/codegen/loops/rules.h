// How each op that is not elementwise is emitted at a point: one table, filled by one file for each
// family of ops.
#ifndef GRAVEN_COMPILER_CODEGEN_LOOPS_RULES_H_
#define GRAVEN_COMPILER_CODEGEN_LOOPS_RULES_H_

#include "compiler/codegen/loops/emitter.h"
#include "dialect/graph/ir/graph.h"

namespace graven::codegen {

// The element of `op`'s result at `point`.
using Rule = mlir::Value (*)(Emitter &emitter, mlir::Operation *op, const Point &point);

// Rules by op.
class RuleTable {
 public:
  template <typename Op>
  void add(Rule rule) {
    rules_[mlir::TypeID::get<Op>()] = rule;
  }
  // The rule of `op`; null if it has none.
  Rule find(mlir::Operation *op) const;

 private:
  llvm::DenseMap<mlir::TypeID, Rule> rules_;
};

// The table of all families.
const RuleTable &rules();

void addStructureRules(RuleTable &table);
void addReductionRules(RuleTable &table);
void addContractionRules(RuleTable &table);
void addIndexingRules(RuleTable &table);
void addRandomRules(RuleTable &table);

// The element of `indices` (i32 or i64) at `point`, brought into [0, length), as i64.
mlir::Value clampedIndex(Emitter &emitter, mlir::Value indices, const Point &point, int64_t length);

inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType()).getShape();
}
inline mlir::Type elementOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType()).getElementType();
}
// How an element is held in a register: graph::heldType.
mlir::Type registerType(mlir::Type element);
// Bytes of an element in memory; i1 takes one.
int64_t bytesOf(mlir::Type element);
// Bytes of an element in a register.
inline int64_t heldBytes(mlir::Type element) { return bytesOf(registerType(element)); }

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_LOOPS_RULES_H_
