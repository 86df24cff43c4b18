// Progress of fit: one updating line per epoch on a terminal, one plain line per epoch elsewhere.
#ifndef GRAVEN_RUNTIME_TRAIN_REPORT_PROGRESS_H_
#define GRAVEN_RUNTIME_TRAIN_REPORT_PROGRESS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "runtime/train/callbacks/callback.h"

namespace graven::train {

// What a line shows.
struct ProgressState {
  int64_t epoch = 0, epochs = 0;   // from 1
  int64_t batch = 0, batches = 0;  // done, of
  double seconds = 0;              // spent in this epoch
  double seconds_per_step = 0;     // 0: not known
  double remaining = -1;           // seconds to the epoch's end; negative: the epoch is done
  Measures measures;               // validation measures have the prefix "val_"
};

// Columns that `text` (UTF-8) takes on a terminal, one per character.
int DisplayWidth(const std::string &text);

// "0.9400", "12.34", "1.2e-05": at least three significant digits, at most seven characters for
// values a measure usually has.
std::string FormatMeasure(double value);
// "0s", "12s", "3:07", "1:02:33".
std::string FormatDuration(double seconds);
// "850us/step", "1.2ms/step", "2.3s/step".
std::string FormatPerStep(double seconds);

// The line for a terminal of `width` columns, at most width - 1 of them used: what matters less is
// left out until it fits, first the bar's length, then validation moves into brackets, then bar,
// counts and times.
std::string ProgressLine(const ProgressState &state, int width);
// The line for a file or a pipe: everything, no control characters.
std::string PlainLine(const ProgressState &state);

class Progress : public Callback {
 public:
  // `width`: columns of the terminal, 0 when the output is none. `write` takes the text.
  Progress(int width, std::function<void(const std::string &)> write)
      : width_(width), write_(std::move(write)) {}
  std::string name() const override { return "progress"; }
  absl::Status OnBatchEnd(const BatchEvent &event, Trainer &trainer) override;
  absl::Status OnEpochEnd(const EpochEvent &event, Trainer &trainer) override;
  // Writes a sentence on a line of its own, clearing a line under way.
  void Say(const std::string &sentence);
  // Ends a line under way, keeping it, before something else is written.
  void EndLine();

 private:
  int width_;
  std::function<void(const std::string &)> write_;
  bool line_open_ = false;
  double shown_at_ = -1;  // event.seconds of the last update in this epoch
  int64_t shown_epoch_ = 0;
};

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_REPORT_PROGRESS_H_
