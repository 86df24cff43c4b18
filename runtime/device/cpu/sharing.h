// Chooses which launches of an entry are worth several threads, by trying.
//
// What a second thread gains depends on what the launches around it left in which core's cache, and
// on what other programs do to the processors; no estimate of a launch alone tells. So each entry
// of a context tries a few ways of sharing its first calls, keeps the quickest, and tries again now
// and then and whenever calls have become much slower. Results do not depend on any of it.
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

// Two numbers per launch of a call: how many launches each way would share.
struct SharedLaunches {
  uint32_t all = 0, dense = 0;
};

// The choice for one entry. Calls are counted, times are nanoseconds.
class SharingChoice {
 public:
  // How the next call shall be shared.
  Sharing current() const { return trying_; }
  // Whether the call is to be timed: false once there is nothing to choose.
  bool timed() const { return !settled_; }
  // Ends a call under `current()` that took `time`.
  void finish(uint64_t time, SharedLaunches launches);

 private:
  void start_trial();
  void next_candidate();
  void conclude();

  Sharing trying_ = kShareAll, chosen_ = kShareAll;
  bool settled_ = false, in_trial_ = true, dense_differs_ = true;
  uint32_t calls_ = 0;     // under the present candidate, or since the last trial
  uint32_t interval_ = 0;  // calls until the next trial
  uint64_t total_ = 0, slowest_ = 0;
  uint64_t scores_[kSharings] = {};
  uint64_t recent_ = 0;  // moving average since the last trial
};

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_DEVICE_CPU_SHARING_H_
