#include "runtime/train/engine/session.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/train/report/spelling.h"
#include "runtime/train/status_macros.h"

namespace graven::train {

absl::Status ToStatus(graven_status status) {
  const char *text = graven_last_error();
  std::string message = text != nullptr && *text != '\0' ? text : graven_status_name(status);
  switch (status) {
    case GRAVEN_OK:
      return absl::OkStatus();
    case GRAVEN_INVALID_ARGUMENT:
      return absl::InvalidArgumentError(message);
    case GRAVEN_NOT_FOUND:
      return absl::NotFoundError(message);
    case GRAVEN_CORRUPT:
      return absl::DataLossError(message);
    case GRAVEN_INCOMPATIBLE:
      return absl::FailedPreconditionError(message);
    case GRAVEN_OUT_OF_MEMORY:
      return absl::ResourceExhaustedError(message);
    case GRAVEN_IO_ERROR:
      return absl::UnavailableError(message);
    case GRAVEN_BUSY:
      return absl::AbortedError(message);
    case GRAVEN_DEVICE_FAILED:
      return absl::InternalError(message);
  }
  return absl::InternalError(message);
}

absl::StatusOr<std::shared_ptr<const Model>> Model::Open(const std::string &path,
                                                         const std::string &device) {
  graven_model *raw = nullptr;
  GRAVEN_RETURN_IF_ERROR(ToStatus(graven_model_open_on(path.c_str(), device.c_str(), &raw)));
  return Describe(raw);
}

absl::StatusOr<std::shared_ptr<const Model>> Model::Create(const graven_artifact *artifact) {
  graven_model *raw = nullptr;
  GRAVEN_RETURN_IF_ERROR(ToStatus(graven_model_create(artifact, &raw)));
  return Describe(raw);
}

std::shared_ptr<const Model> Model::Describe(graven_model *opened) {
  auto model = std::make_shared<Model>();
  model->model_.reset(opened);
  uint32_t count = 0;
  const graven_entry_record *entries = graven_model_entries(opened, &count);
  model->entries_.assign(entries, entries + count);
  const graven_state_record *states = graven_model_states(opened, &count);
  model->states_.assign(states, states + count);
  const graven_port_record *ports = graven_model_ports(opened, &count);
  model->ports_.assign(ports, ports + count);
  const graven_metric_record *metrics = graven_model_metrics(opened, &count);
  for (uint32_t i = 0; i < count; ++i) model->metrics_.push_back(model->Text(metrics[i].name));
  return model;
}

std::string Model::Text(graven_text text) const {
  const char *pointer = graven_model_text(get(), text);
  return pointer == nullptr ? "" : std::string(pointer, text.bytes);
}

std::vector<std::string> Model::EntryNames() const {
  std::vector<std::string> names;
  for (const graven_entry_record &entry : entries_) {
    std::string name = Text(entry.name);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

bool Model::HasState(const std::string &name) const {
  return graven_model_find_state(get(), name.c_str()) >= 0;
}

std::vector<int64_t> Model::Batches(const std::string &name) const {
  std::vector<int64_t> batches;
  for (const graven_entry_record &entry : entries_) {
    if (Text(entry.name) == name) batches.push_back(entry.batch);
  }
  std::sort(batches.begin(), batches.end());
  return batches;
}

absl::StatusOr<uint32_t> Model::FindEntry(const std::string &name, int64_t rows) const {
  int32_t index = graven_model_find_entry(get(), name.c_str(), rows);
  if (index >= 0) return static_cast<uint32_t>(index);
  std::vector<int64_t> batches = Batches(name);
  if (batches.empty()) {
    std::vector<std::string> names = EntryNames();
    return absl::NotFoundError(absl::StrFormat("model '%s' has no entry '%s'%s; its entries are %s",
                                               this->name(), name, DidYouMean(name, names),
                                               absl::StrJoin(names, ", ")));
  }
  return absl::InvalidArgumentError(absl::StrFormat(
      "entry '%s' is not compiled for %d rows; its batch sizes are %s: compile the model with "
      "graven-compile --batch=%d",
      name, rows, absl::StrJoin(batches, ", "), rows));
}

std::vector<Port> Model::Inputs(uint32_t entry) const { return Ports(entries_[entry].inputs); }
std::vector<Port> Model::Outputs(uint32_t entry) const { return Ports(entries_[entry].outputs); }

std::vector<Port> Model::Ports(graven_span span) const {
  std::vector<Port> ports;
  for (uint32_t i = span.first; i < span.first + span.count; ++i) {
    const graven_port_record &record = ports_[i];
    if (record.kind != GRAVEN_PORT_DATA) continue;
    Port port;
    port.name = Text(record.name);
    port.dtype = static_cast<graven_dtype>(record.tensor.dtype);
    port.shape.assign(record.tensor.dims, record.tensor.dims + record.tensor.rank);
    port.batched = (record.flags & GRAVEN_PORT_BATCHED) != 0 && !port.shape.empty();
    port.has_range = (record.flags & GRAVEN_PORT_HAS_RANGE) != 0;
    port.range_lo = record.range_lo;
    port.range_hi = record.range_hi;
    ports.push_back(std::move(port));
  }
  return ports;
}

absl::StatusOr<std::unique_ptr<Session>> Session::Create(std::shared_ptr<const Model> model,
                                                         int threads, bool force_parallel) {
  auto session = std::make_unique<Session>();
  session->model_ = std::move(model);
  graven_pool_options options = {};
  options.threads = threads;
  options.force_parallel = force_parallel;
  graven_pool *pool = nullptr;
  GRAVEN_RETURN_IF_ERROR(ToStatus(graven_pool_create(&options, &pool)));
  session->pool_.reset(pool);
  graven_state *state = nullptr;
  GRAVEN_RETURN_IF_ERROR(ToStatus(graven_state_create(session->model_->get(), &state)));
  session->state_.reset(state);
  graven_context *context = nullptr;
  GRAVEN_RETURN_IF_ERROR(ToStatus(graven_context_create(session->model_->get(), pool, &context)));
  session->context_.reset(context);
  return session;
}

absl::Status Session::Call(uint32_t entry, int64_t rows, const std::vector<const void *> &inputs,
                           const std::vector<void *> &outputs) {
  return ToStatus(
      graven_call(context_.get(), state_.get(), entry, rows, inputs.data(), outputs.data()));
}

absl::Status Session::Init(uint64_t seed) {
  GRAVEN_ASSIGN_OR_RETURN(uint32_t entry, model_->FindEntry("init", 0));
  std::vector<Port> inputs = model_->Inputs(entry);
  const int32_t words[2] = {static_cast<int32_t>(static_cast<uint32_t>(seed)),
                            static_cast<int32_t>(static_cast<uint32_t>(seed >> 32))};
  bool takes_seed = inputs.size() == 1 && inputs[0].dtype == GRAVEN_I32 &&
                    inputs[0].shape == std::vector<int64_t>{2};
  if (!inputs.empty() && !takes_seed) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "entry 'init' takes %d inputs, the first a %s; fit can only give it a seed of type 2xi32: "
        "call it yourself with 'graven-run call'",
        inputs.size(), TypeText(inputs[0].dtype, inputs[0].shape)));
  }
  std::vector<const void *> arguments;
  if (takes_seed) arguments.push_back(words);
  return Call(entry, 0, arguments, std::vector<void *>(model_->Outputs(entry).size(), nullptr));
}

