// Arithmetic in floating point, and the opcodes that whole numbers share with it.
#include <functional>

#include "test/gpu_emulator/instructions.h"

namespace graven::emulator {
namespace {

using llvm::Value;
namespace Intrinsic = llvm::Intrinsic;
using Lanes = std::function<Value *(std::vector<Value *> &)>;

/// Rounding and range modifiers of an instruction.
struct Mode {
  bool flush = false, saturate = false, nan = false;
};

Mode take_mode(Emitter &e) {
  Mode mode;
  // Without a rounding modifier an instruction rounds to nearest too (it may be contracted).
  e.take("rn");
  mode.flush = e.take("ftz");
  mode.saturate = e.take("sat");
  return mode;
}

/// Applies `compute` to each lane's numbers. f16 and bf16 are computed in f32 (their products are
/// exact there, and rounding twice from 24 to at most 11 bits is rounding once), fma in f64.
void apply(Emitter &e, Type type, Mode mode, unsigned inputs, const Lanes &compute,
           bool in_double = false) {
  auto &builder = e.builder();
  const bool half = type.is_half();
  Value *packed = nullptr;
  for (unsigned lane = 0; lane < type.lanes; ++lane) {
    std::vector<Value *> values;
    for (unsigned i = 0; i < inputs; ++i) {
      Value *bits = e.read(e.operand(i + 1), type.width());
      bits = builder.CreateTrunc(builder.CreateLShr(bits, lane * type.bits), e.int_type(type.bits));
      Value *value = e.to_float(bits, type);
      if (mode.flush && !half) value = e.flush(value);
      if (half && in_double) value = builder.CreateFPExt(value, builder.getDoubleTy());
      values.push_back(value);
    }
    Value *result = compute(values);
    if (mode.flush && !half) result = e.flush(result);
    if (mode.saturate) result = e.saturate(result);
    Value *bits = e.to_bits(result, type);
    if (type.lanes == 1) {
      packed = bits;
    } else {
      bits =
          builder.CreateShl(builder.CreateZExt(bits, e.int_type(type.width())), lane * type.bits);
      packed = packed ? builder.CreateOr(packed, bits) : bits;
    }
  }
  e.write(e.operand(0), packed);
}

template <llvm::Instruction::BinaryOps kOperation>
void binary(Emitter &e, Type type) {
  apply(e, type, take_mode(e), 2,
        [&](std::vector<Value *> &v) { return e.builder().CreateBinOp(kOperation, v[0], v[1]); });
}

/// The smaller or larger number; a NaN only if both are, or with .NaN if one is. -0 < +0.
void extremum(Emitter &e, Type type, bool minimum) {
  const bool nan = e.take("NaN");
  apply(e, type, take_mode(e), 2, [&](std::vector<Value *> &v) {
    const auto id = nan ? (minimum ? Intrinsic::minimum : Intrinsic::maximum)
                        : (minimum ? Intrinsic::minimumnum : Intrinsic::maximumnum);
    return e.intrinsic(id, {v[0], v[1]});
  });
}

/// Sign changes work on the bits, so that NaN keeps its own.
void sign(Emitter &e, Type type, bool absolute) {
  auto &builder = e.builder();
  const bool flush = e.take("ftz") && !type.is_half();
  Value *bits = e.read(e.operand(1), type.width());
  if (flush) bits = e.to_bits(e.flush(e.to_float(bits, type)), type);
  uint64_t signs = uint64_t{1} << (type.bits - 1);
  if (type.lanes == 2) signs |= signs << type.bits;
  Value *mask = e.constant(type.width(), signs);
  e.write(e.operand(0), absolute ? builder.CreateAnd(bits, builder.CreateNot(mask))
                                 : builder.CreateXor(bits, mask));
}

void fma(Emitter &e, Type type) {
  const bool relu = e.take("relu");
  apply(
      e, type, take_mode(e), 3,
      [&](std::vector<Value *> &v) {
        Value *result = e.intrinsic(Intrinsic::fma, {v[0], v[1], v[2]});
        if (relu) {
          Value *zero = llvm::ConstantFP::get(result->getType(), 0.0);
          result = e.intrinsic(Intrinsic::maximumnum, {result, zero});
        }
        return result;
      },
      /*in_double=*/true);
}

Value *perturb(Emitter &e) { return e.field(e.int_type(64), offsetof(Thread, perturb)); }

void divide(Emitter &e, Type type) {
  const bool approximate = e.take("approx") | e.take("full");
  apply(e, type, take_mode(e), 2, [&](std::vector<Value *> &v) -> Value * {
    if (approximate) {
      return e.call("graven_emulator_div", v[0]->getType(), {v[0], v[1], perturb(e)});
    }
    return e.builder().CreateFDiv(v[0], v[1]);
  });
}

/// An instruction that is exact with .rn and has an error bound with .approx.
struct Approximate {
  const char *symbol;
  Value *(*exact)(Emitter &, Value *);  ///< null if there is only .approx
};

void approximate(Emitter &e, const Approximate &function) {
  const bool approx = e.take("approx");
  const Type type = e.take_type();
  const Mode mode = take_mode(e);
  if (!approx && !function.exact) e.fail(e.instruction().opcode + " without .approx");
  if (approx && type.bits == 64) e.fail(e.instruction().opcode + ".approx of f64");
  apply(e, type, mode, 1, [&](std::vector<Value *> &v) -> Value * {
    if (!approx && function.exact) return function.exact(e, v[0]);
    return e.call(function.symbol, e.builder().getFloatTy(), {v[0], perturb(e)});
  });
}

Value *exact_sqrt(Emitter &e, Value *x) { return e.intrinsic(Intrinsic::sqrt, {x}); }
Value *exact_reciprocal(Emitter &e, Value *x) {
  return e.builder().CreateFDiv(llvm::ConstantFP::get(x->getType(), 1.0), x);
}

constexpr Approximate kEx2{"graven_emulator_ex2", nullptr};
constexpr Approximate kLg2{"graven_emulator_lg2", nullptr};
constexpr Approximate kSin{"graven_emulator_sin", nullptr};
constexpr Approximate kCos{"graven_emulator_cos", nullptr};
constexpr Approximate kTanh{"graven_emulator_tanh", nullptr};
constexpr Approximate kRsqrt{"graven_emulator_rsqrt", nullptr};
constexpr Approximate kSqrt{"graven_emulator_sqrt", exact_sqrt};
constexpr Approximate kRcp{"graven_emulator_rcp", exact_reciprocal};

/// copysign d, a, b: b with the sign of a.
void copysign(Emitter &e) {
  const Type type = e.take_type();
  Value *sign = e.read_float(e.operand(1), type), *magnitude = e.read_float(e.operand(2), type);
  e.write_float(e.operand(0), e.intrinsic(Intrinsic::copysign, {magnitude, sign}), type);
}

/// testp.{finite,infinite,number,notanumber,normal,subnormal}
void testp(Emitter &e) {
  struct Class {
    const char *name;
    llvm::FPClassTest mask;
  };
  static constexpr Class kClasses[] = {
      {"finite", llvm::fcFinite},
      {"infinite", llvm::fcInf},
      {"number", llvm::FPClassTest(llvm::fcFinite | llvm::fcInf)},
      {"notanumber", llvm::fcNan},
      {"normal", llvm::FPClassTest(llvm::fcNormal | llvm::fcZero)},
      {"subnormal", llvm::fcSubnormal},
  };
  for (const Class &known : kClasses) {
    if (!e.take(known.name)) continue;
    Value *x = e.read_float(e.operand(1), e.take_type());
    e.write(e.operand(0), e.builder().createIsFPClass(x, known.mask));
    return;
  }
  e.fail("testp without a class of numbers");
}

void minimum(Emitter &e, Type type) { extremum(e, type, true); }
void maximum(Emitter &e, Type type) { extremum(e, type, false); }
void absolute(Emitter &e, Type type) { sign(e, type, true); }
void negate(Emitter &e, Type type) { sign(e, type, false); }

/// An opcode for whole numbers and for floating point.
template <void (*kFloat)(Emitter &, Type)>
void either(Emitter &e) {
  const Type type = e.take_type();
  type.is_float() ? kFloat(e, type) : emit_integer(e, type);
}

}  // namespace

void add_float_instructions(InstructionTable *table) {
  auto &t = *table;
  t["add"] = either<binary<llvm::Instruction::FAdd>>;
  t["sub"] = either<binary<llvm::Instruction::FSub>>;
  t["mul"] = either<binary<llvm::Instruction::FMul>>;
  t["mad"] = either<fma>;
  t["fma"] = either<fma>;
  t["div"] = either<divide>;
  t["min"] = either<minimum>;
  t["max"] = either<maximum>;
  t["abs"] = either<absolute>;
  t["neg"] = either<negate>;
  t["ex2"] = [](Emitter &e) { approximate(e, kEx2); };
  t["lg2"] = [](Emitter &e) { approximate(e, kLg2); };
  t["sin"] = [](Emitter &e) { approximate(e, kSin); };
  t["cos"] = [](Emitter &e) { approximate(e, kCos); };
  t["tanh"] = [](Emitter &e) { approximate(e, kTanh); };
  t["sqrt"] = [](Emitter &e) { approximate(e, kSqrt); };
  t["rsqrt"] = [](Emitter &e) { approximate(e, kRsqrt); };
  t["rcp"] = [](Emitter &e) { approximate(e, kRcp); };
  t["copysign"] = copysign;
  t["testp"] = testp;
}

}  // namespace graven::emulator
