#include "test/ops/row.h"

#include <cmath>

#include "mlir/IR/Verifier.h"

namespace graven::ops_test {

using namespace graph;
using namespace mlir;

Argument real(std::vector<int64_t> shape, double low, double high) {
  return {Kind::kReal, std::move(shape), low, high, {}};
}
Argument integer(std::vector<int64_t> shape, double low, double high) {
  return {Kind::kInt, std::move(shape), low, high, {}};
}
Argument condition(std::vector<int64_t> shape) {
  return {Kind::kCondition, std::move(shape), 0, 2, {}};
}
Argument given(Kind kind, std::vector<int64_t> shape, std::vector<double> values) {
  return {kind, std::move(shape), 0, 0, std::move(values)};
}

Row::Reference pointwise(double (*f)(double)) {
  return [f](const std::vector<Tensor> &in, RankedTensorType type) {
    std::vector<double> numbers;
    for (int64_t i = 0; i < in[0].size(); ++i) numbers.push_back(f(in[0].at(i)));
    return tensorOf(type, numbers);
  };
}
Row::Reference pointwise(double (*f)(double, double)) {
  return [f](const std::vector<Tensor> &in, RankedTensorType type) {
    std::vector<double> numbers;
    for (int64_t i = 0; i < in[0].size(); ++i) numbers.push_back(f(in[0].at(i), in[1].at(i)));
    return tensorOf(type, numbers);
  };
}
Row::Reference expects(std::vector<double> values) {
  return [values = std::move(values)](const std::vector<Tensor> &, RankedTensorType type) {
    return tensorOf(type, values);
  };
}

std::vector<std::vector<int64_t>> elementwiseShapes() {
  return {{}, {1}, {0}, {7}, {3, 5}, {2, 1, 13}, {4, 0}, {64}};
}
std::string nameOf(ArrayRef<int64_t> shape) {
  std::string name = "s";
  llvm::raw_string_ostream out(name);
  llvm::interleave(shape, out, "x");
  return name;
}

const std::vector<Row> &opRows() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> all;
    for (auto family : {elementwiseRows, structureRows, reductionRows, contractionRows,
                        indexingRows, randomRows, compositeRows})
      llvm::append_range(all, family());
    return all;
  }();
  return rows;
}

