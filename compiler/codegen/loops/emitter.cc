#include "compiler/codegen/loops/emitter.h"

#include <numeric>

#include "compiler/codegen/loops/rules.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen {

// Loop level 0 goes where the builder stood at first; deeper ones before the op that opens the
// next.
class Emitter::AtDepth {
 public:
  AtDepth(Emitter &emitter, int depth)
      : emitter_(emitter), guard_(emitter.builder_), saved_(emitter.depth_) {
    if (depth >= emitter.depth_) return;
    emitter.builder_.setInsertionPoint(emitter.scopes_[depth].inner);
    emitter.depth_ = depth;
  }
  ~AtDepth() { emitter_.depth_ = saved_; }

 private:
  Emitter &emitter_;
  OpBuilder::InsertionGuard guard_;
  int saved_;
};

Emitter::Emitter(OpBuilder &builder, Location loc, ModuleOp module, StringRef symbol)
    : builder_(builder), loc_(loc), module_(module), symbol_(symbol), scopes_(1) {}

int Emitter::level(int depth) const {
  for (int each = depth_; each > depth; --each)
    if (scopes_[each].conditional) return each;
  return std::min(depth, depth_);
}

Value Emitter::memoized(std::vector<uintptr_t> key, int depth, function_ref<Value()> emit) {
  for (int each = 0; each <= depth_; ++each) {
    auto found = scopes_[each].memo.find(key);
    if (found != scopes_[each].memo.end()) return found->second;
  }
  AtDepth there(*this, depth);
  int at = depth_;
  Value value = emit();
  scopes_[at].memo.emplace(std::move(key), value);
  return value;
}

// Values ------------------------------------------------------------------------------------------

int Emitter::minimumDepth(Value value) {
  auto given = given_.find(value);
  if (given != given_.end()) return given->second.back().depth;
  Operation *op = value.getDefiningOp();
  if (!op) return 0;
  auto known = minimum_depths_.find(value);
  if (known != minimum_depths_.end()) return known->second;
  int depth = 0;
  for (Value operand : op->getOperands()) depth = std::max(depth, minimumDepth(operand));
  minimum_depths_[value] = depth;
  return depth;
}

int Emitter::depthOf(Value value, const Point &point) {
  int depth = std::max(point.depth(), minimumDepth(value));
  if (mask_ && !point.isUniform()) depth = std::max(depth, mask_depth_);
  return level(depth);
}

Value Emitter::at(Value value, const Point &point) {
  std::vector<uintptr_t> key = {reinterpret_cast<uintptr_t>(value.getAsOpaquePointer())};
  for (const Point::Group &group : point.groups) {
    const Index &index = group.index;
    key.insert(key.end(),
               {static_cast<uintptr_t>(group.axes),
                reinterpret_cast<uintptr_t>(index.base.getAsOpaquePointer()),
                static_cast<uintptr_t>(index.offset), static_cast<uintptr_t>(index.step)});
  }
  if (mask_ && !point.isUniform())
    key.push_back(reinterpret_cast<uintptr_t>(mask_.getAsOpaquePointer()));
  return memoized(std::move(key), depthOf(value, point), [&]() -> Value {
    auto given = given_.find(value);
    if (given != given_.end()) {
      Given function = given->second.back().function;
      return function(point);
    }
    Operation *op = value.getDefiningOp();
    Rule rule = op ? rules().find(op) : nullptr;
    assert(rule && "strategies admit only ops that have a rule");
    return rule(*this, op, point);
  });
}

Value Emitter::vectorAt(Value value, const Point &point) { return splat(at(value, point)); }

// x / s = x a (1 / (s a)) with a the power of two that brings s a near 1, so that neither factor
// leaves the range of normal numbers, whatever s is: zero, subnormal, huge, infinite or NaN.
Value Emitter::divideBy(Value vector, Value scalar, int depth) {
  auto type = cast<FloatType>(scalar.getType());
  auto key = reinterpret_cast<uintptr_t>(scalar.getAsOpaquePointer());
  auto power = [&]() -> Value {
    int64_t width = type.getWidth(), mantissa = type.getFPMantissaWidth() - 1;
    int64_t exponents = (int64_t{1} << (width - 1 - mantissa)) - 1;  // all bits set
    Type bits = builder_.getIntegerType(width);
    auto number = [&](int64_t value) { return integer(value, width); };
    Value exponent = arith::BitcastOp::create(builder_, loc_, bits, scalar);
    exponent = arith::ShRUIOp::create(builder_, loc_, exponent, number(mantissa));
    exponent = arith::AndIOp::create(builder_, loc_, exponent, number(exponents));
    exponent = arith::SubIOp::create(builder_, loc_, number(exponents - 2), exponent);
    exponent = arith::MaxSIOp::create(builder_, loc_, exponent, number(1));
    exponent = arith::ShLIOp::create(builder_, loc_, exponent, number(mantissa));
    return arith::BitcastOp::create(builder_, loc_, type, exponent);
  };
  depth = level(depth);
  Value a = memoized({key, 6, 6}, depth, power);
  Value b = memoized({key, 6, 7}, depth, [&]() -> Value {
    Value one = arith::ConstantOp::create(builder_, loc_, builder_.getFloatAttr(type, 1.0));
    Value near = arith::MulFOp::create(builder_, loc_, scalar, a);
    return arith::DivFOp::create(builder_, loc_, one, near);
  });
  Value scaled = arith::MulFOp::create(builder_, loc_, vector, splat(a));
  return arith::MulFOp::create(builder_, loc_, scaled, splat(b));
}

