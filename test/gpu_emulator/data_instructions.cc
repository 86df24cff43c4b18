// Moving, selecting, comparing and converting values.
#include "test/gpu_emulator/instructions.h"

namespace graven::emulator {
namespace {

using llvm::CmpInst;
using llvm::Value;
namespace Intrinsic = llvm::Intrinsic;

/// mov: scalars, addresses of variables, and packing or unpacking of vectors.
void mov(Emitter &e) {
  const Type type = e.take_type();
  e.write(e.operand(0), e.read(e.operand(1), type.width()));
}

void selp(Emitter &e) {
  const Type type = e.take_type();
  Value *a = e.read(e.operand(1), type.width()), *b = e.read(e.operand(2), type.width());
  e.write(e.operand(0), e.builder().CreateSelect(e.read_predicate(e.operand(3)), a, b));
}

/// slct.dt.{s32,f32} d, a, b, c: a where c >= 0, else b.
void slct(Emitter &e) {
  auto &builder = e.builder();
  const bool flush = e.take("ftz");
  const Type type = e.take_type(), by = e.take_type();
  Value *a = e.read(e.operand(1), type.bits), *b = e.read(e.operand(2), type.bits);
  Value *holds;
  if (by.is_float()) {
    Value *c = e.read_float(e.operand(3), by);
    if (flush) c = e.flush(c);
    holds = builder.CreateFCmpOGE(c, llvm::ConstantFP::get(c->getType(), 0.0));
  } else {
    holds = builder.CreateICmpSGE(e.read(e.operand(3), 32), e.constant(32, 0));
  }
  e.write(e.operand(0), builder.CreateSelect(holds, a, b));
}

/// How a comparison is done for signed, unsigned and floating-point operands.
struct Comparison {
  const char *name;
  CmpInst::Predicate for_signed, for_unsigned, for_float;
};
constexpr CmpInst::Predicate kNone = CmpInst::BAD_ICMP_PREDICATE;
constexpr Comparison kComparisons[] = {
    {"eq", CmpInst::ICMP_EQ, CmpInst::ICMP_EQ, CmpInst::FCMP_OEQ},
    {"ne", CmpInst::ICMP_NE, CmpInst::ICMP_NE, CmpInst::FCMP_ONE},
    {"lt", CmpInst::ICMP_SLT, CmpInst::ICMP_ULT, CmpInst::FCMP_OLT},
    {"le", CmpInst::ICMP_SLE, CmpInst::ICMP_ULE, CmpInst::FCMP_OLE},
    {"gt", CmpInst::ICMP_SGT, CmpInst::ICMP_UGT, CmpInst::FCMP_OGT},
    {"ge", CmpInst::ICMP_SGE, CmpInst::ICMP_UGE, CmpInst::FCMP_OGE},
    {"lo", kNone, CmpInst::ICMP_ULT, kNone},
    {"ls", kNone, CmpInst::ICMP_ULE, kNone},
    {"hi", kNone, CmpInst::ICMP_UGT, kNone},
    {"hs", kNone, CmpInst::ICMP_UGE, kNone},
    {"equ", kNone, kNone, CmpInst::FCMP_UEQ},
    {"neu", kNone, kNone, CmpInst::FCMP_UNE},
    {"ltu", kNone, kNone, CmpInst::FCMP_ULT},
    {"leu", kNone, kNone, CmpInst::FCMP_ULE},
    {"gtu", kNone, kNone, CmpInst::FCMP_UGT},
    {"geu", kNone, kNone, CmpInst::FCMP_UGE},
    {"num", kNone, kNone, CmpInst::FCMP_ORD},
    {"nan", kNone, kNone, CmpInst::FCMP_UNO},
};

Value *compare(Emitter &e) {
  auto &builder = e.builder();
  const Comparison *comparison = nullptr;
  for (const Comparison &known : kComparisons) {
    if (e.take(known.name)) {
      comparison = &known;
      break;
    }
  }
  const bool flush = e.take("ftz");
  const Type type = e.take_type();
  const auto predicate = !comparison        ? kNone
                         : type.is_float()  ? comparison->for_float
                         : type.is_signed() ? comparison->for_signed
                                            : comparison->for_unsigned;
  if (predicate == kNone) {
    return e.fail(e.instruction().opcode + " without a comparison that fits its type", 1);
  }
  if (type.lanes != 1) return e.fail("a comparison of pairs", 1);
  if (!type.is_float()) {
    return builder.CreateICmp(predicate, e.read(e.operand(1), type.bits),
                              e.read(e.operand(2), type.bits));
  }
  Value *a = e.read_float(e.operand(1), type), *b = e.read_float(e.operand(2), type);
  if (flush) a = e.flush(a), b = e.flush(b);
  return builder.CreateFCmp(predicate, a, b);
}

/// The comparison, joined by .and, .or or .xor with the predicate that follows its operands.
Value *joined(Emitter &e, const std::string &join, Value *holds) {
  auto &builder = e.builder();
  if (join.empty()) return holds;
  Value *other = e.read_predicate(e.operand(3));
  if (join == "and") return builder.CreateAnd(holds, other);
  if (join == "or") return builder.CreateOr(holds, other);
  return builder.CreateXor(holds, other);
}

/// setp.CMP[.BOOL].TYPE p[|q], a, b[, c]; q is the same of the opposite comparison.
void setp(Emitter &e) {
  const std::string join = e.take_any({"and", "or", "xor"});
  Value *holds = compare(e);
  const Operand &result = e.operand(0);
  if (result.kind == Operand::kPair) {
    e.write(result.elements[0], joined(e, join, holds));
    e.write(result.elements[1], joined(e, join, e.builder().CreateNot(holds)));
  } else {
    e.write(result, joined(e, join, holds));
  }
}

/// set.CMP.DTYPE.STYPE d, a, b: all ones or 1.0 where the comparison holds.
void set(Emitter &e) {
  auto &builder = e.builder();
  const std::string join = e.take_any({"and", "or", "xor"});
  const Type type = e.take_type();
  Value *holds = joined(e, join, compare(e));
  if (type.is_float()) {
    Value *one = llvm::ConstantFP::get(e.number_type(type), 1.0);
    Value *zero = llvm::ConstantFP::get(e.number_type(type), 0.0);
    e.write_float(e.operand(0), builder.CreateSelect(holds, one, zero), type);
  } else {
    e.write(e.operand(0), builder.CreateSExt(holds, e.int_type(type.bits)), true);
  }
}

/// Rounds to a whole number as .rni, .rzi, .rmi or .rpi say.
Value *to_whole(Emitter &e, Value *x, const std::string &rounding) {
  const auto id = rounding == "rni"   ? Intrinsic::roundeven
                  : rounding == "rzi" ? Intrinsic::trunc
                  : rounding == "rmi" ? Intrinsic::floor
                                      : Intrinsic::ceil;
  return e.intrinsic(id, {x});
}

/// Pairs of floats packed into 32 bits: the first source is the upper half.
void cvt_pair(Emitter &e, Type to, bool to_zero, bool relu) {
  auto &builder = e.builder();
  e.take_type();
  Value *packed = e.constant(32, 0);
  for (unsigned half = 0; half < 2; ++half) {
    Value *x = e.read_float(e.operand(2 - half), {'f', 32});
    if (relu) x = e.intrinsic(Intrinsic::maximumnum, {x, llvm::ConstantFP::get(x->getType(), 0.0)});
    Value *wide = builder.CreateFPExt(x, builder.getDoubleTy());
    const char *symbol =
        to.letter == 'B'
            ? (to_zero ? "graven_emulator_f64_to_bf16_rz" : "graven_emulator_f64_to_bf16")
            : (to_zero ? "graven_emulator_f64_to_f16_rz" : "graven_emulator_f64_to_f16");
    Value *bits = builder.CreateZExt(e.call(symbol, e.int_type(16), {wide}), e.int_type(32));
    packed = builder.CreateOr(packed, builder.CreateShl(bits, 16 * half));
  }
  e.write(e.operand(0), packed);
}

/// Between floating-point formats, or to a whole number in the same format.
void cvt_float(Emitter &e, Type to, Type from, const std::string &rounding, bool flush,
               bool saturate, bool relu) {
  auto &builder = e.builder();
  if (to.letter == 'T') {
    if (rounding != "rna") e.fail("cvt to tf32 is modelled with .rna only");
    e.write(e.operand(0),
            e.call("graven_emulator_f32_to_tf32", e.int_type(32), {e.read(e.operand(1), 32)}));
    return;
  }
  Value *x = e.read_float(e.operand(1), from);
  if (flush) x = e.flush(x);
  if (rounding.size() == 3) x = to_whole(e, x, rounding);
  if (relu) x = e.intrinsic(Intrinsic::maximumnum, {x, llvm::ConstantFP::get(x->getType(), 0.0)});
  if (saturate) x = e.saturate(x);
  if (to.is_half()) {
    if (rounding == "rz") {
      x = builder.CreateFPExt(x, builder.getDoubleTy());
      e.write(e.operand(0), e.call(to.letter == 'B' ? "graven_emulator_f64_to_bf16_rz"
                                                    : "graven_emulator_f64_to_f16_rz",
                                   e.int_type(16), {x}));
      return;
    }
    e.write_float(e.operand(0), x, to);
    return;
  }
  if (rounding == "rz" || rounding == "rm" || rounding == "rp") {
    e.fail("cvt." + rounding + " between these types is not modelled");
  }
  x = builder.CreateFPCast(x, e.number_type(to));
  if (flush) x = e.flush(x);
  e.write_float(e.operand(0), x, to);
}

/// To a whole number; out of range gives the nearest that there is, NaN gives 0.
void cvt_to_integer(Emitter &e, Type to, Type from, const std::string &rounding, bool flush) {
  Value *x = e.read_float(e.operand(1), from);
  if (flush) x = e.flush(x);
  if (rounding.size() != 3) e.fail("cvt to a whole number without .rni, .rzi, .rmi or .rpi");
  x = to_whole(e, x, rounding);
  const auto id = to.is_signed() ? Intrinsic::fptosi_sat : Intrinsic::fptoui_sat;
  Value *result = e.builder().CreateIntrinsic(id, {e.int_type(to.bits), x->getType()}, {x});
  e.write(e.operand(0), result, to.is_signed());
}

/// A whole number as a float, rounded to nearest.
void cvt_from_integer(Emitter &e, Type to, Type from, const std::string &rounding) {
  auto &builder = e.builder();
  Value *x = e.read(e.operand(1), from.bits);
  if (rounding != "rn") e.fail("cvt of a whole number to a float is modelled with .rn only");
  // f16 and bf16 by way of f64, which holds what their range needs.
  llvm::Type *type = to.is_half() ? builder.getDoubleTy() : e.number_type(to);
  x = from.is_signed() ? builder.CreateSIToFP(x, type) : builder.CreateUIToFP(x, type);
  e.write_float(e.operand(0), x, to);
}

void cvt_integer(Emitter &e, Type to, Type from, bool saturate) {
  auto &builder = e.builder();
  Value *x = e.read(e.operand(1), from.bits);
  if (saturate) {
    // Limits to the range of the result, in a width that holds both.
    const unsigned wide = std::max(to.bits, from.bits) + 1;
    auto *type = e.int_type(wide);
    Value *value = from.is_signed() ? builder.CreateSExt(x, type) : builder.CreateZExt(x, type);
    llvm::APInt low(wide, 0), high = llvm::APInt::getLowBitsSet(wide, to.bits);
    if (to.is_signed()) {
      low = llvm::APInt::getSignedMinValue(to.bits).sext(wide);
      high = llvm::APInt::getSignedMaxValue(to.bits).sext(wide);
    }
    value = e.intrinsic(Intrinsic::smax, {value, llvm::ConstantInt::get(type, low)});
    value = e.intrinsic(Intrinsic::smin, {value, llvm::ConstantInt::get(type, high)});
    e.write(e.operand(0), builder.CreateTrunc(value, e.int_type(to.bits)), to.is_signed());
    return;
  }
  auto *type = e.int_type(to.bits);
  x = from.is_signed() ? builder.CreateSExtOrTrunc(x, type) : builder.CreateZExtOrTrunc(x, type);
  e.write(e.operand(0), x, to.is_signed());
}

void cvt(Emitter &e) {
  const std::string rounding =
      e.take_any({"rn", "rna", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi"});
  const bool flush = e.take("ftz"), saturate = e.take("sat"), relu = e.take("relu");
  const Type to = e.take_type();
  if (to.lanes == 2) return cvt_pair(e, to, rounding == "rz", relu);
  const Type from = e.take_type();
  if (to.is_float() && from.is_float()) {
    cvt_float(e, to, from, rounding, flush, saturate, relu);
  } else if (from.is_float()) {
    cvt_to_integer(e, to, from, rounding, flush);
  } else if (to.is_float()) {
    cvt_from_integer(e, to, from, rounding);
  } else {
    cvt_integer(e, to, from, saturate);
  }
}

/// cvta[.to].SPACE: between the generic address space and another. Global and local addresses are
/// the same in both.
void cvta(Emitter &e) {
  auto &builder = e.builder();
  const bool to = e.take("to");
  const bool shared = e.take("shared") | e.take("shared::cta");
  if (!shared && e.take_any({"global", "local", "const", "param"}).empty()) {
    e.fail("cvta without a state space that the emulator knows");
  }
  const Type type = e.take_type();
  Value *address = e.read(e.operand(1), type.bits);
  if (shared) {
    if (type.bits != 64) e.fail("cvta of a 32-bit address");
    Value *window = e.constant(64, kSharedWindow);
    address = to ? builder.CreateSub(address, window) : builder.CreateAdd(address, window);
  }
  e.write(e.operand(0), address);
}

}  // namespace

void add_data_instructions(InstructionTable *table) {
  auto &t = *table;
  t["mov"] = mov;
  t["selp"] = selp;
  t["slct"] = slct;
  t["setp"] = setp;
  t["set"] = set;
  t["cvt"] = cvt;
  t["cvta"] = cvta;
}

}  // namespace graven::emulator
