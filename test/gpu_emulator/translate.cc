#include "test/gpu_emulator/translate.h"

#include <algorithm>
#include <functional>
#include <set>

#include "llvm/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"
#include "test/gpu_emulator/instructions.h"

namespace graven::emulator {

const InstructionTable &instruction_table() {
  static const InstructionTable &table = *[] {
    auto *table = new InstructionTable;
    add_integer_instructions(table);
    add_float_instructions(table);
    add_data_instructions(table);
    add_memory_instructions(table);
    add_control_instructions(table);
    add_warp_instructions(table);
    return table;
  }();
  return table;
}

Emitter::Emitter(const PtxModule &module, const Kernel &kernel, const Layout &layout,
                 Translation *translation, Error *error)
    : module_(module),
      kernel_(kernel),
      layout_(layout),
      translation_(*translation),
      error_(*error),
      builder_(*translation->context) {}

bool Emitter::run() {
  auto *type = llvm::FunctionType::get(builder_.getVoidTy(), {builder_.getPtrTy()}, false);
  function_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, kernel_.name,
                                     *translation_.module);
  thread_ = function_->getArg(0);
  auto *entry = llvm::BasicBlock::Create(builder_.getContext(), "entry", function_);
  builder_.SetInsertPoint(entry);
  declare_registers();
  for (const Instruction &instruction : kernel_.instructions) {
    if (instruction.label.empty()) continue;
    labels_[instruction.label] =
        llvm::BasicBlock::Create(builder_.getContext(), instruction.label, function_);
  }
  for (const Instruction &instruction : kernel_.instructions) {
    current_ = &instruction;
    if (!instruction.label.empty()) {
      llvm::BasicBlock *block = labels_[instruction.label];
      builder_.CreateBr(block);
      builder_.SetInsertPoint(block);
      label_seen_[instruction.label] = true;
      continue;
    }
    emit(instruction);
    if (!error_.text.empty()) return false;
  }
  builder_.CreateRetVoid();
  std::string broken;
  llvm::raw_string_ostream stream(broken);
  if (llvm::verifyFunction(*function_, &stream)) {
    error_ = {kernel_.line,
              "the emulator's translation of " + kernel_.name + " is broken: " + broken};
    return false;
  }
  return true;
}

namespace {

/// Registers that may be read before they are written, as far as the order of the text tells.
std::set<std::string> first_read(const Kernel &kernel) {
  std::set<std::string> known, result;
  std::function<void(const Operand &, bool)> visit = [&](const Operand &operand, bool written) {
    if (!operand.name.empty() && known.insert(operand.name).second && !written) {
      result.insert(operand.name);
    }
    const bool inner = written && operand.kind != Operand::kAddress;
    for (const Operand &element : operand.elements) visit(element, inner);
  };
  for (const Instruction &instruction : kernel.instructions) {
    if (!instruction.guard.empty()) {
      visit(Operand::named(Operand::kRegister, instruction.guard), false);
    }
    for (size_t i = instruction.operands.size(); i-- > 0;) {
      const Operand &operand = instruction.operands[i];
      const bool written = i == 0 && operand.kind != Operand::kAddress && instruction.guard.empty();
      visit(operand, written);
    }
  }
  return result;
}

}  // namespace

void Emitter::declare_registers() {
  const std::set<std::string> zeros = first_read(kernel_);
  for (const auto &[name, type] : kernel_.registers) {
    auto *slot = builder_.CreateAlloca(int_type(type.width()), nullptr, name);
    // A register read before it is written holds zero. The others get no such store, which costs
    // time to remove.
    if (zeros.contains(name)) builder_.CreateStore(constant(type.width(), 0), slot);
    registers_[name] = slot;
  }
}

void Emitter::emit(const Instruction &instruction) {
  const auto &table = instruction_table();
  const auto it = table.find(instruction.opcode);
  if (it == table.end()) {
    fail("the emulator does not know the instruction " + instruction.opcode);
    return;
  }
  taken_.assign(instruction.modifiers.size(), false);
  llvm::BasicBlock *after = nullptr;
  if (!instruction.guard.empty()) {
    llvm::Value *holds = read_predicate(Operand::named(Operand::kRegister, instruction.guard));
    if (instruction.guard_negated) holds = builder_.CreateNot(holds);
    auto *then = llvm::BasicBlock::Create(builder_.getContext(), "", function_);
    after = llvm::BasicBlock::Create(builder_.getContext(), "", function_);
    builder_.CreateCondBr(holds, then, after);
    builder_.SetInsertPoint(then);
  }
  it->second(*this);
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (!taken_[i]) {
      fail("the emulator does not know the modifier ." + instruction.modifiers[i] + " of " +
           instruction.opcode);
    }
  }
  if (after) {
    builder_.CreateBr(after);
    builder_.SetInsertPoint(after);
  }
}

