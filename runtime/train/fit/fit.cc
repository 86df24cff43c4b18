#include "runtime/train/fit/fit.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/train/callbacks/early_stopping.h"
#include "runtime/train/callbacks/watchdogs.h"
#include "runtime/train/data/file.h"
#include "runtime/train/data/sampler.h"
#include "runtime/train/status_macros.h"

namespace graven::train {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

// Between two looks at the measures of an epoch under way, where a look waits for the device.
constexpr double kSecondsBetweenReads = 0.1;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Everything a resumed run must share, as JSON.
json SettingsJson(const FitRequest &request, const Model &model, int64_t batch) {
  const FitSettings &s = request.settings;
  json settings = {{"model", model.name()},
                   {"batch_size", batch},
                   {"shuffle", s.shuffle},
                   {"seed", s.seed},
                   {"data",
                    {{"rows", request.train->rows},
                     {"digest", absl::StrFormat("%016x", request.train->Digest())}}}};
  if (request.validation != nullptr) {
    settings["validation"] = {{"rows", request.validation->rows},
                              {"digest", absl::StrFormat("%016x", request.validation->Digest())}};
  } else {
    settings["validation_split"] = s.validation_split;
  }
  if (s.early_stopping.has_value()) settings["early_stopping"] = ToJson(*s.early_stopping);
  if (s.reduce_lr.has_value()) settings["reduce_lr"] = ToJson(*s.reduce_lr);
  return settings;
}

// One call of Fit.
class Run : public Trainer {
 public:
  Run(Session *session, const FitRequest &request) : session_(session), request_(request) {}

  absl::StatusOr<FitResult> Execute() {
    GRAVEN_RETURN_IF_ERROR(Prepare());
    bool resumed = false;
    GRAVEN_RETURN_IF_ERROR(Resume(&resumed));
    if (result_.already_finished) return Finished();
    if (!resumed) GRAVEN_RETURN_IF_ERROR(Begin());
    for (Callback *callback : callbacks_) {
      GRAVEN_RETURN_IF_ERROR(callback->OnTrainBegin(record_.epochs_done, *this));
    }
    last_save_ = Clock::now();
    absl::Status status = Epochs();
    if (!status.ok()) return WithLastCheckpoint(status);
    for (Callback *callback : callbacks_) {
      GRAVEN_RETURN_IF_ERROR(callback->OnTrainEnd(record_.history, *this));
    }
    TellNotes();
    return Finished();
  }

  void Stop(const std::string &reason) override { stop_ = reason; }
  void Note(const std::string &sentence) override { notes_.push_back(sentence); }
  absl::Status KeepAsBest(const std::string &monitor, double value) override {
    record_.best = BestRecord{monitor, value, epoch_, ""};
    GRAVEN_ASSIGN_OR_RETURN(best_state_, session_->CloneState());
    best_unsaved_ = true;
    return absl::OkStatus();
  }
  std::optional<float> GetControl(const std::string &name) override {
    absl::StatusOr<float> value = session_->GetScalar(name);
    if (!session_->model().HasState(name) || !value.ok()) return std::nullopt;
    return *value;
  }
  absl::Status SetControl(const std::string &name, float value) override {
    return session_->SetScalar(name, value);
  }

 private:
  const FitSettings &settings() const { return request_.settings; }
  bool Interrupted() const {
    return request_.interrupt != nullptr && request_.interrupt->load(std::memory_order_relaxed);
  }

  // Checks everything that can be checked before the first step.
  absl::Status Prepare();
  absl::Status ChooseRows();
  void MakeCallbacks();
  absl::Status Resume(bool *resumed);
  absl::Status RestoreBest(const std::string &path);
  // A new run: init, and adapt over the training rows.
  absl::Status Begin();
  absl::Status Epochs();
  // Runs the rest of epoch `epoch_`; sets result_.interrupted when it was cut short.
  absl::Status TrainEpoch(EpochEvent *event);
  absl::Status EndEpoch(EpochEvent event);
  absl::Status Conclude();
  absl::Status Checkpoint();
  void TellNotes();
  absl::Status WithLastCheckpoint(const absl::Status &status) const;
  FitResult Finished();

