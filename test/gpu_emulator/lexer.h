// Splits PTX text into tokens with their lines.
#ifndef GRAVEN_TEST_GPU_EMULATOR_LEXER_H_
#define GRAVEN_TEST_GPU_EMULATOR_LEXER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "test/gpu_emulator/ptx.h"

namespace graven::emulator {

struct Token {
  enum Kind {
    kWord,      ///< identifier, opcode with modifiers, %register; directives begin with a dot
    kInteger,   ///< value
    kSingle,    ///< 0fXXXXXXXX: bits in value
    kDouble,    ///< 0dXXXXXXXXXXXXXXXX: bits in value
    kSign,      ///< one character of punctuation
    kString,    ///< text without the quotes
    kOperands,  ///< an `// operand N: ...` comment; text is what follows "operand"
    kEnd,
  };
  Kind kind = kEnd;
  std::string_view text;  ///< part of the lexed text
  uint64_t value = 0;
  unsigned line = 0;
  bool is(std::string_view expected) const {
    return (kind == kWord || kind == kSign) && text == expected;
  }
};

/// The tokens of `text`, ended by one of kind kEnd. False if a character fits nowhere.
bool tokenize(std::string_view text, std::vector<Token> *tokens, Error *error);

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_LEXER_H_
