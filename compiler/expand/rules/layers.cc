// Layers, by their formulas. The record of each (dialect/nn/layers.td) says the same in words.
#include "compiler/expand/rules.h"
#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::expand {
namespace {

FailureOr<Expr> one(LayerContext &c, ArrayRef<Expr> inputs) {
  if (inputs.size() == 1) return inputs.front();
  return c.error() << "takes one value, got " << inputs.size();
}

// One value with at least one feature axis beside the batch axis, as floats.
FailureOr<Expr> rowsOf(LayerContext &c, ArrayRef<Expr> inputs) {
  FailureOr<Expr> x = one(c, inputs);
  if (failed(x)) return failure();
  if (x->rank() < 2)
    return c.error() << "expects rows with at least one axis of features, as ?x4xf32, got "
                     << graph::describe(x->type())
                     << "; give the input a shape: input(shape = [1])";
  return c.asFloat(*x);
}

FailureOr<Expr> created(LayerContext &c, StringRef name, ValueRange operands,
                        ArrayRef<NamedAttribute> options = {}) {
  FailureOr<Value> y =
      c.g().tryCreate(OperationName(name, c.g().builder().getContext()), operands, options);
  if (failed(y)) return failure();
  return Expr(c.g(), *y);
}

FailureOr<Expr> activate(LayerContext &c, StringRef function, Expr x) {
  if (function.empty() || function == "linear") return x;
  return created(c, ("graph." + function).str(), {x.value()});
}

// y = activation(x kernel + bias)
FailureOr<Expr> dense(LayerContext &c, nn::DenseOp op, ArrayRef<Expr> inputs) {
  FailureOr<Expr> x = rowsOf(c, inputs);
  if (failed(x)) return failure();
  int64_t units = op.getUnits(), last = x->rank() - 1;
  auto initOr = [&](Attribute given, StringRef word) {
    return given ? given : c.g().builder().getStringAttr(word);
  };
  FailureOr<Expr> kernel = c.parameter("kernel", {x->dim(last), units}, x->element(),
                                       initOr(op.getKernelInitAttr(), "glorot_uniform"));
  if (failed(kernel)) return failure();
  Expr y = dotGeneral(*x, *kernel, {{}, {}, {last}, {0}});
  if (op.getUseBias()) {
    FailureOr<Expr> bias =
        c.parameter("bias", {units}, x->element(), initOr(op.getBiasInitAttr(), "zeros"));
    if (failed(bias)) return failure();
    y = y + *bias;
  }
  if (double l2 = op.getKernelL2()) c.addLoss(sumAll(widen(*kernel) * widen(*kernel)) * l2);
  return activate(c, op.getActivation().value_or(""), y);
}

FailureOr<Expr> activation(LayerContext &c, nn::ActivationOp op, ArrayRef<Expr> inputs) {
  FailureOr<Expr> x = one(c, inputs);
  if (failed(x)) return failure();
  return activate(c, op.getFunction(), c.asFloat(*x));
}

// Of each feature (last axis).
struct Statistics {
  Expr mean, variance, count;
};
FailureOr<Statistics> statistics(LayerContext &c, Expr x) {
  Builder &b = c.g().builder();
  int64_t features = x.dim(x.rank() - 1);
  auto state = [&](StringRef suffix, ArrayRef<int64_t> shape, Type element, int64_t first) {
    return c.parameter(suffix, shape, element, b.getI64IntegerAttr(first), "statistic");
  };
  FailureOr<Expr> mean = state("mean", {features}, x.element(), 0);
  FailureOr<Expr> variance = state("variance", {features}, x.element(), 1);
  FailureOr<Expr> count = state("count", {}, b.getF64Type(), 0);
  if (failed(mean) || failed(variance) || failed(count)) return failure();
  return Statistics{*mean, *variance, *count};
}

// y = (x - mean) / sqrt(variance); a feature of variance 0 is divided by 1.
FailureOr<Expr> normalization(LayerContext &c, nn::NormalizationOp, ArrayRef<Expr> inputs) {
  FailureOr<Expr> x = rowsOf(c, inputs);
  if (failed(x)) return failure();
  Type element = x->element();
  *x = widen(*x);
  FailureOr<Statistics> s = statistics(c, *x);
  if (failed(s)) return failure();
  Expr scale = rsqrt(select(s->variance > 0.0, s->variance, s->variance.like(1.0)));
  return convert((*x - s->mean) * scale, element);
}

// Merges the moments m, v of this batch (n values a feature) with the M, V of all before (N
// values); Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
// sample variances" (1979):
//   d = m - M,   M' = M + d n / (N + n),   V' = (N V + n v) / (N + n) + d^2 N n / (N + n)^2
LogicalResult adaptNormalization(LayerContext &c, nn::NormalizationOp, ArrayRef<Expr> inputs) {
  FailureOr<Expr> x = rowsOf(c, inputs);
  if (failed(x)) return failure();
  *x = widen(*x);
  FailureOr<Statistics> s = statistics(c, *x);
  if (failed(s)) return failure();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, x->rank() - 1));
  double perRow = 1;
  for (int64_t axis = 1; axis + 1 < x->rank(); ++axis) perRow *= x->dim(axis);
  auto mean = [&](Expr value) {
    return Expr(c.g(), c.g().create<graph::MeanOp>({value}, {c.g().ints("axis", axes)}));
  };
  Expr m = mean(*x);
  Expr centred = *x - m;
  Expr v = mean(centred * centred);
  Expr n = convert(c.entry().rows(), s->count.element());
  if (perRow != 1) n = n * perRow;
  Expr total = s->count + n;
  Expr fresh = convert(n / total, x->element()), old = convert(s->count / total, x->element());
  Expr d = m - s->mean;
  Expr variance = s->variance * old + v * fresh + d * d * (old * fresh);
  return success(succeeded(c.update("mean", s->mean + d * fresh)) &&
                 succeeded(c.update("variance", variance)) && succeeded(c.update("count", total)));
}