  Session *session_;
  const FitRequest &request_;
  std::optional<Step> train_step_, eval_step_;
  std::vector<int64_t> train_rows_;   // numbers in *request_.train
  std::optional<Dataset> split_off_;  // validation rows split off the training data
  const Dataset *validation_ = nullptr;
  DataRecord data_;
  std::vector<std::unique_ptr<Callback>> own_callbacks_;
  std::vector<Callback *> callbacks_;
  RunRecord record_;
  StateHandle best_state_;
  bool best_unsaved_ = false;
  bool restore_best_ = false;
  int64_t epoch_ = 0;  // under way, from 1
  std::string stop_;
  std::vector<std::string> notes_;
  Clock::time_point last_save_;
  int64_t saved_epochs_ = -1;  // epochs in the checkpoint that is on disk; -1: none of this run
  FitResult result_;
};

absl::Status Run::Prepare() {
  if (settings().epochs < 1) {
    return absl::InvalidArgumentError("the number of epochs must be at least 1");
  }
  GRAVEN_ASSIGN_OR_RETURN(train_step_, Step::Create(session_, "train_step", settings().batch_size));
  if (!request_.save_path.empty()) {
    GRAVEN_RETURN_IF_ERROR(CheckWritable(request_.save_path, "--save"));
    GRAVEN_RETURN_IF_ERROR(CheckWritable(BestPath(request_.save_path), "--save"));
  }
  GRAVEN_RETURN_IF_ERROR(ChooseRows());
  if (validation_ != nullptr) {
    std::vector<int64_t> batches = session_->model().Batches("eval_step");
    bool same = std::find(batches.begin(), batches.end(), train_step_->batch()) != batches.end();
    GRAVEN_ASSIGN_OR_RETURN(eval_step_,
                            Step::Create(session_, "eval_step", same ? train_step_->batch() : 0));
  }
  data_ = {request_.train->classes, request_.train->columns, request_.train->label_column};
  record_.settings = SettingsJson(request_, session_->model(), train_step_->batch());
  record_.epochs = settings().epochs;
  MakeCallbacks();
  return absl::OkStatus();
}

absl::Status Run::ChooseRows() {
  const Dataset &data = *request_.train;
  validation_ = request_.validation;
  train_rows_.resize(static_cast<size_t>(data.rows));
  std::iota(train_rows_.begin(), train_rows_.end(), int64_t{0});
  if (validation_ == nullptr && settings().validation_split > 0) {
    GRAVEN_ASSIGN_OR_RETURN(Split split, SplitRows(data.rows, settings().validation_split,
                                                   settings().seed, data.class_of_row));
    train_rows_ = std::move(split.train);
    split_off_ = SelectRows(data, split.validation);
    validation_ = &*split_off_;
  }
  auto rows = static_cast<int64_t>(train_rows_.size());
  int64_t used = std::min(rows, train_step_->Calls(rows) * train_step_->batch());
  if (used == 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: %d rows for training, but train_step takes exactly %d at a time; "
                        "compile the model with "
                        "a smaller --batch",
                        data.source, rows, train_step_->batch()));
  }
  if (used < rows) {
    Note(
        absl::StrFormat("train_step takes exactly %d rows, so %d of %d rows are left out of each "
                        "epoch",
                        train_step_->batch(), rows - used, rows));
  }
  return absl::OkStatus();
}

void Run::MakeCallbacks() {
  own_callbacks_.push_back(std::make_unique<TerminateOnNaN>());
  if (settings().early_stopping.has_value()) {
    own_callbacks_.push_back(std::make_unique<EarlyStopping>(*settings().early_stopping));
    restore_best_ = settings().early_stopping->restore_best_weights;
  } else if (validation_ != nullptr && !request_.save_path.empty()) {
    own_callbacks_.push_back(std::make_unique<KeepBest>("val_loss", "auto"));
  }
  if (settings().reduce_lr.has_value()) {
    own_callbacks_.push_back(std::make_unique<ReduceLrOnPlateau>(*settings().reduce_lr));
  }
  own_callbacks_.push_back(std::make_unique<OverfittingNote>());
  for (const auto &callback : own_callbacks_) callbacks_.push_back(callback.get());
  callbacks_.insert(callbacks_.end(), request_.callbacks.begin(), request_.callbacks.end());
}

