#include "runtime/device/cpu/sharing.h"

namespace graven1 {
namespace {

// Calls of a candidate; the slowest, most often the first, does not count. Fewer where they are
// long.
constexpr uint32_t kTrialCalls = 6, kLeastTrialCalls = 2;
constexpr uint64_t kTrialTime = 10000000;
// A trial costs some slower calls, so trials grow rarer while they confirm each other.
constexpr uint32_t kFirstInterval = 250, kLongestInterval = 8000;
// Calls after which a slower average may call for a trial out of turn.
constexpr uint32_t kAverageCalls = 32;

}  // namespace

void SharingChoice::start_trial() {
  in_trial_ = true;
  trying_ = kShareAll;
  calls_ = 0;
  total_ = slowest_ = 0;
}

void SharingChoice::next_candidate() {
  scores_[trying_] = (total_ - slowest_) / (calls_ - 1);
  calls_ = 0;
  total_ = slowest_ = 0;
  if (trying_ == kShareAll && !dense_differs_) {
    scores_[kShareDense] = UINT64_MAX;
    trying_ = kShareNone;
  } else {
    trying_ = static_cast<Sharing>(trying_ + 1);
  }
  if (trying_ == kSharings) conclude();
}

void SharingChoice::conclude() {
  Sharing best = chosen_;
  for (uint8_t each = 0; each < kSharings; ++each) {
    // A change must promise two percent, so that equals do not alternate.
    if (scores_[each] < scores_[best] - scores_[best] / 50) best = static_cast<Sharing>(each);
  }
  interval_ = best == chosen_ && interval_ != 0 ? interval_ * 2 : kFirstInterval;
  if (interval_ > kLongestInterval) interval_ = kLongestInterval;
  trying_ = chosen_ = best;
  in_trial_ = false;
  recent_ = scores_[best];
}

void SharingChoice::finish(uint64_t time, SharedLaunches launches) {
  if (settled_) return;
  if (in_trial_) {
    if (trying_ == kShareAll && calls_ == 0) {
      dense_differs_ = launches.dense != 0 && launches.dense != launches.all;
      if (launches.all == 0) {
        settled_ = true;
        return;
      }
    }
    ++calls_;
    total_ += time;
    if (time > slowest_) slowest_ = time;
    if (calls_ == kTrialCalls || (calls_ >= kLeastTrialCalls && total_ > kTrialTime)) {
      next_candidate();
    }
    return;
  }
  ++calls_;
  recent_ += time / 8 - recent_ / 8;
  bool slower = calls_ >= kAverageCalls && recent_ > scores_[chosen_] + scores_[chosen_] / 2;
  if (slower) interval_ = 0;
  if (calls_ >= interval_) start_trial();
}

}  // namespace graven1
