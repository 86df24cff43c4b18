#include "compiler/schedule/arena.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include "dialect/plan/plan.h"

namespace graven::schedule {
namespace {

using plan::aligned;

// One attempt: offsets for buffers taken in one order.
struct Placement {
  std::vector<int64_t> offsets;
  int64_t end = 0;
};

// Which buffers are alive at a time that `buffers[i]` is, for each i.
std::vector<std::vector<int>> findConflicts(llvm::ArrayRef<Buffer> buffers) {
  std::vector<std::vector<int>> conflicts(buffers.size());
  for (size_t i = 0; i < buffers.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last) {
        conflicts[i].push_back(static_cast<int>(j));
        conflicts[j].push_back(static_cast<int>(i));
      }
  return conflicts;
}

Placement place(llvm::ArrayRef<Buffer> buffers, const std::vector<std::vector<int>> &conflicts,
                llvm::ArrayRef<int> order) {
  Placement result;
  result.offsets.assign(buffers.size(), -1);
  std::vector<std::pair<int64_t, int64_t>> taken;
  for (int i : order) {
    taken.clear();
    for (int j : conflicts[i])
      if (result.offsets[j] >= 0 && buffers[j].bytes > 0)
        taken.emplace_back(result.offsets[j], result.offsets[j] + aligned(buffers[j].bytes));
    std::sort(taken.begin(), taken.end());
    int64_t size = aligned(buffers[i].bytes), best = -1, bestGap = INT64_MAX, end = 0;
    for (auto [low, high] : taken) {
      int64_t gap = low - end;
      if (gap >= size && gap < bestGap) {
        best = end;
        bestGap = gap;
      }
      end = std::max(end, high);
    }
    if (best < 0) best = end;
    result.offsets[i] = best;
    result.end = std::max(result.end, best + size);
  }
  return result;
}

}  // namespace

int64_t livenessBound(llvm::ArrayRef<Buffer> buffers) {
  std::map<int64_t, int64_t> changes;
  for (const Buffer &buffer : buffers) {
    changes[buffer.first] += aligned(buffer.bytes);
    changes[buffer.last + 1] -= aligned(buffer.bytes);
  }
  int64_t alive = 0, most = 0;
  for (auto [time, change] : changes) most = std::max(most, alive += change);
  return most;
}

int64_t placeBuffers(llvm::MutableArrayRef<Buffer> buffers) {
  int64_t bound = livenessBound(buffers);
  std::vector<std::vector<int>> conflicts = findConflicts(buffers);
  std::vector<int> given(buffers.size());
  std::iota(given.begin(), given.end(), 0);

  auto size = [&](int i) { return buffers[i].bytes; };
  auto length = [&](int i) { return buffers[i].last - buffers[i].first + 1; };
  auto sorted = [&](auto before) {
    std::vector<int> order = given;
    std::stable_sort(order.begin(), order.end(), before);
    return order;
  };
  const std::vector<int> orders[] = {
      sorted([&](int i, int j) { return size(i) > size(j); }),
      sorted([&](int i, int j) { return size(i) * length(i) > size(j) * length(j); }),
      sorted([&](int i, int j) { return length(i) > length(j); }),
      sorted([&](int i, int j) { return buffers[i].first < buffers[j].first; }),
      sorted([&](int i, int j) { return buffers[i].last > buffers[j].last; }),
  };
  Placement best;
  std::vector<int> order;
  for (const std::vector<int> &candidate : orders) {
    Placement placement = place(buffers, conflicts, candidate);
    if (order.empty() || placement.end < best.end) {
      best = std::move(placement);
      order = candidate;
    }
  }

  // The buffer that ends last came too late to the bytes below it: give it an earlier turn. The
  // generator's seed is fixed, so that the same model always gets the same plan.
  uint64_t random = 0x9e3779b97f4a7c15;
  auto draw = [&](size_t below) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return static_cast<size_t>(random % below);
  };
  for (int attempt = 0; attempt < 400 && best.end > bound; ++attempt) {
    std::vector<int> candidate = order;
    for (size_t at = candidate.size(); at-- > 1;) {
      int i = candidate[at];
      if (best.offsets[i] + aligned(buffers[i].bytes) < best.end) continue;
      std::rotate(candidate.begin() + draw(at), candidate.begin() + at, candidate.begin() + at + 1);
      break;
    }
    if (attempt % 3 == 2)
      std::swap(candidate[draw(candidate.size())], candidate[draw(candidate.size())]);
    Placement placement = place(buffers, conflicts, candidate);
    if (placement.end > best.end) continue;
    best = std::move(placement);
    order = std::move(candidate);
  }

  for (size_t i = 0; i < buffers.size(); ++i)
    buffers[i].offset = buffers[i].bytes > 0 ? best.offsets[i] : 0;
  return best.end;
}

}  // namespace graven::schedule