namespace {

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
class Sequence {
 public:
  explicit Sequence(StringRef name) {
    for (char c : name) state_ = (state_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  uint64_t next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_ = 14695981039346656037u;
};

Type elementOf(Kind kind, FloatType precision) {
  MLIRContext *context = precision.getContext();
  switch (kind) {
    case Kind::kReal:
      return precision;
    case Kind::kCondition:
      return IntegerType::get(context, 1);
    case Kind::kByte:
      return IntegerType::get(context, 8, IntegerType::Unsigned);
    case Kind::kInt:
      return IntegerType::get(context, 32);
    case Kind::kLong:
      return IntegerType::get(context, 64);
  }
  llvm_unreachable("every kind is above");
}

RankedTensorType typeOf(const Argument &argument, FloatType precision) {
  return RankedTensorType::get(argument.shape, elementOf(argument.kind, precision));
}

}  // namespace

std::vector<Tensor> argumentsOf(const Row &row, FloatType precision) {
  Sequence sequence(row.name());
  std::vector<Tensor> tensors;
  for (auto [index, argument] : llvm::enumerate(row.arguments)) {
    RankedTensorType type = typeOf(argument, precision);
    if (!argument.values.empty() || type.getNumElements() == 0) {
      tensors.push_back(tensorOf(type, argument.values));
      continue;
    }
    // A shuffled grid, for each argument shifted by another part of its spacing: no two are equal.
    int64_t size = type.getNumElements(), places = std::max<int64_t>(size, 31);
    std::vector<int64_t> order(places);
    for (int64_t i = 0; i < places; ++i) order[i] = i;
    for (int64_t i = places - 1; i > 0; --i) std::swap(order[i], order[sequence.next() % (i + 1)]);
    std::vector<double> numbers;
    for (int64_t i = 0; i < size; ++i) {
      double place = order[i] + 0.3 + 0.13 * static_cast<double>(index);
      double number = argument.low + (argument.high - argument.low) * place / places;
      for (double kink : row.kinks)
        if (std::abs(number - kink) < 0.05) number = kink + (number < kink ? -0.05 : 0.05);
      numbers.push_back(argument.kind == Kind::kReal ? number : std::floor(number));
    }
    tensors.push_back(tensorOf(type, numbers));
  }
  return tensors;
}

Tensor weightsFor(RankedTensorType type, int which) {
  Sequence sequence("weights" + std::to_string(which));
  std::vector<double> numbers;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    numbers.push_back(0.25 + static_cast<double>(sequence.next() % 1000) / 800.0);
  return tensorOf(type, numbers);
}

static OwningOpRef<ModuleOp> build(const Row &row, FloatType precision, int order) {
  OpBuilder b(precision.getContext());
  Location loc = NameLoc::get(b.getStringAttr(row.name()));
  OwningOpRef<ModuleOp> module = ModuleOp::create(b, loc);
  b.setInsertionPointToEnd(module->getBody());
  auto entry = EntryOp::create(b, loc, b.getStringAttr("row"), IntegerAttr(), UnitAttr(),
                               b.getStrArrayAttr({}), b.getStrArrayAttr({}), ArrayAttr());
  Block &block = entry.getBody().emplaceBlock();
  b.setInsertionPointToEnd(&block);
  GraphBuilder g(b, loc);

  SmallVector<Attribute> names;
  auto take = [&](RankedTensorType type) {
    names.push_back(b.getStringAttr("x" + std::to_string(names.size())));
    return Expr(g, block.addArgument(type, loc));
  };
  SmallVector<Expr> arguments;
  SmallVector<Value> by;
  for (const Argument &argument : row.arguments) {
    arguments.push_back(take(typeOf(argument, precision)));
    if (argument.kind == Kind::kReal) by.push_back(arguments.back());
  }
  Expr y = row.build(g, arguments);
  SmallVector<Value> results{y};
  auto gradient = [&](Expr of) {
    SmallVector<Type> types;
    for (Value value : by) types.push_back(value.getType());
    return GradientOp::create(b, loc, types, of, by).getResults();
  };
  if (order > 0) {
    Expr real = convert(y, precision);
    Expr loss = sumAll(real * take(real.type()));
    results = {loss};
    if (!by.empty()) {
      ResultRange first = gradient(loss);
      llvm::append_range(results, first);
      if (order > 1) {
        Expr total = Expr(g, g.constant(0.0, precision));
        for (Value part : first)
          total = total + sumAll(Expr(g, part) * take(cast<RankedTensorType>(part.getType())));
        results.push_back(total);
        llvm::append_range(results, gradient(total));
      }
    }
  }
  ReturnOp::create(b, loc, results, ArrayAttr());
  entry->setAttr("arg_names", b.getArrayAttr(names));

  if (failed(verify(*module))) llvm::report_fatal_error("a row does not verify");
  return module;
}

void decompose(ModuleOp module) {
  // Compositions may hold others.
  while (true) {
    SmallVector<CompositeOpInterface> composites;
    module->walk([&](CompositeOpInterface op) { composites.push_back(op); });
    if (composites.empty()) break;
    for (CompositeOpInterface op : composites) {
      OpBuilder b(op);
      GraphBuilder g(b, op->getLoc());
      op->getResult(0).replaceAllUsesWith(op.decompose(g));
      op->erase();
    }
  }
  if (failed(verify(module))) llvm::report_fatal_error("a row does not verify");
}

OwningOpRef<ModuleOp> sourceOf(const Row &row, FloatType precision) {
  return build(row, precision, 0);
}

OwningOpRef<ModuleOp> moduleOf(const Row &row, FloatType precision, int order) {
  OwningOpRef<ModuleOp> module = build(row, precision, order);
  decompose(*module);
  return module;
}

}  // namespace graven::ops_test
