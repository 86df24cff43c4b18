#include "runtime/train/data/csv.h"

#include "test/runtime/train/matchers.h"

namespace graven::train {
namespace {

using ::graven::testing::MessageOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<CsvData> Parse(const std::string &text, const CsvRequest &request = {}) {
  return ParseCsv("f.csv", text, request);
}

TEST(CsvTest, ReadsNumbersAndLabels) {
  auto data = Parse("a,b,kind\n1,2.5,x\n-3e1,+.5,y\n");
  GRAVEN_ASSERT_OK(data);
  EXPECT_THAT(data->feature_columns, ElementsAre("a", "b"));
  EXPECT_EQ(data->label_column, "kind");
  EXPECT_THAT(data->features, ElementsAre(1, 2.5, -30, 0.5));
  EXPECT_THAT(data->labels, ElementsAre("x", "y"));
  EXPECT_THAT(data->lines, ElementsAre(2, 3));
}

TEST(CsvTest, ToleratesByteOrderMarkCrLfBlankLinesAndSpaces) {
  auto data = Parse(
      "\xEF\xBB\xBF"
      "a , kind\r\n\r\n 1 , x \r\n\r\n2,y");
  GRAVEN_ASSERT_OK(data);
  EXPECT_THAT(data->feature_columns, ElementsAre("a"));
  EXPECT_THAT(data->features, ElementsAre(1, 2));
  EXPECT_THAT(data->labels, ElementsAre("x", "y"));
  EXPECT_THAT(data->lines, ElementsAre(3, 5));
}

TEST(CsvTest, QuotedFieldsHoldCommasQuotesAndLineEnds) {
  auto data = Parse("a,\"kind, of\"\n1,\"x \"\"y\"\"\"\n2,\"two\nlines\"\n3,z\n");
  GRAVEN_ASSERT_OK(data);
  EXPECT_EQ(data->label_column, "kind, of");
  EXPECT_THAT(data->labels, ElementsAre("x \"y\"", "two\nlines", "z"));
  EXPECT_THAT(data->lines, ElementsAre(2, 3, 5));
}

TEST(CsvTest, TakesTheNamedLabelAndTheMappedFeatures) {
  CsvRequest request;
  request.label = "kind";
  auto data = Parse("kind,a,b\nx,1,2\n", request);
  GRAVEN_ASSERT_OK(data);
  EXPECT_THAT(data->features, ElementsAre(1, 2));
  request.features = {"b", "a"};
  request.want_labels = false;
  data = Parse("extra,a,b\nanything,1,2\n", request);
  GRAVEN_ASSERT_OK(data);
  EXPECT_THAT(data->features, ElementsAre(2, 1));
  EXPECT_TRUE(data->labels.empty());
}

TEST(CsvTest, LeavesTheLabelOutWhenNoneIsWanted) {
  CsvRequest request;
  request.want_labels = false;
  request.feature_count = 2;
  auto data = Parse("a,b,kind\n1,2,x\n", request);
  GRAVEN_ASSERT_OK(data);
  EXPECT_THAT(data->feature_columns, ElementsAre("a", "b"));
}

struct Mistake {
  const char *text;
  const char *message;
};

class CsvMistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(CsvMistakes, AreNamedWithTheirPlace) {
  EXPECT_THAT(MessageOf(Parse(GetParam().text)), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, CsvMistakes,
    ::testing::Values(
        Mistake{"", "f.csv: is empty"}, Mistake{"\n\n", "f.csv: is empty"},
        Mistake{"a,kind\n", "f.csv: has a header but no rows"},
        Mistake{"1,2\n3,4\n", "f.csv:1: the first line holds numbers; expected a header"},
        Mistake{"a,a\n1,2\n", "f.csv:1:2: the column name 'a' appears twice"},
        Mistake{"a,b,kind\n1,2,x\n1,x\n", "f.csv:3: this line has 2 cells, the header has 3"},
        Mistake{"a,kind\n1,x,\n", "f.csv:2: this line has 3 cells, the header has 2"},
        Mistake{"a,b,kind\n1,two,x\n", "f.csv:2:2: column 'b' holds 'two'; expected a number"},
        Mistake{"a,b,kind\n1,1.5.2,x\n", "f.csv:2:2: column 'b' holds '1.5.2'"},
        Mistake{"a,b,kind\n1,2,x\n1,,x\n", "f.csv:3:2: column 'b' is empty"},
        Mistake{"a,b,kind\nnan,2,x\n", "f.csv:2:1: column 'a' holds nan; a model cannot learn"},
        Mistake{"a,b,kind\ninf,2,x\n", "f.csv:2:1: column 'a' holds inf"},
        Mistake{"a,b,kind\n1e999,2,x\n", "f.csv:2:1: column 'a' holds '1e999'"},
        Mistake{"a,kind\n1,\n", "f.csv:2:2: the label 'kind' is empty"},
        Mistake{"a,kind\n1,\"x\n", "f.csv:2:2: a quoted field is never closed"},
        Mistake{"a,kind\n\"1\"2,x\n", "f.csv:2:1: text after a closing quote"}));

TEST(CsvTest, RefusesBinaryContent) {
  EXPECT_THAT(MessageOf(Parse(std::string("a,b\n1\0,2\n", 9))), HasSubstr("NUL bytes"));
}

TEST(CsvTest, SuggestsTheNearestColumn) {
  CsvRequest request;
  request.label = "specie";
  EXPECT_THAT(MessageOf(Parse("a,species\n1,x\n", request)),
              HasSubstr("there is no column 'specie' (the label); did you mean 'species'?; the "
                        "columns are a, species"));
}

TEST(CsvTest, NamesTheNumberOfFeatures) {
  CsvRequest request;
  request.feature_count = 4;
  EXPECT_THAT(MessageOf(Parse("a,b,kind\n1,2,x\n", request)),
              HasSubstr("the model takes 4 features per row, got 2: a, b"));
}

TEST(CsvTest, NeverCrashesOnTruncatedText) {
  const std::string text = "a,\"b\",kind\n1,\"2\",\"x\"\"y\"\n3,4,z\n";
  for (size_t length = 0; length < text.size(); ++length) {
    (void)Parse(text.substr(0, length)).ok();
  }
}

}  // namespace
}  // namespace graven::train
