// Which launches of an entry are shared: the quickest way is found, kept, and given up when it has
// become slow.
#include "runtime/device/cpu/sharing.h"

#include <gtest/gtest.h>

#include <array>

namespace graven::testing {
namespace {

using graven1::Sharing;
using graven1::SharingChoice;

// A machine on which a call takes so many nanoseconds when shared in each way.
struct Machine {
  uint64_t times[graven1::kSharings];
};

// Makes `calls` calls and returns how many ran in each way.
std::array<int, graven1::kSharings> call(SharingChoice &choice, const Machine &machine, int calls,
                                         graven1::SharedLaunches launches) {
  std::array<int, graven1::kSharings> counts = {};
  for (int i = 0; i < calls; ++i) {
    ++counts[choice.current()];
    choice.finish(machine.times[choice.current()], launches);
  }
  return counts;
}

TEST(SharingTest, TheQuickestWayIsKept) {
  const Machine machines[] = {{{100, 200, 300}}, {{300, 100, 200}}, {{300, 200, 100}}};
  for (int best = 0; best < graven1::kSharings; ++best) {
    SharingChoice choice;
    call(choice, machines[best], 20, {5, 2});
    EXPECT_EQ(choice.current(), best);
    auto counts = call(choice, machines[best], 10000, {5, 2});
    EXPECT_GT(counts[best], 9800) << "trials must stay rare";
  }
}

TEST(SharingTest, AWayThatIsNoDifferentIsNotTried) {
  SharingChoice choice;
  auto counts = call(choice, {{300, 100, 200}}, 1000, {5, 5});
  EXPECT_EQ(counts[graven1::kShareDense], 0);
  EXPECT_EQ(choice.current(), graven1::kShareNone);
}

TEST(SharingTest, NothingToShareMeansNothingToMeasure) {
  SharingChoice choice;
  EXPECT_TRUE(choice.timed());
  choice.finish(100, {0, 0});
  EXPECT_FALSE(choice.timed());
}

TEST(SharingTest, ABusyProcessorIsNoticedAndForgotten) {
  SharingChoice choice;
  call(choice, {{100, 150, 180}}, 2000, {5, 2});
  EXPECT_EQ(choice.current(), graven1::kShareAll);
  const Machine busy = {{3000, 3000, 200}};
  auto counts = call(choice, busy, 1000, {5, 2});
  EXPECT_EQ(choice.current(), graven1::kShareNone);
  EXPECT_LT(counts[graven1::kShareAll], 100);
  call(choice, {{100, 150, 180}}, 20000, {5, 2});
  EXPECT_EQ(choice.current(), graven1::kShareAll);
}

TEST(SharingTest, LongCallsAreTriedLessOften) {
  SharingChoice choice;
  auto counts = call(choice, {{50000000, 60000000, 90000000}}, 100, {5, 2});
  EXPECT_LE(counts[graven1::kShareNone], 2);
  EXPECT_GT(counts[graven1::kShareAll], 95);
}

}  // namespace
}  // namespace graven::testing
