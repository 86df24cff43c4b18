// Chooses which launches of an entry are worth several threads, by trying.
//
// What a second thread gains depends on what the launches around it left in which core's cache, and
// on what other programs do to the processors; no estimate of a launch alone tells. So each entry
// of a context compares a few ways of sharing in a first trial and keeps the quickest. Afterwards
// a way that was not chosen is looked at now and then, as a rule with two calls, which is so rare
// that the 99th percentile of the calls' times does not show it; only where such a look promises
// more, or calls have become slower for good, the trial is held again. A trial compares what most
// calls take; where other programs now and then stop a thread that the caller waits for, for
// milliseconds, means over many calls tell, and nothing is shared for a while. Results do not
// depend on any of it.
#ifndef GRAVEN_RUNTIME_DEVICE_CPU_SHARING_H_
#define GRAVEN_RUNTIME_DEVICE_CPU_SHARING_H_

#include <stdint.h>

namespace graven1 {

// Ways of sharing, from the boldest to the most careful.
enum Sharing : uint8_t {
  kShareAll,    // every launch that the cost model finds large enough
  kShareDense,  // of those, the ones that compute much per byte, see is_dense
  kShareNone,
  kSharings
};

// How many launches of a call each way would share.
struct SharedLaunches {
  uint32_t all = 0, dense = 0;
};

// The choice for one entry. Times are nanoseconds.
class SharingChoice {
 public:
  // How the next call shall be shared.
  Sharing current() const { return trying_; }
  // Whether the call is to be timed: false once there is nothing to choose.
  bool timed() const { return !settled_; }
  // Ends a call under `current()` that took `time`. `typical`: unless it tells nothing of the calls
  // to come, because the workers were not awake yet.
  void finish(uint64_t time, const SharedLaunches &launches, bool typical);

 private:
  enum Phase : uint8_t { kTrial, kKeeping, kLook };
  static constexpr uint32_t kSamples = 5;

  void begin_block(Phase phase, Sharing way);
  bool sample(uint64_t time);
  uint64_t median() const;
  void next_in_trial();
  void conclude_trial();
  void look(uint64_t time);
  void lengthen_interval();
  void keep(uint64_t time);
  void review(uint64_t mean);
  void choose(Sharing way);
  void follow(uint64_t time);
  bool differs(Sharing way) const { return way != kShareDense || dense_differs_; }
  bool pays(uint64_t rival, uint64_t present) const;

  Phase phase_ = kTrial;
  Sharing trying_ = kShareAll, chosen_ = kShareAll, looked_at_ = kShareAll;
  bool settled_ = false, dense_differs_ = true, known_ = false;
  // A block is some calls in one way, of which the first does not count: it finds everything in
  // another core's cache.
  uint32_t calls_ = 0;  // of the block, or since the last look
  uint64_t block_time_ = 0;
  uint64_t samples_[kSamples] = {};
  uint64_t scores_[kSharings] = {};
  uint64_t recent_ = 0;    // what a call takes of late; follows steps, hardly outliers
  uint32_t interval_ = 0;  // calls until the next look
  uint32_t patience_ = 0;  // slow calls, less quick ones, until the next trial
  uint32_t slow_ = 0;      // such calls
  uint32_t atypical_ = 0;  // calls of the block that told nothing
  // Means over windows of calls.
  uint32_t window_calls_ = 0;
  uint64_t window_time_ = 0;
  bool on_leave_ = false;  // from `left_`, whose mean was `left_mean_`
  Sharing left_ = kShareAll;
  uint64_t left_mean_ = 0;
  uint32_t leaves_ = 0, windows_to_stay_ = 0;
};

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_DEVICE_CPU_SHARING_H_