llvm::Value *Emitter::fail(std::string text, unsigned bits) {
  if (error_.text.empty()) error_ = {current_ ? current_->line : kernel_.line, std::move(text)};
  return constant(bits, 0);
}

const Operand &Emitter::operand(size_t number) const {
  static const Operand &missing = *new Operand;
  if (number < current_->operands.size()) return current_->operands[number];
  const_cast<Emitter *>(this)->fail(current_->opcode + " with too few operands");
  return missing;
}

// ---- modifiers ----

bool Emitter::take(std::string_view modifier) {
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (!taken_[i] && current_->modifiers[i] == modifier) return taken_[i] = true;
  }
  return false;
}

std::string Emitter::take_any(std::initializer_list<std::string_view> choices) {
  for (std::string_view choice : choices) {
    if (take(choice)) return std::string(choice);
  }
  return "";
}

Type Emitter::take_type() {
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (taken_[i]) continue;
    if (const auto type = type_of(current_->modifiers[i])) {
      taken_[i] = true;
      return *type;
    }
  }
  fail(current_->opcode + " without a type that the emulator knows");
  return {};
}

bool Emitter::has_type() const {
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (!taken_[i] && type_of(current_->modifiers[i])) return true;
  }
  return false;
}

std::vector<std::string> Emitter::rest() const {
  std::vector<std::string> result;
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (!taken_[i]) result.push_back(current_->modifiers[i]);
  }
  return result;
}

// ---- values ----

llvm::Constant *Emitter::constant(unsigned bits, uint64_t value) {
  return llvm::ConstantInt::get(
      int_type(bits), llvm::APInt(bits, value, /*isSigned=*/false, /*implicitTrunc=*/true));
}

llvm::Type *Emitter::number_type(Type type) {
  return type.bits == 64 ? builder_.getDoubleTy() : builder_.getFloatTy();
}

unsigned Emitter::width_of(const Operand &operand) {
  const auto it = kernel_.registers.find(operand.name);
  return it == kernel_.registers.end() ? 0 : it->second.width();
}

llvm::Value *Emitter::read(const Operand &operand, unsigned bits) {
  switch (operand.kind) {
    case Operand::kRegister: {
      const auto it = registers_.find(operand.name);
      llvm::Value *value;
      if (it == registers_.end()) {
        value = special(operand.name);
      } else {
        value = builder_.CreateLoad(it->second->getAllocatedType(), it->second);
      }
      const unsigned width = value->getType()->getIntegerBitWidth();
      if (width < bits) {
        return fail("the register " + operand.name + " is narrower than the " +
                        std::to_string(bits) + " bits that are read of it",
                    bits);
      }
      return builder_.CreateTrunc(value, int_type(bits));
    }
    case Operand::kInteger:
      return constant(bits, operand.value);
    case Operand::kFloat:
      if (operand.single == (bits == 32)) return constant(bits, operand.value);
      return fail("a floating-point constant of another width than its instruction", bits);
    case Operand::kSymbol: {
      const auto it = layout_.address_of.find(operand.name);
      if (it == layout_.address_of.end()) return fail("unknown name " + operand.name, bits);
      llvm::Value *address = constant(64, it->second + operand.value);
      const Region &region = layout_.regions[layout_.region_of.at(operand.name)];
      if (region.space == Space::kLocal) {
        address = builder_.CreateAdd(
            address, builder_.CreatePtrToInt(field(builder_.getPtrTy(), offsetof(Thread, local)),
                                             int_type(64)));
      }
      return builder_.CreateTrunc(address, int_type(bits));
    }
    case Operand::kVector: {  // low element first
      llvm::Value *packed = constant(bits, 0);
      const unsigned each = bits / operand.elements.size();
      for (size_t i = 0; i < operand.elements.size(); ++i) {
        llvm::Value *part = builder_.CreateZExt(read(operand.elements[i], each), int_type(bits));
        packed = builder_.CreateOr(packed, builder_.CreateShl(part, i * each));
      }
      return packed;
    }
    default:
      return fail("an operand of a kind that " + current_->opcode + " does not take here", bits);
  }
}

