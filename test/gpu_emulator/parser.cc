// The grammar of PTX, as far as Graven's kernels use it.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "test/gpu_emulator/lexer.h"
#include "test/gpu_emulator/ptx.h"

namespace graven::emulator {

std::optional<Type> type_of(std::string_view modifier) {
  if (modifier == "pred") return Type{'p', 1};
  if (modifier == "bf16") return Type{'B', 16};
  if (modifier == "bf16x2") return Type{'B', 16, 2};
  if (modifier == "f16x2") return Type{'f', 16, 2};
  if (modifier == "tf32") return Type{'T', 32};
  if (modifier.size() < 2 || std::string_view("busf").find(modifier[0]) == std::string_view::npos) {
    return std::nullopt;
  }
  unsigned bits = 0;
  const char *end = modifier.data() + modifier.size();
  const auto [stop, code] = std::from_chars(modifier.data() + 1, end, bits);
  const bool known = bits == 8 || bits == 16 || bits == 32 || bits == 64;
  if (code != std::errc() || stop != end || !known || (modifier[0] == 'f' && bits == 8)) {
    return std::nullopt;
  }
  return Type{modifier[0], bits};
}

namespace {

std::vector<std::string> split_at_dots(std::string_view word) {
  std::vector<std::string> parts;
  while (true) {
    const size_t dot = word.find('.');
    parts.emplace_back(word.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    word.remove_prefix(dot + 1);
  }
}

class Parser {
 public:
  Parser(const std::vector<Token> &tokens, PtxModule *module, Error *error)
      : tokens_(tokens), module_(*module), error_(*error) {}

  bool run() {
    while (peek().kind != Token::kEnd) {
      if (!directive()) return false;
    }
    return true;
  }

 private:
  const Token &peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token &take() { return tokens_[at_ < tokens_.size() - 1 ? at_++ : at_]; }
  bool accept(std::string_view text) {
    if (!peek().is(text)) return false;
    ++at_;
    return true;
  }
  bool fail(std::string text) {
    if (error_.text.empty()) error_ = {peek().line, std::move(text)};
    return false;
  }
  bool expect(std::string_view text) {
    return accept(text) ||
           fail("expected '" + std::string(text) + "', found '" + std::string(peek().text) + "'");
  }
  bool word(std::string *name) {
    if (peek().kind != Token::kWord) {
      return fail("expected a name, found '" + std::string(peek().text) + "'");
    }
    *name = take().text;
    return true;
  }
  bool integer(uint64_t *value) {
    const bool negative = accept("-");
    if (peek().kind != Token::kInteger) {
      return fail("expected a whole number, found '" + std::string(peek().text) + "'");
    }
    *value = take().value;
    if (negative) *value = -*value;
    return true;
  }

  // ---- of the module ----

  bool directive() {
    if (peek().kind == Token::kOperands) return operand_comment();
    if (accept(".version") || accept(".target") || accept(".address_size")) {
      // Several targets and options are separated by commas; none changes a meaning here. A
      // version such as 8.0 is two tokens.
      const unsigned line = tokens_[at_ - 1].line;
      while (peek().kind != Token::kEnd && peek().line == line) take();
      return true;
    }
    bool external = false;
    while (accept(".visible") || accept(".weak") || peek().is(".extern")) {
      external |= accept(".extern");
    }
    if (accept(".entry")) return entry();
    if (peek().is(".func")) {
      return fail(external ? "an external function: kernels call nothing"
                           : "a device function: kernels call nothing");
    }
    return variable(external, &module_.variables);
  }

  bool operand_comment() {
    const Token &token = take();
    unsigned number = 0;
    unsigned long long bytes = 0;
    char access[16] = {};
    const std::string text(token.text);
    if (std::sscanf(text.c_str(), "%u: %llu bytes, %15[a-z ]", &number, &bytes, access) != 3) {
      // A remark that begins alike.
      return true;
    }
    const std::string_view words = access;
    OperandBounds bounds{bytes, words.find("read") != words.npos,
                         words.find("write") != words.npos};
    if (!bounds.read && !bounds.write) {
      error_ = {token.line, "an operand's comment says read, write or read write"};
      return false;
    }
    bounds_[number] = bounds;
    return true;
  }

  std::optional<Space> space_of(std::string_view word) {
    if (word == ".global") return Space::kGlobal;
    if (word == ".shared") return Space::kShared;
    if (word == ".const") return Space::kConst;
    if (word == ".local") return Space::kLocal;
    if (word == ".param") return Space::kParam;
    return std::nullopt;
  }

  /// .SPACE [.align N] .TYPE NAME[COUNT] [= values];
  bool variable(bool external, std::vector<Variable> *variables) {
    Variable result;
    result.line = peek().line;
    const auto space = space_of(peek().text);
    if (!space || *space == Space::kParam) {
      return fail("unknown directive '" + std::string(peek().text) + "'");
    }
    take();
    result.space = *space;
    if (!declaration(&result)) return false;
    while (accept("[")) {
      if (accept("]")) {
        result.dynamic = external;
        result.count = 0;
        continue;
      }
      uint64_t extent = 0;
      if (!integer(&extent) || !expect("]")) return false;
      result.count *= extent;
    }
    if (result.dynamic && result.space != Space::kShared) {
      return fail("an array without extent that is not shared memory");
    }
    if (external && !result.dynamic) return fail("a variable of another module");
    if (accept("=") && !initializer(&result)) return false;
    variables->push_back(std::move(result));
    return expect(";");
  }

  /// [.ptr .space] [.align N] .TYPE NAME in any order that occurs
  bool declaration(Variable *result) {
    bool typed = false;
    while (peek().kind == Token::kWord && peek().text[0] == '.') {
      const std::string_view text = take().text;
      uint64_t value = 0;
      if (text == ".align") {
        if (!integer(&value)) return false;
        result->align = std::max<uint32_t>(result->align, value);
      } else if (text == ".ptr") {
        // Says where a parameter points and how it is aligned; our operands say that better.
        while (space_of(peek().text)) take();
        if (accept(".align") && !integer(&value)) return false;
      } else if (const auto type = type_of(text.substr(1)); type && !typed) {
        typed = true;
        result->type = *type;
        result->align = std::max<uint32_t>(result->align, type->bytes());
      } else {
        --at_;
        return fail("unknown attribute '" + std::string(text) + "' of a variable");
      }
    }
    if (!typed) return fail("a variable without type");
    return word(&result->name);
  }

  bool initializer(Variable *result) {
    const unsigned bytes = result->type.bytes();
    const bool braces = accept("{");
    do {
      if (braces && peek().is("}")) break;
      const bool negative = accept("-");
      const Token &token = take();
      uint64_t bits = token.value;
      if (token.kind == Token::kInteger) {
        bits = negative ? -bits : bits;
      } else if (token.kind == Token::kSingle || token.kind == Token::kDouble) {
        if (negative) bits ^= uint64_t{1} << (token.kind == Token::kSingle ? 31 : 63);
      } else {
        --at_;
        return fail("an initial value that is no number: '" + std::string(token.text) + "'");
      }
      const size_t offset = result->data.size();
      result->data.resize(offset + bytes);
      std::memcpy(result->data.data() + offset, &bits, bytes);
    } while (accept(","));
    if (braces && !expect("}")) return false;
    if (result->data.size() > result->bytes()) return fail("more initial values than elements");
    result->data.resize(result->bytes());
    return true;
  }

  // ---- of a kernel ----

  bool entry() {
    module_.kernels.emplace_back();
    Kernel &kernel = module_.kernels.back();
    kernel.line = peek().line;
    kernel.bounds = std::move(bounds_);
    bounds_.clear();
    if (!word(&kernel.name)) return false;
    if (accept("(")) {
      while (!accept(")")) {
        Variable parameter;
        parameter.line = peek().line;
        parameter.space = Space::kParam;
        if (!expect(".param") || !declaration(&parameter)) return false;
        if (peek().is("[")) return fail("a parameter that is an array; kernels take pointers");
        kernel.parameters.push_back(std::move(parameter));
        if (!accept(",") && !peek().is(")")) return expect(",");
      }
    }
    while (peek().kind == Token::kWord) {
      const std::string_view text = take().text;
      const bool threads = text == ".maxntid" || text == ".reqntid";
      if (!threads && text != ".minnctapersm" && text != ".maxnreg") {
        --at_;
        return fail("unknown directive '" + std::string(text) + "' of a kernel");
      }
      uint64_t product = 1, value = 0;
      do {
        if (!integer(&value)) return false;
        product *= value;
      } while (accept(","));
      if (threads) kernel.max_threads = product;
    }
    for (const auto &[number, bounds] : kernel.bounds) {
      if (number >= kernel.parameters.size()) {
        return fail("a comment tells of operand " + std::to_string(number) + ", the kernel " +
                    kernel.name + " has " + std::to_string(kernel.parameters.size()));
      }
    }
    if (!expect("{")) return false;
    return body(&kernel);
  }

  /// Statements to the closing brace; blocks within are read as if they had no braces, since the
  /// registers that they declare have names of their own or the same type.
  bool body(Kernel *kernel) {
    for (unsigned depth = 1; depth > 0;) {
      if (peek().kind == Token::kEnd) return fail("the kernel " + kernel->name + " has no end");
      if (peek().kind == Token::kOperands) {
        take();
      } else if (accept("{")) {
        ++depth;
      } else if (accept("}")) {
        --depth;
      } else if (!statement(kernel)) {
        return false;
      }
    }
    return true;
  }

  bool statement(Kernel *kernel) {
    if (accept(".reg")) return registers(kernel);
    if (accept(".loc") || accept(".file") || accept(".pragma")) {
      const unsigned line = tokens_[at_ - 1].line;
      while (peek().kind != Token::kEnd && peek().line == line) take();
      return true;
    }
    if (peek().is(".extern")) {
      take();
      return variable(true, &kernel->variables);
    }
    if (peek().kind == Token::kWord && peek().text[0] == '.') {
      return variable(false, &kernel->variables);
    }
    Instruction instruction;
    instruction.line = peek().line;
    if (peek().kind == Token::kWord && peek(1).is(":")) {
      word(&instruction.label);
      take();
      if (accept(".branchtargets")) {
        std::vector<std::string> &targets = kernel->branch_targets[instruction.label];
        do {
          if (!word(&targets.emplace_back())) return false;
        } while (accept(","));
        return expect(";");
      }
      kernel->instructions.push_back(std::move(instruction));
      return true;
    }
    if (accept("@")) {
      instruction.guard_negated = accept("!");
      if (!word(&instruction.guard)) return false;
    }
    std::string opcode;
    if (!word(&opcode)) return false;
    std::vector<std::string> parts = split_at_dots(opcode);
    instruction.opcode = parts[0];
    instruction.modifiers.assign(parts.begin() + 1, parts.end());
    if (!peek().is(";")) {
      do {
        if (!operand(&instruction.operands.emplace_back())) return false;
      } while (accept(","));
    }
    kernel->instructions.push_back(std::move(instruction));
    return expect(";");
  }

  /// .reg .TYPE %r<N>; or .reg .TYPE a, b;
  bool registers(Kernel *kernel) {
    std::string text;
    if (!word(&text)) return false;
    const auto type = type_of(std::string_view(text).substr(1));
    if (!type) return fail("unknown type '" + text + "' of registers");
    do {
      std::string name;
      if (!word(&name)) return false;
      uint64_t count = 0;
      if (accept("<")) {
        if (!integer(&count) || !expect(">")) return false;
        for (uint64_t i = 0; i < count; ++i) kernel->registers[name + std::to_string(i)] = *type;
      } else {
        const auto [found, fresh] = kernel->registers.emplace(name, *type);
        if (!fresh && found->second.width() != type->width()) {
          return fail("the register " + name + " is declared twice with different widths");
        }
      }
    } while (accept(","));
    return expect(";");
  }

  bool operand(Operand *result) {
    if (accept("{")) {
      result->kind = Operand::kVector;
      do {
        if (!operand(&result->elements.emplace_back())) return false;
      } while (accept(","));
      return expect("}");
    }
    if (accept("[")) {
      result->kind = Operand::kAddress;
      if (peek().kind == Token::kWord) result->name = take().text;
      if (accept("+") || result->name.empty() || peek().is("-")) {
        if (!integer(&result->value)) return false;
      }
      return expect("]");
    }
    if (accept("!")) {
      result->kind = Operand::kNegated;
      return operand(&result->elements.emplace_back());
    }
    const bool negative = accept("-");
    const Token &token = take();
    switch (token.kind) {
      case Token::kInteger:
        result->kind = Operand::kInteger;
        result->value = negative ? -token.value : token.value;
        return true;
      case Token::kSingle:
      case Token::kDouble:
        result->kind = Operand::kFloat;
        result->single = token.kind == Token::kSingle;
        result->value = token.value;
        if (negative) result->value ^= uint64_t{1} << (result->single ? 31 : 63);
        return true;
      case Token::kWord:
        break;
      default:
        --at_;
        return fail("expected an operand, found '" + std::string(token.text) + "'");
    }
    if (token.text == "_") return true;  // a sink
    result->name = token.text;
    result->kind = result->name[0] == '%' ? Operand::kRegister : Operand::kSymbol;
    if (accept("|")) {
      Operand first = std::move(*result);
      *result = Operand{};
      result->kind = Operand::kPair;
      result->elements.push_back(std::move(first));
      return operand(&result->elements.emplace_back());
    }
    if (result->kind == Operand::kSymbol && accept("+")) return integer(&result->value);
    return true;
  }

  const std::vector<Token> &tokens_;
  size_t at_ = 0;
  PtxModule &module_;
  Error &error_;
  std::map<unsigned, OperandBounds> bounds_;
};

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

bool parse(std::string_view text, PtxModule *module, Error *error) {
  std::vector<Token> tokens;
  *error = {};
  if (!tokenize(text, &tokens, error)) return false;
  module->lines = lines_of(text);
  return Parser(tokens, module, error).run();
}

}  // namespace graven::emulator
