#include "runtime/train/engine/signature.h"

#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "runtime/train/report/spelling.h"
#include "runtime/train/status_macros.h"

namespace graven::train {
namespace {

using nlohmann::json;

// One option of a settings group: read from JSON, from the command line it comes as JSON too.
struct Field {
  const char *name;
  const char *expected;
  std::function<bool(const json &)> read;
};

Field Text(const char *name, std::string *target) {
  return {name, "a word", [target](const json &value) {
            if (!value.is_string()) return false;
            *target = value.get<std::string>();
            return true;
          }};
}

Field Mode(std::string *target) {
  return {"mode", "min, max or auto", [target](const json &value) {
            if (!value.is_string()) return false;
            std::string mode = value.get<std::string>();
            if (mode != "min" && mode != "max" && mode != "auto") return false;
            *target = mode;
            return true;
          }};
}

Field Count(const char *name, int64_t *target, int64_t least = 0) {
  return {name, least == 0 ? "a whole number, 0 or more" : "a whole number, 1 or more",
          [target, least](const json &value) {
            if (!value.is_number()) return false;
            double number = value.get<double>();
            if (!(number >= static_cast<double>(least)) || number > 1e15 ||
                number != std::floor(number)) {
              return false;
            }
            *target = static_cast<int64_t>(number);
            return true;
          }};
}

Field Real(const char *name, double *target, double lo, double hi, const char *expected) {
  return {name, expected, [target, lo, hi](const json &value) {
            if (!value.is_number()) return false;
            double number = value.get<double>();
            if (!(number >= lo && number <= hi)) return false;
            *target = number;
            return true;
          }};
}

Field Flag(const char *name, bool *target) {
  return {name, "true or false", [target](const json &value) {
            if (!value.is_boolean()) return false;
            *target = value.get<bool>();
            return true;
          }};
}

std::vector<Field> Fields(EarlyStoppingSettings *s) {
  return {Text("monitor", &s->monitor), Count("patience", &s->patience),
          Real("min_delta", &s->min_delta, 0.0, HUGE_VAL, "a number, 0 or more"), Mode(&s->mode),
          Flag("restore_best_weights", &s->restore_best_weights)};
}

std::vector<Field> Fields(ReduceLrSettings *s) {
  return {Text("monitor", &s->monitor),
          Real("factor", &s->factor, 1e-9, 0.999999999, "a number between 0 and 1"),
          Count("patience", &s->patience),
          Real("min_delta", &s->min_delta, 0.0, HUGE_VAL, "a number, 0 or more"),
          Mode(&s->mode),
          Count("cooldown", &s->cooldown),
          Real("min_scale", &s->min_scale, 0.0, 1.0, "a number from 0 to 1")};
}

// A word of the command line as JSON: true, false, a number, else a string.
json FromWord(const std::string &word) {
  if (word == "true" || word == "false") return word == "true";
  double number = 0;
  if (absl::SimpleAtod(word, &number) && std::isfinite(number)) return number;
  return word;
}

absl::Status Assign(const std::string &where, const std::vector<Field> &fields,
                    const std::string &key, const json &value) {
  std::vector<std::string> names;
  for (const Field &field : fields) {
    names.push_back(field.name);
    if (key != field.name) continue;
    if (field.read(value)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: %s is %s; expected %s", where, key, value.dump(), field.expected));
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("%s: there is no option '%s'%s; the options are %s", where, key,
                      DidYouMean(key, names), absl::StrJoin(names, ", ")));
}

absl::Status ParsePairs(const std::string &flag, const std::string &text,
                        const std::vector<Field> &fields) {
  std::vector<std::string> pairs = absl::StrSplit(text, ',', absl::SkipEmpty());
  for (const std::string &pair : pairs) {
    size_t equals = pair.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "%s: '%s' lacks a value; write it as patience=5,monitor=val_loss", flag, pair));
    }
    GRAVEN_RETURN_IF_ERROR(
        Assign(flag, fields, pair.substr(0, equals), FromWord(pair.substr(equals + 1))));
  }
  return absl::OkStatus();
}

template <typename Group>
absl::Status Apply(const std::string &flag, const std::string &text, std::optional<Group> *group) {
  if (text.empty()) return absl::OkStatus();
  if (text == "off") {
    group->reset();
    return absl::OkStatus();
  }
  if (!group->has_value()) group->emplace();
  return text == "on" ? absl::OkStatus() : ParsePairs(flag, text, Fields(&**group));
}

