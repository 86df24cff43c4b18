#include "runtime/train/fit/trained.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "runtime/train/engine/signature.h"
#include "runtime/train/status_macros.h"

namespace graven::train {

absl::StatusOr<TrainedSession> OpenTrained(const std::string &model_path, const std::string &state,
                                           int threads, const std::string &device) {
  GRAVEN_ASSIGN_OR_RETURN(auto model, Model::Open(model_path, device));
  GRAVEN_ASSIGN_OR_RETURN(std::optional<FrozenRecord> frozen, ParseFrozen(model->signature()));
  if (frozen.has_value() && !state.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "--state: %s holds its weights itself, as constants; leave the flag away", model_path));
  }
  if (!frozen.has_value() && state.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s holds no weights; give the trained state, as fit saved it, with --state", model_path));
  }
  TrainedSession trained;
  GRAVEN_ASSIGN_OR_RETURN(trained.session, Session::Create(std::move(model), threads));
  if (frozen.has_value()) {
    GRAVEN_ASSIGN_OR_RETURN(trained.data, ParseData(model_path, frozen->data));
    return trained;
  }
  GRAVEN_RETURN_IF_ERROR(trained.session->Load(state));
  GRAVEN_ASSIGN_OR_RETURN(trained.data, ParseData(state, trained.session->Metadata("train.data")));
  return trained;
}

absl::StatusOr<Dataset> LoadFor(const TrainedSession &trained, const std::string &entry,
                                const std::string &source, const std::string &label) {
  const Model &model = trained.session->model();
  GRAVEN_ASSIGN_OR_RETURN(uint32_t index, model.FindEntry(entry, 0));
  std::vector<Port> inputs = model.Inputs(index);
  if (inputs.empty()) {
    return absl::FailedPreconditionError(absl::StrFormat("entry '%s' takes no data", entry));
  }
  DatasetOptions options;
  options.label = label.empty() ? trained.data.label_column : label;
  options.classes = trained.data.classes;
  options.columns = trained.data.columns;
  return LoadDataset(source, inputs[0], inputs.size() > 1 ? &inputs[1] : nullptr, options);
}

}  // namespace graven::train
