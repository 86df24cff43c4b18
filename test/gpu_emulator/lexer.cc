#include "test/gpu_emulator/lexer.h"

#include <cctype>
#include <string>

namespace graven::emulator {
namespace {

bool begins_word(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%' ||
         c == '.';
}
bool continues_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '.' ||
         c == '%';
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  bool run(std::vector<Token> *tokens, Error *error) {
    while (skip_blank(tokens), at_ < text_.size()) {
      const char c = text_[at_];
      Token token;
      token.line = line_;
      const size_t begin = at_;
      if (begins_word(c)) {
        token.kind = Token::kWord;
        // "::" continues a word (.shared::cta), a single colon ends a label.
        while (at_ < text_.size() &&
               (continues_word(text_[at_]) || at_ == begin || text_.substr(at_, 2) == "::")) {
          at_ += text_.substr(at_, 2) == "::" ? 2 : 1;
        }
      } else if (std::isdigit(static_cast<unsigned char>(c))) {
        if (!number(&token)) {
          *error = {line_, "not a number that PTX has: " +
                               std::string(text_.substr(begin, at_ - begin + 1))};
          return false;
        }
      } else if (c == '"') {
        token.kind = Token::kString;
        const size_t end = text_.find('"', at_ + 1);
        if (end == std::string_view::npos) {
          *error = {line_, "a string without its end"};
          return false;
        }
        at_ = end + 1;
        token.text = text_.substr(begin + 1, end - begin - 1);
        tokens->push_back(token);
        continue;
      } else if (std::string_view(",;{}[]()<>:|!@+-=").find(c) != std::string_view::npos) {
        token.kind = Token::kSign;
        ++at_;
      } else {
        *error = {line_, std::string("the character '") + c + "' begins nothing that PTX has"};
        return false;
      }
      token.text = text_.substr(begin, at_ - begin);
      tokens->push_back(token);
    }
    tokens->push_back({Token::kEnd, "", 0, line_});
    return true;
  }

 private:
  void skip_blank(std::vector<Token> *tokens) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\0') {  // an artifact ends its PTX with a NUL
        at_ = text_.size();
      } else if (std::isspace(static_cast<unsigned char>(c))) {
        line_ += c == '\n';
        ++at_;
      } else if (text_.substr(at_, 2) == "//") {
        const size_t end = std::min(text_.find('\n', at_), text_.size());
        comment(text_.substr(at_ + 2, end - at_ - 2), tokens);
        at_ = end;
      } else if (text_.substr(at_, 2) == "/*") {
        const size_t end = std::min(text_.find("*/", at_), text_.size() - 2) + 2;
        for (; at_ < end; ++at_) line_ += text_[at_] == '\n';
      } else {
        return;
      }
    }
  }

  void comment(std::string_view text, std::vector<Token> *tokens) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    constexpr std::string_view kOperand = "operand ";
    if (text.starts_with(kOperand)) {
      tokens->push_back({Token::kOperands, text.substr(kOperand.size()), 0, line_});
    }
  }

  bool number(Token *token) {
    const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : ' ';
    unsigned base = 10, digits = 0;
    if (text_[at_] == '0' && (kind == 'f' || kind == 'F')) {
      token->kind = Token::kSingle, base = 16, digits = 8, at_ += 2;
    } else if (text_[at_] == '0' && (kind == 'd' || kind == 'D')) {
      token->kind = Token::kDouble, base = 16, digits = 16, at_ += 2;
    } else if (text_[at_] == '0' && (kind == 'x' || kind == 'X')) {
      token->kind = Token::kInteger, base = 16, at_ += 2;
    } else {
      token->kind = Token::kInteger;
    }
    unsigned count = 0;
    for (; at_ < text_.size() && digit_of(text_[at_]) < static_cast<int>(base); ++at_, ++count) {
      token->value = token->value * base + digit_of(text_[at_]);
    }
    if (count == 0 || (digits != 0 && count != digits)) return false;
    if (token->kind == Token::kInteger && base == 10 && at_ < text_.size() && text_[at_] == '.') {
      // A version such as 8.0; real numbers are written as their bits.
      for (++at_; at_ < text_.size() && digit_of(text_[at_]) < 10; ++at_) {
      }
      token->kind = Token::kWord;
    }
    if (at_ < text_.size() && text_[at_] == 'U') ++at_;
    return at_ == text_.size() || !continues_word(text_[at_]);
  }

  std::string_view text_;
  size_t at_ = 0;
  unsigned line_ = 1;
};

}  // namespace

bool tokenize(std::string_view text, std::vector<Token> *tokens, Error *error) {
  return Lexer(text).run(tokens, error);
}

}  // namespace graven::emulator
