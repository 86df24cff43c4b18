// A strict, small JSON reader for the headers of safetensors files, hardened against damaged and
// hostile input: no recursion, no allocation, every step bounds-checked.
#ifndef GRAVEN_RUNTIME_CORE_JSON_H_
#define GRAVEN_RUNTIME_CORE_JSON_H_

#include <stddef.h>
#include <stdint.h>

namespace graven1 {

// A string within the reader's buffer, its escapes resolved, ended by a NUL.
struct JsonText {
  const char *data;
  size_t bytes;

  bool is(const char *text) const;
};

// Reads tokens from `text[0, bytes)` in order. Strings are unescaped in place. After the first
// failure every call fails; `error()` tells what and `position()` where.
class JsonReader {
 public:
  JsonReader(char *text, size_t bytes) : begin_(text), at_(text), end_(text + bytes) {}

  // Consumes `token` ('{', ':', ',' ...), after blanks.
  bool expect(char token);
  // Consumes `token` if it is next.
  bool accept(char token);
  bool string(JsonText *text);
  // A whole number from 0 to 2^63 - 1, without sign, fraction, exponent or leading zeros.
  bool number(uint64_t *value);
  // Whether nothing but blanks is left.
  bool ended();

  bool failed() const { return error_ != nullptr; }
  const char *error() const { return error_ ? error_ : ""; }
  size_t position() const { return static_cast<size_t>(at_ - begin_); }
  bool fail(const char *error);

 private:
  void blanks();
  bool hex4(uint32_t *code);
  bool escape(char **out);

  char *begin_, *at_, *end_;
  const char *error_ = nullptr;
};

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_JSON_H_
