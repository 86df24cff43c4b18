#include "test/ops/interpreter.h"

#include <cmath>
#include <functional>

#include "llvm/ADT/StringMap.h"

namespace graven::ops_test {
namespace {

using namespace graph;
using namespace mlir;
using Inputs = ArrayRef<const Tensor *>;

using RealUnary = double (*)(double);
using RealBinary = double (*)(double, double);
using IntUnary = int64_t (*)(int64_t);
using IntBinary = int64_t (*)(int64_t, int64_t);
using RealTest = bool (*)(double, double);
using IntTest = bool (*)(int64_t, int64_t);

RankedTensorType typeOf(Operation *op) {
  return cast<RankedTensorType>(op->getResult(0).getType());
}

// Signed overflow wraps in the language and is undefined in C++.
int64_t wrapping(uint64_t value) { return static_cast<int64_t>(value); }

// The result whose element at each index is the input's at `source(index)`, zero where that is -1.
Tensor move(Operation *op, const Tensor &x, function_ref<int64_t(ArrayRef<int64_t>)> source,
            double border = 0) {
  Tensor y = zeros(typeOf(op));
  int64_t place = 0;
  forEachIndex(y.shape, [&](ArrayRef<int64_t> index) {
    int64_t from = source(index);
    if (y.isReal())
      y.reals[place++] = from < 0 ? border : x.reals[from];
    else
      y.integers[place++] = from < 0 ? static_cast<int64_t>(border) : x.integers[from];
  });
  return y;
}

int64_t axisIn(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }

class Table {
 public:
  using Evaluate = std::function<Tensor(Operation *, Inputs)>;

  static const Table &get() {
    static const Table table;
    return table;
  }
  const Evaluate *find(StringRef name) const {
    auto found = ops_.find(name);
    return found == ops_.end() ? nullptr : &found->second;
  }

 private:
  Table() {
    addArithmetic();
    addFunctions();
    addConditions();
    addStructure();
    addReductions();
    addContraction();
    addIndexing();
    addRandom();
  }

  template <typename OpTy>
  void add(Tensor (*evaluate)(OpTy, Inputs)) {
    ops_[OpTy::getOperationName()] = [evaluate](Operation *op, Inputs in) {
      return evaluate(cast<OpTy>(op), in);
    };
  }
  template <typename OpTy>
  void unary(RealUnary real, IntUnary integer = nullptr) {
    ops_[OpTy::getOperationName()] = [real, integer](Operation *op, Inputs in) {
      Tensor y = zeros(typeOf(op));
      for (int64_t i = 0; i < y.size(); ++i) {
        if (y.isReal())
          y.reals[i] = real(in[0]->reals[i]);
        else
          y.integers[i] = wrap(integer(in[0]->integers[i]), y.element);
      }
      return y;
    };
  }
  template <typename OpTy>
  void binary(RealBinary real, IntBinary integer = nullptr) {
    ops_[OpTy::getOperationName()] = [real, integer](Operation *op, Inputs in) {
      Tensor z = zeros(typeOf(op));
      for (int64_t i = 0; i < z.size(); ++i) {
        if (z.isReal())
          z.reals[i] = real(in[0]->reals[i], in[1]->reals[i]);
        else
          z.integers[i] = wrap(integer(in[0]->integers[i], in[1]->integers[i]), z.element);
      }
      return z;
    };
  }
  template <typename OpTy>
  void test(RealTest real, IntTest integer) {
    ops_[OpTy::getOperationName()] = [real, integer](Operation *op, Inputs in) {
      Tensor z = zeros(typeOf(op));
      for (int64_t i = 0; i < z.size(); ++i)
        z.integers[i] = in[0]->isReal() ? real(in[0]->reals[i], in[1]->reals[i])
                                        : integer(in[0]->integers[i], in[1]->integers[i]);
      return z;
    };
  }
  // Folds with `real` or `integer` from the value of an empty reduction.
  template <typename OpTy>
  void reduction(double empty, RealBinary real, IntBinary integer) {
    ops_[OpTy::getOperationName()] = [empty, real, integer](Operation *op, Inputs in) {
      const Tensor &x = *in[0];
      auto axes = cast<ReductionOpInterface>(op).getReducedAxes();
      SmallVector<int64_t> kept(x.shape);
      for (int64_t axis : axes) kept[axis] = 1;
      Tensor y = zeros(typeOf(op));
      for (double &value : y.reals) value = empty;
      unsigned width = y.element.getIntOrFloatBitWidth();
      int64_t least = y.isReal() ? 0 : APInt::getSignedMinValue(width).getSExtValue();
      int64_t start = std::isinf(empty) ? (empty < 0 ? least : -1 - least) : int64_t(empty);
      for (int64_t &value : y.integers) value = start;
      int64_t place = 0;
      forEachIndex(x.shape, [&](ArrayRef<int64_t> index) {
        SmallVector<int64_t> target(index);
        for (int64_t axis : axes) target[axis] = 0;
        int64_t to = offsetOf(kept, target);
        if (y.isReal())
          y.reals[to] = real(y.reals[to], x.reals[place]);
        else
          y.integers[to] = wrap(integer(y.integers[to], x.integers[place]), y.element);
        ++place;
      });
      return y;
    };
  }

