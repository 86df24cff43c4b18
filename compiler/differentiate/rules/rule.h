// What a gradient rule is, and the table of all of them.
//
// A rule tells, for one op of the forward pass, what each active operand receives when the result
// has gradient g. It is written as mathematics:
//
//   // y = tanh x:  dx = g (1 - y²)
//   rules.unary<TanhOp>([](Expr x, Expr y, Expr g) { return g * (1.0 - y * y); });
//
// The forward result y is there to be used again. Operands need no care for shapes: typed IR has
// explicit broadcasts, whose own rule sums. What a rule builds are ordinary graph ops.
#ifndef GRAVEN_COMPILER_DIFFERENTIATE_RULES_RULE_H_
#define GRAVEN_COMPILER_DIFFERENTIATE_RULES_RULE_H_

#include <functional>
#include <optional>

#include "dialect/graph/build/expr.h"
#include "llvm/ADT/StringMap.h"

namespace graven::differentiate {

using graph::Expr;
using graph::GraphBuilder;

// One op of the forward pass, seen from its gradient rule.
class Backward {
 public:
  // `gradient` is that of the op's only result; `active[i]`: operand i needs a gradient.
  Backward(GraphBuilder &g, mlir::Operation *op, mlir::Value gradient, llvm::ArrayRef<bool> active)
      : g_(g), op_(op), gradient_(gradient), active_(active), contributions_(active.size()) {}

  GraphBuilder &g() { return g_; }
  mlir::Operation *op() const { return op_; }
  Expr gradient() { return {g_, gradient_}; }
  Expr result() { return {g_, op_->getResult(0)}; }
  Expr operand(unsigned index) { return {g_, op_->getOperand(index)}; }
  bool isActive(unsigned index) const { return active_[index]; }

  // Says that operand `index` receives `gradient`, which has the operand's type.
  void give(unsigned index, Expr gradient) { contributions_[index] = gradient; }
  // What operand `index` received: nothing stands for zero.
  const std::optional<Expr> &received(unsigned index) const { return contributions_[index]; }

 private:
  GraphBuilder &g_;
  mlir::Operation *op_;
  mlir::Value gradient_;
  llvm::ArrayRef<bool> active_;
  llvm::SmallVector<std::optional<Expr>, 3> contributions_;
};

// The rules, by op.
class RuleTable {
 public:
  using Rule = std::function<void(Backward &)>;
  // dx from operand, result and the result's gradient.
  using Unary = Expr (*)(Expr x, Expr result, Expr g);
  // dx or dy from both operands, result and the result's gradient.
  using Binary = Expr (*)(Expr x, Expr y, Expr result, Expr g);
  // What an operand receives from the result's gradient alone: the op is linear in each operand.
  using Linear = Expr (*)(Expr g);

  // Any op. The rule gives to active operands; giving to others is harmless but wasteful.
  template <typename OpTy>
  void add(Rule rule) {
    insert(OpTy::getOperationName(), std::move(rule));
  }
  template <typename OpTy>
  void unary(Unary dx) {
    add<OpTy>([dx](Backward &b) { b.give(0, dx(b.operand(0), b.result(), b.gradient())); });
  }
  template <typename OpTy>
  void binary(Binary dx, Binary dy) {
    add<OpTy>([dx, dy](Backward &b) {
      Expr x = b.operand(0), y = b.operand(1), result = b.result(), g = b.gradient();
      if (b.isActive(0)) b.give(0, dx(x, y, result, g));
      if (b.isActive(1)) b.give(1, dy(x, y, result, g));
    });
  }
  // f(x, y) = f(y, x): one formula serves both operands.
  template <typename OpTy>
  void symmetric(Binary dx) {
    add<OpTy>([dx](Backward &b) {
      Expr x = b.operand(0), y = b.operand(1), result = b.result(), g = b.gradient();
      if (b.isActive(0)) b.give(0, dx(x, y, result, g));
      if (b.isActive(1)) b.give(1, dx(y, x, result, g));
    });
  }
  // One formula an operand.
  template <typename OpTy>
  void linear(std::initializer_list<Linear> formulas) {
    add<OpTy>([formulas = llvm::SmallVector<Linear, 2>(formulas)](Backward &b) {
      for (auto [index, formula] : llvm::enumerate(formulas))
        if (b.isActive(index)) b.give(index, formula(b.gradient()));
    });
  }

  // The rule of `op`, or null.
  const Rule *find(mlir::Operation *op) const;
  // Of an op called `name` ("graph.tanh"), or null.
  const Rule *find(llvm::StringRef name) const;

  // The table with the rules of every family.
  static const RuleTable &all();

 private:
  void insert(llvm::StringRef name, Rule rule);

  llvm::StringMap<Rule> rules_;
};

// One function for each family of ops, in the file of the family's name.
void addElementwiseRules(RuleTable &rules);
void addStructureRules(RuleTable &rules);
void addReductionRules(RuleTable &rules);
void addContractionRules(RuleTable &rules);
void addIndexingRules(RuleTable &rules);

}  // namespace graven::differentiate

#endif  // GRAVEN_COMPILER_DIFFERENTIATE_RULES_RULE_H_
