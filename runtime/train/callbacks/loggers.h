// A line per epoch in a file: JSON lines, or CSV when the file's name ends in .csv.
#ifndef GRAVEN_RUNTIME_TRAIN_CALLBACKS_LOGGERS_H_
#define GRAVEN_RUNTIME_TRAIN_CALLBACKS_LOGGERS_H_

#include <memory>
#include <string>

#include "runtime/train/callbacks/callback.h"

namespace graven::train {

// {"epoch":1,"loss":0.9,"val_loss":0.8,...,"seconds":0.1}. A new run replaces the file; a resumed
// run keeps the lines of the epochs it does not repeat.
class JsonLinesLogger : public Callback {
 public:
  explicit JsonLinesLogger(std::string path) : path_(std::move(path)) {}
  std::string name() const override { return "json_lines_logger"; }
  absl::Status OnTrainBegin(int64_t epochs_done, Trainer &trainer) override;
  absl::Status OnEpochEnd(const EpochEvent &event, Trainer &trainer) override;

 private:
  std::string path_;
};

// The history as a table, one column per measure; written anew each epoch.
class CsvLogger : public Callback {
 public:
  explicit CsvLogger(std::string path) : path_(std::move(path)) {}
  std::string name() const override { return "csv_logger"; }
  absl::Status OnEpochEnd(const EpochEvent &event, Trainer &trainer) override;

 private:
  std::string path_;
};

// The logger that fits the file's name.
std::unique_ptr<Callback> MakeLogger(const std::string &path);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_CALLBACKS_LOGGERS_H_
