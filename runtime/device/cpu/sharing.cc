#include "runtime/device/cpu/sharing.h"

namespace graven1 {
namespace {

// A block in a trial ends early where its calls are long.
constexpr uint64_t kBlockTime = 10000000;
// Calls between two looks. They grow rarer while they promise nothing.
constexpr uint32_t kLookSamples = 3;
constexpr uint32_t kFirstInterval = 500, kLongestInterval = 16000;
// A call is slow beyond so many times the score; a trial follows when slow calls outnumber others
// by so many, and by twice as many whenever a trial for this reason changed nothing.
constexpr uint32_t kFirstPatience = 32, kMostPatience = 2048;
// Calls whose mean is compared. Leaving a way for its mean lasts twice as long each time, and so
// does staying with it when the means of others are no better; up to so many times.
constexpr uint32_t kWindow = 512, kMostLeaves = 5;
// Calls of a block that may tell nothing until it is given up.
constexpr uint32_t kMostAtypical = 64;
// The share of a call's time that another way must save.
constexpr uint64_t kLeastGain = 32;  // one part in so many

}  // namespace

bool SharingChoice::pays(uint64_t rival, uint64_t present) const {
  return rival < present - present / kLeastGain;
}

void SharingChoice::begin_block(Phase phase, Sharing way) {
  phase_ = phase;
  trying_ = way;
  calls_ = atypical_ = 0;
  block_time_ = 0;
}

// Adds a call to the block; whether it is complete.
bool SharingChoice::sample(uint64_t time) {
  block_time_ += time;
  if (calls_++ == 0) return false;
  samples_[calls_ - 2] = time;
  return calls_ == kSamples + 1 || block_time_ > kBlockTime;
}

uint64_t SharingChoice::median() const {
  uint64_t sorted[kSamples];
  uint32_t count = 0;
  for (; count < calls_ - 1; ++count) {
    uint32_t at = count;
    for (; at > 0 && sorted[at - 1] > samples_[count]; --at) sorted[at] = sorted[at - 1];
    sorted[at] = samples_[count];
  }
  return sorted[(count - 1) / 2];
}

void SharingChoice::next_in_trial() {
  scores_[trying_] = median();
  // Long calls gain from every thread; trying one alone would cost more than it could tell.
  const bool is_long = scores_[kShareAll] > kBlockTime;
  uint8_t next = trying_ + 1;
  while (next < kSharings &&
         (!differs(static_cast<Sharing>(next)) || (is_long && next == kShareNone))) {
    scores_[next++] = UINT64_MAX;
  }
  if (next < kSharings) {
    begin_block(kTrial, static_cast<Sharing>(next));
  } else {
    conclude_trial();
  }
}

void SharingChoice::conclude_trial() {
  Sharing best = chosen_;
  for (uint8_t each = 0; each < kSharings; ++each) {
    if (pays(scores_[each], scores_[best])) best = static_cast<Sharing>(each);
  }
  if (best == chosen_ && patience_ != 0) {
    if (slow_ >= patience_ && patience_ < kMostPatience) patience_ *= 2;
    lengthen_interval();
  } else {
    patience_ = kFirstPatience;
    interval_ = kFirstInterval;
    on_leave_ = false;
  }
  choose(best);
}

void SharingChoice::choose(Sharing way) {
  chosen_ = way;
  recent_ = scores_[way];
  slow_ = window_calls_ = 0;
  window_time_ = 0;
  begin_block(kKeeping, way);
}

// All of a few calls must promise more than the present way takes; most often the first ends it.
void SharingChoice::look(uint64_t time) {
  if (calls_++ == 0) return;
  if (!pays(time, recent_)) {
    lengthen_interval();
    begin_block(kKeeping, chosen_);
  } else if (calls_ == kLookSamples + 1) {
    begin_block(kTrial, kShareAll);
  }
}

void SharingChoice::lengthen_interval() {
  if (interval_ < kLongestInterval) interval_ *= 2;
}

void SharingChoice::follow(uint64_t time) {
  const uint64_t step = recent_ / 16 + 1;
  if (time > recent_ + step) {
    recent_ += step;
  } else if (time + step < recent_) {
    recent_ -= step;
  } else {
    recent_ = time;
  }
}

void SharingChoice::keep(uint64_t time) {
  ++calls_;
  follow(time);
  const bool slow = time > scores_[chosen_] + scores_[chosen_] / 2;
  if (slow) {
    ++slow_;
  } else if (slow_ != 0) {
    --slow_;
  }
  if (slow_ >= patience_) return begin_block(kTrial, kShareAll);
  window_time_ += time;
  if (++window_calls_ == kWindow) {
    const uint64_t mean = window_time_ / kWindow;
    window_calls_ = 0;
    window_time_ = 0;
    review(mean);
    if (calls_ == 0) return;
  }
  if (calls_ < interval_) return;
  do {
    looked_at_ = static_cast<Sharing>((looked_at_ + 1) % kSharings);
  } while (looked_at_ == chosen_ || !differs(looked_at_));
  begin_block(kLook, looked_at_);
}

void SharingChoice::review(uint64_t mean) {
  if (on_leave_) {
    on_leave_ = false;
    if (pays(mean, left_mean_)) return;
    // Sharing is not the cause.
    windows_to_stay_ = 1u << leaves_;
    return choose(left_);
  }
  if (chosen_ == kShareNone) return;
  if (!pays(scores_[kShareNone], mean)) {
    if (leaves_ > 0) --leaves_;
    return;
  }
  if (windows_to_stay_ > 0) {
    --windows_to_stay_;
    return;
  }
  on_leave_ = true;
  left_ = chosen_;
  left_mean_ = mean;
  if (leaves_ < kMostLeaves) ++leaves_;
  interval_ = kWindow << leaves_;
  choose(kShareNone);
}

void SharingChoice::finish(uint64_t time, const SharedLaunches &launches, bool typical) {
  if (settled_) return;
  if (!known_) {
    known_ = true;
    dense_differs_ = launches.dense != 0 && launches.dense != launches.all;
    settled_ = launches.all == 0;
  }
  if (!typical) {
    // Where the processors are so busy that the workers do not get to run, comparing can wait.
    if (phase_ != kKeeping && ++atypical_ >= kMostAtypical) begin_block(kKeeping, chosen_);
    return;
  }
  if (phase_ == kKeeping) return keep(time);
  if (phase_ == kLook) return look(time);
  if (sample(time)) next_in_trial();
}

}  // namespace graven1
