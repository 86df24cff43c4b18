// Placement against the bound that no placement beats, on lifetimes like those of real entries.
#include "compiler/schedule/arena.h"

#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace graven::schedule {
namespace {

int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }

// Whether no two buffers alive at one time overlap, all within [0, end) at multiples of 64.
void expectSound(const std::vector<Buffer> &buffers, int64_t end) {
  for (size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_EQ(buffers[i].offset % 64, 0);
    EXPECT_GE(buffers[i].offset, 0);
    EXPECT_LE(buffers[i].offset + buffers[i].bytes, end);
    for (size_t j = 0; j < i; ++j) {
      const Buffer &a = buffers[i], &b = buffers[j];
      bool together = a.first <= b.last && b.first <= a.last;
      bool overlap = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
      EXPECT_FALSE(together && overlap) << "buffers " << i << " and " << j;
    }
  }
}

// A training step of `layers` layers: activations live from their forward to their backward pass,
// gradients of activations for one step, gradients of weights to the update at the end.
std::vector<Buffer> trainingStep(int layers, std::mt19937 &random) {
  std::uniform_int_distribution<int64_t> width(1, 512);
  std::vector<Buffer> buffers;
  int64_t end = 2 * layers, batch = 64, before = width(random);
  for (int layer = 0; layer < layers; ++layer) {
    int64_t after = width(random), backward = end - 1 - layer;
    buffers.push_back({batch * after * 4, layer, backward});
    if (layer % 3 == 0) buffers.push_back({batch * 4, layer, backward});
    buffers.push_back({batch * before * 4, backward, backward + 1});
    buffers.push_back({before * after * 4, backward, end});
    buffers.push_back({after * 4, backward, end});
    if (layer % 4 == 1) buffers.push_back({before * after * 8, layer, layer});
    before = after;
  }
  return buffers;
}

TEST(Arena, BoundIsTheLargestSumAlive) {
  EXPECT_EQ(livenessBound({}), 0);
  std::vector<Buffer> buffers = {{64, 0, 1}, {100, 1, 2}, {1, 2, 3}, {0, 0, 3}};
  EXPECT_EQ(livenessBound(buffers), 64 + 128);
}

TEST(Arena, ReusesWhatDied) {
  std::vector<Buffer> buffers = {{100, 0, 1}, {100, 2, 3}, {100, 4, 5}};
  EXPECT_EQ(placeBuffers(buffers), 128);
  expectSound(buffers, 128);
}

// Buffers of several sizes that fit together without a gap.
TEST(Arena, LeavesNoHoles) {
  std::vector<Buffer> buffers = {{64, 0, 2}, {128, 0, 0}, {128, 1, 3}, {64, 3, 4}, {192, 4, 5}};
  int64_t bound = livenessBound(buffers), end = placeBuffers(buffers);
  expectSound(buffers, end);
  EXPECT_EQ(end, bound);
}

TEST(Arena, TrainingStepsWithinTwoPercentOfTheBound) {
  for (int seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    std::vector<Buffer> buffers = trainingStep(2 + seed % 30, random);
    int64_t bound = livenessBound(buffers), end = placeBuffers(buffers);
    expectSound(buffers, end);
    EXPECT_GE(end, bound);
    EXPECT_LE(static_cast<double>(end), 1.02 * static_cast<double>(bound)) << "seed " << seed;
  }
}

TEST(Arena, SameAnswerEveryTime) {
  std::mt19937 random(7);
  std::vector<Buffer> first = trainingStep(20, random), second = first;
  EXPECT_EQ(placeBuffers(first), placeBuffers(second));
  for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].offset, second[i].offset);
}

// Lifetimes without any structure: sound, and never below the bound.
TEST(Arena, AnyLifetimesAreSound) {
  for (int seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    std::vector<Buffer> buffers;
    for (int i = 0; i < 5 * seed; ++i) {
      int64_t first = random() % 50;
      buffers.push_back({static_cast<int64_t>(random() % 5000), first,
                         first + static_cast<int64_t>(random() % 10)});
    }
    int64_t end = placeBuffers(buffers);
    expectSound(buffers, end);
    EXPECT_GE(end, livenessBound(buffers));
    for (const Buffer &buffer : buffers) EXPECT_LE(aligned(buffer.offset + buffer.bytes), end);
  }
}

}  // namespace
}  // namespace graven::schedule
