// The part of a model's signature that fit reads: defaults for training, written by the compiler.
#ifndef GRAVEN_RUNTIME_TRAIN_ENGINE_SIGNATURE_H_
#define GRAVEN_RUNTIME_TRAIN_ENGINE_SIGNATURE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace graven::train {

// Stop when the monitored measure no longer improves.
struct EarlyStoppingSettings {
  std::string monitor = "val_loss";
  int64_t patience = 10;      // epochs without improvement that are tolerated
  double min_delta = 0.0;     // an improvement must be larger than this
  std::string mode = "auto";  // min, max, or auto: min for losses and errors, else max
  bool restore_best_weights = true;
};

// Lower the learning rate when the monitored measure no longer improves.
struct ReduceLrSettings {
  std::string monitor = "val_loss";
  double factor = 0.5;
  int64_t patience = 5;
  double min_delta = 1e-4;
  std::string mode = "auto";
  int64_t cooldown = 0;    // epochs after a reduction in which nothing is counted
  double min_scale = 0.0;  // lower bound of the control state `lr_scale`
};

// What fit needs to know; the model's text gives defaults, command-line flags override them.
struct FitSettings {
  int64_t batch_size = 0;  // 0: the largest compiled variant of train_step
  int64_t epochs = 1;
  double validation_split = 0.0;
  bool shuffle = true;
  uint64_t seed = 0;
  std::optional<EarlyStoppingSettings> early_stopping;
  std::optional<ReduceLrSettings> reduce_lr;
};

// Changes a group of settings as the user's `text` says: "" leaves it, "off" and "on" switch it,
// "key=value,key=value" switches it on and overrides fields. An unknown key or a wrong value is an
// error that names `flag`, the keys and the nearest one.
absl::Status ApplyEarlyStopping(const std::string &flag, const std::string &text,
                                std::optional<EarlyStoppingSettings> *settings);
absl::Status ApplyReduceLr(const std::string &flag, const std::string &text,
                           std::optional<ReduceLrSettings> *settings);

nlohmann::json ToJson(const EarlyStoppingSettings &settings);
nlohmann::json ToJson(const ReduceLrSettings &settings);

// Reads object "fit" of the signature text (JSON). A missing object or key keeps the default, a key
// of the wrong type is an error.
absl::StatusOr<FitSettings> FitDefaults(const std::string &signature);

// What a signature says of weights that are constants of the artifact.
struct FrozenRecord {
  struct State {
    std::string name, type;  // "dense.kernel", "4x16xf32"
  };
  std::vector<State> states;
  std::string data;  // the checkpoint's metadata under "train.data"; may be ""
};

// Reads object "frozen" of the signature; nothing where the artifact's weights are state.
absl::StatusOr<std::optional<FrozenRecord>> ParseFrozen(const std::string &signature);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_ENGINE_SIGNATURE_H_