  void addArithmetic();
  void addFunctions();
  void addConditions();
  void addStructure();
  void addReductions();
  void addContraction();
  void addIndexing();
  void addRandom();

  llvm::StringMap<Evaluate> ops_;
};

double larger(double x, double y) { return std::isnan(x) || std::isnan(y) ? NAN : std::max(x, y); }
double smaller(double x, double y) { return std::isnan(x) || std::isnan(y) ? NAN : std::min(x, y); }

void Table::addArithmetic() {
  binary<AddOp>([](double x, double y) { return x + y; },
                [](int64_t x, int64_t y) { return wrapping(uint64_t(x) + uint64_t(y)); });
  binary<SubtractOp>([](double x, double y) { return x - y; },
                     [](int64_t x, int64_t y) { return wrapping(uint64_t(x) - uint64_t(y)); });
  binary<MultiplyOp>([](double x, double y) { return x * y; },
                     [](int64_t x, int64_t y) { return wrapping(uint64_t(x) * uint64_t(y)); });
  binary<DivideOp>([](double x, double y) { return x / y; },
                   [](int64_t x, int64_t y) {
                     if (y == 0) return int64_t{0};
                     return y == -1 ? wrapping(-uint64_t(x)) : x / y;
                   });
  binary<PowerOp>([](double x, double y) { return std::pow(x, y); });
  binary<MaximumOp>(larger, [](int64_t x, int64_t y) { return std::max(x, y); });
  binary<MinimumOp>(smaller, [](int64_t x, int64_t y) { return std::min(x, y); });
  unary<NegateOp>([](double x) { return -x; }, [](int64_t x) { return wrapping(-uint64_t(x)); });
  unary<AbsOp>([](double x) { return std::abs(x); },
               [](int64_t x) { return x < 0 ? wrapping(-uint64_t(x)) : x; });
  unary<SignOp>([](double x) { return x > 0   ? 1.0
                                      : x < 0 ? -1.0
                                              : x; },
                [](int64_t x) { return int64_t{x > 0} - int64_t{x < 0}; });
  unary<FloorOp>([](double x) { return std::floor(x); });
  unary<StopGradientOp>([](double x) { return x; }, [](int64_t x) { return x; });
  add<ConvertOp>([](ConvertOp op, Inputs in) {
    const Tensor &x = *in[0];
    Tensor y = zeros(typeOf(op));
    bool truth = y.element.isInteger(1);
    unsigned width = y.element.getIntOrFloatBitWidth();
    bool isUnsigned = y.element.isUnsignedInteger();
    double low = isUnsigned ? 0.0 : -std::ldexp(1.0, width - 1);
    double end = std::ldexp(1.0, isUnsigned ? width : width - 1);  // one above the largest
    for (int64_t i = 0; i < y.size(); ++i) {
      if (y.isReal())
        y.reals[i] = roundTo(x.at(i), y.element);
      else if (truth)
        y.integers[i] = x.at(i) != 0;
      else if (!x.isReal())
        y.integers[i] = wrap(x.integers[i], y.element);
      else if (std::isnan(x.reals[i]))
        y.integers[i] = 0;
      else if (x.reals[i] <= low)
        y.integers[i] = static_cast<int64_t>(low);
      else if (x.reals[i] >= end)
        y.integers[i] = wrapping((uint64_t{1} << (isUnsigned ? width : width - 1)) - 1);
      else
        y.integers[i] = static_cast<int64_t>(x.reals[i]);
    }
    return y;
  });
}

void Table::addFunctions() {
  unary<ExpOp>([](double x) { return std::exp(x); });
  unary<Expm1Op>([](double x) { return std::expm1(x); });
  unary<LogOp>([](double x) { return std::log(x); });
  unary<Log1pOp>([](double x) { return std::log1p(x); });
  unary<TanhOp>([](double x) { return std::tanh(x); });
  unary<LogisticOp>([](double x) { return 1 / (1 + std::exp(-x)); });
  unary<ErfOp>([](double x) { return std::erf(x); });
  unary<ErfcOp>([](double x) { return std::erfc(x); });
  unary<SqrtOp>([](double x) { return std::sqrt(x); });
  unary<RsqrtOp>([](double x) { return 1 / std::sqrt(x); });
  unary<SinOp>([](double x) { return std::sin(x); });
  unary<CosOp>([](double x) { return std::cos(x); });
}

void Table::addConditions() {
  test<EqualOp>([](double x, double y) { return x == y; },
                [](int64_t x, int64_t y) { return x == y; });
  test<NotEqualOp>([](double x, double y) { return x != y; },
                   [](int64_t x, int64_t y) { return x != y; });
  test<LessOp>([](double x, double y) { return x < y; },
               [](int64_t x, int64_t y) { return x < y; });
  test<LessEqualOp>([](double x, double y) { return x <= y; },
                    [](int64_t x, int64_t y) { return x <= y; });
  test<GreaterOp>([](double x, double y) { return x > y; },
                  [](int64_t x, int64_t y) { return x > y; });
  test<GreaterEqualOp>([](double x, double y) { return x >= y; },
                       [](int64_t x, int64_t y) { return x >= y; });
  binary<LogicalAndOp>(nullptr, [](int64_t x, int64_t y) { return x & y; });
  binary<LogicalOrOp>(nullptr, [](int64_t x, int64_t y) { return x | y; });
  binary<LogicalXorOp>(nullptr, [](int64_t x, int64_t y) { return x ^ y; });
  unary<LogicalNotOp>(nullptr, [](int64_t x) { return 1 - x; });
  add<SelectOp>([](SelectOp op, Inputs in) {
    Tensor z = zeros(typeOf(op));
    for (int64_t i = 0; i < z.size(); ++i) {
      const Tensor &chosen = in[0]->integers[i] ? *in[1] : *in[2];
      if (z.isReal())
        z.reals[i] = chosen.reals[i];
      else
        z.integers[i] = chosen.integers[i];
    }
    return z;
  });
}

void appendNumbers(Attribute value, std::vector<double> &numbers) {
  if (auto list = dyn_cast<ArrayAttr>(value)) {
    for (Attribute item : list) appendNumbers(item, numbers);
  } else if (auto list = dyn_cast<DenseI64ArrayAttr>(value)) {
    for (int64_t item : list.asArrayRef()) numbers.push_back(static_cast<double>(item));
  } else if (auto dense = dyn_cast<DenseElementsAttr>(value)) {
    for (Attribute item : dense.getValues<Attribute>()) appendNumbers(item, numbers);
  } else if (auto truth = dyn_cast<BoolAttr>(value)) {
    numbers.push_back(truth.getValue());
  } else {
    numbers.push_back(numberOf(value));
  }
}

void Table::addStructure() {
  add<ConstantOp>([](ConstantOp op, Inputs) {
    std::vector<double> numbers;
    appendNumbers(op.getValue(), numbers);
    size_t size = typeOf(op).getNumElements();
    if (numbers.size() == 1 && size != 1) numbers.resize(size, numbers[0]);
    return tensorOf(typeOf(op), numbers);
  });
  add<IotaOp>([](IotaOp op, Inputs) {
    std::vector<double> numbers;
    int64_t axis = axisIn(op.getAxis(), typeOf(op).getRank());
    forEachIndex(typeOf(op).getShape(), [&](ArrayRef<int64_t> index) {
      numbers.push_back(static_cast<double>(index[axis]));
    });
    return tensorOf(typeOf(op), numbers);
  });
  add<BroadcastOp>([](BroadcastOp op, Inputs in) {
    const Tensor &x = *in[0];
    int64_t gap = typeOf(op).getRank() - static_cast<int64_t>(x.shape.size());
    return move(op, x, [&](ArrayRef<int64_t> index) {
      SmallVector<int64_t> from;
      for (size_t axis = 0; axis < x.shape.size(); ++axis) {
        int64_t place = op.getAxes() ? (*op.getAxes())[axis] : gap + static_cast<int64_t>(axis);
        from.push_back(x.shape[axis] == 1 ? 0 : index[place]);
      }
      return offsetOf(x.shape, from);
    });
  });
  add<ReshapeOp>([](ReshapeOp op, Inputs in) {
    Tensor y = *in[0];
    y.shape.assign(typeOf(op).getShape().begin(), typeOf(op).getShape().end());
    return y;
  });
  add<TransposeOp>([](TransposeOp op, Inputs in) {
    int64_t rank = typeOf(op).getRank();
    return move(op, *in[0], [&](ArrayRef<int64_t> index) {
      SmallVector<int64_t> from(rank);
      for (int64_t axis = 0; axis < rank; ++axis)
        from[op.getPermutation() ? (*op.getPermutation())[axis] : rank - 1 - axis] = index[axis];
      return offsetOf(in[0]->shape, from);
    });
  });
  add<SliceOp>([](SliceOp op, Inputs in) {
    return move(op, *in[0], [&](ArrayRef<int64_t> index) {
      SmallVector<int64_t> from;
      for (size_t axis = 0; axis < index.size(); ++axis)
        from.push_back(op.getStart()[axis] +
                       index[axis] * (op.getStride() ? (*op.getStride())[axis] : 1));
      return offsetOf(in[0]->shape, from);
    });
  });
  add<PadOp>([](PadOp op, Inputs in) {
    const Tensor &x = *in[0];
    auto source = [&](ArrayRef<int64_t> index) -> int64_t {
      SmallVector<int64_t> from;
      for (size_t axis = 0; axis < index.size(); ++axis) {
        int64_t step = 1 + (op.getInterior() ? (*op.getInterior())[axis] : 0);
        int64_t inside = index[axis] - op.getLow()[axis];
        if (inside < 0 || inside % step || inside / step >= x.shape[axis]) return -1;
        from.push_back(inside / step);
      }
      return offsetOf(x.shape, from);
    };
    return move(op, x, source, op.getValue());
  });
  add<ConcatenateOp>([](ConcatenateOp op, Inputs in) {
    Tensor y = zeros(typeOf(op));
    int64_t axis = axisIn(op.getAxis(), typeOf(op).getRank()), begin = 0;
    for (const Tensor *x : in) {
      int64_t place = 0;
      forEachIndex(x->shape, [&](ArrayRef<int64_t> index) {
        SmallVector<int64_t> to(index);
        to[axis] += begin;
        if (y.isReal())
          y.reals[offsetOf(y.shape, to)] = x->reals[place++];
        else
          y.integers[offsetOf(y.shape, to)] = x->integers[place++];
      });
      begin += x->shape[axis];
    }
    return y;
  });
}

void Table::addReductions() {
  reduction<SumOp>(
      0, [](double a, double x) { return a + x; },
      [](int64_t a, int64_t x) { return wrapping(uint64_t(a) + uint64_t(x)); });
  reduction<ProdOp>(
      1, [](double a, double x) { return a * x; },
      [](int64_t a, int64_t x) { return wrapping(uint64_t(a) * uint64_t(x)); });
  reduction<MaxOp>(-INFINITY, larger, [](int64_t a, int64_t x) { return std::max(a, x); });
  reduction<MinOp>(INFINITY, smaller, [](int64_t a, int64_t x) { return std::min(a, x); });
  add<ArgmaxOp>([](ArgmaxOp op, Inputs in) {
    const Tensor &x = *in[0];
    int64_t axis = axisIn(op.getAxis(), x.shape.size());
    Tensor y = zeros(typeOf(op));
    int64_t place = 0;
    forEachIndex(y.shape, [&](ArrayRef<int64_t> index) {
      SmallVector<int64_t> from(index);
      from.insert(from.begin() + axis, 0);
      int64_t best = 0;
      double most = x.at(offsetOf(x.shape, from));
      for (int64_t i = 1; i < x.shape[axis]; ++i) {
        from[axis] = i;
        double value = x.at(offsetOf(x.shape, from));
        if (!std::isnan(most) && (value > most || std::isnan(value))) {
          best = i;
          most = value;
        }
      }
      y.integers[place++] = best;
    });
    return y;
  });
}

void Table::addContraction() {
  add<DotGeneralOp>([](DotGeneralOp op, Inputs in) {
    const Tensor &x = *in[0], &y = *in[1];
    SmallVector<int64_t> lengths;
    for (int64_t axis : op.getLhsContract()) lengths.push_back(x.shape[axis]);
    auto isFree = [](int64_t axis, ArrayRef<int64_t> batch, ArrayRef<int64_t> contract) {
      return !llvm::is_contained(batch, axis) && !llvm::is_contained(contract, axis);
    };
    Tensor z = zeros(typeOf(op));
    int64_t place = 0;
    forEachIndex(z.shape, [&](ArrayRef<int64_t> index) {
      SmallVector<int64_t> xi(x.shape.size()), yi(y.shape.size());
      size_t next = 0;
      for (auto [l, r] : llvm::zip(op.getLhsBatch(), op.getRhsBatch()))
        xi[l] = yi[r] = index[next++];
      for (size_t axis = 0; axis < xi.size(); ++axis)
        if (isFree(axis, op.getLhsBatch(), op.getLhsContract())) xi[axis] = index[next++];
      for (size_t axis = 0; axis < yi.size(); ++axis)
        if (isFree(axis, op.getRhsBatch(), op.getRhsContract())) yi[axis] = index[next++];
      double total = 0;
      forEachIndex(lengths, [&](ArrayRef<int64_t> k) {
        for (size_t i = 0; i < k.size(); ++i) {
          xi[op.getLhsContract()[i]] = k[i];
          yi[op.getRhsContract()[i]] = k[i];
        }
        total += x.reals[offsetOf(x.shape, xi)] * y.reals[offsetOf(y.shape, yi)];
      });
      z.reals[place++] = total;
    });
    return z;
  });
}

// Where in x the element of a gathered (or scattered) tensor at `index` lies.
int64_t indexedPlace(const Tensor &x, const Tensor &indices, int64_t axis,
                     ArrayRef<int64_t> index) {
  size_t count = indices.shape.size();
  int64_t row = indices.integers[offsetOf(indices.shape, index.slice(axis, count))];
  SmallVector<int64_t> from(index.take_front(axis));
  from.push_back(std::clamp<int64_t>(row, 0, x.shape[axis] - 1));
  llvm::append_range(from, index.drop_front(axis + count));
  return offsetOf(x.shape, from);
}

void Table::addIndexing() {
  add<GatherOp>([](GatherOp op, Inputs in) {
    int64_t axis = axisIn(op.getAxis(), in[0]->shape.size());
    return move(op, *in[0],
                [&](ArrayRef<int64_t> index) { return indexedPlace(*in[0], *in[1], axis, index); });
  });
  add<ScatterAddOp>([](ScatterAddOp op, Inputs in) {
    Tensor y = *in[0];
    const Tensor &updates = *in[2];
    int64_t axis = axisIn(op.getAxis(), y.shape.size()), place = 0;
    forEachIndex(updates.shape, [&](ArrayRef<int64_t> index) {
      int64_t to = indexedPlace(*in[0], *in[1], axis, index);
      if (y.isReal())
        y.reals[to] += updates.reals[place++];
      else
        y.integers[to] = wrap(y.integers[to] + updates.integers[place++], y.element);
    });
    return y;
  });
}

// Word `i` of the stream of a draw.
uint32_t randomWord(Operation *op, Inputs in, uint64_t i) {
  std::array<uint32_t, 2> key = {static_cast<uint32_t>(in[0]->integers[0]),
                                 static_cast<uint32_t>(in[0]->integers[1])};
  uint64_t counter = in.size() > 1 ? static_cast<uint64_t>(in[1]->integers[0]) : 0;
  uint32_t site = 0;
  if (auto given = op->getAttrOfType<IntegerAttr>("site"))
    site = given.getInt();
  else if (auto name = op->getAttrOfType<StringAttr>("name"))
    site = siteOf(name.getValue());
  return philox({static_cast<uint32_t>(i / 4), site, static_cast<uint32_t>(counter),
                 static_cast<uint32_t>(counter >> 32)},
                key)[i % 4];
}

void Table::addRandom() {
  add<RandomBitsOp>([](RandomBitsOp op, Inputs in) {
    Tensor y = zeros(typeOf(op));
    for (int64_t i = 0; i < y.size(); ++i)
      y.integers[i] = static_cast<int32_t>(randomWord(op, in, i));
    return y;
  });
  add<RandomUniformOp>([](RandomUniformOp op, Inputs in) {
    Tensor y = zeros(typeOf(op));
    for (int64_t i = 0; i < y.size(); ++i) {
      if (y.element.isF32()) {
        y.reals[i] = std::ldexp(randomWord(op, in, i) >> 8, -24);
      } else {
        uint64_t high = randomWord(op, in, 2 * i), low = randomWord(op, in, 2 * i + 1);
        y.reals[i] = std::ldexp(static_cast<double>((high << 32 | low) >> 11), -53);
      }
    }
    return y;
  });
  add<RandomFoldOp>([](RandomFoldOp op, Inputs in) {
    auto block = philox(
        {static_cast<uint32_t>(in[1]->integers[0]), 0, 0, 0x80000000u},
        {static_cast<uint32_t>(in[0]->integers[0]), static_cast<uint32_t>(in[0]->integers[1])});
    Tensor y = zeros(typeOf(op));
    y.integers = {static_cast<int32_t>(block[0]), static_cast<int32_t>(block[1])};
    return y;
  });
}

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t left = uint64_t{0xD2511F53} * counter[0], right = uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<uint32_t>(right >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(right),
        static_cast<uint32_t>(left >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(left)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

bool isInterpreted(StringRef name) { return Table::get().find(name) != nullptr; }

std::vector<Tensor> interpret(Block &body, const std::vector<Tensor> &arguments,
                              const std::map<std::string, Tensor> &states) {
  llvm::DenseMap<Value, std::unique_ptr<Tensor>> values;
  for (auto [argument, value] : llvm::zip_equal(body.getArguments(), arguments))
    values[argument] = std::make_unique<Tensor>(value);
  std::vector<Tensor> results;
  for (Operation &op : body) {
    SmallVector<const Tensor *> inputs;
    for (Value operand : op.getOperands()) inputs.push_back(values.at(operand).get());
    if (&op == body.getTerminator()) {
      for (const Tensor *input : inputs) results.push_back(*input);
    } else if (auto read = dyn_cast<ReadOp>(op)) {
      values[op.getResult(0)] = std::make_unique<Tensor>(states.at(read.getState().str()));
    } else {
      const Table::Evaluate *evaluate = Table::get().find(op.getName().getStringRef());
      if (!evaluate)
        llvm::report_fatal_error("the interpreter does not know " + op.getName().getStringRef());
      values[op.getResult(0)] = std::make_unique<Tensor>((*evaluate)(&op, inputs));
    }
  }
  return results;
}

}  // namespace graven::ops_test