void Emitter::give(Value value, int depth, Given given) {
  given_[value].push_back({depth, std::move(given), ++version_});
  minimum_depths_.clear();
}

void Emitter::forget(Value value) {
  auto found = given_.find(value);
  found->second.pop_back();
  if (found->second.empty()) given_.erase(found);
  minimum_depths_.clear();
}

void Emitter::bindMemory(Value value, Value pointer) {
  give(value, 0, [this, pointer, element = elementOf(value)](const Point &point) {
    return load(pointer, element, linear(point));
  });
}

// Memory ------------------------------------------------------------------------------------------

namespace {

// How an element is held in memory: f16 and bf16 as their bits, so that accesses of them are those
// of integers on every machine.
Type memoryType(Type element) {
  if (element.isInteger(1)) return IntegerType::get(element.getContext(), 8);
  if (graph::isNarrowFloat(element)) return IntegerType::get(element.getContext(), 16);
  return registerType(element);
}

}  // namespace

Value Emitter::pointerTo(Value pointer, Type element, const Index &index) {
  Type memory = memoryType(element);
  Type type = pointer.getType();
  if (index.scattered || index.step > 1) {
    type = VectorType::get({lanes_}, type);
    return LLVM::GEPOp::create(builder_, loc_, type, memory, pointer,
                               ArrayRef<LLVM::GEPArg>{vectorOf(index, 64)});
  }
  Value result = pointer;
  if (index.base)
    result = LLVM::GEPOp::create(builder_, loc_, type, memory, result,
                                 ArrayRef<LLVM::GEPArg>{index.base});
  if (index.offset == static_cast<int32_t>(index.offset)) {
    if (index.offset)
      result = LLVM::GEPOp::create(builder_, loc_, type, memory, result,
                                   ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(index.offset)});
  } else {
    result = LLVM::GEPOp::create(builder_, loc_, type, memory, result,
                                 ArrayRef<LLVM::GEPArg>{integer(index.offset)});
  }
  return result;
}

int64_t Emitter::alignmentOf(const Index &index, int64_t element_bytes) const {
  if (aligned_ <= element_bytes || index.isUniform()) return element_bytes;
  int64_t bytes = std::gcd(index.divisor() * element_bytes, aligned_);
  return std::max(bytes & -bytes, element_bytes);
}

Value Emitter::load(Value pointer, Type element, const Index &index) {
  Type memory = memoryType(element);
  int64_t bytes = bytesOf(element);
  Value address = pointerTo(pointer, element, index);
  Value value;
  if (index.isUniform()) {
    value = LLVM::LoadOp::create(builder_, loc_, memory, address, bytes);
  } else {
    auto type = VectorType::get({lanes_}, memory);
    auto zero = [&] {
      return arith::ConstantOp::create(builder_, loc_, builder_.getZeroAttr(type)).getResult();
    };
    if (index.step == 1) {
      if (mask_)
        value = LLVM::MaskedLoadOp::create(builder_, loc_, type, address, mask_, zero(),
                                           builder_.getI32IntegerAttr(bytes), UnitAttr());
      else
        value = LLVM::LoadOp::create(builder_, loc_, type, address, alignmentOf(index, bytes));
    } else {
      Value mask = mask_;
      if (!mask)
        mask = arith::ConstantOp::create(
            builder_, loc_,
            DenseElementsAttr::get(VectorType::get({lanes_}, builder_.getI1Type()), true));
      value = LLVM::masked_gather::create(builder_, loc_, type, address, mask, ValueRange{zero()},
                                          builder_.getI32IntegerAttr(bytes));
    }
  }
  if (graph::isNarrowFloat(element)) {
    value = arith::BitcastOp::create(builder_, loc_,
                                     graph::withElementType(value.getType(), element), value);
    return arith::ExtFOp::create(
        builder_, loc_, graph::withElementType(value.getType(), registerType(element)), value);
  }
  if (!element.isInteger(1)) return value;
  Value zero = arith::ConstantOp::create(builder_, loc_, builder_.getZeroAttr(value.getType()));
  return arith::CmpIOp::create(builder_, loc_, arith::CmpIPredicate::ne, value, zero);
}

