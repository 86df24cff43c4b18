#include "test/compiler/codegen/cpu/interpreter.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

using Shape = std::vector<int64_t>;

Shape shapeOf(Value value) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  return Shape(shape.begin(), shape.end());
}
int64_t count(const Shape &shape) {
  int64_t elements = 1;
  for (int64_t length : shape) elements *= length;
  return elements;
}
Shape unravel(int64_t number, const Shape &shape) {
  Shape index(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = number % shape[axis];
    number /= shape[axis];
  }
  return index;
}
int64_t ravel(const Shape &index, const Shape &shape) {
  int64_t number = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis) number = number * shape[axis] + index[axis];
  return number;
}

// A result each of whose elements is a function of its index.
Numbers fill(const Shape &shape, const std::function<double(const Shape &)> &element) {
  Numbers result(count(shape));
  for (size_t i = 0; i < result.size(); ++i) result[i] = element(unravel(i, shape));
  return result;
}

// What an op is evaluated from.
struct Call {
  Operation *op;
  std::vector<const Numbers *> operands;
  Shape shape;  // of the result
  double at(int operand, const Shape &index) const {
    return (*operands[operand])[ravel(index, shapeOf(op->getOperand(operand)))];
  }
  int64_t axis(const char *name, int64_t rank) const {
    auto attr = op->getAttrOfType<IntegerAttr>(name);
    int64_t value = attr ? attr.getInt() : 0;
    return value < 0 ? value + rank : value;
  }
};
using Evaluate = std::function<Numbers(const Call &)>;

Evaluate unary(double (*f)(double)) {
  return [f](const Call &call) {
    Numbers result(*call.operands[0]);
    for (double &x : result) x = f(x);
    return result;
  };
}
Evaluate binary(double (*f)(double, double)) {
  return [f](const Call &call) {
    Numbers result(*call.operands[0]);
    for (size_t i = 0; i < result.size(); ++i) result[i] = f(result[i], (*call.operands[1])[i]);
    return result;
  };
}

void flatten(Attribute value, Numbers &numbers) {
  if (auto list = dyn_cast<ArrayAttr>(value))
    for (Attribute item : list) flatten(item, numbers);
  else if (auto integers = dyn_cast<DenseI64ArrayAttr>(value))
    numbers.insert(numbers.end(), integers.asArrayRef().begin(), integers.asArrayRef().end());
  else if (auto dense = dyn_cast<DenseFPElementsAttr>(value))
    for (APFloat number : dense.getValues<APFloat>()) {
      bool inexact;
      number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
      numbers.push_back(number.convertToDouble());
    }
  else if (auto dense = dyn_cast<DenseIntElementsAttr>(value))
    for (APInt number : dense.getValues<APInt>())
      numbers.push_back(number.getBitWidth() == 1 ? number.getZExtValue() : number.getSExtValue());
  else if (auto boolean = dyn_cast<BoolAttr>(value))
    numbers.push_back(boolean.getValue());
  else
    numbers.push_back(graph::numberOf(value));
}

