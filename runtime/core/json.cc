#include "runtime/core/json.h"

#include <string.h>

#include "runtime/core/text.h"

namespace graven1 {

bool JsonText::is(const char *text) const {
  return strlen(text) == bytes && memcmp(text, data, bytes) == 0;
}

bool JsonReader::fail(const char *error) {
  if (!error_) error_ = error;
  return false;
}

void JsonReader::blanks() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
}

bool JsonReader::accept(char token) {
  if (error_) return false;
  blanks();
  if (at_ == end_ || *at_ != token) return false;
  ++at_;
  return true;
}

bool JsonReader::expect(char token) {
  if (accept(token)) return true;
  switch (token) {
    case '{':
      return fail("expected '{'");
    case '}':
      return fail("expected '}' or ','");
    case '[':
      return fail("expected '['");
    case ']':
      return fail("expected ']' or ','");
    case ':':
      return fail("expected ':'");
    default:
      return fail("expected ','");
  }
}

bool JsonReader::hex4(uint32_t *code) {
  if (end_ - at_ < 4) return fail("a \\u escape is cut off");
  *code = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    char c = *at_;
    uint32_t digit;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<uint32_t>(c - 'A' + 10);
    } else {
      return fail("a \\u escape has a digit that is not hexadecimal");
    }
    *code = *code << 4 | digit;
  }
  return true;
}

// Resolves the escape after a backslash; what it stands for is never longer than what it was.
bool JsonReader::escape(char **out) {
  if (at_ == end_) return fail("a string is cut off");
  char c = *at_++;
  static constexpr char kLetters[] = "\"\\/bfnrt", kMeanings[] = "\"\\/\b\f\n\r\t";
  for (size_t i = 0; i + 1 < sizeof kLetters; ++i) {
    if (c != kLetters[i]) continue;
    *(*out)++ = kMeanings[i];
    return true;
  }
  if (c != 'u') return fail("a string has an unknown escape");
  uint32_t code, low;
  if (!hex4(&code)) return false;
  if (code >= 0xd800 && code < 0xdc00) {
    if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return fail("half a surrogate pair");
    at_ += 2;
    if (!hex4(&low)) return false;
    if (low < 0xdc00 || low >= 0xe000) return fail("half a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  char *p = *out;
  auto tail = [&](int shift) { *p++ = static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    *p++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *p++ = static_cast<char>(0xc0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    *p++ = static_cast<char>(0xe0 | code >> 12);
    tail(6), tail(0);
  } else {
    *p++ = static_cast<char>(0xf0 | code >> 18);
    tail(12), tail(6), tail(0);
  }
  *out = p;
  return true;
}

bool JsonReader::string(JsonText *text) {
  if (error_) return false;
  blanks();
  if (at_ == end_ || *at_ != '"') return fail("expected a string");
  char *start = ++at_, *out = start;
  for (;;) {
    if (at_ == end_) return fail("a string is cut off");
    unsigned char c = static_cast<unsigned char>(*at_++);
    if (c == '"') break;
    if (c < 0x20) return fail("a string holds a control character");
    if (c == '\\') {
      if (!escape(&out)) return false;
    } else {
      *out++ = static_cast<char>(c);
    }
  }
  *text = {start, static_cast<size_t>(out - start)};
  *out = 0;  // at most the closing quote's place
  if (!is_text(text->data, text->bytes)) return fail("a string is not UTF-8 text");
  return true;
}

bool JsonReader::number(uint64_t *value) {
  if (error_) return false;
  blanks();
  *value = 0;
  const char *start = at_;
  for (; at_ < end_ && *at_ >= '0' && *at_ <= '9'; ++at_) {
    uint64_t digit = static_cast<uint64_t>(*at_ - '0');
    if (*value > (static_cast<uint64_t>(INT64_MAX) - digit) / 10)
      return fail("a number is too large");
    *value = *value * 10 + digit;
  }
  if (at_ == start) return fail("expected a whole number");
  if (*start == '0' && at_ - start > 1) return fail("a number begins with 0");
  return true;
}

bool JsonReader::ended() {
  blanks();
  return !error_ && at_ == end_;
}

}  // namespace graven1