void Emitter::store(Value pointer, Type element, const Index &index, Value value) {
  int64_t bytes = bytesOf(element);
  if (!index.isUniform()) value = splat(value);
  if (element.isInteger(1)) {
    Type type = builder_.getI8Type();
    if (auto vector = dyn_cast<VectorType>(value.getType()))
      type = VectorType::get(vector.getShape(), type);
    value = arith::ExtUIOp::create(builder_, loc_, type, value);
  } else if (graph::isNarrowFloat(element)) {
    Type type = value.getType();
    value = arith::TruncFOp::create(builder_, loc_, graph::withElementType(type, element), value);
    value = arith::BitcastOp::create(builder_, loc_,
                                     graph::withElementType(type, memoryType(element)), value);
  }
  Value address = pointerTo(pointer, element, index);
  if (index.step == 1 && !index.scattered && !mask_ && llvm::is_contained(streamed_, pointer) &&
      index.offset % lanes_ == 0 && (!index.base || index.multiple % lanes_ == 0)) {
    // Several registers' worth of lanes are stored one register after another.
    LLVM::StoreOp::create(builder_, loc_, value, address, std::min<int64_t>(bytes * lanes_, 64),
                          /*isVolatile=*/false,
                          /*isNonTemporal=*/true);
  } else if (index.isUniform() || (index.step == 1 && !mask_)) {
    LLVM::StoreOp::create(builder_, loc_, value, address, alignmentOf(index, bytes));
  } else if (index.step == 1) {
    LLVM::MaskedStoreOp::create(builder_, loc_, value, address, mask_,
                                builder_.getI32IntegerAttr(bytes));
  } else {
    Value mask = mask_;
    if (!mask)
      mask = arith::ConstantOp::create(
          builder_, loc_,
          DenseElementsAttr::get(VectorType::get({lanes_}, builder_.getI1Type()), true));
    LLVM::masked_scatter::create(builder_, loc_, value, address, mask,
                                 builder_.getI32IntegerAttr(bytes));
  }
}

void Emitter::prefetch(Value pointer, Type element, const Index &index, Level level) {
  Index first = index;
  first.step = 0;
  // From "no temporal locality" to "extremely local".
  int hint = level == Level::kFirst ? 3 : level == Level::kSecond ? 2 : 0;
  LLVM::Prefetch::create(builder_, loc_, pointerTo(pointer, element, first), /*rw=*/0, hint,
                         /*cache=*/1);
}

Value Emitter::table(DenseElementsAttr values) {
  return memoized({reinterpret_cast<uintptr_t>(values.getAsOpaquePointer()), 1}, 0, [&]() -> Value {
    Type memory = memoryType(values.getElementType());
    if (values.getElementType() != memory) {
      // Bits become bytes, unsigned numbers plain ones, narrow floats their bits.
      SmallVector<APInt> numbers;
      if (isa<FloatType>(values.getElementType()))
        for (APFloat number : values.getValues<APFloat>())
          numbers.push_back(number.bitcastToAPInt());
      else
        for (APInt number : values.getValues<APInt>())
          numbers.push_back(number.zext(memory.getIntOrFloatBitWidth()));
      values = DenseElementsAttr::get(values.getType().clone(memory), numbers);
    }
    int64_t count = values.getNumElements();
    values = values.reshape(RankedTensorType::get({count}, memory));
    std::string name = symbol_ + "_table" + std::to_string(tables_++);
    OpBuilder globals = OpBuilder::atBlockBegin(module_.getBody());
    LLVM::GlobalOp::create(globals, loc_, LLVM::LLVMArrayType::get(memory, count),
                           /*isConstant=*/true, LLVM::Linkage::Private, name, values,
                           /*alignment=*/64);
    return LLVM::AddressOfOp::create(builder_, loc_,
                                     LLVM::LLVMPointerType::get(builder_.getContext()), name);
  });
}

// Loops -------------------------------------------------------------------------------------------

void Emitter::enter(Operation *op, Block *block, bool conditional, function_ref<void()> body) {
  OpBuilder::InsertionGuard guard(builder_);
  // Scopes deeper than the current level belong to loops around which we were hoisted.
  std::vector<Scope> aside(std::make_move_iterator(scopes_.begin() + depth_ + 1),
                           std::make_move_iterator(scopes_.end()));
  scopes_.resize(depth_ + 1);
  Operation *inner = scopes_[depth_].inner;
  scopes_[depth_].inner = op;
  Scope scope;
  scope.conditional = conditional;
  scopes_.push_back(std::move(scope));
  ++depth_;
  if (!block->empty() && block->back().hasTrait<OpTrait::IsTerminator>())
    builder_.setInsertionPoint(&block->back());
  else
    builder_.setInsertionPointToEnd(block);
  body();
  --depth_;
  scopes_.pop_back();
  scopes_[depth_].inner = inner;
  scopes_.insert(scopes_.end(), std::make_move_iterator(aside.begin()),
                 std::make_move_iterator(aside.end()));
}

