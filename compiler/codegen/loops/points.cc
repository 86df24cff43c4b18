// Arithmetic on indices and points (declared in emitter.h).
#include <numeric>

#include "compiler/codegen/loops/emitter.h"
#include "compiler/codegen/loops/rules.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen {
Value Emitter::compute(Math math, Value a, Value b, int depth) {
  std::vector<uintptr_t> key = {static_cast<uintptr_t>(math),
                                reinterpret_cast<uintptr_t>(a.getAsOpaquePointer()),
                                reinterpret_cast<uintptr_t>(b.getAsOpaquePointer()), 3};
  return memoized(std::move(key), std::min(depth, depth_), [&]() -> Value {
    auto shaped = dyn_cast<VectorType>(a.getType());
    Value other = b;
    if (shaped && !isa<VectorType>(b.getType()))
      other = vector::BroadcastOp::create(builder_, loc_, shaped, b);
    switch (math) {
      case Math::kAdd:
        return arith::AddIOp::create(builder_, loc_, a, other);
      case Math::kSubtract:
        return arith::SubIOp::create(builder_, loc_, a, other);
      case Math::kMultiply:
        return arith::MulIOp::create(builder_, loc_, a, other);
      case Math::kDivide:
        return arith::DivUIOp::create(builder_, loc_, a, other);
      case Math::kModulo:
        return arith::RemUIOp::create(builder_, loc_, a, other);
      case Math::kMinimum:
        return arith::MinSIOp::create(builder_, loc_, a, other);
    }
    llvm_unreachable("all cases are listed");
  });
}

Value Emitter::uniformValue(const Index &index) {
  assert(index.isUniform());
  if (!index.base) return integer(index.offset);
  if (!index.offset) return index.base;
  return compute(Math::kAdd, index.base, integer(index.offset), index.depth);
}

Value Emitter::vectorOf(const Index &index, unsigned width) {
  std::vector<uintptr_t> key = {reinterpret_cast<uintptr_t>(index.base.getAsOpaquePointer()),
                                static_cast<uintptr_t>(index.offset),
                                static_cast<uintptr_t>(index.step), width, 4};
  return memoized(std::move(key), std::min(index.depth, depth_), [&]() -> Value {
    auto type = VectorType::get({lanes_}, builder_.getIntegerType(width));
    Value result;
    if (index.scattered) {
      result = index.base;
      if (width < 64) result = arith::TruncIOp::create(builder_, loc_, type, result);
    } else if (index.base) {
      Value base = index.base;
      if (width < 64)
        base = arith::TruncIOp::create(builder_, loc_, builder_.getIntegerType(width), base);
      result = vector::BroadcastOp::create(builder_, loc_, type, base);
    }
    SmallVector<APInt> numbers;
    for (int64_t lane = 0; lane < lanes_; ++lane)
      numbers.push_back(APInt(64, index.offset + lane * index.step, true).trunc(width));
    if (result && !index.offset && !index.step) return result;
    Value steps = arith::ConstantOp::create(builder_, loc_, DenseElementsAttr::get(type, numbers));
    return result ? arith::AddIOp::create(builder_, loc_, result, steps).getResult() : steps;
  });
}

Value Emitter::materialize(const Index &index, Type element) {
  unsigned width = element ? element.getIntOrFloatBitWidth() : 64;
  if (!index.isUniform()) return vectorOf(index, width);
  Value value = uniformValue(index);
  if (width == 64) return value;
  return arith::TruncIOp::create(builder_, loc_, builder_.getIntegerType(width), value);
}

Value Emitter::inside(const Index &index, int64_t low, int64_t high) {
  Value value = materialize(index);
  auto number = [&](int64_t n) {
    Value scalar = integer(n);
    return isa<VectorType>(value.getType()) ? splat(scalar) : scalar;
  };
  Value above =
      arith::CmpIOp::create(builder_, loc_, arith::CmpIPredicate::sge, value, number(low));
  Value below =
      arith::CmpIOp::create(builder_, loc_, arith::CmpIPredicate::slt, value, number(high));
  return arith::AndIOp::create(builder_, loc_, above, below);
}

