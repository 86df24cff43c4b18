// A PTX module as the emulator holds it: declarations and a list of instructions for each kernel.
#ifndef GRAVEN_TEST_GPU_EMULATOR_PTX_H_
#define GRAVEN_TEST_GPU_EMULATOR_PTX_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graven::emulator {

/// Where and why a text cannot be taken.
struct Error {
  unsigned line = 0;
  std::string text;
  std::string str() const { return "PTX line " + std::to_string(line) + ": " + text; }
};

/// A type such as .f32: its letter (b, u, s, f; p for pred, B for bf16, T for tf32), the width of
/// an element, and 2 lanes for f16x2 and bf16x2.
struct Type {
  char letter = 'b';
  unsigned bits = 32;
  unsigned lanes = 1;
  bool is_float() const { return letter == 'f' || letter == 'B' || letter == 'T'; }
  bool is_signed() const { return letter == 's'; }
  bool is_half() const { return is_float() && bits == 16; }
  unsigned width() const { return bits * lanes; }
  unsigned bytes() const { return width() / 8; }
  bool operator==(const Type &) const = default;
};
/// The type that a modifier such as "f32" names.
std::optional<Type> type_of(std::string_view modifier);

struct Operand {
  enum Kind {
    kRegister,  ///< name
    kInteger,   ///< value
    kFloat,     ///< value: bits of an f64, or of an f32 if `single`
    kSymbol,    ///< name: a variable, label or parameter
    kAddress,   ///< [name + value], or [value] without a name
    kVector,    ///< {elements}
    kPair,      ///< p|q: two elements
    kNegated,   ///< !p: one element
    kSink,      ///< _
  };
  Kind kind = kSink;
  std::string name;
  uint64_t value = 0;
  bool single = false;
  std::vector<Operand> elements;
  static Operand named(Kind kind, std::string name) {
    return {kind, std::move(name), 0, false, {}};
  }
};

struct Instruction {
  unsigned line = 0;
  std::string label;  ///< a label that stands here; then there is no opcode
  std::string guard;  ///< predicate register of @p or @!p; empty without
  bool guard_negated = false;
  std::string opcode;                  ///< "ld"
  std::vector<std::string> modifiers;  ///< "global", "v4", "b32"
  std::vector<Operand> operands;
};

enum class Space { kGlobal, kShared, kConst, kLocal, kParam };

/// A variable, or a parameter of a kernel.
struct Variable {
  unsigned line = 0;
  std::string name;
  Space space = Space::kGlobal;
  Type type;
  uint64_t count = 1;         ///< elements
  uint32_t align = 1;         ///< bytes
  bool dynamic = false;       ///< .extern .shared NAME[]
  std::vector<uint8_t> data;  ///< initial bytes, of all elements; empty means zeros
  uint64_t bytes() const { return count * type.bytes(); }
};

/// What an `// operand N: BYTES bytes, read|write|read write` comment says.
struct OperandBounds {
  uint64_t bytes = 0;
  bool read = true;
  bool write = true;
};

struct Kernel {
  unsigned line = 0;
  std::string name;
  std::vector<Variable> parameters;
  std::map<unsigned, OperandBounds> bounds;  ///< by parameter
  uint32_t max_threads = 0;
  std::map<std::string, Type, std::less<>> registers;
  std::vector<Variable> variables;  ///< .shared and .local of this kernel
  std::vector<Instruction> instructions;
  std::map<std::string, std::vector<std::string>> branch_targets;
};

struct PtxModule {
  std::vector<std::string> lines;   ///< the text, for reports
  std::vector<Variable> variables;  ///< of the module: .global, .const, .shared
  std::vector<Kernel> kernels;
};

/// Parses the subset of PTX that Graven emits. False and where and why if the text has more.
bool parse(std::string_view text, PtxModule *module, Error *error);

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_PTX_H_
