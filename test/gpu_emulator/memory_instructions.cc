// Loads and stores, atomics, and copies that land later.
#include "test/gpu_emulator/instructions.h"

namespace graven::emulator {
namespace {

using llvm::AtomicRMWInst;
using llvm::Value;

struct Where {
  Space space = Space::kGlobal;
  bool generic = false;
};

Where take_space(Emitter &e) {
  struct Name {
    const char *name;
    Space space;
  };
  static constexpr Name kNames[] = {
      {"global", Space::kGlobal},      {"shared", Space::kShared}, {"shared::cta", Space::kShared},
      {"local", Space::kLocal},        {"const", Space::kConst},   {"param", Space::kParam},
      {"param::entry", Space::kParam},
  };
  for (const Name &known : kNames) {
    if (e.take(known.name)) return {known.space, false};
  }
  return {Space::kGlobal, true};
}

/// Hints for caches and orderings change nothing here: workgroups run one after another and the
/// race checks look at barriers alone.
void take_hints(Emitter &e) {
  while (!e.take_any({"nc",
                      "ca",
                      "cg",
                      "cs",
                      "lu",
                      "cv",
                      "wb",
                      "wt",
                      "volatile",
                      "weak",
                      "relaxed",
                      "acquire",
                      "release",
                      "acq_rel",
                      "cta",
                      "gpu",
                      "sys",
                      "L1::evict_last",
                      "L1::evict_first",
                      "L1::evict_normal",
                      "L1::evict_unchanged",
                      "L1::no_allocate",
                      "L2::64B",
                      "L2::128B",
                      "L2::256B"})
              .empty()) {
  }
}

unsigned take_vector(Emitter &e) {
  const std::string vector = e.take_any({"v2", "v4", "v8"});
  return vector.empty() ? 1 : vector[1] - '0';
}

/// Parameters are read from the launch's list, as the kernel declares them.
void load_parameter(Emitter &e, Type type) {
  const Operand &from = e.operand(1);
  const auto it = e.layout().region_of.find(from.name);
  if (it == e.layout().region_of.end() || it->second >= e.kernel().parameters.size()) {
    e.fail("ld.param of '" + from.name + "', which is no parameter");
    return;
  }
  const uint64_t offset = from.value;
  if (offset + type.bytes() > e.kernel().parameters[it->second].bytes()) {
    e.fail("ld.param beyond the end of " + from.name);
    return;
  }
  auto &builder = e.builder();
  Value *list = e.field(builder.getPtrTy(), offsetof(Thread, parameters));
  Value *place = builder.CreateConstGEP1_64(builder.getInt8Ty(), list, it->second * 8 + offset);
  e.write(e.operand(0), builder.CreateLoad(e.int_type(type.width()), place), type.is_signed());
}

Value *access(Emitter &e, const Operand &where, Where at, Access access, uint32_t bytes,
              uint32_t alignment) {
  AccessSite site = e.access_site(where, at.space, at.generic, access);
  site.bytes = bytes;
  site.alignment = alignment;
  return e.checked(e.address(where), e.add_access(std::move(site)));
}

void ld(Emitter &e) {
  auto &builder = e.builder();
  const Where at = take_space(e);
  take_hints(e);
  const unsigned count = take_vector(e);
  const Type type = e.take_type();
  if (!at.generic && at.space == Space::kParam) return load_parameter(e, type);
  const unsigned bytes = type.bytes();
  Value *from = access(e, e.operand(1), at, Access::kRead, bytes * count, bytes * count);
  auto load = [&](unsigned i) {
    Value *place = builder.CreateConstGEP1_64(builder.getInt8Ty(), from, i * bytes);
    return builder.CreateAlignedLoad(e.int_type(type.width()), place, llvm::Align(1));
  };
  const Operand &to = e.operand(0);
  if (count == 1) return e.write(to, load(0), type.is_signed());
  if (to.elements.size() != count) {
    e.fail("a vector of another length than its instruction says");
    return;
  }
  for (unsigned i = 0; i < count; ++i) e.write(to.elements[i], load(i), type.is_signed());
}

void st(Emitter &e) {
  auto &builder = e.builder();
  const Where at = take_space(e);
  take_hints(e);
  const unsigned count = take_vector(e);
  const Type type = e.take_type();
  const unsigned bytes = type.bytes();
  Value *to = access(e, e.operand(0), at, Access::kWrite, bytes * count, bytes * count);
  const Operand &from = e.operand(1);
  if (count > 1 && from.elements.size() != count) {
    e.fail("a vector of another length than its instruction says");
    return;
  }
  for (unsigned i = 0; i < count; ++i) {
    Value *value = e.read(count == 1 ? from : from.elements[i], type.width());
    Value *place = builder.CreateConstGEP1_64(builder.getInt8Ty(), to, i * bytes);
    builder.CreateAlignedStore(value, place, llvm::Align(1));
  }
}

/// What an atomic leaves in memory, of what was there and the operands.
Value *updated(Emitter &e, const std::string &operation, Type type, Value *old, size_t first) {
  auto &builder = e.builder();
  Value *b = e.read(e.operand(first), type.width());
  if (operation == "exch") return b;
  if (operation == "cas") {
    Value *desired = e.read(e.operand(first + 1), type.width());
    return builder.CreateSelect(builder.CreateICmpEQ(old, b), desired, old);
  }
  if (operation == "and") return builder.CreateAnd(old, b);
  if (operation == "or") return builder.CreateOr(old, b);
  if (operation == "xor") return builder.CreateXor(old, b);
  Value *zero = e.constant(type.width(), 0), *one = e.constant(type.width(), 1);
  if (operation == "inc") {
    return builder.CreateSelect(builder.CreateICmpUGE(old, b), zero, builder.CreateAdd(old, one));
  }
  if (operation == "dec") {
    Value *wrap = builder.CreateOr(builder.CreateICmpEQ(old, zero), builder.CreateICmpUGT(old, b));
    return builder.CreateSelect(wrap, b, builder.CreateSub(old, one));
  }
  if (type.is_float()) {
    if (operation != "add") return e.fail("atom." + operation + " of floats", type.width());
    if (type.lanes != 1) return e.fail("an atomic on pairs", type.width());
    return e.to_bits(builder.CreateFAdd(e.to_float(old, type), e.to_float(b, type)), type);
  }
  if (operation == "add") return builder.CreateAdd(old, b);
  const bool is_signed = type.is_signed();
  const auto id = operation == "min" ? (is_signed ? llvm::Intrinsic::smin : llvm::Intrinsic::umin)
                                     : (is_signed ? llvm::Intrinsic::smax : llvm::Intrinsic::umax);
  return e.intrinsic(id, {old, b});
}

/// atom d, [a], b[, c] and red [a], b. One thread runs at a time, so that a load and a store are
/// enough.
void atomic(Emitter &e, bool returns) {
  auto &builder = e.builder();
  const Where at = take_space(e);
  take_hints(e);
  e.take("noftz");
  const std::string operation =
      e.take_any({"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"});
  const Type type = e.take_type();
  if (operation.empty()) {
    e.fail(e.instruction().opcode + " without an operation that the emulator knows");
    return;
  }
  const size_t where = returns ? 1 : 0;
  Value *place = access(e, e.operand(where), at, Access::kAtomic, type.bytes(), type.bytes());
  Value *old = builder.CreateAlignedLoad(e.int_type(type.width()), place, llvm::Align(1));
  builder.CreateAlignedStore(updated(e, operation, type, old, where + 1), place, llvm::Align(1));
  if (returns) e.write(e.operand(0), old, type.is_signed());
}

/// cp.async.{ca,cg}.shared.global [d], [s], size[, filled | , predicate], .commit_group,
/// .wait_group N and .wait_all. TMA's cp.async.bulk joins here.
void cp(Emitter &e) {
  auto &builder = e.builder();
  e.note_copies();
  if (!e.take("async")) {
    e.fail("cp without .async");
    return;
  }
  if (e.take("commit_group")) {
    e.call("graven_emulator_commit", builder.getVoidTy(), {e.thread()});
    return;
  }
  const bool all = e.take("wait_all");
  if (all || e.take("wait_group")) {
    Value *pending = all ? e.constant(32, ~uint64_t{0}) : e.read(e.operand(0), 32);
    e.call("graven_emulator_wait", builder.getVoidTy(), {e.thread(), pending});
    return;
  }
  const bool bypass = e.take("cg");
  if (!bypass && !e.take("ca")) e.fail("cp.async without .ca or .cg");
  if (!e.take("shared") && !e.take("shared::cta")) e.fail("cp.async to another space than shared");
  if (!e.take("global")) e.fail("cp.async from another space than global");
  take_hints(e);
  const uint32_t size = e.operand(2).value;
  if (size != 16 && (bypass || (size != 4 && size != 8))) {
    e.fail("cp.async copies 16 bytes, with .ca also 4 or 8");
    return;
  }
  AccessSite to = e.access_site(e.operand(0), Space::kShared, false, Access::kWrite);
  AccessSite from = e.access_site(e.operand(1), Space::kGlobal, false, Access::kRead);
  to.bytes = to.alignment = from.bytes = from.alignment = size;
  Value *filled = e.operand_count() > 3 ? e.read(e.operand(3), 32) : e.constant(32, size);
  Value *to_address = e.address(e.operand(0)), *from_address = e.address(e.operand(1));
  const uint32_t to_site = e.add_access(std::move(to)), from_site = e.add_access(std::move(from));
  e.call("graven_emulator_copy", builder.getVoidTy(),
         {e.thread(), to_address, from_address, builder.getInt32(size), filled,
          builder.getInt32(to_site), builder.getInt32(from_site)});
}

/// Fences order what the checks order by barriers alone.
void fence(Emitter &e) {
  e.take_any({"sc", "acq_rel"});
  e.take_any({"cta", "gl", "gpu", "sys"});
}

void prefetch(Emitter &e) {
  e.take_any({"global", "local"});
  e.take_any({"L1", "L2"});
}

}  // namespace

void add_memory_instructions(InstructionTable *table) {
  auto &t = *table;
  t["ld"] = ld;
  t["st"] = st;
  t["atom"] = [](Emitter &e) { atomic(e, true); };
  t["red"] = [](Emitter &e) { atomic(e, false); };
  t["cp"] = cp;
  t["fence"] = fence;
  t["membar"] = fence;
  t["prefetch"] = prefetch;
}

}  // namespace graven::emulator
