// Gradients of access by computed index. Indices are integers and receive nothing.
#include "compiler/differentiate/rules/rule.h"

namespace graven::differentiate {
namespace {

using namespace graph;

// y takes rows of x:  dx collects the rows of g, those of one row of x added up.
void gatherRule(Backward &b) {
  int64_t axis = llvm::cast<GatherOp>(b.op()).getAxis();
  b.give(0, scatterAdd(b.operand(0).like(0.0), b.operand(1), b.gradient(), axis));
}

// y = x with u added to its rows:  dx = g,  du takes the rows of g.
void scatterAddRule(Backward &b) {
  int64_t axis = llvm::cast<ScatterAddOp>(b.op()).getAxis();
  if (b.isActive(0)) b.give(0, b.gradient());
  if (b.isActive(2)) b.give(2, gather(b.gradient(), b.operand(1), axis));
}

}  // namespace

void addIndexingRules(RuleTable &rules) {
  rules.add<GatherOp>(gatherRule);
  rules.add<ScatterAddOp>(scatterAddRule);
}

}  // namespace graven::differentiate