// An optional group: true or an object switches it on, false off.
template <typename Group>
absl::Status ReadGroup(const json &fit, const char *name, std::optional<Group> *group) {
  auto found = fit.find(name);
  if (found == fit.end() || found->is_null()) return absl::OkStatus();
  if (found->is_boolean()) {
    if (found->get<bool>()) group->emplace();
    return absl::OkStatus();
  }
  if (!found->is_object()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("the model's signature: fit.%s is neither true nor an object", name));
  }
  group->emplace();
  for (const auto &[key, value] : found->items()) {
    GRAVEN_RETURN_IF_ERROR(Assign(absl::StrFormat("the model's signature: fit.%s", name),
                                  Fields(&**group), key, value));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyEarlyStopping(const std::string &flag, const std::string &text,
                                std::optional<EarlyStoppingSettings> *settings) {
  return Apply(flag, text, settings);
}

absl::Status ApplyReduceLr(const std::string &flag, const std::string &text,
                           std::optional<ReduceLrSettings> *settings) {
  return Apply(flag, text, settings);
}

json ToJson(const EarlyStoppingSettings &s) {
  return {{"monitor", s.monitor},
          {"patience", s.patience},
          {"min_delta", s.min_delta},
          {"mode", s.mode},
          {"restore_best_weights", s.restore_best_weights}};
}

json ToJson(const ReduceLrSettings &s) {
  return {{"monitor", s.monitor},     {"factor", s.factor}, {"patience", s.patience},
          {"min_delta", s.min_delta}, {"mode", s.mode},     {"cooldown", s.cooldown},
          {"min_scale", s.min_scale}};
}

absl::StatusOr<FitSettings> FitDefaults(const std::string &signature) {
  FitSettings settings;
  if (signature.empty()) return settings;
  json root = json::parse(signature, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded() || !root.is_object()) {
    return absl::DataLossError("the model's signature is no JSON object; compile the model again");
  }
  auto fit = root.find("fit");
  if (fit == root.end() || fit->is_null()) return settings;
  if (!fit->is_object()) {
    return absl::InvalidArgumentError("the model's signature: fit is no object");
  }
  int64_t seed = 0;
  const std::vector<Field> fields = {
      Count("batch_size", &settings.batch_size, 1), Count("epochs", &settings.epochs, 1),
      Real("validation_split", &settings.validation_split, 0.0, 0.999999, "a fraction below 1"),
      Flag("shuffle", &settings.shuffle), Count("seed", &seed)};
  for (const Field &field : fields) {
    auto found = fit->find(field.name);
    if (found == fit->end() || found->is_null()) continue;
    GRAVEN_RETURN_IF_ERROR(Assign("the model's signature: fit", fields, field.name, *found));
  }
  settings.seed = static_cast<uint64_t>(seed);
  GRAVEN_RETURN_IF_ERROR(ReadGroup(*fit, "early_stopping", &settings.early_stopping));
  GRAVEN_RETURN_IF_ERROR(ReadGroup(*fit, "reduce_lr", &settings.reduce_lr));
  return settings;
}

absl::StatusOr<std::optional<FrozenRecord>> ParseFrozen(const std::string &signature) {
  json root = json::parse(signature, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object() || !root.contains("frozen")) return std::optional<FrozenRecord>();
  const json &frozen = root["frozen"];
  FrozenRecord record;
  auto text = [](const json &object, const char *key, std::string *into) {
    auto found = object.find(key);
    if (found == object.end() || !found->is_string()) return false;
    *into = found->get<std::string>();
    return true;
  };
  bool sound = frozen.is_object() && frozen.contains("states") && frozen["states"].is_array();
  if (sound) {
    for (const json &state : frozen["states"]) {
      FrozenRecord::State read;
      sound &=
          state.is_object() && text(state, "name", &read.name) && text(state, "type", &read.type);
      record.states.push_back(std::move(read));
    }
    auto metadata = frozen.find("metadata");
    if (metadata != frozen.end() && metadata->is_object()) {
      text(*metadata, "train.data", &record.data);
    }
  }
  if (!sound) {
    return absl::DataLossError(
        "the model's signature: frozen does not list states; compile the model again");
  }
  return std::optional<FrozenRecord>(std::move(record));
}

}  // namespace graven::train
