#include "compiler/differentiate/reverse.h"

#include "compiler/differentiate/rules/rule.h"
#include "dialect/graph/ir/shape_rules.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace graven::differentiate {
namespace {

bool isFloat(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && isa<FloatType>(type.getElementType());
}

class Reverse {
 public:
  explicit Reverse(graph::GradientOp request)
      : request_(request), builder_(request), g_(builder_, request.getLoc()) {}

  LogicalResult run() {
    if (failed(checkRequest())) return failure();
    findActive();
    findPath();
    seed();
    for (Operation *op : llvm::reverse(path_))
      if (failed(passBack(op))) return failure();
    answer();
    return success();
  }

 private:
  LogicalResult checkRequest() {
    Value of = request_.getOf();
    auto type = dyn_cast<RankedTensorType>(of.getType());
    if (!type || !isFloat(of) || type.getRank() != 0)
      return request_.emitOpError()
             << "expects a scalar float to differentiate, got " << graph::describe(of.getType())
             << (isFloat(of) ? "; reduce it with sum or mean" : "");
    for (auto [index, by] : llvm::enumerate(request_.getBy()))
      if (!isFloat(by))
        return request_.emitOpError()
               << "cannot differentiate by operand " << index + 1 << " of type "
               << graph::describe(by.getType()) << "; only floats have gradients";
    return success();
  }

  // Values that depend on one of those asked for, through floats and ops that have gradients.
  void findActive() {
    for (Value by : request_.getBy()) active_.insert(by);
    for (Operation &op : *request_->getBlock()) {
      if (&op == request_) break;
      if (op.hasTrait<graph::NotDifferentiable>() || isa<graph::GradientOp>(op)) continue;
      if (!llvm::any_of(op.getOperands(), [&](Value v) { return active_.contains(v); })) continue;
      for (Value result : op.getResults())
        if (isFloat(result)) active_.insert(result);
    }
  }

  // Active ops that the differentiated value depends on, in the order of the block.
  void findPath() {
    DenseSet<Operation *> wanted;
    SmallVector<Value> open{request_.getOf()};
    while (!open.empty()) {
      Value value = open.pop_back_val();
      Operation *op = value.getDefiningOp();
      if (!op || !active_.contains(value) || op->hasTrait<graph::NotDifferentiable>() ||
          !wanted.insert(op).second)
        continue;
      llvm::append_range(open, op->getOperands());
    }
    for (Operation &op : *request_->getBlock())
      if (wanted.contains(&op)) path_.push_back(&op);
  }

  void name(StringRef what, Location loc) {
    g_.setLoc(NameLoc::get(builder_.getStringAttr(what), loc));
  }

  void seed() {
    Value of = request_.getOf();
    if (!active_.contains(of)) return;
    name("gradient", request_.getLoc());
    gradients_[of] = g_.constant(1.0, cast<RankedTensorType>(of.getType()));
  }

  LogicalResult passBack(Operation *op) {
    Value gradient = gradients_.lookup(op->getResult(0));
    SmallVector<bool> needed;
    for (Value operand : op->getOperands()) needed.push_back(active_.contains(operand));
    // Zero is a type: where nothing came in, nothing goes out.
    if (!gradient || !llvm::is_contained(needed, true)) return success();
    const RuleTable::Rule *rule = RuleTable::all().find(op);
    if (!rule) return reportMissingRule(op, llvm::find(needed, true) - needed.begin());

    name(("gradient of " + op->getName().stripDialect()).str(), op->getLoc());
    Backward backward(g_, op, gradient, needed);
    (*rule)(backward);
    for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
      if (!needed[index] || !backward.received(index)) continue;
      Value part = *backward.received(index);
      assert(part.getType() == operand.getType() && "a gradient has the type of its value");
      Value &total = gradients_[operand];
      total = total ? g_.create<graph::AddOp>({total, part}) : part;
    }
    return success();
  }

  LogicalResult reportMissingRule(Operation *op, size_t operand) {
    InFlightDiagnostic diagnostic =
        op->emitOpError() << "has no gradient, but its operand " << operand << " ("
                          << graph::describe(op->getOperand(operand).getType())
                          << ") needs one; put stop_gradient around that operand if it shall count "
                             "as a constant";
    diagnostic.attachNote(request_.getLoc()) << "the gradient is asked for here";
    return diagnostic;
  }

  void answer() {
    SmallVector<Value> results;
    for (auto [index, by] : llvm::enumerate(request_.getBy())) {
      Value gradient = gradients_.lookup(by);
      if (!gradient) {
        emitWarning(request_.getLoc())
            << "gradient by operand " << index + 1
            << " is zero: the differentiated value does not depend on it";
        name("gradient", request_.getLoc());
        gradient = g_.constant(0.0, cast<RankedTensorType>(by.getType()));
      }
      results.push_back(gradient);
    }
    request_.replaceAllUsesWith(results);
    request_.erase();
  }

  graph::GradientOp request_;
  OpBuilder builder_;
  GraphBuilder g_;
  DenseSet<Value> active_;
  SmallVector<Operation *> path_;
  DenseMap<Value, Value> gradients_;  // looked up only, so its order does not matter
};

}  // namespace

LogicalResult serveRequest(graph::GradientOp request) { return Reverse(request).run(); }

}  // namespace graven::differentiate
