#include "dialect/graph/build/expr.h"

#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::graph {

FailureOr<Value> GraphBuilder::tryCreate(OperationName name, ValueRange operands,
                                         ArrayRef<NamedAttribute> attributes) {
  SmallVector<Value> values(operands);
  auto error = [&] { return emitError(loc_) << "'" << name << "' "; };
  if (name.hasInterface<ElementwiseOpInterface>() && values.size() > 1) {
    SmallVector<ArrayRef<int64_t>> shapes;
    for (Value value : values) shapes.push_back(cast<RankedTensorType>(value.getType()).getShape());
    FailureOr<SmallVector<int64_t>> shape = broadcastShape(shapes);
    if (failed(shape)) {
      InFlightDiagnostic diagnostic = error() << "cannot combine shapes ";
      llvm::interleave(
          values, [&](Value value) { diagnostic << describe(value.getType()); },
          [&] { diagnostic << " and "; });
      return diagnostic << "; lengths must be equal, or 1, axis by axis from the last";
    }
    for (Value &value : values) value = broadcastTo(value, *shape);
  }
  // Created untyped, then typed by its own rule, which may read the op's options.
  OperationState state(loc_, name);
  state.addOperands(values);
  state.addAttributes(attributes);
  state.addTypes(UntypedType::get(builder_.getContext()));
  Operation *op = builder_.create(state);
  SmallVector<RankedTensorType> types;
  for (Value value : values) types.push_back(cast<RankedTensorType>(value.getType()));
  FailureOr<RankedTensorType> type = cast<ShapedGraphOpInterface>(op).inferType(types, error);
  if (failed(type)) {
    op->erase();
    return failure();
  }
  op->getResult(0).setType(*type);
  return op->getResult(0);
}

Value GraphBuilder::constant(double value, RankedTensorType type) {
  Type element = type.getElementType();
  Attribute number;
  if (isa<FloatType>(element))
    number = builder_.getF64FloatAttr(value);
  else if (element.isInteger(1))
    number = builder_.getBoolAttr(value != 0);
  else
    number = builder_.getI64IntegerAttr(static_cast<int64_t>(value));
  return create<ConstantOp>(
      {}, {option("value", number), ints("shape", type.getShape()), this->type("dtype", element)});
}

Value GraphBuilder::constant(double value, Type element) {
  return constant(value, RankedTensorType::get({}, element));
}

Value GraphBuilder::broadcastTo(Value x, ArrayRef<int64_t> shape) {
  if (cast<RankedTensorType>(x.getType()).getShape() == shape) return x;
  return create<BroadcastOp>({x}, {ints("shape", shape)});
}