void Emitter::loop(Index from, Index to, int64_t step, function_ref<void(Index)> body,
                   int64_t multiple) {
  loop(
      from, to, step, ValueRange{},
      [&](Index index, ValueRange) {
        body(index);
        return Carry();
      },
      multiple);
}

Emitter::Carry Emitter::loop(Index from, Index to, int64_t step, ValueRange initial,
                             function_ref<Carry(Index, ValueRange)> body, int64_t multiple) {
  auto loop = scf::ForOp::create(builder_, loc_, uniformValue(from), uniformValue(to),
                                 integer(step), initial);
  enter(loop, loop.getBody(), false, [&] {
    Index index = wrap(loop.getInductionVar(), depth_,
                       std::gcd(step, from.isConstant() ? from.offset : multiple));
    Carry next = body(index, loop.getRegionIterArgs());
    if (initial.empty()) return;
    builder_.setInsertionPointToEnd(loop.getBody());
    scf::YieldOp::create(builder_, loc_, next);
  });
  return Carry(loop.getResults());
}

void Emitter::when(Value condition, function_ref<void()> body) {
  auto branch = scf::IfOp::create(builder_, loc_, condition, /*withElseRegion=*/false);
  enter(branch, branch.thenBlock(), true, body);
}

Value Emitter::choose(Value condition, Type type, function_ref<Value()> yes,
                      function_ref<Value()> no) {
  auto branch = scf::IfOp::create(builder_, loc_, TypeRange{type}, condition, true);
  for (auto [block, body] : {std::pair{branch.thenBlock(), yes}, {branch.elseBlock(), no}})
    enter(branch, block, true, [&, &body = body] {
      Value value = body();
      if (isa<VectorType>(type)) value = splat(value);
      scf::YieldOp::create(builder_, loc_, value);
    });
  return branch.getResult(0);
}

void Emitter::masked(Value mask, int depth, function_ref<void()> body) {
  Value outer = mask_;
  int outer_depth = mask_depth_;
  mask_ = mask;
  mask_depth_ = depth;
  body();
  mask_ = outer;
  mask_depth_ = outer_depth;
}

Value Emitter::firstLanes(const Index &count) {
  auto bits = VectorType::get({lanes_}, builder_.getI1Type());
  if (count.isConstant())
    return memoized({static_cast<uintptr_t>(count.offset), static_cast<uintptr_t>(lanes_), 5, 5}, 0,
                    [&]() -> Value {
                      SmallVector<bool> mask;
                      for (int64_t lane = 0; lane < lanes_; ++lane)
                        mask.push_back(lane < count.offset);
                      return arith::ConstantOp::create(builder_, loc_,
                                                       DenseElementsAttr::get(bits, mask));
                    });
  SmallVector<int32_t> lanes(lanes_);
  std::iota(lanes.begin(), lanes.end(), 0);
  auto type = VectorType::get({lanes_}, builder_.getI32Type());
  Value numbers = arith::ConstantOp::create(builder_, loc_,
                                            DenseElementsAttr::get(type, ArrayRef<int32_t>(lanes)));
  Value limit = arith::TruncIOp::create(builder_, loc_, builder_.getI32Type(), uniformValue(count));
  limit = vector::BroadcastOp::create(builder_, loc_, type, limit);
  return arith::CmpIOp::create(builder_, loc_, arith::CmpIPredicate::slt, numbers, limit);
}

// Elements ----------------------------------------------------------------------------------------

Type Emitter::vectorType(Type element, int64_t lanes) const {
  return lanes == 1 ? registerType(element) : VectorType::get({lanes}, registerType(element));
}

Value Emitter::splat(Value scalar) {
  if (lanes_ == 1 || isa<VectorType>(scalar.getType())) return scalar;
  return vector::BroadcastOp::create(builder_, loc_, VectorType::get({lanes_}, scalar.getType()),
                                     scalar);
}

void Emitter::unify(SmallVectorImpl<Value> &values) {
  if (llvm::none_of(values, [](Value value) { return isa<VectorType>(value.getType()); })) return;
  for (Value &value : values) value = splat(value);
}

Value Emitter::integer(int64_t value, unsigned width) {
  return memoized({static_cast<uintptr_t>(value), width, 2}, 0, [&]() -> Value {
    return arith::ConstantOp::create(
        builder_, loc_, builder_.getIntegerAttr(builder_.getIntegerType(width), value));
  });
}

}  // namespace graven::codegen