llvm::Value *Emitter::read_predicate(const Operand &operand) {
  if (operand.kind == Operand::kNegated) {
    return builder_.CreateNot(read_predicate(operand.elements[0]));
  }
  return read(operand, 1);
}

llvm::Value *Emitter::to_float(llvm::Value *bits, Type type) {
  if (type.letter == 'B') {
    llvm::Value *wide = builder_.CreateShl(builder_.CreateZExt(bits, int_type(32)), 16);
    return builder_.CreateBitCast(wide, builder_.getFloatTy());
  }
  if (type.bits == 16) return call("graven_emulator_f16_to_f32", builder_.getFloatTy(), {bits});
  return builder_.CreateBitCast(bits, number_type(type));
}

llvm::Value *Emitter::to_bits(llvm::Value *value, Type type) {
  if (!type.is_half()) return builder_.CreateBitCast(value, int_type(type.bits));
  if (value->getType()->isFloatTy()) value = builder_.CreateFPExt(value, builder_.getDoubleTy());
  return call(type.letter == 'B' ? "graven_emulator_f64_to_bf16" : "graven_emulator_f64_to_f16",
              int_type(16), {value});
}

llvm::Value *Emitter::read_float(const Operand &operand, Type type) {
  return to_float(read(operand, type.bits), type);
}

void Emitter::write(const Operand &operand, llvm::Value *bits, bool is_signed) {
  if (operand.kind == Operand::kSink) return;
  if (operand.kind == Operand::kVector) {  // low element first
    const unsigned each = bits->getType()->getIntegerBitWidth() / operand.elements.size();
    for (size_t i = 0; i < operand.elements.size(); ++i) {
      write(operand.elements[i],
            builder_.CreateTrunc(builder_.CreateLShr(bits, i * each), int_type(each)));
    }
    return;
  }
  const auto it = registers_.find(operand.name);
  if (operand.kind != Operand::kRegister || it == registers_.end()) {
    fail(current_->opcode + " writes to '" + operand.name + "', which is no declared register");
    return;
  }
  auto *type = llvm::cast<llvm::IntegerType>(it->second->getAllocatedType());
  if (type->getBitWidth() < bits->getType()->getIntegerBitWidth()) {
    fail("the register " + operand.name + " is narrower than what " + current_->opcode + " writes");
    return;
  }
  bits = is_signed ? builder_.CreateSExt(bits, type) : builder_.CreateZExt(bits, type);
  builder_.CreateStore(bits, it->second);
}

void Emitter::write_float(const Operand &operand, llvm::Value *value, Type type) {
  write(operand, to_bits(value, type));
}

llvm::Value *Emitter::intrinsic(llvm::Intrinsic::ID id,
                                std::initializer_list<llvm::Value *> operands) {
  return builder_.CreateIntrinsic((*operands.begin())->getType(), id, operands);
}

llvm::Value *Emitter::call(const char *symbol, llvm::Type *result,
                           std::initializer_list<llvm::Value *> operands) {
  std::vector<llvm::Type *> types;
  for (llvm::Value *value : operands) types.push_back(value->getType());
  auto callee = translation_.module->getOrInsertFunction(
      symbol, llvm::FunctionType::get(result, types, false));
  auto *function = llvm::cast<llvm::Function>(callee.getCallee());
  // The C ABI leaves the upper bits of small integers to the one who passes them.
  for (unsigned i = 0; i < types.size(); ++i) {
    if (types[i]->isIntegerTy() && types[i]->getIntegerBitWidth() < 32) {
      function->addParamAttr(i, llvm::Attribute::ZExt);
    }
  }
  auto *made = builder_.CreateCall(callee, operands);
  made->setAttributes(function->getAttributes());
  return made;
}

llvm::Value *Emitter::flush(llvm::Value *x) {
  if (!x->getType()->isFloatTy()) return x;
  llvm::Value *bits = builder_.CreateBitCast(x, int_type(32));
  llvm::Value *small =
      builder_.CreateICmpEQ(builder_.CreateAnd(bits, 0x7f800000u), builder_.getInt32(0));
  llvm::Value *zero = builder_.CreateAnd(bits, 0x80000000u);
  return builder_.CreateBitCast(builder_.CreateSelect(small, zero, bits), x->getType());
}