absl::Status Run::Resume(bool *resumed) {
  const std::string &path = request_.resume_path;
  if (path.empty()) return absl::OkStatus();
  if (!FileExists(path)) {
    if (path != request_.save_path) {
      return absl::NotFoundError(
          absl::StrFormat("--resume: there is no checkpoint %s; to begin a run that saves there, "
                          "give --save %s too",
                          path, path));
    }
    Note(
        absl::StrFormat("there is no checkpoint %s yet: training starts from the beginning", path));
    TellNotes();
    return absl::OkStatus();
  }
  GRAVEN_RETURN_IF_ERROR(session_->Load(path));
  GRAVEN_ASSIGN_OR_RETURN(RunRecord run, ParseRun(path, session_->Metadata("train.fit")));
  GRAVEN_RETURN_IF_ERROR(CompareSettings(path, run.settings, record_.settings));
  int64_t batches = train_step_->Calls(static_cast<int64_t>(train_rows_.size()));
  if (run.batches_done > batches) {
    return absl::DataLossError(path + ": the checkpoint's position lies beyond the data's end");
  }
  if (!run.finished.empty()) {
    if (run.finished != kAllEpochs || settings().epochs <= run.epochs) {
      result_.already_finished = true;
    } else if (run.restored_best) {
      return absl::FailedPreconditionError(
          absl::StrFormat("%s: the run ended after %d epochs and holds its best state, of epoch "
                          "%d, so it cannot go on "
                          "to epoch %d (epochs: was %d, is %d); start a new run with --epochs %d",
                          path, run.epochs_done, run.best.has_value() ? run.best->epoch : 0,
                          settings().epochs, run.epochs, settings().epochs, settings().epochs));
    }
  } else if (run.epochs_done + (run.batches_done > 0 ? 1 : 0) > settings().epochs) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "%s: %d epochs are done already, --epochs %d asks for fewer; give at least %d", path,
        run.epochs_done, settings().epochs, run.epochs_done + (run.batches_done > 0 ? 1 : 0)));
  }
  run.epochs = settings().epochs;
  if (!result_.already_finished) run.finished.clear();
  record_ = std::move(run);
  if (record_.best.has_value()) GRAVEN_RETURN_IF_ERROR(RestoreBest(path));
  for (Callback *callback : callbacks_) {
    auto state = record_.callbacks.find(callback->name());
    if (state != record_.callbacks.end()) GRAVEN_RETURN_IF_ERROR(callback->LoadState(*state));
  }
  saved_epochs_ = record_.epochs_done;
  *resumed = true;
  return absl::OkStatus();
}

absl::Status Run::RestoreBest(const std::string &path) {
  if (record_.best->digest.empty()) return absl::OkStatus();
  GRAVEN_RETURN_IF_ERROR(SettleBest(path, record_.best->digest));
  graven_state *raw = nullptr;
  GRAVEN_RETURN_IF_ERROR(ToStatus(graven_state_create(session_->model().get(), &raw)));
  best_state_.reset(raw);
  GRAVEN_RETURN_IF_ERROR(ToStatus(graven_state_load(raw, BestPath(path).c_str())));
  // Under another name the pair must be written anew.
  best_unsaved_ = path != request_.save_path;
  return absl::OkStatus();
}

absl::Status Run::Begin() {
  GRAVEN_RETURN_IF_ERROR(session_->Init(settings().seed));
  if (!session_->model().HasEntry("adapt")) return absl::OkStatus();
  std::vector<int64_t> batches = session_->model().Batches("adapt");
  bool same = std::find(batches.begin(), batches.end(), train_step_->batch()) != batches.end();
  GRAVEN_ASSIGN_OR_RETURN(Step adapt,
                          Step::Create(session_, "adapt", same ? train_step_->batch() : 0));
  auto rows = static_cast<int64_t>(train_rows_.size());
  for (int64_t call = 0; call < adapt.Calls(rows); ++call) {
    int64_t first = call * adapt.batch();
    GRAVEN_RETURN_IF_ERROR(
        adapt.Run(*request_.train, &train_rows_[first], std::min(adapt.batch(), rows - first)));
  }
  return absl::OkStatus();
}