Index Emitter::wrap(Value value, int depth, int64_t multiple) {
  Index index;
  index.base = value;
  index.depth = depth;
  index.multiple = std::max<int64_t>(multiple, 1);
  index.scattered = isa<VectorType>(value.getType());
  return index;
}

Index Emitter::lanesFrom(Index first) {
  if (lanes_ > 1) first.step = 1;
  return first;
}

Index Emitter::add(Index a, int64_t b) {
  a.offset += b;
  return a;
}

Index Emitter::add(const Index &a, const Index &b) {
  Index sum = a;
  sum.offset += b.offset;
  sum.step += b.step;
  if (!b.base) {
    if (sum.scattered && b.step) {
      sum.base = compute(Math::kAdd, a.base, vectorOf(b, 64), a.depth);
      sum.step = 0;
      sum.offset = a.offset;
    }
    return sum;
  }
  sum.depth = std::max(a.depth, b.depth);
  if (!a.base) {
    sum = add(b, a);
    sum.depth = std::max(a.depth, b.depth);
    return sum;
  }
  if (a.scattered || b.scattered) {
    Value left = a.scattered && !a.offset ? a.base : vectorOf(a, 64);
    Value right = b.scattered && !b.offset ? b.base : vectorOf(b, 64);
    Index result = wrap(compute(Math::kAdd, left, right, sum.depth), sum.depth);
    return result;
  }
  sum.base = compute(Math::kAdd, a.base, b.base, sum.depth);
  sum.multiple = std::gcd(a.multiple, b.multiple);
  return sum;
}

Index Emitter::subtract(const Index &a, const Index &b) {
  assert(a.isUniform() && b.isUniform());
  if (!b.base) return add(a, -b.offset);
  int depth = std::max(a.depth, b.depth);
  return wrap(compute(Math::kSubtract, uniformValue(a), uniformValue(b), depth), depth,
              std::gcd(a.divisor(), b.divisor()));
}

Index Emitter::minimum(const Index &a, const Index &b) {
  if (a.isConstant() && b.isConstant()) return a.offset < b.offset ? a : b;
  int depth = std::max(a.depth, b.depth);
  return wrap(compute(Math::kMinimum, uniformValue(a), uniformValue(b), depth), depth);
}

Index Emitter::scale(const Index &a, int64_t factor) {
  if (factor == 1) return a;
  if (factor == 0) return Index::constant(0);
  Index result = a;
  result.offset *= factor;
  result.step *= factor;
  if (a.base) {
    result.base = compute(Math::kMultiply, a.base, integer(factor), a.depth);
    result.multiple *= std::abs(factor);
  }
  return result;
}

Index Emitter::divide(const Index &a, int64_t divisor) {
  if (divisor == 1) return a;
  if (a.isConstant()) return Index::constant(a.offset / divisor);
  if (a.isUniform()) {
    if (a.multiple % divisor == 0 && a.offset >= 0) {
      Index quotient = wrap(compute(Math::kDivide, a.base, integer(divisor), a.depth), a.depth,
                            a.multiple / divisor);
      quotient.offset = a.offset / divisor;
      return quotient;
    }
    return wrap(compute(Math::kDivide, uniformValue(a), integer(divisor), a.depth), a.depth,
                a.divisor() % divisor ? 1 : a.divisor() / divisor);
  }
  Index first = a;
  first.step = 0;
  // Lanes in one block of `divisor` share the quotient.
  if (a.step == 1 && divisor % lanes_ == 0 && first.divisor() % lanes_ == 0)
    return divide(first, divisor);
  return wrap(compute(Math::kDivide, vectorOf(a, 64), integer(divisor), a.depth), a.depth);
}