Expr exp(Expr x) { return {x.g(), x.g().create<ExpOp>({x})}; }
Expr expm1(Expr x) { return {x.g(), x.g().create<Expm1Op>({x})}; }
Expr log(Expr x) { return {x.g(), x.g().create<LogOp>({x})}; }
Expr log1p(Expr x) { return {x.g(), x.g().create<Log1pOp>({x})}; }
Expr tanh(Expr x) { return {x.g(), x.g().create<TanhOp>({x})}; }
Expr logistic(Expr x) { return {x.g(), x.g().create<LogisticOp>({x})}; }
Expr erf(Expr x) { return {x.g(), x.g().create<ErfOp>({x})}; }
Expr erfc(Expr x) { return {x.g(), x.g().create<ErfcOp>({x})}; }
Expr sqrt(Expr x) { return {x.g(), x.g().create<SqrtOp>({x})}; }
Expr rsqrt(Expr x) { return {x.g(), x.g().create<RsqrtOp>({x})}; }
Expr sin(Expr x) { return {x.g(), x.g().create<SinOp>({x})}; }
Expr cos(Expr x) { return {x.g(), x.g().create<CosOp>({x})}; }
Expr abs(Expr x) { return {x.g(), x.g().create<AbsOp>({x})}; }
Expr sign(Expr x) { return {x.g(), x.g().create<SignOp>({x})}; }
Expr floor(Expr x) { return {x.g(), x.g().create<FloorOp>({x})}; }
Expr stopGradient(Expr x) { return {x.g(), x.g().create<StopGradientOp>({x})}; }
Expr logicalNot(Expr x) { return {x.g(), x.g().create<LogicalNotOp>({x})}; }
Expr operator-(Expr x) { return {x.g(), x.g().create<NegateOp>({x})}; }
Expr operator+(Expr x, Expr y) { return {x.g(), x.g().create<AddOp>({x, y})}; }
Expr operator-(Expr x, Expr y) { return {x.g(), x.g().create<SubtractOp>({x, y})}; }
Expr operator*(Expr x, Expr y) { return {x.g(), x.g().create<MultiplyOp>({x, y})}; }
Expr operator/(Expr x, Expr y) { return {x.g(), x.g().create<DivideOp>({x, y})}; }
Expr operator>(Expr x, Expr y) { return {x.g(), x.g().create<GreaterOp>({x, y})}; }
Expr operator<(Expr x, Expr y) { return {x.g(), x.g().create<LessOp>({x, y})}; }
Expr operator>=(Expr x, Expr y) { return {x.g(), x.g().create<GreaterEqualOp>({x, y})}; }
Expr operator<=(Expr x, Expr y) { return {x.g(), x.g().create<LessEqualOp>({x, y})}; }
Expr equal(Expr x, Expr y) { return {x.g(), x.g().create<EqualOp>({x, y})}; }
Expr notEqual(Expr x, Expr y) { return {x.g(), x.g().create<NotEqualOp>({x, y})}; }
Expr logicalAnd(Expr x, Expr y) { return {x.g(), x.g().create<LogicalAndOp>({x, y})}; }
Expr logicalOr(Expr x, Expr y) { return {x.g(), x.g().create<LogicalOrOp>({x, y})}; }
Expr power(Expr x, Expr y) { return {x.g(), x.g().create<PowerOp>({x, y})}; }
Expr maximum(Expr x, Expr y) { return {x.g(), x.g().create<MaximumOp>({x, y})}; }
Expr minimum(Expr x, Expr y) { return {x.g(), x.g().create<MinimumOp>({x, y})}; }
Expr operator+(Expr x, double y) { return x + x.like(y); }
Expr operator+(double x, Expr y) { return y.like(x) + y; }
Expr operator-(Expr x, double y) { return x - x.like(y); }
Expr operator-(double x, Expr y) { return y.like(x) - y; }
Expr operator*(Expr x, double y) { return x * x.like(y); }
Expr operator*(double x, Expr y) { return y.like(x) * y; }
Expr operator/(Expr x, double y) { return x / x.like(y); }
Expr operator/(double x, Expr y) { return y.like(x) / y; }
Expr operator>(Expr x, double y) { return x > x.like(y); }
Expr operator<(Expr x, double y) { return x < x.like(y); }
Expr operator>=(Expr x, double y) { return x >= x.like(y); }
Expr operator<=(Expr x, double y) { return x <= x.like(y); }

Expr select(Expr condition, Expr onTrue, Expr onFalse) {
  return {condition.g(), condition.g().create<SelectOp>({condition, onTrue, onFalse})};
}
Expr convert(Expr x, Type element) {
  if (x.element() == element) return x;
  return {x.g(), x.g().create<ConvertOp>({x}, {x.g().type("dtype", element)})};
}
Type widen(Type element) {
  return isNarrowFloat(element) ? Type(Float32Type::get(element.getContext())) : element;
}
Expr widen(Expr x) { return convert(x, widen(x.element())); }
Expr reshape(Expr x, ArrayRef<int64_t> shape) {
  if (x.shape() == shape) return x;
  return {x.g(), x.g().create<ReshapeOp>({x}, {x.g().ints("shape", shape)})};
}
Expr broadcast(Expr x, ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
  return {x.g(),
          x.g().create<BroadcastOp>({x}, {x.g().ints("shape", shape), x.g().ints("axes", axes)})};
}
Expr broadcastTo(Expr x, ArrayRef<int64_t> shape) { return {x.g(), x.g().broadcastTo(x, shape)}; }
Expr transpose(Expr x, ArrayRef<int64_t> permutation) {
  return {x.g(), x.g().create<TransposeOp>({x}, {x.g().ints("permutation", permutation)})};
}
Expr slice(Expr x, ArrayRef<int64_t> start, ArrayRef<int64_t> limit, ArrayRef<int64_t> stride) {
  SmallVector<NamedAttribute> options{x.g().ints("start", start), x.g().ints("limit", limit)};
  if (!stride.empty()) options.push_back(x.g().ints("stride", stride));
  return {x.g(), x.g().create<SliceOp>({x}, options)};
}
Expr pad(Expr x, ArrayRef<int64_t> low, ArrayRef<int64_t> high, ArrayRef<int64_t> interior) {
  SmallVector<NamedAttribute> options{x.g().ints("low", low), x.g().ints("high", high)};
  if (!interior.empty()) options.push_back(x.g().ints("interior", interior));
  return {x.g(), x.g().create<PadOp>({x}, options)};
}
Expr concatenate(ArrayRef<Expr> parts, int64_t axis) {
  SmallVector<Value> values(parts.begin(), parts.end());
  GraphBuilder &g = parts.front().g();
  return {g, g.create<ConcatenateOp>(values, {g.integer("axis", axis)})};
}
Expr iota(GraphBuilder &g, ArrayRef<int64_t> shape, int64_t axis, Type element) {
  return {g, g.create<IotaOp>(
                 {}, {g.ints("shape", shape), g.integer("axis", axis), g.type("dtype", element)})};
}

