#include "runtime/device/cuda/cuda_edges.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace graven1::cuda {
namespace {

constexpr uint32_t kRead = GRAVEN_OPERAND_READ, kWrite = GRAVEN_OPERAND_WRITE;
using List = std::vector<std::vector<Access>>;
using Before = std::vector<std::vector<uint32_t>>;

Before find(const List &list) {
  std::vector<Access> accesses;
  std::vector<Accesses> commands;
  for (const auto &command : list) {
    commands.push_back(
        {static_cast<uint32_t>(accesses.size()), static_cast<uint32_t>(command.size())});
    accesses.insert(accesses.end(), command.begin(), command.end());
  }
  Edges edges;
  EXPECT_EQ(edges.find(accesses.data(), commands.data(), static_cast<uint32_t>(commands.size())),
            GRAVEN_OK);
  Before before(list.size());
  uint32_t total = 0;
  for (uint32_t i = 0; i < list.size(); ++i) {
    uint32_t count;
    const uint32_t *first = edges.before(i, &count);
    before[i].assign(first, first + count);
    total += count;
  }
  EXPECT_EQ(total, edges.size());
  return before;
}

TEST(CudaEdgesTest, ReadersWaitForTheirWriter) {
  EXPECT_EQ(find({{{0, 64, kWrite}}, {{0, 64, kRead}}, {{32, 8, kRead}}}), (Before{{}, {0}, {0}}));
}

TEST(CudaEdgesTest, WritersWaitForReadersAndWriters) {
  EXPECT_EQ(find({{{0, 64, kRead}}, {{0, 64, kRead}}, {{60, 8, kWrite}}, {{64, 4, kWrite}}}),
            (Before{{}, {}, {1, 0}, {2}}));
}

TEST(CudaEdgesTest, NeighboursAreFree) {
  EXPECT_EQ(find({{{0, 64, kWrite}}, {{64, 64, kWrite}}, {{128, 1, kRead | kWrite}}}),
            (Before{{}, {}, {}}));
}

TEST(CudaEdgesTest, NoBytesNoEdge) {
  EXPECT_EQ(find({{{0, 64, kWrite}}, {{32, 0, kRead}}, {{0, 64, kRead}}}), (Before{{}, {}, {0}}));
}

TEST(CudaEdgesTest, WhatIsWaitedForThroughAnotherIsLeftOut) {
  // 0 -> 1 -> 2, and 2 reads what 0 wrote too.
  EXPECT_EQ(
      find({{{0, 8, kWrite}}, {{0, 8, kRead}, {8, 8, kWrite}}, {{0, 8, kRead}, {8, 8, kRead}}}),
      (Before{{}, {0}, {1}}));
}

TEST(CudaEdgesTest, NothingIsFine) { EXPECT_EQ(find({}), Before{}); }

// Of random commands: the order by the edges is that by all conflicts, and without any one edge it
// would not be.
TEST(CudaEdgesTest, EdgesAreEnoughAndNoneIsTooMany) {
  std::minstd_rand random(7);
  for (int round = 0; round < 60; ++round) {
    const size_t count = 1 + random() % 90;
    List list(count);
    for (auto &command : list) {
      for (size_t i = random() % 4; i-- > 0;) {
        command.push_back({random() % 400, random() % 24, 1 + static_cast<uint32_t>(random() % 3)});
      }
    }
    Before before = find(list);
    auto closure = [&](auto edge) {
      std::vector<std::vector<bool>> reach(count, std::vector<bool>(count));
      for (size_t j = 0; j < count; ++j) {
        for (size_t i = 0; i < j; ++i) {
          if (!edge(i, j)) continue;
          reach[j][i] = true;
          for (size_t k = 0; k < i; ++k) reach[j][k] = reach[j][k] || reach[i][k];
        }
      }
      return reach;
    };
    auto conflict = [&](size_t i, size_t j) {
      for (const Access &a : list[i]) {
        for (const Access &b : list[j]) {
          for (uint64_t byte = a.address; byte < a.address + a.bytes; ++byte) {
            if (byte >= b.address && byte < b.address + b.bytes && ((a.how | b.how) & kWrite)) {
              return true;
            }
          }
        }
      }
      return false;
    };
    size_t left_out = count;
    uint32_t left_out_edge = 0;
    auto listed = [&](size_t i, size_t j) {
      if (j == left_out && i == left_out_edge) return false;
      return std::find(before[j].begin(), before[j].end(), i) != before[j].end();
    };
    const auto expected = closure(conflict);
    ASSERT_EQ(closure(listed), expected);
    for (int trial = 0; trial < 5; ++trial) {
      left_out = random() % count;
      if (before[left_out].empty()) continue;
      left_out_edge = before[left_out][random() % before[left_out].size()];
      ASSERT_NE(closure(listed), expected);
    }
    left_out = count;
  }
}

}  // namespace
}  // namespace graven1::cuda
