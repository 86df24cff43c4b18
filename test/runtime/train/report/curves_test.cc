#include "runtime/train/report/curves.h"

#include <cmath>

#include "test/runtime/train/matchers.h"

namespace graven::train {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(CurvesTest, DrawsAPanelPerMeasureWithLegendAndBestEpoch) {
  History history = {{"accuracy", {0.5, 0.8, 0.9}},
                     {"loss", {1.0, 0.5, 0.25}},
                     {"val_accuracy", {0.4, 0.7, 0.7}},
                     {"val_loss", {1.1, 0.6, 0.7}}};
  std::string svg = CurvesSvg("a < b", history, 2);
  EXPECT_THAT(svg, HasSubstr("<title>a &lt; b</title>"));
  EXPECT_THAT(svg, HasSubstr(">accuracy</text>"));
  EXPECT_THAT(svg, HasSubstr(">loss</text>"));
  EXPECT_THAT(svg, Not(HasSubstr(">val_loss</text>")));
  EXPECT_THAT(svg, HasSubstr(">training</text>"));
  EXPECT_THAT(svg, HasSubstr(">validation</text>"));
  EXPECT_THAT(svg, HasSubstr("best epoch: 2"));
  EXPECT_LT(svg.find(">loss</text>"), svg.find(">accuracy</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(CurvesTest, SurvivesEmptyConstantAndNonFiniteValues) {
  for (const History &history :
       {History{}, History{{"loss", {}}}, History{{"loss", {1.0}}}, History{{"loss", {0, 0, 0}}},
        History{{"loss", {std::nan(""), 1.0, HUGE_VAL}}}, History{{"loss", {1e-9, 1e9}}}}) {
    std::string svg = CurvesSvg("t", history, 0);
    EXPECT_THAT(svg, HasSubstr("</svg>"));
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf")));
  }
}

TEST(CurvesTest, WideRangesAreLogarithmic) {
  std::string svg = CurvesSvg("t", {{"loss", {1000.0, 10.0, 0.1}}}, 0);
  EXPECT_THAT(svg, HasSubstr(">0.1</text>"));
  EXPECT_THAT(svg, HasSubstr(">1000</text>"));
}

}  // namespace
}  // namespace graven::train
