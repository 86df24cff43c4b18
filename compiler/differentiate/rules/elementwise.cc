// Gradients of elementwise primitives. z, y: the forward result; g: its gradient.
#include <numbers>

#include "compiler/differentiate/rules/rule.h"

namespace graven::differentiate {
namespace {

using namespace graph;

constexpr double kTwoOverSqrtPi = 2.0 * std::numbers::inv_sqrtpi;

// z = max(x, y):  dx = g where x > y, g / 2 at a tie, else 0; min likewise with x < y.
Expr whereChosen(Expr chosen, Expr x, Expr y, Expr g) {
  return select(chosen, g, select(equal(x, y), g * 0.5, g.like(0.0)));
}

// z = x^y:  dx = g y x^(y-1). At x = y = 0 the exponent is replaced, for 0 · 0^-1 would be NaN.
Expr powerByBase(Expr x, Expr y, Expr z, Expr g) {
  Expr corner = logicalAnd(equal(x, x.like(0.0)), equal(y, y.like(0.0)));
  return g * (y * power(x, select(corner, y.like(1.0), y - 1.0)));
}

// z = x^y:  dy = g z ln x where x > 0, else 0. The logarithm is kept from the x that are not
// chosen.
Expr powerByExponent(Expr x, Expr y, Expr z, Expr g) {
  Expr positive = x > 0.0;
  return select(positive, g * (z * log(select(positive, x, x.like(1.0)))), g.like(0.0));
}

// z = on_true where c, else on_false: the value not chosen receives 0, NaN or not.
void selectRule(Backward &b) {
  Expr condition = b.operand(0), g = b.gradient(), zero = g.like(0.0);
  if (b.isActive(1)) b.give(1, select(condition, g, zero));
  if (b.isActive(2)) b.give(2, select(condition, zero, g));
}

}  // namespace

void addElementwiseRules(RuleTable &rules) {
  // z = x + y, x - y, -x
  rules.linear<AddOp>({[](Expr g) { return g; }, [](Expr g) { return g; }});
  rules.linear<SubtractOp>({[](Expr g) { return g; }, [](Expr g) { return -g; }});
  rules.linear<NegateOp>({[](Expr g) { return -g; }});
  // z = x y:  dx = g y
  rules.symmetric<MultiplyOp>([](Expr x, Expr y, Expr z, Expr g) { return g * y; });
  // z = x / y:  dx = g / y,  dy = -g x / y² = -(g / y) z
  rules.binary<DivideOp>([](Expr x, Expr y, Expr z, Expr g) { return g / y; },
                         [](Expr x, Expr y, Expr z, Expr g) { return -((g / y) * z); });
  rules.binary<PowerOp>(powerByBase, powerByExponent);
  rules.symmetric<MaximumOp>(
      [](Expr x, Expr y, Expr z, Expr g) { return whereChosen(x > y, x, y, g); });
  rules.symmetric<MinimumOp>(
      [](Expr x, Expr y, Expr z, Expr g) { return whereChosen(x < y, x, y, g); });
  // y = |x|:  dx = g sign x, which is 0 at 0
  rules.unary<AbsOp>([](Expr x, Expr y, Expr g) { return g * sign(x); });

  // y = e^x:  dx = g y
  rules.unary<ExpOp>([](Expr x, Expr y, Expr g) { return g * y; });
  // y = e^x - 1:  dx = g (y + 1)
  rules.unary<Expm1Op>([](Expr x, Expr y, Expr g) { return g * (y + 1.0); });
  // y = ln x:  dx = g / x
  rules.unary<LogOp>([](Expr x, Expr y, Expr g) { return g / x; });
  // y = ln(1 + x):  dx = g / (1 + x)
  rules.unary<Log1pOp>([](Expr x, Expr y, Expr g) { return g / (x + 1.0); });
  // y = tanh x:  dx = g (1 - y²)
  rules.unary<TanhOp>([](Expr x, Expr y, Expr g) { return g * (1.0 - y * y); });
  // y = 1 / (1 + e^-x):  dx = g y (1 - y)
  rules.unary<LogisticOp>([](Expr x, Expr y, Expr g) { return g * (y * (1.0 - y)); });
  // y = erf x:  dx = g 2/√π e^(-x²);  erfc x = 1 - erf x
  rules.unary<ErfOp>([](Expr x, Expr y, Expr g) { return g * (exp(-(x * x)) * kTwoOverSqrtPi); });
  rules.unary<ErfcOp>([](Expr x, Expr y, Expr g) { return g * (exp(-(x * x)) * -kTwoOverSqrtPi); });
  // y = √x:  dx = g / (2 y)
  rules.unary<SqrtOp>([](Expr x, Expr y, Expr g) { return (g * 0.5) / y; });
  // y = x^(-1/2):  dx = -g y³ / 2
  rules.unary<RsqrtOp>([](Expr x, Expr y, Expr g) { return g * (y * y * y * -0.5); });
  // y = sin x:  dx = g cos x;  y = cos x:  dx = -g sin x
  rules.unary<SinOp>([](Expr x, Expr y, Expr g) { return g * cos(x); });
  rules.unary<CosOp>([](Expr x, Expr y, Expr g) { return -(g * sin(x)); });

  rules.add<SelectOp>(selectRule);
  // y = x in another float type:  dx = g in x's type
  rules.unary<ConvertOp>([](Expr x, Expr y, Expr g) { return convert(g, x.element()); });
}

}  // namespace graven::differentiate