namespace {
template <typename OpTy>
Expr reduce(Expr x, ArrayRef<int64_t> axes, bool keepDims) {
  GraphBuilder &g = x.g();
  SmallVector<NamedAttribute> options{g.ints("axis", axes)};
  if (keepDims) options.push_back(g.option("keep_dims", g.builder().getBoolAttr(true)));
  return {g, g.create<OpTy>({x}, options)};
}
}  // namespace

Expr sum(Expr x, ArrayRef<int64_t> axes, bool keepDims) { return reduce<SumOp>(x, axes, keepDims); }
Expr prod(Expr x, ArrayRef<int64_t> axes, bool keepDims) {
  return reduce<ProdOp>(x, axes, keepDims);
}
Expr max(Expr x, ArrayRef<int64_t> axes, bool keepDims) { return reduce<MaxOp>(x, axes, keepDims); }
Expr min(Expr x, ArrayRef<int64_t> axes, bool keepDims) { return reduce<MinOp>(x, axes, keepDims); }
Expr sumAll(Expr x) { return sum(x, llvm::to_vector(llvm::seq<int64_t>(0, x.rank()))); }
Expr argmax(Expr x, int64_t axis) {
  return {x.g(), x.g().create<ArgmaxOp>({x}, {x.g().integer("axis", axis)})};
}
Expr dotGeneral(Expr lhs, Expr rhs, const DotAxes &axes, Type element) {
  GraphBuilder &g = lhs.g();
  SmallVector<NamedAttribute> options;
  auto add = [&](StringRef name, ArrayRef<int64_t> values) {
    if (!values.empty()) options.push_back(g.ints(name, values));
  };
  add("lhs_batch", axes.lhsBatch);
  add("rhs_batch", axes.rhsBatch);
  add("lhs_contract", axes.lhsContract);
  add("rhs_contract", axes.rhsContract);
  if (element && element != lhs.element()) options.push_back(g.type("dtype", element));
  return {g, g.create<DotGeneralOp>({lhs, rhs}, options)};
}
Expr gather(Expr x, Expr indices, int64_t axis) {
  return {x.g(), x.g().create<GatherOp>({x, indices}, {x.g().integer("axis", axis)})};
}
Expr scatterAdd(Expr x, Expr indices, Expr updates, int64_t axis) {
  return {x.g(), x.g().create<ScatterAddOp>({x, indices, updates}, {x.g().integer("axis", axis)})};
}
Expr randomUniform(Expr key, Expr counter, ArrayRef<int64_t> shape, Type element, uint32_t site) {
  GraphBuilder &g = key.g();
  SmallVector<Value> operands{key};
  if (counter.value()) operands.push_back(counter);
  return {g, g.create<RandomUniformOp>(operands, {g.ints("shape", shape), g.type("dtype", element),
                                                  g.integer("site", site)})};
}

}  // namespace graven::graph