Index Emitter::modulo(const Index &a, int64_t divisor) {
  if (divisor == 1) return Index::constant(0);
  if (a.isConstant()) return Index::constant(a.offset % divisor);
  if (a.isUniform()) {
    if (a.base && a.multiple % divisor == 0 && a.offset >= 0)
      return Index::constant(a.offset % divisor);
    return wrap(compute(Math::kModulo, uniformValue(a), integer(divisor), a.depth), a.depth,
                std::gcd(a.divisor(), divisor));
  }
  Index first = a;
  first.step = 0;
  if (a.step == 1 && divisor % lanes_ == 0 && first.divisor() % lanes_ == 0)
    return lanesFrom(modulo(first, divisor));
  return wrap(compute(Math::kModulo, vectorOf(a, 64), integer(divisor), a.depth), a.depth);
}

// Points ------------------------------------------------------------------------------------------

Index Emitter::coordinate(const Point &point, int64_t axis) {
  if (point.shape[axis] == 1) return Index::constant(0);
  int64_t first = 0;
  for (const Point::Group &group : point.groups) {
    int64_t end = first + group.axes;
    if (axis < end) {
      ArrayRef<int64_t> lengths(point.shape.data() + first, group.axes);
      Index index = divide(group.index, productOf(lengths.drop_front(axis - first + 1)));
      bool outermost = productOf(lengths.take_front(axis - first)) == 1;
      return outermost ? index : modulo(index, point.shape[axis]);
    }
    first = end;
  }
  llvm_unreachable("groups cover all axes");
}

Index Emitter::linear(const Point &point) {
  Index sum = Index::constant(0);
  int64_t first = 0;
  for (const Point::Group &group : point.groups) {
    first += group.axes;
    int64_t stride = productOf(ArrayRef<int64_t>(point.shape).drop_front(first));
    sum = add(sum, scale(group.index, stride));
  }
  return sum;
}

Point Emitter::remap(const Point &point, ArrayRef<int64_t> shape, ArrayRef<Source> sources) {
  Point result;
  result.shape.assign(shape.begin(), shape.end());
  int64_t rank = shape.size();
  for (int64_t axis = 0; axis < rank;) {
    const Source &source = sources[axis];
    if (source.axis < 0) {
      result.groups.push_back({1, source.index});
      ++axis;
      continue;
    }
    // A whole group whose axes follow one another here as there.
    int64_t first = 0;
    const Point::Group *whole = nullptr;
    for (const Point::Group &group : point.groups) {
      if (first == source.axis) whole = &group;
      first += group.axes;
    }
    bool fits = whole && axis + whole->axes <= rank;
    for (int64_t i = 0; fits && i < whole->axes; ++i)
      fits = sources[axis + i].axis == source.axis + i &&
             shape[axis + i] == point.shape[source.axis + i];
    if (fits) {
      result.groups.push_back(*whole);
      axis += whole->axes;
      continue;
    }
    Index index = shape[axis] == 1 ? Index::constant(0) : coordinate(point, source.axis);
    result.groups.push_back({1, index});
    ++axis;
  }
  return result;
}

Point Emitter::reshape(const Point &point, ArrayRef<int64_t> shape) {
  Point result;
  result.shape.assign(shape.begin(), shape.end());
  // Both shapes are cut where their products from the left agree; each piece is a group of its own.
  size_t group = 0, axis = 0;
  int64_t first = 0;
  while (axis < shape.size()) {
    int64_t have = 1, want = 1, axes = 0;
    Index index = Index::constant(0);
    do {
      if (want <= have && axis < shape.size()) {
        want *= shape[axis++];
        ++axes;
      } else if (group < point.groups.size()) {
        const Point::Group &next = point.groups[group++];
        int64_t length = productOf(ArrayRef<int64_t>(point.shape).slice(first, next.axes));
        first += next.axes;
        index = add(scale(index, length), next.index);
        have *= length;
      } else {
        break;
      }
    } while (want != have);
    result.groups.push_back({axes, index});
  }
  // What is left of the source has length 1.
  return result;
}

}  // namespace graven::codegen
