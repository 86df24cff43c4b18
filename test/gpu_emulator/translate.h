// PTX instructions to LLVM IR: one function for each kernel, that runs one thread.
#ifndef GRAVEN_TEST_GPU_EMULATOR_TRANSLATE_H_
#define GRAVEN_TEST_GPU_EMULATOR_TRANSLATE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "test/gpu_emulator/layout.h"
#include "test/gpu_emulator/thread.h"

namespace graven::emulator {

/// A kernel in LLVM IR with what its execution needs to know.
struct Translation {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;  ///< holds one function, of the kernel's name
  std::vector<AccessSite> accesses;
  std::vector<MeetingSite> meetings;
  bool copies = false;  ///< has cp.async
};

/// False and where and why if an instruction is unknown.
bool translate(const PtxModule &module, const Kernel &kernel, const Layout &layout,
               Translation *translation, Error *error);

/// What emits one instruction. Each opcode's function (see instructions.h) asks for modifiers with
/// take(), reads operands, emits, and writes results; a modifier that nobody asked for is an error.
class Emitter {
 public:
  Emitter(const PtxModule &module, const Kernel &kernel, const Layout &layout,
          Translation *translation, Error *error);
  bool run();

  llvm::IRBuilder<> &builder() { return builder_; }
  const Kernel &kernel() const { return kernel_; }
  const Layout &layout() const { return layout_; }
  const Instruction &instruction() const { return *current_; }
  size_t operand_count() const { return current_->operands.size(); }
  const Operand &operand(size_t number) const;

  // ---- modifiers ----
  /// Whether the modifier stands there; it counts as understood.
  bool take(std::string_view modifier);
  /// The first of `choices` that stands there, or empty.
  std::string take_any(std::initializer_list<std::string_view> choices);
  /// The next type that stands there; an error without one.
  Type take_type();
  bool has_type() const;
  /// The modifiers not yet asked for, in order.
  std::vector<std::string> rest() const;

  // ---- values: registers hold integers of their width ----
  llvm::IntegerType *int_type(unsigned bits) { return builder_.getIntNTy(bits); }
  /// The LLVM type in which numbers of this PTX type are computed: f16 and bf16 in f32.
  llvm::Type *number_type(Type type);
  llvm::Value *read(const Operand &operand, unsigned bits);
  /// A predicate as i1, !p understood.
  llvm::Value *read_predicate(const Operand &operand);
  /// The operand's bits as the number that they mean (f16 and bf16 widened to f32).
  llvm::Value *read_float(const Operand &operand, Type type);
  llvm::Value *to_float(llvm::Value *bits, Type type);
  /// The bits of a number, rounded to nearest where the type is narrower than the value's.
  llvm::Value *to_bits(llvm::Value *value, Type type);
  /// Stores into a register; a wider one is extended. Sinks take anything.
  void write(const Operand &operand, llvm::Value *bits, bool is_signed = false);
  void write_float(const Operand &operand, llvm::Value *value, Type type);
  unsigned width_of(const Operand &operand);

  llvm::Constant *constant(unsigned bits, uint64_t value);
  llvm::Value *intrinsic(llvm::Intrinsic::ID id, std::initializer_list<llvm::Value *> operands);
  /// Calls a function of the host by its symbol.
  llvm::Value *call(const char *symbol, llvm::Type *result,
                    std::initializer_list<llvm::Value *> operands);
  /// Zero with the sign of x where x (f32) is below the normal numbers.
  llvm::Value *flush(llvm::Value *x);
  /// x limited to [0, 1], NaN to 0.
  llvm::Value *saturate(llvm::Value *x);

  // ---- the thread ----
  llvm::Value *thread() { return thread_; }
  llvm::Value *field(llvm::Type *type, size_t offset);
  void set_exchange(unsigned word, llvm::Value *bits32);
  llvm::Value *exchange(unsigned word);
  /// Calls graven_emulator_meet for an instruction of this kind.
  void meet(const Rendezvous *kind, unsigned variant, unsigned operands);

  // ---- memory ----
  /// [register + offset] or [variable + offset] as an i64.
  llvm::Value *address(const Operand &operand);
  /// A site with line and regions filled in, to be completed and passed to add_access.
  AccessSite access_site(const Operand &operand, Space space, bool generic, Access access);
  uint32_t add_access(AccessSite site);
  /// The checked host address.
  llvm::Value *checked(llvm::Value *address, uint32_t site);

  // ---- control ----
  void branch(std::string_view label);
  void branch_indexed(llvm::Value *index, std::string_view table);
  void leave();
  /// Notes that the kernel holds copies that land later.
  void note_copies() { translation_.copies = true; }

  /// Records the first error, at this instruction; a value of that many bits to go on with.
  llvm::Value *fail(std::string text, unsigned bits = 32);

 private:
  void declare_registers();
  void emit(const Instruction &instruction);
  llvm::BasicBlock *block_of(std::string_view label);
  llvm::Value *special(const std::string &name);
  /// Counts down where a branch may go backwards.
  void count_branch(bool backward);

  const PtxModule &module_;
  const Kernel &kernel_;
  const Layout &layout_;
  Translation &translation_;
  Error &error_;
  llvm::IRBuilder<> builder_;
  llvm::Function *function_ = nullptr;
  llvm::Value *thread_ = nullptr;
  std::map<std::string, llvm::AllocaInst *, std::less<>> registers_;
  std::map<std::string, llvm::BasicBlock *, std::less<>> labels_;
  std::map<std::string, bool, std::less<>> label_seen_;
  const Instruction *current_ = nullptr;
  std::vector<bool> taken_;
};

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_TRANSLATE_H_
