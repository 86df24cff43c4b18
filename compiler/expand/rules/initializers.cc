// First values of states. Random ones are a function of the seed and of the state's name.
#include <cmath>

#include "compiler/expand/rules.h"
#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::expand {
namespace {

// Inputs and outputs of a unit, read off a kernel of shape [field..., inputs, outputs] (Keras'
// rule).
struct Fans {
  double in = 1, out = 1;
};
Fans fansOf(RankedTensorType type) {
  ArrayRef<int64_t> shape = type.getShape();
  if (shape.empty()) return {};
  if (shape.size() == 1) return {double(shape[0]), double(shape[0])};
  double field = 1;
  for (int64_t length : shape.drop_back(2)) field *= length;
  return {field * shape[shape.size() - 2], field * shape.back()};
}

FailureOr<Expr> draw(InitContext &c, StringRef suffix) {
  FailureOr<uint32_t> site = c.states.site((c.name + suffix).str(), c.loc);
  if (failed(site)) return failure();
  return randomUniform(c.key, Expr(), c.type.getShape(), c.type.getElementType(), *site);
}

FailureOr<Expr> uniform(InitContext &c, double low, double high) {
  FailureOr<Expr> u = draw(c, "");
  if (failed(u)) return failure();
  return *u * (high - low) + low;
}

// Box and Muller (1958): sqrt(-2 ln u1) cos(2 pi u2), u1 in (0, 1].
FailureOr<Expr> normal(InitContext &c, double mean, double deviation) {
  FailureOr<Expr> u1 = draw(c, ""), u2 = draw(c, ".angle");
  if (failed(u1) || failed(u2)) return failure();
  Expr radius = sqrt(log(1.0 - *u1) * -2.0);
  return radius * cos(*u2 * (2.0 * M_PI)) * deviation + mean;
}

FailureOr<Expr> constant(InitContext &c, double value) {
  return Expr(c.g, c.g.constant(value, c.type));
}

// Variance scaling: the variance is scale / n; n inputs, or the mean of inputs and outputs.
using Count = double (*)(Fans);
void addScaling(Rules &rules, StringRef name, double scale, Count count) {
  rules.addInitializer((name + "_uniform").str(),
                       {0, true, [=](InitContext &c) {
                          double limit = std::sqrt(3 * scale / count(fansOf(c.type)));
                          return uniform(c, -limit, limit);
                        }});
  rules.addInitializer((name + "_normal").str(),
                       {0, true, [=](InitContext &c) {
                          return normal(c, 0, std::sqrt(scale / count(fansOf(c.type))));
                        }});
}

}  // namespace

void addInitializerRules(Rules &rules) {
  Count byInputs = [](Fans fans) { return fans.in; };
  Count byBoth = [](Fans fans) { return (fans.in + fans.out) / 2; };
  addScaling(rules, "glorot", 1, byBoth);   // Glorot and Bengio 2010
  addScaling(rules, "he", 2, byInputs);     // He et al. 2015
  addScaling(rules, "lecun", 1, byInputs);  // LeCun et al. 1998
  auto add = [&](StringRef name, unsigned numbers, bool random,
                 std::function<FailureOr<Expr>(InitContext &)> values) {
    rules.addInitializer(name, {numbers, random, std::move(values)});
  };
  add("zeros", 0, false, [](InitContext &c) { return constant(c, 0); });
  add("ones", 0, false, [](InitContext &c) { return constant(c, 1); });
  add("constant", 1, false, [](InitContext &c) { return constant(c, c.numbers[0]); });
  add("uniform", 2, true, [](InitContext &c) { return uniform(c, c.numbers[0], c.numbers[1]); });
  add("normal", 2, true, [](InitContext &c) { return normal(c, c.numbers[0], c.numbers[1]); });
  // The seed that `init` is given: the first value of the state `seed`.
  add("seed", 0, true, [](InitContext &c) -> FailureOr<Expr> {
    if (c.type == c.key.type()) return c.key;
    return emitError(c.loc) << "the seed is of type 2xi32, the state '" << c.name << "' of type "
                            << graph::describe(c.type);
  });
}

FailureOr<Expr> firstValue(graph::GraphBuilder &g, StateTable &states, const State &state,
                           Expr key) {
  g.setLoc(state.loc);
  if (!state.init) return Expr(g, g.constant(0.0, state.type));
  auto error = [&] {
    return emitError(state.loc) << "the state '" << state.name.getValue() << "' ";
  };
  auto word = dyn_cast<StringAttr>(state.init);
  if (!word) {
    if (!isa<FloatAttr, IntegerAttr>(state.init))
      return error() << "has a number or an initializer as first value, got " << state.init;
    return Expr(g, g.constant(graph::numberOf(state.init), state.type));
  }
  auto [name, rest] = word.getValue().split('(');
  const Rules::Initializer *rule = Rules::get().initializer(name);
  if (!rule) {
    InFlightDiagnostic diagnostic = error() << "knows no initializer '" << name << "'";
    SmallVector<StringRef> known = Rules::get().initializerNames();
    if (StringRef near = graph::nearestWord(name, known); !near.empty())
      return diagnostic << "; did you mean '" << near << "'?";
    diagnostic << "; initializers are ";
    llvm::interleaveComma(known, diagnostic);
    return diagnostic;
  }
  SmallVector<double> numbers;
  SmallVector<StringRef> texts;
  rest.rtrim(')').split(texts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef text : texts) {
    double number = 0;
    if (text.trim().getAsDouble(number))
      return error() << "has a malformed number '" << text << "'";
    numbers.push_back(number);
  }
  if (numbers.size() != rule->numbers)
    return error() << "has an initializer '" << name << "' with " << numbers.size()
                   << " numbers; it takes " << rule->numbers;
  if (rule->random && !key.value())
    return error() << "has a random first value, and init has no argument to draw it from; give it "
                      "one: graph.func @init(%seed: tensor<2xi32>)";
  if (rule->random && name != "seed" && !isa<FloatType>(state.type.getElementType()))
    return error() << "is of type " << graph::describe(state.type) << ", and the initializer '"
                   << name << "' makes floats";
  // Drawn and scaled in f32 where the state is narrower.
  Type element = state.type.getElementType();
  RankedTensorType type = state.type;
  type = type.clone(graph::widen(element));
  InitContext context{g, states, key, type, state.name.getValue(), numbers, state.loc};
  FailureOr<Expr> first = rule->values(context);
  if (failed(first)) return failure();
  return convert(*first, element);
}

}  // namespace graven::expand