absl::Status Run::Epochs() {
  TellNotes();
  while (record_.epochs_done < settings().epochs && stop_.empty()) {
    epoch_ = record_.epochs_done + 1;
    EpochEvent event;
    GRAVEN_RETURN_IF_ERROR(TrainEpoch(&event));
    if (result_.interrupted) return Checkpoint();
    GRAVEN_RETURN_IF_ERROR(EndEpoch(event));
    bool last = record_.epochs_done >= settings().epochs || !stop_.empty();
    if (last) break;
    if (Interrupted()) {
      result_.interrupted = true;
      return Checkpoint();
    }
    if (SecondsSince(last_save_) >= request_.save_seconds) GRAVEN_RETURN_IF_ERROR(Checkpoint());
  }
  return Conclude();
}

absl::Status Run::TrainEpoch(EpochEvent *event) {
  auto rows = static_cast<int64_t>(train_rows_.size());
  const int64_t batches = train_step_->Calls(rows);
  const int64_t begin = record_.batches_done;
  if (begin == 0) {
    GRAVEN_RETURN_IF_ERROR(session_->ResetMetrics());
    train_step_->ResetAverages();
  } else {
    GRAVEN_RETURN_IF_ERROR(session_->LoadMetricMemory(record_.metric_memory));
    train_step_->set_averages(record_.averages);
  }
  std::vector<int64_t> order = train_rows_;
  if (settings().shuffle) {
    order = ShuffledOrder(rows, settings().seed, static_cast<uint64_t>(epoch_));
    for (int64_t &row : order) row = train_rows_[row];
  }
  Clock::time_point start = Clock::now();
  const bool behind = session_->model().runs_behind();
  Clock::time_point read = start;
  Measures measures;
  for (int64_t batch = begin; batch < batches; ++batch) {
    int64_t first = batch * train_step_->batch();
    GRAVEN_RETURN_IF_ERROR(train_step_->Run(*request_.train, &order[first],
                                            std::min(train_step_->batch(), rows - first)));
    if (!behind || SecondsSince(read) >= kSecondsBetweenReads) {
      GRAVEN_ASSIGN_OR_RETURN(measures, train_step_->Read());
      read = Clock::now();
    }
    BatchEvent step{epoch_,   settings().epochs,   batch + 1,
                    batches,  SecondsSince(start), batch + 1 - begin,
                    &measures};
    for (Callback *callback : callbacks_) {
      GRAVEN_RETURN_IF_ERROR(callback->OnBatchEnd(step, *this));
    }
    TellNotes();
    if (Interrupted()) {
      record_.batches_done = batch + 1;
      GRAVEN_ASSIGN_OR_RETURN(record_.metric_memory, session_->SaveMetricMemory());
      record_.averages = train_step_->averages();
      result_.interrupted = true;
      return absl::OkStatus();
    }
  }
  // A device that runs behind is waited for, and tells here at the latest if something has failed.
  if (behind) GRAVEN_RETURN_IF_ERROR(session_->SaveMetricMemory().status());
  event->train_seconds = SecondsSince(start);
  event->timed_batches = batches - begin;
  event->batches = batches;
  return absl::OkStatus();
}

absl::Status Run::EndEpoch(EpochEvent event) {
  Clock::time_point start = Clock::now();
  GRAVEN_ASSIGN_OR_RETURN(Measures measures, train_step_->Read());
  if (validation_ != nullptr) {
    GRAVEN_ASSIGN_OR_RETURN(Measures validation,
                            Evaluate(session_, *validation_, eval_step_->batch()));
    for (const auto &[name, value] : validation) measures["val_" + name] = value;
  }
  for (const auto &[name, value] : measures) {
    // A measure that first shows up now was missing in the epochs before.
    record_.history[name].resize(static_cast<size_t>(epoch_ - 1), std::nan(""));
  }
  for (auto &[name, values] : record_.history) {
    auto found = measures.find(name);
    values.push_back(found == measures.end() ? std::nan("") : found->second);
  }
  event.epoch = epoch_;
  event.epochs = settings().epochs;
  event.seconds = event.train_seconds + SecondsSince(start);
  event.measures = &measures;
  event.history = &record_.history;
  for (Callback *callback : callbacks_) {
    GRAVEN_RETURN_IF_ERROR(callback->OnEpochEnd(event, *this));
  }
  TellNotes();
  record_.epochs_done = epoch_;
  record_.batches_done = 0;
  record_.metric_memory.clear();
  record_.averages.clear();
  return absl::OkStatus();
}

