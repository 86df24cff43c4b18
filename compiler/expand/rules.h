// What a layer, a loss, an optimizer, a metric or an initializer is, as a rule: a formula over
// `Expr` written with the builders of dialect/graph. One table of rules, filled by one file for
// each kind (compiler/expand/rules/); the expander looks a rule up by the op and names no op
// itself.
#ifndef GRAVEN_COMPILER_EXPAND_RULES_H_
#define GRAVEN_COMPILER_EXPAND_RULES_H_

#include <functional>

#include "compiler/expand/entry_builder.h"
#include "dialect/graph/build/expr.h"
#include "dialect/nn/nn.h"

namespace graven::expand {

using graph::Expr;

// What a layer's rule may ask for.
class LayerContext {
 public:
  LayerContext(EntryBuilder &entry, mlir::Operation *op, std::string name, std::string prefix,
               mlir::Location loc)
      : entry_(entry), op_(op), name_(std::move(name)), prefix_(std::move(prefix)), loc_(loc) {}

  graph::GraphBuilder &g() { return entry_.g(); }
  EntryBuilder &entry() { return entry_; }
  bool training() const { return entry_.training(); }
  llvm::StringRef name() const { return name_; }

  // The layer's state `suffix`, made when first asked for, and read. `init`: a number or an
  // initializer.
  mlir::FailureOr<Expr> parameter(llvm::StringRef suffix, llvm::ArrayRef<int64_t> shape,
                                  mlir::Type element, mlir::Attribute init,
                                  llvm::StringRef role = "parameter");
  // The value of the layer's state `suffix` from the next call on.
  mlir::LogicalResult update(llvm::StringRef suffix, Expr value);
  // Uniform numbers in [0, 1) of type `element`, or f32 where that is f16 or bf16, which would
  // round some up to 1; new in each step; a function of seed, step and the layer's name.
  mlir::FailureOr<Expr> draw(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  // A term that is added to the loss.
  void addLoss(Expr term) { entry_.addPenalty(term); }
  // `x`, or its elements as f32 if they are no floats.
  Expr asFloat(Expr x);
  mlir::InFlightDiagnostic error();

 private:
  EntryBuilder &entry_;
  mlir::Operation *op_;
  std::string name_, prefix_;
  mlir::Location loc_;
};

// What the training data must bring beside the input.
enum class TargetKind { kClassNumber, kDistribution, kYesNo, kValue };
struct Target {
  llvm::StringRef name;  // of the entries' argument
  mlir::RankedTensorType type;
  TargetKind kind;
  int64_t classes = 0;  // of class numbers: they lie in [0, classes)
  bool logits = false;  // the model's value is not a probability yet
};

// What an optimizer's rule may ask for, for one parameter. Updates are computed, and slots held, in
// the parameter's element type, or in f32 where that is f16 or bf16.
class OptimizerContext {
 public:
  OptimizerContext(EntryBuilder &entry, const State &parameter, llvm::StringRef optimizer,
                   mlir::Location loc)
      : entry_(entry), parameter_(parameter), optimizer_(optimizer), loc_(loc) {}
  graph::GraphBuilder &g() { return entry_.g(); }
  // `rate` times the control state lr_scale, of the type that updates are computed in.
  Expr learningRate(double rate);
  // The number of this step, counted from 1, in that type.
  Expr step();
  // The slot `<parameter>.<optimizer>.<suffix>`, zero at first.
  mlir::FailureOr<Expr> slot(llvm::StringRef suffix);
  mlir::LogicalResult setSlot(llvm::StringRef suffix, Expr value);

 private:
  mlir::RankedTensorType computed() const;
  std::string slotName(llvm::StringRef suffix) const;
  EntryBuilder &entry_;
  const State &parameter_;
  llvm::StringRef optimizer_;
  mlir::Location loc_;
};

// What an optimizer's `clip_value` and `clip_norm` make of the gradients of all parameters, each
// f32 or f64. The norm is computed in f64 if some gradient is f64.
void clipGradients(const nn::Clipping &clipping, llvm::MutableArrayRef<Expr> gradients);

// First values: `name(numbers)` for a state of this type; `key` is the seed.
struct InitContext {
  graph::GraphBuilder &g;
  StateTable &states;
  Expr key;
  mlir::RankedTensorType type;
  llvm::StringRef name;  // of the state
  llvm::ArrayRef<double> numbers;
  mlir::Location loc;
};

class Rules {
 public:
  using Layer =
      std::function<mlir::FailureOr<Expr>(LayerContext &, mlir::Operation *, llvm::ArrayRef<Expr>)>;
  using Adapt =
      std::function<mlir::LogicalResult(LayerContext &, mlir::Operation *, llvm::ArrayRef<Expr>)>;
  struct Loss {
    std::function<mlir::FailureOr<Target>(mlir::Operation *, mlir::RankedTensorType)> target;
    // The loss of each row (or of each element); the mean of it is the model's loss.
    std::function<Expr(mlir::Operation *, Expr, Expr)> each;
  };
  using Optimizer =
      std::function<mlir::FailureOr<Expr>(OptimizerContext &, mlir::Operation *, Expr, Expr)>;
  // From the model's value and the target to a number for each row; the metric is its mean.
  using Metric =
      std::function<mlir::FailureOr<Expr>(mlir::Operation *, Expr, Expr, const Target &)>;
  struct Initializer {
    unsigned numbers;  // that it takes
    bool random;       // needs the key
    std::function<mlir::FailureOr<Expr>(InitContext &)> values;
  };

