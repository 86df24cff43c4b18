// C++ owners for the C interface's handles, with absl::Status for its status codes.
#ifndef GRAVEN_RUNTIME_TRAIN_ENGINE_SESSION_H_
#define GRAVEN_RUNTIME_TRAIN_ENGINE_SESSION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graven/graven.h"
#include "runtime/train/data/port.h"
#include "runtime/train/data/tensor.h"

namespace graven::train {

// Measures by name, "accuracy" -> 0.94; ordered by name, which is the order they are shown in.
using Measures = std::map<std::string, double>;

// OK, or an absl::Status with graven_last_error() as its message.
absl::Status ToStatus(graven_status status);

// An opened artifact.
class Model {
 public:
  // device: see graven_model_open_on.
  static absl::StatusOr<std::shared_ptr<const Model>> Open(const std::string &path,
                                                           const std::string &device = "auto");
  // The same for an artifact linked into the program, which must outlive the model.
  static absl::StatusOr<std::shared_ptr<const Model>> Create(const graven_artifact *artifact);

  graven_model *get() const { return model_.get(); }
  const graven_table_header &table() const { return *graven_model_table(get()); }
  std::string Text(graven_text text) const;
  // See graven_model_runs_behind.
  bool runs_behind() const { return graven_model_runs_behind(get()) != 0; }
  std::string name() const { return Text(table().model_name); }
  std::string signature() const { return Text(table().signature); }

  const std::vector<graven_entry_record> &entries() const { return entries_; }
  const std::vector<graven_state_record> &states() const { return states_; }
  const std::vector<std::string> &metrics() const { return metrics_; }
  // Names of the entries, each once, in the artifact's order.
  std::vector<std::string> EntryNames() const;
  bool HasEntry(const std::string &name) const { return !Batches(name).empty(); }
  bool HasState(const std::string &name) const;
  // Compiled batch sizes of entry `name`, ascending (0: no batch axis); empty when there is none.
  std::vector<int64_t> Batches(const std::string &name) const;
  // Index of the smallest variant of `name` that takes `rows` rows (0: any). The error names the
  // entries or the compiled batch sizes.
  absl::StatusOr<uint32_t> FindEntry(const std::string &name, int64_t rows) const;
  // The DATA ports of an entry.
  std::vector<Port> Inputs(uint32_t entry) const;
  std::vector<Port> Outputs(uint32_t entry) const;

 private:
  struct Destroy {
    void operator()(graven_model *model) const { graven_model_destroy(model); }
  };
  static std::shared_ptr<const Model> Describe(graven_model *opened);
  std::vector<Port> Ports(graven_span span) const;

  std::unique_ptr<graven_model, Destroy> model_;
  std::vector<graven_entry_record> entries_;
  std::vector<graven_state_record> states_;
  std::vector<graven_port_record> ports_;
  std::vector<std::string> metrics_;
};

struct DestroyState {
  void operator()(graven_state *state) const { graven_state_destroy(state); }
};
using StateHandle = std::unique_ptr<graven_state, DestroyState>;

// A model with one state, one context and its pool: what one run of fit, evaluate or predict holds.
class Session {
 public:
  // threads: 0 for one per core. force_parallel splits even the smallest work among them, for
  // tests.
  static absl::StatusOr<std::unique_ptr<Session>> Create(std::shared_ptr<const Model> model,
                                                         int threads, bool force_parallel = false);

  const Model &model() const { return *model_; }
  graven_state *state() const { return state_.get(); }
  graven_context *context() const { return context_.get(); }
  int threads() const { return graven_pool_threads(pool_.get()); }

  absl::Status Call(uint32_t entry, int64_t rows, const std::vector<const void *> &inputs,
                    const std::vector<void *> &outputs);
  // Calls entry "init" with the seed's low and high word; fails when the model has none.
  absl::Status Init(uint64_t seed);
  // Calls entry "reset_metrics" where there is one.
  absl::Status ResetMetrics();
  // The model's metrics since the last reset; those that are empty are left out.
  absl::StatusOr<Measures> ReadMetrics() const;
  // Raw memory of the metric accumulators, to be put back bit for bit.
  absl::StatusOr<std::string> SaveMetricMemory() const;
  absl::Status LoadMetricMemory(const std::string &bytes);

  // Checkpoints; see graven_state_save and graven_state_load.
  absl::Status Save(const std::string &path, const std::map<std::string, std::string> &metadata);
  absl::Status Load(const std::string &path);
  // A metadata value of the checkpoint loaded last, or "".
  std::string Metadata(const std::string &key) const;

  // A copy of the state, and putting one in the state's place.
  absl::StatusOr<StateHandle> CloneState() const;
  void ReplaceState(StateHandle state) { state_ = std::move(state); }

  // Scalar f32 state, such as lr_scale.
  absl::StatusOr<float> GetScalar(const std::string &name) const;
  absl::Status SetScalar(const std::string &name, float value);

 private:
  struct DestroyPool {
    void operator()(graven_pool *pool) const { graven_pool_destroy(pool); }
  };
  struct DestroyContext {
    void operator()(graven_context *context) const { graven_context_destroy(context); }
  };

  std::shared_ptr<const Model> model_;
  std::unique_ptr<graven_pool, DestroyPool> pool_;
  StateHandle state_;
  std::unique_ptr<graven_context, DestroyContext> context_;
};

// Saves `state` with `metadata`; Session::Save for a state that is not the session's own.
absl::Status SaveState(const graven_state *state, const std::string &path,
                       const std::map<std::string, std::string> &metadata);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_ENGINE_SESSION_H_