absl::Status Run::Conclude() {
  record_.finished = stop_.empty() ? kAllEpochs : stop_;
  // The best state is restored whether training was stopped early or ran through.
  if (restore_best_ && best_state_ != nullptr) {
    record_.restored_best = record_.best->epoch != record_.epochs_done;
    // A copy: the best state itself may still have to be written beside the checkpoint.
    graven_state *copy = nullptr;
    GRAVEN_RETURN_IF_ERROR(ToStatus(graven_state_clone(best_state_.get(), &copy)));
    session_->ReplaceState(StateHandle(copy));
  }
  return Checkpoint();
}

absl::Status Run::Checkpoint() {
  const std::string &path = request_.save_path;
  if (path.empty()) return absl::OkStatus();
  const std::string next = BestPath(path) + ".next";
  if (best_unsaved_) {
    GRAVEN_RETURN_IF_ERROR(SaveState(best_state_.get(), next, BestMetadata(*record_.best, data_)));
    GRAVEN_ASSIGN_OR_RETURN(record_.best->digest, FileDigest(next));
  }
  record_.callbacks = json::object();
  for (Callback *callback : callbacks_) {
    json state = callback->SaveState();
    if (!state.is_null()) record_.callbacks[callback->name()] = std::move(state);
  }
  absl::Status saved = session_->Save(path, ToMetadata(record_, data_));
  if (!saved.ok()) {
    unlink(next.c_str());
    return saved;
  }
  if (best_unsaved_) {
    GRAVEN_RETURN_IF_ERROR(SettleBest(path, record_.best->digest));
    best_unsaved_ = false;
  }
  last_save_ = Clock::now();
  saved_epochs_ = record_.epochs_done;
  return absl::OkStatus();
}

void Run::TellNotes() {
  for (const std::string &note : notes_) {
    if (request_.note) request_.note(note);
  }
  notes_.clear();
}

absl::Status Run::WithLastCheckpoint(const absl::Status &status) const {
  if (request_.save_path.empty() || saved_epochs_ < 0) return status;
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), "; the last checkpoint, after ", saved_epochs_,
                                   " epochs, is in ", request_.save_path));
}

FitResult Run::Finished() {
  result_.epochs_done = record_.epochs_done;
  result_.batches_done = record_.batches_done;
  result_.finished = result_.interrupted ? "" : record_.finished;
  result_.best = record_.best;
  result_.restored_best = record_.restored_best;
  result_.history = record_.history;
  return std::move(result_);
}

}  // namespace

absl::StatusOr<TrainingData> LoadTraining(const Model &model, const std::string &train,
                                          const std::string &validation, const std::string &label) {
  GRAVEN_ASSIGN_OR_RETURN(uint32_t entry, model.FindEntry("train_step", 0));
  std::vector<Port> inputs = model.Inputs(entry);
  if (inputs.empty()) {
    return absl::FailedPreconditionError("entry 'train_step' takes no data to train on");
  }
  const Port *labels = inputs.size() > 1 ? &inputs[1] : nullptr;
  TrainingData data;
  DatasetOptions options;
  options.label = label;
  GRAVEN_ASSIGN_OR_RETURN(data.train, LoadDataset(train, inputs[0], labels, options));
  if (validation.empty()) return data;
  options.classes = data.train.classes;
  options.columns = data.train.columns;
  options.label = data.train.label_column;
  GRAVEN_ASSIGN_OR_RETURN(data.validation, LoadDataset(validation, inputs[0], labels, options));
  return data;
}

absl::StatusOr<FitResult> Fit(Session *session, const FitRequest &request) {
  return Run(session, request).Execute();
}

}  // namespace graven::train
