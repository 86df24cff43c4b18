// Graven's C++ face: the C interface of graven.h with ownership, spans and exceptions. Header only,
// C++20; every function forwards to the C function of the same name, see there.
//
//   graven::Model model = graven::Model::open("iris.so");
//   graven::State state(model);
//   graven::Context context(model);
//   context.call(state, model.entry("init"), 0, {&seed}, {});
#ifndef GRAVEN_RUNTIME_API_GRAVEN_HPP_
#define GRAVEN_RUNTIME_API_GRAVEN_HPP_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "graven/graven.h"

namespace graven {

// What a C function refused: its status, and its sentence as `what()`.
class Error : public std::runtime_error {
 public:
  Error(graven_status status, const std::string &message)
      : std::runtime_error(message), status_(status) {}
  graven_status status() const { return status_; }

 private:
  graven_status status_;
};

// Throws Error with the thread's last error unless `status` is OK.
inline void check(graven_status status) {
  if (status != GRAVEN_OK) throw Error(status, graven_last_error());
}

namespace internal {
template <typename Handle, void (*destroy)(Handle *)>
struct Deleter {
  void operator()(Handle *handle) const { destroy(handle); }
};
template <typename Handle, void (*destroy)(Handle *)>
using Owner = std::unique_ptr<Handle, Deleter<Handle, destroy>>;
}  // namespace internal

// A loaded model. States and contexts made from it must be destroyed before it.
class Model {
 public:
  // Opens a model.so.
  static Model open(const std::string &path) {
    graven_model *model;
    check(graven_model_open(path.c_str(), &model));
    return Model(model);
  }
  // A model linked into the program.
  explicit Model(const graven_artifact &artifact) {
    graven_model *model;
    check(graven_model_create(&artifact, &model));
    handle_.reset(model);
  }

  const graven_model *get() const { return handle_.get(); }
  const graven_table_header &table() const { return *graven_model_table(get()); }
  std::string text(graven_text text) const { return graven_model_text(get(), text); }
  std::string name() const { return text(table().model_name); }
  std::span<const graven_state_record> states() const { return list(graven_model_states); }
  std::span<const graven_entry_record> entries() const { return list(graven_model_entries); }
  std::span<const graven_port_record> ports() const { return list(graven_model_ports); }
  std::span<const graven_metric_record> metrics() const { return list(graven_model_metrics); }

  // Number of the smallest variant of entry `name` that takes `rows` rows (0: any). Throws
  // NOT_FOUND.
  std::uint32_t entry(const std::string &name, std::int64_t rows = 0) const {
    std::int32_t index = graven_model_find_entry(get(), name.c_str(), rows);
    if (index < 0) {
      throw Error(GRAVEN_NOT_FOUND, "model '" + this->name() + "' has no entry '" + name + "'" +
                                        (rows ? " for " + std::to_string(rows) + " rows" : "") +
                                        "; `graven-run info` lists its entries");
    }
    return static_cast<std::uint32_t>(index);
  }

 private:
  explicit Model(graven_model *model) : handle_(model) {}
  template <typename Record>
  std::span<const Record> list(const Record *(*records)(const graven_model *,
                                                        std::uint32_t *)) const {
    std::uint32_t count;
    const Record *first = records(get(), &count);
    return {first, count};
  }

  internal::Owner<graven_model, graven_model_destroy> handle_;
};

// Everything that a model learns and remembers.
class State {
 public:
  explicit State(const Model &model) {
    graven_state *state;
    check(graven_state_create(model.get(), &state));
    handle_.reset(state);
  }
  State clone() const {
    graven_state *copy;
    check(graven_state_clone(get(), &copy));
    return State(copy);
  }

  graven_state *get() const { return handle_.get(); }
  // Copies state `name` out or in; the span's bytes must be the tensor's.
  template <typename Element>
  void read(const std::string &name, std::span<Element> data) const {
    check(graven_state_get(get(), name.c_str(), data.data(), data.size_bytes()));
  }
  template <typename Element>
  void write(const std::string &name, std::span<const Element> data) {
    check(graven_state_set(get(), name.c_str(), data.data(), data.size_bytes()));
  }
  // Writes a checkpoint with `metadata`, atomically.
  void save(const std::string &path,
            const std::vector<std::pair<std::string, std::string>> &metadata = {}) const {
    std::vector<const char *> pairs;
    for (const auto &[key, value] : metadata) {
      pairs.push_back(key.c_str());
      pairs.push_back(value.c_str());
    }
    pairs.push_back(nullptr);
    check(graven_state_save(get(), path.c_str(), pairs.data()));
  }
  void load(const std::string &path) { check(graven_state_load(get(), path.c_str())); }
  // A metadata value of the checkpoint last loaded, or null; valid until the next load.
  const char *metadata(const std::string &key) const {
    return graven_state_metadata(get(), key.c_str());
  }

 private:
  explicit State(graven_state *state) : handle_(state) {}
  internal::Owner<graven_state, graven_state_destroy> handle_;
};

// Worker threads, shared by any number of contexts, which must be destroyed before it.
class Pool {
 public:
  // `threads` counts the caller; 0: as many as the machine has cores.
  explicit Pool(std::int32_t threads = 0, bool force_parallel = false) {
    graven_pool_options options = {threads, force_parallel, nullptr, nullptr};
    graven_pool *pool;
    check(graven_pool_create(&options, &pool));
    handle_.reset(pool);
  }
  graven_pool *get() const { return handle_.get(); }
  std::int32_t threads() const { return graven_pool_threads(get()); }

 private:
  internal::Owner<graven_pool, graven_pool_destroy> handle_;
};

// What one caller needs to run a model: scratch memory and metrics.
class Context {
 public:
  explicit Context(const Model &model) : Context(model, nullptr) {}
  Context(const Model &model, Pool &pool) : Context(model, pool.get()) {}

  graven_context *get() const { return handle_.get(); }
  // Calls entry number `entry` with one pointer per data port; see graven_call.
  void call(State &state, std::uint32_t entry, std::int64_t rows,
            std::span<const void *const> inputs, std::span<void *const> outputs) {
    check(graven_call(get(), state.get(), entry, rows, inputs.data(),
                      outputs.empty() ? nullptr : outputs.data()));
  }
  void call(State &state, std::uint32_t entry, std::int64_t rows,
            std::initializer_list<const void *> inputs, std::initializer_list<void *> outputs) {
    call(state, entry, rows, std::span<const void *const>(inputs.begin(), inputs.size()),
         std::span<void *const>(outputs.begin(), outputs.size()));
  }
  double metric(const std::string &name) const {
    double value;
    check(graven_context_metric(get(), name.c_str(), &value));
    return value;
  }
  // Adds each command's nanoseconds to `counters` from now on; an empty span ends that.
  void profile(std::span<std::uint64_t> counters) {
    check(graven_context_profile(get(), counters.empty() ? nullptr : counters.data(),
                                 counters.size()));
  }
  // Adds what runs to `trace` from now on; null ends that.
  void trace(graven_trace *trace) { check(graven_context_trace(get(), trace)); }

 private:
  Context(const Model &model, graven_pool *pool) {
    graven_context *context;
    check(graven_context_create(model.get(), pool, &context));
    handle_.reset(context);
  }
  internal::Owner<graven_context, graven_context_destroy> handle_;
};

}  // namespace graven

#endif  // GRAVEN_RUNTIME_API_GRAVEN_HPP_