Numbers constant(const Call &call) {
  Numbers numbers;
  flatten(cast<graph::ConstantOp>(call.op).getValue(), numbers);
  if (numbers.size() == 1) numbers.assign(count(call.shape), numbers[0]);
  return numbers;
}
Numbers broadcast(const Call &call) {
  auto op = cast<graph::BroadcastOp>(call.op);
  Shape from = shapeOf(op.getX());
  return fill(call.shape, [&](const Shape &index) {
    Shape source(from.size());
    for (size_t i = 0; i < from.size(); ++i) {
      int64_t axis = op.getAxes() ? (*op.getAxes())[i] : index.size() - from.size() + i;
      source[i] = from[i] == 1 ? 0 : index[axis];
    }
    return call.at(0, source);
  });
}
Numbers transpose(const Call &call) {
  auto op = cast<graph::TransposeOp>(call.op);
  return fill(call.shape, [&](const Shape &index) {
    Shape source(index.size());
    for (size_t i = 0; i < index.size(); ++i)
      source[op.getPermutation() ? (*op.getPermutation())[i] : index.size() - 1 - i] = index[i];
    return call.at(0, source);
  });
}
Numbers slice(const Call &call) {
  auto op = cast<graph::SliceOp>(call.op);
  return fill(call.shape, [&](Shape index) {
    for (size_t i = 0; i < index.size(); ++i)
      index[i] = op.getStart()[i] + index[i] * (op.getStride() ? (*op.getStride())[i] : 1);
    return call.at(0, index);
  });
}
Numbers concatenate(const Call &call) {
  int64_t axis = call.axis("axis", call.shape.size());
  return fill(call.shape, [&](Shape index) {
    int part = 0;
    while (index[axis] >= shapeOf(call.op->getOperand(part))[axis])
      index[axis] -= shapeOf(call.op->getOperand(part++))[axis];
    return call.at(part, index);
  });
}
Numbers pad(const Call &call) {
  auto op = cast<graph::PadOp>(call.op);
  Shape from = shapeOf(op.getX());
  return fill(call.shape, [&](Shape index) {
    for (size_t i = 0; i < index.size(); ++i) {
      int64_t step = 1 + (op.getInterior() ? (*op.getInterior())[i] : 0);
      index[i] -= op.getLow()[i];
      if (index[i] < 0 || index[i] % step || index[i] / step >= from[i])
        return graph::numberOf(op->getAttr("value") ? op->getAttr("value")
                                                    : Builder(op->getContext()).getF64FloatAttr(0));
      index[i] /= step;
    }
    return call.at(0, index);
  });
}

Evaluate reduction(double neutral, double (*combine)(double, double)) {
  return [=](const Call &call) {
    Shape from = shapeOf(call.op->getOperand(0));
    auto axes = cast<graph::ReductionOpInterface>(call.op).getReducedAxes();
    auto keep = call.op->getAttrOfType<BoolAttr>("keep_dims");
    Numbers result(count(call.shape), neutral);
    for (int64_t i = 0; i < count(from); ++i) {
      Shape index = unravel(i, from), to;
      for (int64_t axis = 0; axis < static_cast<int64_t>(from.size()); ++axis) {
        bool gone = llvm::is_contained(axes, axis);
        if (!gone)
          to.push_back(index[axis]);
        else if (keep && keep.getValue())
          to.push_back(0);
      }
      double &cell = result[ravel(to, call.shape)];
      cell = combine(cell, (*call.operands[0])[i]);
    }
    return result;
  };
}
Numbers argmax(const Call &call) {
  Shape from = shapeOf(call.op->getOperand(0));
  int64_t axis = call.axis("axis", from.size());
  return fill(call.shape, [&](Shape index) {
    index.insert(index.begin() + axis, 0);
    double best = call.at(0, index), place = 0;
    for (int64_t i = 1; i < from[axis]; ++i) {
      index[axis] = i;
      double x = call.at(0, index);
      if (!std::isnan(best) && (x > best || std::isnan(x))) best = x, place = i;
    }
    return place;
  });
}

Numbers dotGeneral(const Call &call) {
  auto op = cast<graph::DotGeneralOp>(call.op);
  Shape lhs = shapeOf(op.getLhs()), rhs = shapeOf(op.getRhs()), terms;
  for (int64_t axis : op.getLhsContract()) terms.push_back(lhs[axis]);
  return fill(call.shape, [&](const Shape &index) {
    Shape l(lhs.size()), r(rhs.size());
    size_t next = 0;
    for (size_t i = 0; i < op.getLhsBatch().size(); ++i)
      l[op.getLhsBatch()[i]] = r[op.getRhsBatch()[i]] = index[next++];
    for (int64_t axis = 0; axis < static_cast<int64_t>(lhs.size()); ++axis)
      if (!llvm::is_contained(op.getLhsBatch(), axis) &&
          !llvm::is_contained(op.getLhsContract(), axis))
        l[axis] = index[next++];
    for (int64_t axis = 0; axis < static_cast<int64_t>(rhs.size()); ++axis)
      if (!llvm::is_contained(op.getRhsBatch(), axis) &&
          !llvm::is_contained(op.getRhsContract(), axis))
        r[axis] = index[next++];
    double sum = 0;
    for (int64_t term = 0; term < count(terms); ++term) {
      Shape k = unravel(term, terms);
      for (size_t i = 0; i < k.size(); ++i)
        l[op.getLhsContract()[i]] = r[op.getRhsContract()[i]] = k[i];
      sum += call.at(0, l) * call.at(1, r);
    }
    return sum;
  });
}

