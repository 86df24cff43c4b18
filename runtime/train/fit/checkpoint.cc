#include "runtime/train/fit/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/train/callbacks/monitor.h"
#include "runtime/train/data/file.h"
#include "runtime/train/status_macros.h"

namespace graven::train {
namespace {

using nlohmann::json;

std::string Digest(const std::string &bytes) {
  return absl::StrFormat("%016x", XXH64(bytes.data(), bytes.size(), 0));
}

json DataJson(const DataRecord &data) {
  return {{"classes", data.classes}, {"columns", data.columns}, {"label", data.label_column}};
}

json BestJson(const std::optional<BestRecord> &best) {
  if (!best.has_value()) return nullptr;
  return {{"monitor", best->monitor},
          {"value", NumberToJson(best->value)},
          {"epoch", best->epoch},
          {"digest", best->digest}};
}

// Typed access to JSON from a file that may hold anything. The first failure sticks.
class Reader {
 public:
  explicit Reader(const json &object) : object_(object) {}

  int64_t Count(const char *key) {
    const json *value = Find(key, object_);
    if (value != nullptr && value->is_number_integer() && value->get<int64_t>() >= 0) {
      return value->get<int64_t>();
    }
    Fail(key);
    return 0;
  }
  std::string Text(const char *key) {
    const json *value = Find(key, object_);
    if (value != nullptr && value->is_string()) return value->get<std::string>();
    Fail(key);
    return "";
  }
  double Number(const char *key) {
    const json *value = Find(key, object_);
    std::optional<double> number = value != nullptr ? NumberFromJson(*value) : std::nullopt;
    if (!number.has_value()) Fail(key);
    return number.value_or(0.0);
  }
  bool Flag(const char *key) {
    const json *value = Find(key, object_);
    if (value != nullptr && value->is_boolean()) return value->get<bool>();
    Fail(key);
    return false;
  }
  json Object(const char *key) {
    const json *value = Find(key, object_);
    if (value != nullptr && value->is_object()) return *value;
    Fail(key);
    return json::object();
  }
  std::vector<std::string> Texts(const char *key) {
    std::vector<std::string> texts;
    const json *value = Find(key, object_);
    if (value == nullptr || !value->is_array()) Fail(key);
    if (value != nullptr && value->is_array()) {
      for (const json &item : *value) {
        if (item.is_string()) texts.push_back(item.get<std::string>());
        if (!item.is_string()) Fail(key);
      }
    }
    return texts;
  }
  void Fail(const char *key) {
    if (failed_.empty()) failed_ = key;
  }
  // The key that was missing or of a wrong type; "" when none.
  const std::string &failed() const { return failed_; }

 private:
  static const json *Find(const char *key, const json &object) {
    if (!object.is_object()) return nullptr;
    auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
  }
  const json &object_;
  std::string failed_;
};

absl::Status Damaged(const std::string &path, const std::string &key) {
  return absl::DataLossError(absl::StrFormat(
      "%s: the checkpoint's record of its run is damaged at '%s'; start again without --resume",
      path, key));
}

// "a.b": value for every leaf.
void Flatten(const json &value, const std::string &prefix,
             std::map<std::string, std::string> *out) {
  if (!value.is_object()) {
    (*out)[prefix] = value.is_string() ? value.get<std::string>() : value.dump();
    return;
  }
  for (const auto &[key, item] : value.items()) {
    Flatten(item, prefix.empty() ? key : prefix + "." + key, out);
  }
}

absl::Status Rename(const std::string &from, const std::string &to) {
  if (rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrFormat("cannot rename %s to %s: %s", from, to, strerror(errno)));
}

}  // namespace

std::map<std::string, std::string> ToMetadata(const RunRecord &run, const DataRecord &data) {
  json history = json::object();
  for (const auto &[name, values] : run.history) {
    json &list = history[name] = json::array();
    for (double value : values) list.push_back(NumberToJson(value));
  }
  json averages = json::object();
  for (const auto &[name, average] : run.averages) {
    averages[name] = {{"sum", NumberToJson(average.sum)}, {"weight", average.weight}};
  }
  std::string settings = run.settings.dump();
  json record = {{"settings", run.settings},
                 {"settings_digest", Digest(settings)},
                 {"epochs", run.epochs},
                 {"epochs_done", run.epochs_done},
                 {"batches_done", run.batches_done},
                 {"metric_memory", absl::BytesToHexString(run.metric_memory)},
                 {"averages", averages},
                 {"history", history},
                 {"callbacks", run.callbacks},
                 {"best", BestJson(run.best)},
                 {"finished", run.finished},
                 {"restored_best", run.restored_best}};
  return {{"train.fit", record.dump()}, {"train.data", DataJson(data).dump()}};
}

std::map<std::string, std::string> BestMetadata(const BestRecord &best, const DataRecord &data) {
  BestRecord without_digest = best;
  without_digest.digest.clear();
  return {{"train.best", BestJson(without_digest).dump()}, {"train.data", DataJson(data).dump()}};
}

absl::StatusOr<RunRecord> ParseRun(const std::string &path, const std::string &text) {
  if (text.empty()) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s: was not written by fit as its last checkpoint, so there is nothing to "
                        "resume; name the "
                        "file given to --save",
                        path));
  }
  json record = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) return Damaged(path, "train.fit");
  Reader reader(record);
  RunRecord run;
  run.settings = reader.Object("settings");
  if (reader.Text("settings_digest") != Digest(run.settings.dump())) {
    reader.Fail("settings_digest");
  }
  run.epochs = reader.Count("epochs");
  run.epochs_done = reader.Count("epochs_done");
  run.batches_done = reader.Count("batches_done");
  run.metric_memory = absl::HexStringToBytes(reader.Text("metric_memory"));
  const json averages = reader.Object("averages");
  for (const auto &[name, value] : averages.items()) {
    Reader average(value);
    run.averages[name] = {average.Number("sum"), average.Number("weight")};
    if (!average.failed().empty()) reader.Fail("averages");
  }
  const json history = reader.Object("history");
  for (const auto &[name, values] : history.items()) {
    std::vector<double> &list = run.history[name];
    if (!values.is_array()) reader.Fail("history");
    for (const json &value : values) {
      std::optional<double> number = NumberFromJson(value);
      if (!number.has_value()) reader.Fail("history");
      list.push_back(number.value_or(0.0));
    }
    if (static_cast<int64_t>(list.size()) != run.epochs_done) reader.Fail("history");
  }
  run.callbacks = reader.Object("callbacks");
  if (record.contains("best") && record["best"].is_object()) {
    Reader best(record["best"]);
    run.best = BestRecord{best.Text("monitor"), best.Number("value"), best.Count("epoch"),
                          best.Text("digest")};
    if (!best.failed().empty()) reader.Fail("best");
  }
  run.finished = reader.Text("finished");
  run.restored_best = reader.Flag("restored_best");
  if (!reader.failed().empty()) return Damaged(path, reader.failed());
  return run;
}