absl::Status Session::ResetMetrics() {
  if (!model_->HasEntry("reset_metrics")) return absl::OkStatus();
  GRAVEN_ASSIGN_OR_RETURN(uint32_t entry, model_->FindEntry("reset_metrics", 0));
  return Call(entry, 0, {}, std::vector<void *>(model_->Outputs(entry).size(), nullptr));
}

absl::StatusOr<Measures> Session::ReadMetrics() const {
  // All of them at once: a device that runs behind is waited for once.
  GRAVEN_ASSIGN_OR_RETURN(std::string memory, SaveMetricMemory());
  auto sum = [&](uint32_t state) {
    double value = 0.0;
    const uint64_t offset = model_->states()[state].offset;
    if (offset + sizeof(value) <= memory.size())
      memcpy(&value, memory.data() + offset, sizeof(value));
    return value;
  };
  Measures measures;
  uint32_t count = 0;
  const graven_metric_record *records = graven_model_metrics(model_->get(), &count);
  for (uint32_t i = 0; i < count; ++i) {
    const double denominator = sum(records[i].denominator);
    if (denominator == 0.0) continue;  // nothing was counted
    measures[model_->metrics()[i]] = sum(records[i].numerator) / denominator;
  }
  return measures;
}

absl::StatusOr<std::string> Session::SaveMetricMemory() const {
  std::string bytes(model_->table().metric_bytes, '\0');
  GRAVEN_RETURN_IF_ERROR(
      ToStatus(graven_context_get_metrics(context_.get(), &bytes[0], bytes.size())));
  return bytes;
}

absl::Status Session::LoadMetricMemory(const std::string &bytes) {
  return ToStatus(graven_context_set_metrics(context_.get(), bytes.data(), bytes.size()));
}

absl::Status SaveState(const graven_state *state, const std::string &path,
                       const std::map<std::string, std::string> &metadata) {
  std::vector<const char *> pairs;
  for (const auto &[key, value] : metadata) {
    pairs.push_back(key.c_str());
    pairs.push_back(value.c_str());
  }
  pairs.push_back(nullptr);
  return ToStatus(graven_state_save(state, path.c_str(), pairs.data()));
}

absl::Status Session::Save(const std::string &path,
                           const std::map<std::string, std::string> &metadata) {
  return SaveState(state_.get(), path, metadata);
}

absl::Status Session::Load(const std::string &path) {
  return ToStatus(graven_state_load(state_.get(), path.c_str()));
}

std::string Session::Metadata(const std::string &key) const {
  const char *value = graven_state_metadata(state_.get(), key.c_str());
  return value == nullptr ? "" : value;
}

absl::StatusOr<StateHandle> Session::CloneState() const {
  graven_state *copy = nullptr;
  GRAVEN_RETURN_IF_ERROR(ToStatus(graven_state_clone(state_.get(), &copy)));
  return StateHandle(copy);
}

absl::StatusOr<float> Session::GetScalar(const std::string &name) const {
  float value = 0;
  GRAVEN_RETURN_IF_ERROR(
      ToStatus(graven_state_get(state_.get(), name.c_str(), &value, sizeof(value))));
  return value;
}

absl::Status Session::SetScalar(const std::string &name, float value) {
  return ToStatus(graven_state_set(state_.get(), name.c_str(), &value, sizeof(value)));
}

}  // namespace graven::train