double clamp(double index, int64_t length) {
  return std::min<double>(std::max<double>(index, 0), length - 1);
}
Numbers gather(const Call &call) {
  Shape from = shapeOf(call.op->getOperand(0)), places = shapeOf(call.op->getOperand(1));
  int64_t axis = call.axis("axis", from.size());
  return fill(call.shape, [&](const Shape &index) {
    Shape place(index.begin() + axis, index.begin() + axis + places.size());
    Shape source(index.begin(), index.begin() + axis);
    source.push_back(clamp(call.at(1, place), from[axis]));
    source.insert(source.end(), index.begin() + axis + places.size(), index.end());
    return call.at(0, source);
  });
}
Numbers scatterAdd(const Call &call) {
  Shape updates = shapeOf(call.op->getOperand(2)), places = shapeOf(call.op->getOperand(1));
  int64_t axis = call.axis("axis", call.shape.size());
  Numbers result = *call.operands[0];
  for (int64_t i = 0; i < count(updates); ++i) {
    Shape index = unravel(i, updates);
    Shape place(index.begin() + axis, index.begin() + axis + places.size());
    Shape to(index.begin(), index.begin() + axis);
    to.push_back(clamp(call.at(1, place), call.shape[axis]));
    to.insert(to.end(), index.begin() + axis + places.size(), index.end());
    result[ravel(to, call.shape)] += (*call.operands[2])[i];
  }
  return result;
}

// One block of Philox4x32-10, as published.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> c, uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}
uint32_t word(const Call &call, uint64_t number) {
  auto site = call.op->getAttrOfType<IntegerAttr>("site");
  uint64_t counter = call.operands.size() > 1 ? static_cast<int64_t>((*call.operands[1])[0]) : 0;
  auto key = [&](int i) {
    return static_cast<uint32_t>(static_cast<int64_t>((*call.operands[0])[i]));
  };
  return philox({static_cast<uint32_t>(number / 4), static_cast<uint32_t>(site ? site.getInt() : 0),
                 static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32)},
                key(0), key(1))[number % 4];
}
Numbers randomBits(const Call &call) {
  Numbers result(count(call.shape));
  for (size_t i = 0; i < result.size(); ++i) result[i] = static_cast<int32_t>(word(call, i));
  return result;
}
Numbers randomUniform(const Call &call) {
  Numbers result(count(call.shape));
  bool wide = cast<RankedTensorType>(call.op->getResult(0).getType()).getElementType().isF64();
  for (size_t i = 0; i < result.size(); ++i) {
    if (wide)
      result[i] = std::ldexp(
          static_cast<double>((uint64_t{word(call, 2 * i)} << 32 | word(call, 2 * i + 1)) >> 11),
          -53);
    else
      result[i] = std::ldexp(static_cast<double>(word(call, i) >> 8), -24);
  }
  return result;
}
Numbers randomFold(const Call &call) {
  auto word = [&](int operand, int i) {
    return static_cast<uint32_t>(static_cast<int64_t>((*call.operands[operand])[i]));
  };
  auto block = philox({word(1, 0), 0, 0, 0x80000000u}, word(0, 0), word(0, 1));
  return {static_cast<double>(static_cast<int32_t>(block[0])),
          static_cast<double>(static_cast<int32_t>(block[1]))};
}