llvm::Value *Emitter::saturate(llvm::Value *x) {
  llvm::Type *type = x->getType();
  // Comparisons with NaN are false, so that NaN becomes 0.
  llvm::Value *zero = llvm::ConstantFP::get(type, 0.0), *one = llvm::ConstantFP::get(type, 1.0);
  x = builder_.CreateSelect(builder_.CreateFCmpOGT(x, zero), x, zero);
  return builder_.CreateSelect(builder_.CreateFCmpOLT(x, one), x, one);
}

// ---- the thread ----

llvm::Value *Emitter::field(llvm::Type *type, size_t offset) {
  return builder_.CreateLoad(type,
                             builder_.CreateConstGEP1_64(builder_.getInt8Ty(), thread_, offset));
}

void Emitter::set_exchange(unsigned word, llvm::Value *bits32) {
  const size_t offset = offsetof(Thread, exchange) + 4 * word;
  builder_.CreateStore(bits32, builder_.CreateConstGEP1_64(builder_.getInt8Ty(), thread_, offset));
}

llvm::Value *Emitter::exchange(unsigned word) {
  return field(int_type(32), offsetof(Thread, exchange) + 4 * word);
}

void Emitter::meet(const Rendezvous *kind, unsigned variant, unsigned operands) {
  MeetingSite site{current_->line, kind, current_->opcode, variant, operands};
  for (const std::string &modifier : current_->modifiers) site.name += "." + modifier;
  translation_.meetings.push_back(std::move(site));
  call("graven_emulator_meet", builder_.getVoidTy(),
       {thread_, builder_.getInt32(translation_.meetings.size() - 1)});
}

llvm::Value *Emitter::special(const std::string &name) {
  struct Field {
    const char *name;
    size_t offset;
  };
  static constexpr Field kFields[] = {
      {"%tid.x", offsetof(Thread, tid)},           {"%tid.y", offsetof(Thread, tid) + 4},
      {"%tid.z", offsetof(Thread, tid) + 8},       {"%ntid.x", offsetof(Thread, ntid)},
      {"%ntid.y", offsetof(Thread, ntid) + 4},     {"%ntid.z", offsetof(Thread, ntid) + 8},
      {"%ctaid.x", offsetof(Thread, ctaid)},       {"%ctaid.y", offsetof(Thread, ctaid) + 4},
      {"%ctaid.z", offsetof(Thread, ctaid) + 8},   {"%nctaid.x", offsetof(Thread, nctaid)},
      {"%nctaid.y", offsetof(Thread, nctaid) + 4}, {"%nctaid.z", offsetof(Thread, nctaid) + 8},
      {"%laneid", offsetof(Thread, lane)},         {"%warpid", offsetof(Thread, warp)},
      {"%nwarpid", offsetof(Thread, warps)},
  };
  for (const Field &known : kFields) {
    if (name == known.name) return field(int_type(32), known.offset);
  }
  static constexpr std::string_view kMasks[] = {"%lanemask_eq", "%lanemask_le", "%lanemask_lt",
                                                "%lanemask_ge", "%lanemask_gt"};
  if (std::find(std::begin(kMasks), std::end(kMasks), name) != std::end(kMasks)) {
    llvm::Value *own =
        builder_.CreateShl(builder_.getInt32(1), field(int_type(32), offsetof(Thread, lane)));
    llvm::Value *lower = builder_.CreateSub(own, builder_.getInt32(1));
    llvm::Value *up_to = builder_.CreateOr(own, lower);
    const std::string which = name.substr(name.size() - 2);
    if (which == "eq") return own;
    if (which == "le") return up_to;
    if (which == "lt") return lower;
    return builder_.CreateNot(which == "ge" ? lower : up_to);
  }
  // Wide enough for whoever reads it.
  return fail("unknown register " + name, 64);
}

// ---- memory ----

llvm::Value *Emitter::address(const Operand &operand) {
  if (operand.kind != Operand::kAddress) return fail("expected an address in brackets", 64);
  llvm::Value *base = constant(64, 0);
  if (!operand.name.empty()) {
    const bool is_register = operand.name[0] == '%';
    const unsigned width = is_register ? width_of(operand) : 64;
    base = read(Operand::named(is_register ? Operand::kRegister : Operand::kSymbol, operand.name),
                width == 32 ? 32 : 64);
    // Shared and local addresses may stand in 32-bit registers; offsets may be negative.
    base = builder_.CreateZExt(base, int_type(64));
    if (width == 32) {
      return builder_.CreateAnd(builder_.CreateAdd(base, constant(64, operand.value)),
                                constant(64, 0xffffffffu));
    }
  }
  return builder_.CreateAdd(base, constant(64, operand.value));
}

