#include "compiler/differentiate/rules/rule.h"

namespace graven::differentiate {

const RuleTable &RuleTable::all() {
  static const RuleTable table = [] {
    RuleTable rules;
    addElementwiseRules(rules);
    addStructureRules(rules);
    addReductionRules(rules);
    addContractionRules(rules);
    addIndexingRules(rules);
    return rules;
  }();
  return table;
}

const RuleTable::Rule *RuleTable::find(mlir::Operation *op) const {
  return find(op->getName().getStringRef());
}

const RuleTable::Rule *RuleTable::find(llvm::StringRef name) const {
  auto found = rules_.find(name);
  return found == rules_.end() ? nullptr : &found->second;
}

void RuleTable::insert(llvm::StringRef name, Rule rule) {
  bool isNew = rules_.try_emplace(name, std::move(rule)).second;
  assert(isNew && "an op has one rule");
  (void)isNew;
}

}  // namespace graven::differentiate
