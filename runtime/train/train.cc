#include "runtime/train/train.h"

#include <exception>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "runtime/train/data/npy.h"
#include "runtime/train/fit/fit.h"
#include "runtime/train/fit/trained.h"
#include "runtime/train/status_macros.h"

namespace graven::train {
namespace {

thread_local std::string last_error;

graven_status ToCode(const absl::Status &status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return GRAVEN_OK;
    case absl::StatusCode::kNotFound:
      return GRAVEN_NOT_FOUND;
    case absl::StatusCode::kDataLoss:
      return GRAVEN_CORRUPT;
    case absl::StatusCode::kFailedPrecondition:
      return GRAVEN_INCOMPATIBLE;
    case absl::StatusCode::kResourceExhausted:
      return GRAVEN_OUT_OF_MEMORY;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kPermissionDenied:
      return GRAVEN_IO_ERROR;
    case absl::StatusCode::kAborted:
      return GRAVEN_BUSY;
    default:
      return GRAVEN_INVALID_ARGUMENT;
  }
}

// Runs `work`; no exception leaves the C interface.
template <typename Work>
graven_status Guarded(Work work) {
  absl::Status status;
  try {
    status = work();
  } catch (const std::bad_alloc &) {
    status = absl::ResourceExhaustedError("out of memory");
  } catch (const std::exception &error) {
    status = absl::InternalError(error.what());
  }
  last_error = std::string(status.message());
  return ToCode(status);
}

std::string Text(const char *text) { return text == nullptr ? "" : text; }

std::vector<graven_measure> ToC(const Measures &measures) {
  std::vector<graven_measure> list;
  for (const auto &[name, value] : measures) list.push_back({name.c_str(), value});
  return list;
}

class EpochListener : public Callback {
 public:
  explicit EpochListener(const graven_fit_options &options) : options_(options) {}
  std::string name() const override { return "on_epoch"; }
  absl::Status OnEpochEnd(const EpochEvent &event, Trainer &trainer) override {
    std::vector<graven_measure> measures = ToC(*event.measures);
    int stop = options_.on_epoch(options_.self, event.epoch, measures.data(), measures.size());
    if (stop != 0) trainer.Stop("stopped by the caller");
    return absl::OkStatus();
  }

 private:
  const graven_fit_options &options_;
};

absl::StatusOr<FitSettings> Settings(const graven_fit_options &options,
                                     const std::string &signature) {
  GRAVEN_ASSIGN_OR_RETURN(FitSettings settings, FitDefaults(signature));
  if (options.epochs != 0) settings.epochs = options.epochs;
  if (options.batch_size != 0) settings.batch_size = options.batch_size;
  if (options.validation_split != 0) {
    settings.validation_split = options.validation_split < 0 ? 0 : options.validation_split;
  }
  settings.seed = options.seed;
  const std::string stopping = Text(options.early_stopping);
  GRAVEN_RETURN_IF_ERROR(ApplyEarlyStopping("early_stopping", stopping, &settings.early_stopping));
  return settings;
}

absl::Status FitFiles(const std::string &path, const graven_fit_options &options,
                      graven_fit_result *result) {
  GRAVEN_ASSIGN_OR_RETURN(auto model, Model::Open(path));
  FitRequest request;
  GRAVEN_ASSIGN_OR_RETURN(request.settings, Settings(options, model->signature()));
  GRAVEN_ASSIGN_OR_RETURN(
      TrainingData data,
      LoadTraining(*model, Text(options.train), Text(options.validation), Text(options.label)));
  GRAVEN_ASSIGN_OR_RETURN(auto session, Session::Create(model, options.threads));
  EpochListener listener(options);
  request.train = &data.train;
  request.validation = data.validation.has_value() ? &*data.validation : nullptr;
  request.resume_path = Text(options.resume);
  request.save_path = options.save == nullptr ? request.resume_path : options.save;
  if (options.on_epoch != nullptr) request.callbacks.push_back(&listener);
  GRAVEN_ASSIGN_OR_RETURN(FitResult fitted, Fit(session.get(), request));
  if (result != nullptr) {
    *result = {fitted.epochs_done, fitted.best.has_value() ? fitted.best->epoch : 0,
               fitted.best.has_value() ? fitted.best->value : 0.0, fitted.restored_best ? 1 : 0};
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace graven::train

using graven::train::Guarded;

const char *graven_train_last_error(void) { return graven::train::last_error.c_str(); }

graven_status graven_fit(const char *model, const graven_fit_options *options,
                         graven_fit_result *result) {
  return Guarded([&]() -> absl::Status {
    if (model == nullptr || options == nullptr || options->train == nullptr) {
      return absl::InvalidArgumentError(
          "graven_fit: model, options and options->train must be set");
    }
    return graven::train::FitFiles(model, *options, result);
  });
}

graven_status graven_evaluate(
    const char *model, const char *state, const char *data, int32_t threads,
    void (*take)(void *self, const graven_measure *measures, size_t count), void *self) {
  return Guarded([&]() -> absl::Status {
    if (model == nullptr || state == nullptr || data == nullptr || take == nullptr) {
      return absl::InvalidArgumentError("graven_evaluate: model, state, data and take must be set");
    }
    GRAVEN_ASSIGN_OR_RETURN(auto trained, graven::train::OpenTrained(model, state, threads));
    GRAVEN_ASSIGN_OR_RETURN(auto set, graven::train::LoadFor(trained, "eval_step", data, ""));
    GRAVEN_ASSIGN_OR_RETURN(auto measures, graven::train::Evaluate(trained.session.get(), set));
    std::vector<graven_measure> list = graven::train::ToC(measures);
    take(self, list.data(), list.size());
    return absl::OkStatus();
  });
}

graven_status graven_predict(const char *model, const char *state, const char *data,
                             int32_t threads, const char *output) {
  return Guarded([&]() -> absl::Status {
    if (model == nullptr || state == nullptr || data == nullptr || output == nullptr) {
      return absl::InvalidArgumentError(
          "graven_predict: model, state, data and output must be set");
    }
    GRAVEN_ASSIGN_OR_RETURN(auto trained, graven::train::OpenTrained(model, state, threads));
    GRAVEN_ASSIGN_OR_RETURN(auto set, graven::train::LoadFor(trained, "predict", data, ""));
    GRAVEN_ASSIGN_OR_RETURN(auto predictions, graven::train::Predict(trained.session.get(), set));
    if (predictions.empty()) {
      return absl::FailedPreconditionError("entry 'predict' has no output");
    }
    return graven::train::WriteNpy(output, predictions[0].values);
  });
}