FailureOr<Expr> rescaling(LayerContext &c, nn::RescalingOp op, ArrayRef<Expr> inputs) {
  FailureOr<Expr> x = one(c, inputs);
  if (failed(x)) return failure();
  Expr y = c.asFloat(*x) * op.getScale();
  return op.getOffset() == 0 ? y : y + op.getOffset();
}

// In training y = x / (1 - rate) where u >= rate, else 0.
FailureOr<Expr> dropout(LayerContext &c, nn::DropoutOp op, ArrayRef<Expr> inputs) {
  FailureOr<Expr> x = one(c, inputs);
  if (failed(x)) return failure();
  if (!isa<FloatType>(x->element()))
    return c.error() << "expects floats, got " << graph::describe(x->type());
  if (!c.training() || op.getRate() == 0) return *x;
  FailureOr<Expr> u = c.draw(x->shape(), x->element());
  if (failed(u)) return failure();
  // The mask is drawn in f32 at least.
  return select(*u >= op.getRate(), *x * (1.0 / (1.0 - op.getRate())), x->like(0.0));
}

// One value that has a batch axis.
FailureOr<Expr> batchOf(LayerContext &c, ArrayRef<Expr> inputs) {
  FailureOr<Expr> x = one(c, inputs);
  if (failed(x)) return failure();
  if (x->rank() == 0) return c.error() << "expects rows, got one number";
  return x;
}

FailureOr<Expr> flatten(LayerContext &c, nn::FlattenOp, ArrayRef<Expr> inputs) {
  FailureOr<Expr> x = batchOf(c, inputs);
  if (failed(x)) return failure();
  return reshape(*x, {x->dim(0), x->type().getNumElements() / x->dim(0)});
}

FailureOr<Expr> reshapeRows(LayerContext &c, nn::ReshapeOp op, ArrayRef<Expr> inputs) {
  FailureOr<Expr> x = batchOf(c, inputs);
  if (failed(x)) return failure();
  SmallVector<int64_t> shape{x->dim(0)};
  llvm::append_range(shape, op.getShape());
  return created(c, graph::ReshapeOp::getOperationName(), {x->value()},
                 {c.g().ints("shape", shape)});
}

LogicalResult atLeastTwo(LayerContext &c, ArrayRef<Expr> inputs) {
  if (inputs.size() >= 2) return success();
  return c.error() << "expects at least two values, got " << inputs.size()
                   << "; name the layers to combine, as in add(%a, %b)";
}

FailureOr<Expr> add(LayerContext &c, nn::AddOp, ArrayRef<Expr> inputs) {
  if (failed(atLeastTwo(c, inputs))) return failure();
  FailureOr<Expr> sum = inputs.front();
  for (Expr next : inputs.drop_front()) {
    sum = created(c, graph::AddOp::getOperationName(), {sum->value(), next.value()});
    if (failed(sum)) return failure();
  }
  return sum;
}

FailureOr<Expr> join(LayerContext &c, nn::ConcatenateOp op, ArrayRef<Expr> inputs) {
  if (failed(atLeastTwo(c, inputs))) return failure();
  SmallVector<Value> values(inputs.begin(), inputs.end());
  return created(c, graph::ConcatenateOp::getOperationName(), values,
                 {c.g().integer("axis", op.getAxis())});
}

}  // namespace

void addLayerRules(Rules &rules) {
  rules.addLayer(dense);
  rules.addLayer(activation);
  rules.addLayer(normalization);
  rules.addAdapt(adaptNormalization);
  rules.addLayer(rescaling);
  rules.addLayer(dropout);
  rules.addLayer(flatten);
  rules.addLayer(reshapeRows);
  rules.addLayer(add);
  rules.addLayer(join);
}

}  // namespace graven::expand