AccessSite Emitter::access_site(const Operand &operand, Space space, bool generic, Access access) {
  AccessSite site;
  site.line = current_->line;
  site.space = space;
  site.generic = generic;
  site.access = access;
  std::set<unsigned> from;
  if (const auto it = layout_.region_of.find(operand.name); it != layout_.region_of.end()) {
    from.insert(it->second);
  } else if (const auto it = layout_.origins.find(operand.name); it != layout_.origins.end()) {
    from = it->second;
  }
  for (unsigned region : from) {
    const Space there = layout_.regions[region].space;
    const bool device = there == Space::kGlobal || there == Space::kConst;
    if (generic || there == space || (device && space == Space::kGlobal)) {
      site.regions.push_back(region);
    }
  }
  return site;
}

uint32_t Emitter::add_access(AccessSite site) {
  translation_.accesses.push_back(std::move(site));
  return translation_.accesses.size() - 1;
}

llvm::Value *Emitter::checked(llvm::Value *address, uint32_t site) {
  return call("graven_emulator_access", builder_.getPtrTy(),
              {thread_, address, builder_.getInt32(site)});
}

// ---- control ----

llvm::BasicBlock *Emitter::block_of(std::string_view label) {
  if (const auto it = labels_.find(label); it != labels_.end()) return it->second;
  fail("no label " + std::string(label) + " in " + kernel_.name);
  return builder_.GetInsertBlock();
}

void Emitter::count_branch(bool backward) {
  if (!backward) return;
  const size_t offset = offsetof(Thread, branches_left);
  llvm::Value *left = builder_.CreateSub(field(int_type(64), offset), constant(64, 1));
  builder_.CreateStore(left, builder_.CreateConstGEP1_64(builder_.getInt8Ty(), thread_, offset));
  auto *endless = llvm::BasicBlock::Create(builder_.getContext(), "endless", function_);
  auto *go_on = llvm::BasicBlock::Create(builder_.getContext(), "", function_);
  builder_.CreateCondBr(builder_.CreateICmpEQ(left, constant(64, 0)), endless, go_on);
  builder_.SetInsertPoint(endless);
  call("graven_emulator_endless", builder_.getVoidTy(),
       {thread_, builder_.getInt32(current_->line)});
  builder_.CreateUnreachable();
  builder_.SetInsertPoint(go_on);
}

void Emitter::branch(std::string_view label) {
  llvm::BasicBlock *target = block_of(label);
  count_branch(label_seen_.contains(label));
  builder_.CreateBr(target);
  builder_.SetInsertPoint(llvm::BasicBlock::Create(builder_.getContext(), "", function_));
}

void Emitter::branch_indexed(llvm::Value *index, std::string_view table) {
  const auto it = kernel_.branch_targets.find(std::string(table));
  if (it == kernel_.branch_targets.end()) {
    fail("no list of branch targets " + std::string(table));
    return;
  }
  count_branch(true);
  auto *other = llvm::BasicBlock::Create(builder_.getContext(), "", function_);
  auto *choice = builder_.CreateSwitch(index, other, it->second.size());
  for (size_t i = 0; i < it->second.size(); ++i) {
    choice->addCase(builder_.getInt32(i), block_of(it->second[i]));
  }
  builder_.SetInsertPoint(other);
  call("graven_emulator_trap", builder_.getVoidTy(), {thread_, builder_.getInt32(current_->line)});
  builder_.CreateUnreachable();
  builder_.SetInsertPoint(llvm::BasicBlock::Create(builder_.getContext(), "", function_));
}

void Emitter::leave() {
  builder_.CreateRetVoid();
  builder_.SetInsertPoint(llvm::BasicBlock::Create(builder_.getContext(), "", function_));
}

bool translate(const PtxModule &module, const Kernel &kernel, const Layout &layout,
               Translation *translation, Error *error) {
  *error = {};
  translation->context = std::make_unique<llvm::LLVMContext>();
  translation->module = std::make_unique<llvm::Module>(kernel.name, *translation->context);
  return Emitter(module, kernel, layout, translation, error).run();
}

}  // namespace graven::emulator