  static const Rules &get();

  const Layer *layer(mlir::Operation *op) const { return find(layers_, op); }
  const Adapt *adapt(mlir::Operation *op) const { return find(adapts_, op); }
  const Loss *loss(mlir::Operation *op) const { return find(losses_, op); }
  const Optimizer *optimizer(mlir::Operation *op) const { return find(optimizers_, op); }
  const Metric *metric(mlir::Operation *op) const { return find(metrics_, op); }
  const Initializer *initializer(llvm::StringRef name) const {
    auto found = initializers_.find(name);
    return found == initializers_.end() ? nullptr : &found->second;
  }
  llvm::SmallVector<llvm::StringRef> initializerNames() const;

  // --- filled by the files of compiler/expand/rules ---
  template <typename OpTy>
  void addLayer(mlir::FailureOr<Expr> (*rule)(LayerContext &, OpTy, llvm::ArrayRef<Expr>)) {
    layers_[OpTy::getOperationName()] = [rule](LayerContext &c, mlir::Operation *op,
                                               llvm::ArrayRef<Expr> x) {
      return rule(c, llvm::cast<OpTy>(op), x);
    };
  }
  template <typename OpTy>
  void addAdapt(mlir::LogicalResult (*rule)(LayerContext &, OpTy, llvm::ArrayRef<Expr>)) {
    adapts_[OpTy::getOperationName()] = [rule](LayerContext &c, mlir::Operation *op,
                                               llvm::ArrayRef<Expr> x) {
      return rule(c, llvm::cast<OpTy>(op), x);
    };
  }
  template <typename OpTy>
  void addLoss(mlir::FailureOr<Target> (*target)(OpTy, mlir::RankedTensorType),
               Expr (*each)(OpTy, Expr, Expr)) {
    losses_[OpTy::getOperationName()] = {
        [target](mlir::Operation *op, mlir::RankedTensorType type) {
          return target(llvm::cast<OpTy>(op), type);
        },
        [each](mlir::Operation *op, Expr value, Expr wanted) {
          return each(llvm::cast<OpTy>(op), value, wanted);
        }};
  }
  template <typename OpTy>
  void addOptimizer(mlir::FailureOr<Expr> (*rule)(OptimizerContext &, OpTy, Expr, Expr)) {
    optimizers_[OpTy::getOperationName()] = [rule](OptimizerContext &c, mlir::Operation *op, Expr w,
                                                   Expr g) {
      return rule(c, llvm::cast<OpTy>(op), w, g);
    };
  }
  template <typename OpTy>
  void addMetric(mlir::FailureOr<Expr> (*rule)(OpTy, Expr, Expr, const Target &)) {
    metrics_[OpTy::getOperationName()] = [rule](mlir::Operation *op, Expr value, Expr wanted,
                                                const Target &target) {
      return rule(llvm::cast<OpTy>(op), value, wanted, target);
    };
  }
  void addInitializer(llvm::StringRef name, Initializer rule) {
    initializers_.insert({name, std::move(rule)});
  }

 private:
  template <typename Map>
  static const typename Map::mapped_type *find(const Map &map, mlir::Operation *op) {
    auto found = map.find(op->getName().getStringRef());
    return found == map.end() ? nullptr : &found->second;
  }
  template <typename Rule>
  struct Table : llvm::StringMap<Rule> {
    using mapped_type = Rule;
  };
  Table<Layer> layers_;
  Table<Adapt> adapts_;
  Table<Loss> losses_;
  Table<Optimizer> optimizers_;
  Table<Metric> metrics_;
  llvm::StringMap<Initializer> initializers_;
};

// The first value of `state` by its `init`; zeros where it has none. An error names an unknown
// initializer and the nearest known one. `key` may be empty where no random number is wanted.
mlir::FailureOr<Expr> firstValue(graph::GraphBuilder &g, StateTable &states, const State &state,
                                 Expr key);

// One function for each file of rules; rules.cc calls them all.
void addLayerRules(Rules &rules);
void addLossRules(Rules &rules);
void addOptimizerRules(Rules &rules);
void addMetricRules(Rules &rules);
void addInitializerRules(Rules &rules);

}  // namespace graven::expand

#endif  // GRAVEN_COMPILER_EXPAND_RULES_H_
