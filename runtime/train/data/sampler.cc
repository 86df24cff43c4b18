#include "runtime/train/data/sampler.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"

namespace graven::train {
namespace {

enum Purpose : uint32_t { kShuffle = 1, kSplit = 2 };

// Unbiased draws below a bound, one counter value per attempt.
class Draws {
 public:
  Draws(uint64_t seed, uint64_t stream, Purpose purpose)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
        stream_(stream),
        purpose_(purpose) {}

  // Uniform in [0, bound).
  uint64_t Below(uint64_t bound) {
    // Values below 2^64 mod bound are rejected; what remains is a multiple of bound.
    uint64_t threshold = (0 - bound) % bound;
    while (true) {
      std::array<uint32_t, 4> bits =
          Philox4x32({static_cast<uint32_t>(draw_), static_cast<uint32_t>(draw_ >> 32),
                      static_cast<uint32_t>(stream_), static_cast<uint32_t>(purpose_)},
                     key_);
      ++draw_;
      uint64_t value = uint64_t{bits[1]} << 32 | bits[0];
      if (value >= threshold) return value % bound;
    }
  }

 private:
  std::array<uint32_t, 2> key_;
  uint64_t stream_;
  Purpose purpose_;
  uint64_t draw_ = 0;
};

void Shuffle(std::vector<int64_t> *items, Draws *draws) {
  for (size_t i = items->size(); i > 1; --i) {
    std::swap((*items)[i - 1], (*items)[draws->Below(i)]);
  }
}

}  // namespace

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t{0xD2511F53u} * counter[0];
    uint64_t b = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

std::vector<int64_t> ShuffledOrder(int64_t rows, uint64_t seed, uint64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(rows));
  std::iota(order.begin(), order.end(), int64_t{0});
  Draws draws(seed, epoch, kShuffle);
  Shuffle(&order, &draws);
  return order;
}

absl::StatusOr<Split> SplitRows(int64_t rows, double fraction, uint64_t seed,
                                const std::vector<int64_t> &class_of_row) {
  if (!(fraction > 0.0 && fraction < 1.0)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("the validation split is a fraction between 0 and 1, got %g", fraction));
  }
  auto wanted = static_cast<int64_t>(std::llround(fraction * static_cast<double>(rows)));
  if (wanted < 1 || wanted >= rows) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "a validation split of %g leaves %d of %d rows for validation; both parts need rows",
        fraction, wanted, rows));
  }
  // Without classes all rows are one class.
  std::map<int64_t, std::vector<int64_t>> groups;
  for (int64_t row = 0; row < rows; ++row) {
    groups[class_of_row.empty() ? 0 : class_of_row[row]].push_back(row);
  }
  struct Share {
    std::vector<int64_t> *rows;
    int64_t take;
    double rest;
  };
  std::vector<Share> shares;
  int64_t taken = 0;
  for (auto &[label, members] : groups) {
    double exact = fraction * static_cast<double>(members.size());
    auto whole = static_cast<int64_t>(exact);
    shares.push_back({&members, whole, exact - static_cast<double>(whole)});
    taken += whole;
  }
  std::vector<Share *> by_rest;
  for (Share &share : shares) by_rest.push_back(&share);
  std::stable_sort(by_rest.begin(), by_rest.end(),
                   [](const Share *a, const Share *b) { return a->rest > b->rest; });
  for (size_t i = 0; taken < wanted && i < by_rest.size(); ++i, ++taken) ++by_rest[i]->take;

  Draws draws(seed, 0, kSplit);
  Split split;
  for (Share &share : shares) {
    Shuffle(share.rows, &draws);
    auto middle = share.rows->begin() + share.take;
    split.validation.insert(split.validation.end(), share.rows->begin(), middle);
    split.train.insert(split.train.end(), middle, share.rows->end());
  }
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.validation.begin(), split.validation.end());
  return split;
}

}  // namespace graven::train
