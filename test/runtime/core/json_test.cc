// The JSON reader: what it takes, and what it refuses without harm.
#include "runtime/core/json.h"

#include <gtest/gtest.h>

#include <string>

namespace graven1 {
namespace {

// Reads one string from `json`; "error: ..." when refused.
std::string read_string(std::string json) {
  JsonReader reader(json.data(), json.size());
  JsonText text;
  if (!reader.string(&text)) return std::string("error: ") + reader.error();
  return std::string(text.data, text.bytes);
}

std::string read_number(std::string json) {
  JsonReader reader(json.data(), json.size());
  uint64_t value;
  if (!reader.number(&value)) return std::string("error: ") + reader.error();
  return std::to_string(value);
}

TEST(JsonTest, Strings) {
  EXPECT_EQ(read_string("\"a b\""), "a b");
  EXPECT_EQ(read_string(" \n\t\r\"\""), "");
  EXPECT_EQ(read_string(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(read_string(R"("\u0041\u00e4\u20ac\ud83d\ude00")"),
            "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  for (const char *bad :
       {"", "a", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\"",
        "\"\\ud83dx\"", "\"\\ud83d\\u0041\"", "\"\\ude00\"", "\"\\u0000\"", "\"\n\"", "\"\xff\"",
        "\"\xc3\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\""}) {
    EXPECT_EQ(read_string(bad).substr(0, 7), "error: ") << bad;
  }
}

TEST(JsonTest, Numbers) {
  EXPECT_EQ(read_number("0"), "0");
  EXPECT_EQ(read_number(" 42,"), "42");
  EXPECT_EQ(read_number("9223372036854775807"), "9223372036854775807");
  for (const char *bad : {"", "-1", "+1", "01", "00", "9223372036854775808", "x",
                          "1e999999999999999999"
                          "9"}) {
    std::string got = read_number(bad);
    // An exponent is left for the next token, which then does not fit.
    EXPECT_TRUE(got.substr(0, 7) == "error: " || got == "1") << bad << " " << got;
  }
}

TEST(JsonTest, TokensAndErrorsStay) {
  std::string json = " { \"a\" : 1 } ";
  JsonReader reader(json.data(), json.size());
  JsonText key;
  uint64_t value;
  EXPECT_TRUE(reader.expect('{'));
  EXPECT_FALSE(reader.accept('}'));
  EXPECT_TRUE(reader.string(&key) && key.is("a") && !key.is("ab") && !key.is(""));
  EXPECT_TRUE(reader.expect(':') && reader.number(&value) && value == 1);
  EXPECT_FALSE(reader.ended());
  EXPECT_TRUE(reader.expect('}'));
  EXPECT_TRUE(reader.ended());
  EXPECT_FALSE(reader.expect(','));
  EXPECT_TRUE(reader.failed());
  EXPECT_STREQ(reader.error(), "expected ','");
  EXPECT_FALSE(reader.ended());
  EXPECT_FALSE(reader.string(&key));
}

}  // namespace
}  // namespace graven1
