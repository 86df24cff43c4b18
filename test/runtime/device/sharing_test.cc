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
    choice.finish(machine.times[choice.current()], launches, true);
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
    EXPECT_GT(counts[best], 9950) << "looks at other ways must not reach the 99th percentile";
  }
}

TEST(SharingTest, AWayThatIsNoDifferentIsNotTried) {
  SharingChoice choice;
  auto counts = call(choice, {{300, 100, 200}}, 1000, {5, 5});
  EXPECT_EQ(counts[graven1::kShareDense], 0);
  EXPECT_EQ(choice.current(), graven1::kShareNone);
}

TEST(SharingTest, LongCallsAreNotTriedAlone) {
  SharingChoice choice;
  auto counts = call(choice, {{40000000, 45000000, 80000000}}, 20, {5, 2});
  EXPECT_EQ(counts[graven1::kShareNone], 0);
  EXPECT_EQ(choice.current(), graven1::kShareAll);
}

TEST(SharingTest, NothingToShareMeansNothingToMeasure) {
  SharingChoice choice;
  EXPECT_TRUE(choice.timed());
  choice.finish(100, {0, 0}, true);
  EXPECT_FALSE(choice.timed());
}

// Makes calls that take `machine`'s times, but for one in `period`, which lasts `longer` if its way
// is one that `stops`.
std::array<int, graven1::kSharings> call_interrupted(SharingChoice &choice, const Machine &machine,
                                                     int calls, int period, uint64_t longer,
                                                     bool (*stops)(Sharing)) {
  std::array<int, graven1::kSharings> counts = {};
  for (int i = 0; i < calls; ++i) {
    const Sharing way = choice.current();
    ++counts[way];
    const bool stopped = i % period == 0 && stops(way);
    choice.finish(machine.times[way] + (stopped ? longer : 0), {5, 2}, true);
  }
  return counts;
}

// Most calls take what their way makes them take, some are interrupted for milliseconds.
TEST(SharingTest, InterruptionsOfEveryWayDecideNothing) {
  for (int period : {3, 7, 50, 300}) {
    SharingChoice choice;
    const Machine machine = {{50000, 80000, 100000}};
    auto counts =
        call_interrupted(choice, machine, 100000, period, 4000000, [](Sharing) { return true; });
    EXPECT_GT(counts[graven1::kShareAll], 92000) << "one call in " << period;
  }
}

// Another program stops the second thread while the caller waits for it.
TEST(SharingTest, AWayWhoseMeanIsWorseIsLeft) {
  auto shared = [](Sharing way) { return way != graven1::kShareNone; };
  const Machine machine = {{50000, 80000, 100000}};
  SharingChoice rarely, often;
  EXPECT_GT(call_interrupted(rarely, machine, 100000, 200, 4000000, shared)[graven1::kShareAll],
            99000)
      << "on average 70 us are less than 100 us";
  EXPECT_GT(call_interrupted(often, machine, 100000, 30, 4000000, shared)[graven1::kShareNone],
            85000);
  call(often, machine, 40000, {5, 2});
  EXPECT_EQ(often.current(), graven1::kShareAll) << "the other program has ended";
}

// While another program has the second processor, the caller does all the work whichever way it
// is handed out.
TEST(SharingTest, EqualWaysLeaveTheBoldestInPlace) {
  SharingChoice choice;
  call(choice, {{101, 100, 100}}, 2000, {5, 2});
  auto counts = call(choice, {{50, 80, 100}}, 1000, {5, 2});
  EXPECT_GT(counts[graven1::kShareAll], 990);
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

// The whole machine becomes slower and quicker again: the same way stays best, trials for it cease.
TEST(SharingTest, AChangingClockCostsFewTrials) {
  SharingChoice choice;
  int others = 0;
  for (int i = 0; i < 200000; ++i) {
    const uint64_t slow = i / 200 % 2 ? 2 : 1;
    const Sharing way = choice.current();
    others += way != graven1::kShareAll;
    choice.finish(slow * (way == graven1::kShareAll ? 100 : 200), {5, 5}, true);
  }
  EXPECT_LT(others, 1000);
}

TEST(SharingTest, LongCallsAreTriedLessOften) {
  SharingChoice choice;
  auto counts = call(choice, {{50000000, 60000000, 90000000}}, 100, {5, 2});
  EXPECT_LE(counts[graven1::kShareNone], 2);
  EXPECT_GT(counts[graven1::kShareAll], 95);
}

// While the workers do not get to run nothing is compared; the trial is held when they do.
TEST(SharingTest, CallsWithoutWorkersDecideNothing) {
  SharingChoice choice;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(choice.current(), graven1::kShareAll);
    choice.finish(20000, {5, 5}, false);
  }
  call(choice, {{300, 300, 100}}, 20, {5, 5});
  EXPECT_EQ(choice.current(), graven1::kShareNone);
}

}  // namespace
}  // namespace graven::testing