absl::StatusOr<DataRecord> ParseData(const std::string &path, const std::string &text) {
  DataRecord data;
  if (text.empty()) return data;
  json record = json::parse(text, nullptr, /*allow_exceptions=*/false);
  Reader reader(record);
  data.classes = reader.Texts("classes");
  data.columns = reader.Texts("columns");
  data.label_column = reader.Text("label");
  if (!reader.failed().empty()) return Damaged(path, "train.data." + reader.failed());
  return data;
}

absl::Status CompareSettings(const std::string &path, const json &was, const json &is) {
  if (was == is) return absl::OkStatus();
  std::map<std::string, std::string> old_values, new_values;
  Flatten(was, "", &old_values);
  Flatten(is, "", &new_values);
  std::vector<std::string> differences;
  for (const auto &[key, value] : old_values) {
    auto found = new_values.find(key);
    if (found == new_values.end()) {
      differences.push_back(absl::StrFormat("%s: was %s, is not set", key, value));
    } else if (found->second != value) {
      differences.push_back(absl::StrFormat("%s: was %s, is %s", key, value, found->second));
    }
  }
  for (const auto &[key, value] : new_values) {
    if (old_values.count(key) == 0) {
      differences.push_back(absl::StrFormat("%s: was not set, is %s", key, value));
    }
  }
  return absl::FailedPreconditionError(absl::StrFormat(
      "%s was written under other settings, so training cannot go on from it (%s); resume with the "
      "settings it was begun with, or start a new run under another --save",
      path, absl::StrJoin(differences, "; ")));
}

std::string BestPath(const std::string &path) {
  constexpr char kSuffix[] = ".safetensors";
  if (!absl::EndsWith(path, kSuffix)) return path + ".best";
  return path.substr(0, path.size() - strlen(kSuffix)) + ".best" + kSuffix;
}

absl::StatusOr<std::string> FileDigest(const std::string &path) {
  GRAVEN_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path));
  return Digest(bytes);
}

absl::Status SettleBest(const std::string &path, const std::string &digest) {
  const std::string best = BestPath(path);
  const std::string next = best + ".next";
  absl::StatusOr<std::string> of_best = FileDigest(best);
  if (of_best.ok() && *of_best == digest) {
    unlink(next.c_str());
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> of_next = FileDigest(next);
  if (of_next.ok() && *of_next == digest) return Rename(next, best);
  if (!of_best.ok() && !absl::IsNotFound(of_best.status())) return of_best.status();
  return absl::DataLossError(absl::StrFormat(
      "%s belongs with %s (digest %s), but that file %s; restore it, or start a new run", path,
      best, digest, of_best.ok() ? "was changed since" : "is missing"));
}

}  // namespace graven::train
