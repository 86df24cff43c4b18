// What a checkpoint's metadata says about the run that wrote it.
//
// Everything that decides how training goes on is in the file, nothing that depends on the time of
// day: a run that is killed and resumed ends in the same bytes as one that was not. The best state
// and the last one are a pair of files, S.safetensors and S.best.safetensors: a new best is written
// to S.best.safetensors.next, then S.safetensors, which names the best file's digest, then the best
// is renamed. Whatever moment a run dies at, one of the two best files has the digest that
// S.safetensors names.
#ifndef GRAVEN_RUNTIME_TRAIN_FIT_CHECKPOINT_H_
#define GRAVEN_RUNTIME_TRAIN_FIT_CHECKPOINT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "runtime/train/callbacks/callback.h"
#include "runtime/train/engine/step.h"

namespace graven::train {

// RunRecord::finished of a run that was not stopped early.
inline constexpr char kAllEpochs[] = "all epochs are done";

// The best state so far.
struct BestRecord {
  std::string monitor;  // "val_loss"
  double value = 0;
  int64_t epoch = 0;   // from 1
  std::string digest;  // XXH64 of the best file's bytes, 16 hex digits; "" when there is no file
};

// A run's position and memory.
struct RunRecord {
  nlohmann::json settings;  // everything that a resumed run must share
  int64_t epochs = 0;       // how many were asked for
  int64_t epochs_done = 0;
  int64_t batches_done = 0;   // of the epoch begun; 0 between epochs
  std::string metric_memory;  // accumulators of the epoch begun, raw
  std::map<std::string, Step::Average> averages;
  History history;
  nlohmann::json callbacks = nlohmann::json::object();
  std::optional<BestRecord> best;
  std::string finished;        // why training ended; "" while it has not
  bool restored_best = false;  // the file holds the best state, not the last
};

// What evaluate and predict need of the run that trained a state.
struct DataRecord {
  std::vector<std::string> classes;  // names of label values
  std::vector<std::string> columns;  // CSV feature columns in the model's order
  std::string label_column;
};

// Metadata of a checkpoint: "train.fit" and "train.data", both JSON.
std::map<std::string, std::string> ToMetadata(const RunRecord &run, const DataRecord &data);
// Metadata of a best file: "train.best" and "train.data".
std::map<std::string, std::string> BestMetadata(const BestRecord &best, const DataRecord &data);

// Reads the text under "train.fit". `path` names the checkpoint in errors.
absl::StatusOr<RunRecord> ParseRun(const std::string &path, const std::string &text);
// Reads the text under "train.data"; empty text gives an empty record.
absl::StatusOr<DataRecord> ParseData(const std::string &path, const std::string &text);

// OK when both settings are equal, else an error that names each difference: "seed: was 1, is 2".
absl::Status CompareSettings(const std::string &path, const nlohmann::json &was,
                             const nlohmann::json &is);

// "S.best.safetensors" for "S.safetensors".
std::string BestPath(const std::string &path);
// XXH64 of a file's bytes as 16 hex digits.
absl::StatusOr<std::string> FileDigest(const std::string &path);
// Makes BestPath(path) the file with `digest`, finishing what a killed run left undone, and removes
// a leftover; an error when neither the best file nor its successor has that digest.
absl::Status SettleBest(const std::string &path, const std::string &digest);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_FIT_CHECKPOINT_H_
