#include "runtime/train/callbacks/loggers.h"

#include <errno.h>
#include <string.h>

#include <cmath>
#include <cstdio>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "runtime/train/callbacks/monitor.h"
#include "runtime/train/data/file.h"
#include "runtime/train/status_macros.h"

namespace graven::train {

using nlohmann::json;

absl::Status JsonLinesLogger::OnTrainBegin(int64_t epochs_done, Trainer &trainer) {
  std::string kept;
  if (epochs_done > 0 && FileExists(path_)) {
    GRAVEN_ASSIGN_OR_RETURN(std::string text, ReadFile(path_));
    std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
    for (const std::string &line : lines) {
      json entry = json::parse(line, nullptr, /*allow_exceptions=*/false);
      bool keep = entry.is_object() && entry.contains("epoch") &&
                  entry["epoch"].is_number_integer() &&
                  entry["epoch"].get<int64_t>() <= epochs_done;
      if (keep) absl::StrAppend(&kept, line, "\n");
    }
  }
  return WriteFileAtomically(path_, kept);
}

absl::Status JsonLinesLogger::OnEpochEnd(const EpochEvent &event, Trainer &trainer) {
  nlohmann::ordered_json line;
  line["epoch"] = event.epoch;
  for (const auto &[name, value] : *event.measures) line[name] = NumberToJson(value);
  line["seconds"] = std::round(event.seconds * 1e6) / 1e6;
  std::string text = line.dump() + "\n";
  std::FILE *file = std::fopen(path_.c_str(), "ae");
  bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file != nullptr && std::fclose(file) != 0) written = false;
  if (!written) {
    return absl::UnavailableError(
        absl::StrFormat("--log: cannot write %s: %s", path_, strerror(errno)));
  }
  return absl::OkStatus();
}

absl::Status CsvLogger::OnEpochEnd(const EpochEvent &event, Trainer &trainer) {
  std::string text = "epoch";
  for (const auto &[name, values] : *event.history) absl::StrAppend(&text, ",", name);
  text += "\n";
  for (int64_t epoch = 0; epoch < event.epoch; ++epoch) {
    absl::StrAppend(&text, epoch + 1);
    for (const auto &[name, values] : *event.history) {
      absl::StrAppendFormat(&text, ",%.9g", values[epoch]);
    }
    text += "\n";
  }
  return WriteFileAtomically(path_, text);
}

std::unique_ptr<Callback> MakeLogger(const std::string &path) {
  if (absl::EndsWithIgnoreCase(path, ".csv")) return std::make_unique<CsvLogger>(path);
  return std::make_unique<JsonLinesLogger>(path);
}

}  // namespace graven::train