Numbers convert(const Call &call) {
  Type to = cast<graph::ConvertOp>(call.op).getDtype();
  Numbers result = *call.operands[0];
  for (double &x : result) {
    if (to.isInteger(1))
      x = x != 0;
    else if (isa<IntegerType>(to)) {
      bool isUnsigned = to.isUnsignedInteger();
      int width = to.getIntOrFloatBitWidth();
      double low = isUnsigned ? 0 : -std::ldexp(1, width - 1);
      double high = std::ldexp(1, isUnsigned ? width : width - 1) - 1;
      x = std::isnan(x) ? 0 : std::min(std::max(std::trunc(x), low), high);
    } else if (to.isF32()) {
      x = static_cast<float>(x);
    }
  }
  return result;
}
Numbers iota(const Call &call) {
  int64_t axis = call.axis("axis", call.shape.size());
  return fill(call.shape, [&](const Shape &index) { return static_cast<double>(index[axis]); });
}
Numbers select(const Call &call) {
  Numbers result = *call.operands[2];
  for (size_t i = 0; i < result.size(); ++i)
    if ((*call.operands[0])[i] != 0) result[i] = (*call.operands[1])[i];
  return result;
}

double maximum(double x, double y) {
  return std::isnan(x) || std::isnan(y) ? std::nan("") : std::max(x, y);
}
double minimum(double x, double y) {
  return std::isnan(x) || std::isnan(y) ? std::nan("") : std::min(x, y);
}

const std::map<std::string, Evaluate> &table() {
  constexpr double inf = std::numeric_limits<double>::infinity();
  static const auto *ops = new std::map<std::string, Evaluate>{
      {"add", binary([](double x, double y) { return x + y; })},
      {"subtract", binary([](double x, double y) { return x - y; })},
      {"multiply", binary([](double x, double y) { return x * y; })},
      {"divide", binary([](double x, double y) { return x / y; })},
      {"maximum", binary(maximum)},
      {"minimum", binary(minimum)},
      {"power", binary([](double x, double y) { return std::pow(x, y); })},
      {"exp", unary(std::exp)},
      {"log", unary(std::log)},
      {"tanh", unary(std::tanh)},
      {"sqrt", unary(std::sqrt)},
      {"rsqrt", unary([](double x) { return 1 / std::sqrt(x); })},
      {"negate", unary([](double x) { return -x; })},
      {"abs", unary([](double x) { return std::fabs(x); })},
      {"logistic", unary([](double x) { return 1 / (1 + std::exp(-x)); })},
      {"less", binary([](double x, double y) -> double { return x < y; })},
      {"greater", binary([](double x, double y) -> double { return x > y; })},
      {"equal", binary([](double x, double y) -> double { return x == y; })},
      {"logical_not", unary([](double x) -> double { return x == 0; })},
      {"select", select},
      {"convert", convert},
      {"constant", constant},
      {"iota", iota},
      {"broadcast", broadcast},
      {"reshape", [](const Call &call) { return *call.operands[0]; }},
      {"transpose", transpose},
      {"slice", slice},
      {"concatenate", concatenate},
      {"pad", pad},
      {"sum", reduction(0, [](double x, double y) { return x + y; })},
      {"prod", reduction(1, [](double x, double y) { return x * y; })},
      {"max", reduction(-inf, maximum)},
      {"min", reduction(inf, minimum)},
      {"argmax", argmax},
      {"dot_general", dotGeneral},
      {"gather", gather},
      {"scatter_add", scatterAdd},
      {"random_bits", randomBits},
      {"random_uniform", randomUniform},
      {"random_fold", randomFold},
  };
  return *ops;
}

}  // namespace

std::vector<Numbers> interpret(Block &body, const std::vector<Numbers> &inputs) {
  llvm::DenseMap<Value, std::unique_ptr<Numbers>> values;
  for (auto [argument, numbers] : llvm::zip(body.getArguments(), inputs))
    values[argument] = std::make_unique<Numbers>(numbers);
  for (Operation &op : body.without_terminator()) {
    auto evaluate = table().find(op.getName().stripDialect().str());
    if (evaluate == table().end()) {
      fprintf(stderr, "the interpreter does not know '%s'\n", op.getName().getStringRef().data());
      abort();
    }
    Call call{&op, {}, shapeOf(op.getResult(0))};
    for (Value operand : op.getOperands()) call.operands.push_back(values[operand].get());
    Numbers result = evaluate->second(call);
    values[op.getResult(0)] = std::make_unique<Numbers>(std::move(result));
  }
  std::vector<Numbers> outputs;
  for (Value output : body.getTerminator()->getOperands()) outputs.push_back(*values[output]);
  return outputs;
}

}  // namespace graven::codegen::cpu
