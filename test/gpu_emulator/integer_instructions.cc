// Whole numbers and bits.
#include "test/gpu_emulator/instructions.h"

namespace graven::emulator {
namespace {

using llvm::Value;
namespace Intrinsic = llvm::Intrinsic;

/// Division by zero gives all ones and the smallest number by -1 itself, as the hardware does,
/// where the host would trap.
Value *divide(Emitter &e, Value *a, Value *b, Type type, bool remainder) {
  auto &builder = e.builder();
  Value *zero = e.constant(type.bits, 0), *ones = e.constant(type.bits, ~uint64_t{0});
  Value *by_zero = builder.CreateICmpEQ(b, zero);
  Value *unsafe = by_zero;
  Value *fallback;
  if (type.is_signed()) {
    Value *by_minus_one = builder.CreateICmpEQ(b, ones);
    unsafe = builder.CreateOr(by_zero, by_minus_one);
    fallback = builder.CreateSelect(by_zero, remainder ? a : ones,
                                    remainder ? zero : builder.CreateNeg(a));
  } else {
    fallback = remainder ? a : ones;
  }
  Value *safe = builder.CreateSelect(unsafe, e.constant(type.bits, 1), b);
  Value *result;
  if (type.is_signed()) {
    result = remainder ? builder.CreateSRem(a, safe) : builder.CreateSDiv(a, safe);
  } else {
    result = remainder ? builder.CreateURem(a, safe) : builder.CreateUDiv(a, safe);
  }
  return builder.CreateSelect(unsafe, fallback, result);
}

/// a * b in twice the width.
Value *wide_product(Emitter &e, Type type) {
  auto &builder = e.builder();
  auto *wide = e.int_type(2 * type.bits);
  Value *a = e.read(e.operand(1), type.bits), *b = e.read(e.operand(2), type.bits);
  return type.is_signed()
             ? builder.CreateMul(builder.CreateSExt(a, wide), builder.CreateSExt(b, wide))
             : builder.CreateMul(builder.CreateZExt(a, wide), builder.CreateZExt(b, wide));
}

/// mul and mad: .lo, .hi or .wide of the product, plus the addend.
void multiply(Emitter &e, Type type, bool add) {
  auto &builder = e.builder();
  const std::string part = e.take_any({"lo", "hi", "wide"});
  if (part.empty()) {
    e.fail(e.instruction().opcode + " without .lo, .hi or .wide");
    return;
  }
  Value *product = wide_product(e, type);
  const unsigned bits = part == "wide" ? 2 * type.bits : type.bits;
  if (part == "hi") product = builder.CreateLShr(product, type.bits);
  product = builder.CreateTrunc(product, e.int_type(bits));
  if (add) product = builder.CreateAdd(product, e.read(e.operand(3), bits));
  e.write(e.operand(0), product, type.is_signed());
}

/// A shift whose amount may exceed the width.
Value *shift(Emitter &e, Value *value, Value *amount, Type type, bool left) {
  auto &builder = e.builder();
  auto *int_type = e.int_type(type.bits);
  Value *too_far = builder.CreateICmpUGE(amount, e.constant(32, type.bits));
  Value *last = e.constant(32, type.bits - 1);
  Value *limited = builder.CreateZExtOrTrunc(builder.CreateSelect(too_far, last, amount), int_type);
  if (!left && type.is_signed()) return builder.CreateAShr(value, limited);
  Value *shifted = left ? builder.CreateShl(value, limited) : builder.CreateLShr(value, limited);
  return builder.CreateSelect(too_far, e.constant(type.bits, 0), shifted);
}

void shift_instruction(Emitter &e, bool left) {
  const Type type = e.take_type();
  e.write(e.operand(0),
          shift(e, e.read(e.operand(1), type.bits), e.read(e.operand(2), 32), type, left),
          type.is_signed());
}

template <llvm::Instruction::BinaryOps kOperation>
void bitwise(Emitter &e) {
  const Type type = e.take_type();
  e.write(e.operand(0), e.builder().CreateBinOp(kOperation, e.read(e.operand(1), type.bits),
                                                e.read(e.operand(2), type.bits)));
}

void not_(Emitter &e) {
  const Type type = e.take_type();
  e.write(e.operand(0), e.builder().CreateNot(e.read(e.operand(1), type.bits)));
}

/// shf.{l,r}.{wrap,clamp}.b32 d, low, high, amount: a funnel shift.
void shf(Emitter &e) {
  auto &builder = e.builder();
  const bool left = e.take("l");
  if (!left && !e.take("r")) e.fail("shf without .l or .r");
  const bool wrap = e.take("wrap");
  if (!wrap && !e.take("clamp")) e.fail("shf without .wrap or .clamp");
  e.take_type();
  Value *low = e.read(e.operand(1), 32), *high = e.read(e.operand(2), 32);
  Value *amount = e.read(e.operand(3), 32);
  if (wrap) {
    amount = builder.CreateAnd(amount, 31);
  } else {
    amount = builder.CreateSelect(builder.CreateICmpUGT(amount, e.constant(32, 32)),
                                  e.constant(32, 32), amount);
  }
  auto *wide = e.int_type(64);
  Value *both = builder.CreateOr(builder.CreateZExt(low, wide),
                                 builder.CreateShl(builder.CreateZExt(high, wide), 32));
  amount = builder.CreateZExt(amount, wide);
  Value *shifted = left ? builder.CreateLShr(builder.CreateShl(both, amount), 32)
                        : builder.CreateLShr(both, amount);
  e.write(e.operand(0), builder.CreateTrunc(shifted, e.int_type(32)));
}

/// prmt.b32 d, a, b, selector: bytes picked from b:a.
void prmt(Emitter &e) {
  auto &builder = e.builder();
  e.take("b32");
  auto *wide = e.int_type(64);
  Value *bytes =
      builder.CreateOr(builder.CreateZExt(e.read(e.operand(1), 32), wide),
                       builder.CreateShl(builder.CreateZExt(e.read(e.operand(2), 32), wide), 32));
  Value *selector = e.read(e.operand(3), 32);
  Value *result = e.constant(32, 0);
  for (unsigned i = 0; i < 4; ++i) {
    Value *pick = builder.CreateLShr(selector, 4 * i);
    Value *amount =
        builder.CreateZExt(builder.CreateMul(builder.CreateAnd(pick, 7), e.constant(32, 8)), wide);
    Value *byte = builder.CreateTrunc(builder.CreateLShr(bytes, amount), e.int_type(8));
    // Bit 3 of a selector replicates the sign of the byte.
    Value *sign = builder.CreateAShr(byte, 7);
    Value *replicate = builder.CreateICmpNE(builder.CreateAnd(pick, 8), e.constant(32, 0));
    byte = builder.CreateSelect(replicate, sign, byte);
    result = builder.CreateOr(result,
                              builder.CreateShl(builder.CreateZExt(byte, e.int_type(32)), 8 * i));
  }
  e.write(e.operand(0), result);
}

/// Position and length of a bit field: the low byte of each.
std::pair<Value *, Value *> field_of(Emitter &e, size_t position, size_t length) {
  return {e.builder().CreateAnd(e.read(e.operand(position), 32), 255),
          e.builder().CreateAnd(e.read(e.operand(length), 32), 255)};
}

Value *low_ones(Emitter &e, Value *length, unsigned bits) {
  Value *all = e.constant(bits, ~uint64_t{0});
  return e.builder().CreateNot(shift(e, all, length, {'b', bits}, true));
}

/// bfe d, a, position, length; beyond the register come zeros, or copies of the sign with .s.
void bfe(Emitter &e) {
  auto &builder = e.builder();
  const Type type = e.take_type();
  Value *a = e.read(e.operand(1), type.bits);
  const auto [position, length] = field_of(e, 2, 3);
  Value *ones = low_ones(e, length, type.bits);
  Value *result = builder.CreateAnd(shift(e, a, position, {'u', type.bits}, false), ones);
  if (type.is_signed()) {
    Value *last = builder.CreateSub(builder.CreateAdd(position, length), e.constant(32, 1));
    Value *limit = e.constant(32, type.bits - 1);
    last = builder.CreateSelect(builder.CreateICmpUGT(last, limit), limit, last);
    Value *sign = builder.CreateTrunc(shift(e, a, last, {'u', type.bits}, false), e.int_type(1));
    Value *empty = builder.CreateICmpEQ(length, e.constant(32, 0));
    sign = builder.CreateSelect(empty, e.constant(1, 0), sign);
    // Fills everything above what the register still had of the field.
    Value *width = builder.CreateAdd(builder.CreateSub(last, position), e.constant(32, 1));
    Value *outside = builder.CreateICmpUGT(position, limit);
    width = builder.CreateSelect(outside, e.constant(32, 0), width);
    Value *fill = builder.CreateNot(low_ones(e, width, type.bits));
    result = builder.CreateSelect(sign, builder.CreateOr(result, fill), result);
  }
  e.write(e.operand(0), result, type.is_signed());
}

/// bfi d, a, b, position, length: the low bits of a into b.
void bfi(Emitter &e) {
  auto &builder = e.builder();
  const Type type = e.take_type();
  Value *a = e.read(e.operand(1), type.bits), *b = e.read(e.operand(2), type.bits);
  const auto [position, length] = field_of(e, 3, 4);
  Value *mask = shift(e, low_ones(e, length, type.bits), position, {'b', type.bits}, true);
  Value *moved = shift(e, a, position, {'b', type.bits}, true);
  e.write(e.operand(0), builder.CreateOr(builder.CreateAnd(moved, mask),
                                         builder.CreateAnd(b, builder.CreateNot(mask))));
}

/// lop3.b32 d, a, b, c, table: any function of three bits.
void lop3(Emitter &e) {
  auto &builder = e.builder();
  e.take("b32");
  const uint64_t table = e.operand(4).value;
  Value *inputs[3];
  for (unsigned i = 0; i < 3; ++i) inputs[i] = e.read(e.operand(i + 1), 32);
  Value *result = e.constant(32, 0);
  for (unsigned row = 0; row < 8; ++row) {
    if (!(table >> row & 1)) continue;
    Value *term = e.constant(32, ~uint64_t{0});
    for (unsigned i = 0; i < 3; ++i) {
      const bool set = row >> (2 - i) & 1;
      term = builder.CreateAnd(term, set ? inputs[i] : builder.CreateNot(inputs[i]));
    }
    result = builder.CreateOr(result, term);
  }
  e.write(e.operand(0), result);
}

void popc(Emitter &e) {
  const Type type = e.take_type();
  Value *count = e.intrinsic(Intrinsic::ctpop, {e.read(e.operand(1), type.bits)});
  e.write(e.operand(0), e.builder().CreateTrunc(count, e.int_type(32)));
}

void clz(Emitter &e) {
  const Type type = e.take_type();
  Value *count = e.builder().CreateIntrinsic(e.int_type(type.bits), Intrinsic::ctlz,
                                             {e.read(e.operand(1), type.bits), e.constant(1, 0)});
  e.write(e.operand(0), e.builder().CreateTrunc(count, e.int_type(32)));
}

/// The number of the highest bit set (for .s, that differs from the sign), or all ones.
void bfind(Emitter &e) {
  auto &builder = e.builder();
  const bool amount = e.take("shiftamt");
  const Type type = e.take_type();
  Value *a = e.read(e.operand(1), type.bits);
  if (type.is_signed()) a = builder.CreateXor(a, builder.CreateAShr(a, type.bits - 1));
  Value *zeros = builder.CreateTrunc(
      builder.CreateIntrinsic(e.int_type(type.bits), Intrinsic::ctlz, {a, e.constant(1, 0)}),
      e.int_type(32));
  Value *none = builder.CreateICmpEQ(a, e.constant(type.bits, 0));
  Value *found = amount ? zeros : builder.CreateSub(e.constant(32, type.bits - 1), zeros);
  e.write(e.operand(0), builder.CreateSelect(none, e.constant(32, ~uint64_t{0}), found));
}

void brev(Emitter &e) {
  const Type type = e.take_type();
  e.write(e.operand(0), e.intrinsic(Intrinsic::bitreverse, {e.read(e.operand(1), type.bits)}));
}

/// sad d, a, b, c: c + |a - b|
void sad(Emitter &e) {
  auto &builder = e.builder();
  const Type type = e.take_type();
  Value *a = e.read(e.operand(1), type.bits), *b = e.read(e.operand(2), type.bits);
  Value *less = type.is_signed() ? builder.CreateICmpSLT(a, b) : builder.CreateICmpULT(a, b);
  Value *gap = builder.CreateSelect(less, builder.CreateSub(b, a), builder.CreateSub(a, b));
  e.write(e.operand(0), builder.CreateAdd(gap, e.read(e.operand(3), type.bits)), type.is_signed());
}

}  // namespace

/// What add, sub, mul, ... do with whole numbers; float_instructions.cc asks for it.
void emit_integer(Emitter &e, Type type) {
  auto &builder = e.builder();
  const std::string &opcode = e.instruction().opcode;
  if (opcode == "mul") return multiply(e, type, false);
  if (opcode == "mad") return multiply(e, type, true);
  Value *a = e.read(e.operand(1), type.bits);
  Value *result = nullptr;
  if (opcode == "neg") {
    result = builder.CreateNeg(a);
  } else if (opcode == "abs") {
    result = builder.CreateIntrinsic(e.int_type(type.bits), Intrinsic::abs, {a, e.constant(1, 0)});
  } else {
    Value *b = e.read(e.operand(2), type.bits);
    const bool is_signed = type.is_signed();
    if (opcode == "add" || opcode == "sub") {
      const bool add = opcode == "add";
      if (e.take("sat")) {
        result = e.intrinsic(add ? Intrinsic::sadd_sat : Intrinsic::ssub_sat, {a, b});
      } else {
        result = add ? builder.CreateAdd(a, b) : builder.CreateSub(a, b);
      }
    } else if (opcode == "div" || opcode == "rem") {
      result = divide(e, a, b, type, opcode == "rem");
    } else if (opcode == "min") {
      result = e.intrinsic(is_signed ? Intrinsic::smin : Intrinsic::umin, {a, b});
    } else {
      result = e.intrinsic(is_signed ? Intrinsic::smax : Intrinsic::umax, {a, b});
    }
  }
  e.write(e.operand(0), result, type.is_signed());
}

void add_integer_instructions(InstructionTable *table) {
  auto &t = *table;
  t["and"] = bitwise<llvm::Instruction::And>;
  t["or"] = bitwise<llvm::Instruction::Or>;
  t["xor"] = bitwise<llvm::Instruction::Xor>;
  t["not"] = not_;
  t["shl"] = [](Emitter &e) { shift_instruction(e, true); };
  t["shr"] = [](Emitter &e) { shift_instruction(e, false); };
  t["rem"] = [](Emitter &e) { emit_integer(e, e.take_type()); };
  t["shf"] = shf;
  t["prmt"] = prmt;
  t["bfe"] = bfe;
  t["bfi"] = bfi;
  t["lop3"] = lop3;
  t["popc"] = popc;
  t["clz"] = clz;
  t["bfind"] = bfind;
  t["brev"] = brev;
  t["sad"] = sad;
}

}  // namespace graven::emulator
