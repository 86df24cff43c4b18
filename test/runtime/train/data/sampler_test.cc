#include "runtime/train/data/sampler.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "test/runtime/train/matchers.h"

namespace graven::train {
namespace {

using ::graven::testing::MessageOf;
using ::testing::HasSubstr;

// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
TEST(PhiloxTest, GivesTheKnownAnswers) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(SamplerTest, ShufflesToAPermutationThatDependsOnSeedAndEpoch) {
  std::vector<int64_t> order = ShuffledOrder(1000, 7, 1);
  EXPECT_EQ(order, ShuffledOrder(1000, 7, 1));
  EXPECT_NE(order, ShuffledOrder(1000, 7, 2));
  EXPECT_NE(order, ShuffledOrder(1000, 8, 1));
  std::vector<int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (int64_t i = 0; i < 1000; ++i) EXPECT_EQ(sorted[i], i);
}

TEST(SamplerTest, EveryPlaceIsReachedEquallyOften) {
  constexpr int kRows = 5, kEpochs = 5000;
  int counts[kRows][kRows] = {};
  for (uint64_t epoch = 0; epoch < kEpochs; ++epoch) {
    std::vector<int64_t> order = ShuffledOrder(kRows, 1, epoch);
    for (int place = 0; place < kRows; ++place) ++counts[place][order[place]];
  }
  for (auto &row : counts) {
    // 1000 expected, standard deviation 28.
    for (int count : row) EXPECT_NEAR(count, kEpochs / kRows, 150);
  }
}

TEST(SplitTest, IsStratifiedDisjointAndComplete) {
  std::vector<int64_t> classes(150);
  for (int i = 0; i < 150; ++i) classes[i] = i / 50;
  auto split = SplitRows(150, 0.2, 3, classes);
  GRAVEN_ASSERT_OK(split);
  EXPECT_EQ(split->validation.size(), 30u);
  EXPECT_EQ(split->train.size(), 120u);
  std::map<int64_t, int> per_class;
  for (int64_t row : split->validation) ++per_class[classes[row]];
  for (auto [label, count] : per_class) EXPECT_EQ(count, 10) << label;
  std::vector<int64_t> all = split->train;
  all.insert(all.end(), split->validation.begin(), split->validation.end());
  std::sort(all.begin(), all.end());
  std::vector<int64_t> expected(150);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(all, expected);
  auto other = SplitRows(150, 0.2, 4, classes);
  GRAVEN_ASSERT_OK(other);
  EXPECT_NE(split->validation, other->validation);
}

TEST(SplitTest, SharesRoundToTheWantedTotal) {
  // 7 + 5 + 3 rows, a third each: 2.33 + 1.67 + 1 must give 5.
  std::vector<int64_t> classes = {0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2};
  auto split = SplitRows(15, 1.0 / 3, 0, classes);
  GRAVEN_ASSERT_OK(split);
  EXPECT_EQ(split->validation.size(), 5u);
}

TEST(SplitTest, NeedsRowsOnBothSides) {
  EXPECT_THAT(MessageOf(SplitRows(3, 0.1, 0, {})), HasSubstr("leaves 0 of 3 rows"));
  EXPECT_THAT(MessageOf(SplitRows(3, 0.9, 0, {})), HasSubstr("leaves 3 of 3 rows"));
  EXPECT_THAT(MessageOf(SplitRows(3, 1.5, 0, {})), HasSubstr("between 0 and 1"));
}

}  // namespace
}  // namespace graven::train
