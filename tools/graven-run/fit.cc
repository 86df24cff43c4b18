#include <signal.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/train/callbacks/loggers.h"
#include "runtime/train/data/file.h"
#include "runtime/train/fit/fit.h"
#include "runtime/train/report/curves.h"
#include "runtime/train/report/progress.h"
#include "runtime/train/status_macros.h"
#include "tools/graven-run/command.h"

namespace graven::tools {
namespace {

using train::FitResult;
using train::FitSettings;

struct FitFlags {
  std::string model, train, validation, label;
  std::optional<double> validation_split;
  std::optional<int64_t> epochs, batch_size;
  std::optional<uint64_t> seed;
  int threads = 0;
  bool no_shuffle = false, force_parallel = false;
  std::string early_stopping, reduce_lr;
  std::string save, resume, log, plot;
  double save_every = 1.0;
  std::string device = "auto";
};

constexpr char kFooter[] = R"(
Batch size, epochs, validation split and early stopping come from the model's
fit(...) line; flags override them where that needs no recompilation.

Each epoch shows the measures of training and, after 'val_', of validation. The
run stops with an error when a measure is no longer finite, and tells when it
begins to overfit.

Stopping and going on: --save keeps everything that training needs, also the
position in the data. After Ctrl-C or a crash, the same command with --resume
goes on and ends with the same weights, bit for bit, as if nothing had happened.
The best state is kept beside it: S.best.safetensors beside S.safetensors.

Examples:
  graven-run fit iris.so --train iris.csv --save iris.safetensors
  graven-run fit digits.so --train images.gz,labels.gz --epochs 20 --seed 1
      --validation-split 0.1 --early-stopping patience=5,monitor=val_accuracy
      --save digits.safetensors --log digits.jsonl --plot curves.svg
  graven-run fit digits.so --train images.gz,labels.gz --epochs 20 --seed 1
      --validation-split 0.1 --early-stopping patience=5,monitor=val_accuracy
      --resume digits.safetensors
)";

std::atomic<bool> interrupted{false};

void OnSignal(int) { interrupted.store(true, std::memory_order_relaxed); }

// The first signal asks for a clean end; the handler resets itself, so the second one kills.
void WatchSignals() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

absl::StatusOr<FitSettings> Settings(const FitFlags &flags, const std::string &signature) {
  GRAVEN_ASSIGN_OR_RETURN(FitSettings settings, train::FitDefaults(signature));
  if (flags.epochs) settings.epochs = *flags.epochs;
  if (flags.batch_size) settings.batch_size = *flags.batch_size;
  if (flags.seed) settings.seed = *flags.seed;
  if (flags.no_shuffle) settings.shuffle = false;
  if (flags.validation_split) settings.validation_split = *flags.validation_split;
  GRAVEN_RETURN_IF_ERROR(train::ApplyEarlyStopping("--early-stopping", flags.early_stopping,
                                                   &settings.early_stopping));
  GRAVEN_RETURN_IF_ERROR(train::ApplyReduceLr("--reduce-lr", flags.reduce_lr, &settings.reduce_lr));
  return settings;
}

absl::Status CheckOutputs(const FitFlags &flags) {
  if (!flags.log.empty()) GRAVEN_RETURN_IF_ERROR(train::CheckWritable(flags.log, "--log"));
  if (!flags.plot.empty()) GRAVEN_RETURN_IF_ERROR(train::CheckWritable(flags.plot, "--plot"));
  return absl::OkStatus();
}

// The last lines of a run.
void Summarize(const FitFlags &flags, const FitResult &result) {
  std::string reason = result.finished == train::kAllEpochs ? "" : ": " + result.finished;
  if (result.already_finished) {
    absl::PrintF("This run has ended before, after %d epochs%s. Nothing to do.\n",
                 result.epochs_done, reason);
  } else {
    absl::PrintF("Trained %d epochs%s.\n", result.epochs_done, reason);
  }
  if (result.best.has_value()) {
    absl::PrintF("Best: %s %s at epoch %d.%s\n", result.best->monitor,
                 train::FormatMeasure(result.best->value), result.best->epoch,
                 result.restored_best ? " Its weights were restored." : "");
  }
  if (!flags.save.empty()) {
    absl::PrintF("Saved: %s", flags.save);
    if (result.best.has_value() && !result.best->digest.empty()) {
      absl::PrintF(" (best: %s)", train::BestPath(flags.save));
    }
    std::printf("\n");
  }
  if (!flags.log.empty()) absl::PrintF("Log: %s\n", flags.log);
  if (!flags.plot.empty()) absl::PrintF("Learning curves: %s\n", flags.plot);
}

absl::Status Run(FitFlags flags) {
  WatchSignals();
  // A resumed run goes on saving where it was saved.
  if (flags.save.empty()) flags.save = flags.resume;
  GRAVEN_ASSIGN_OR_RETURN(auto model, train::Model::Open(flags.model, flags.device));
  GRAVEN_ASSIGN_OR_RETURN(FitSettings settings, Settings(flags, model->signature()));
  GRAVEN_RETURN_IF_ERROR(CheckOutputs(flags));
  GRAVEN_ASSIGN_OR_RETURN(train::TrainingData data,
                          train::LoadTraining(*model, flags.train, flags.validation, flags.label));
  GRAVEN_ASSIGN_OR_RETURN(auto session,
                          train::Session::Create(model, flags.threads, flags.force_parallel));

  train::Progress progress(TerminalWidth(), [](const std::string &text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  });
  std::unique_ptr<train::Callback> logger;
  train::FitRequest request;
  request.settings = settings;
  request.train = &data.train;
  request.validation = data.validation.has_value() ? &*data.validation : nullptr;
  request.save_path = flags.save;
  request.resume_path = flags.resume;
  request.save_seconds = flags.save_every;
  request.callbacks.push_back(&progress);
  if (!flags.log.empty()) {
    logger = train::MakeLogger(flags.log);
    request.callbacks.push_back(logger.get());
  }
  request.note = [&progress](const std::string &sentence) { progress.Say("note: " + sentence); };
  request.interrupt = &interrupted;
  absl::StatusOr<FitResult> fitted = train::Fit(session.get(), request);
  if (!fitted.ok()) {
    progress.EndLine();
    return fitted.status();
  }
  const FitResult &result = *fitted;

  if (!flags.plot.empty() && !result.history.empty()) {
    int64_t best = result.best.has_value() ? result.best->epoch : 0;
    GRAVEN_RETURN_IF_ERROR(train::WriteFileAtomically(
        flags.plot, train::CurvesSvg(model->name() + ": learning curves", result.history, best)));
  }
  if (!result.interrupted) {
    Summarize(flags, result);
    return absl::OkStatus();
  }
  progress.EndLine();
  std::string place = absl::StrFormat("after %d epochs", result.epochs_done);
  if (result.batches_done > 0) {
    absl::StrAppendFormat(&place, " and %d batches", result.batches_done);
  }
  if (flags.save.empty()) {
    return InterruptedStatus(
        absl::StrFormat("Interrupted %s; nothing was saved, because --save was not given.", place));
  }
  return InterruptedStatus(
      absl::StrFormat("Interrupted %s; saved %s.\nGo on with the same command and --resume %s",
                      place, flags.save, flags.save));
}

}  // namespace

Action AddFit(CLI::App &app) {
  auto flags = std::make_shared<FitFlags>();
  CLI::App *fit = app.add_subcommand("fit", "Train a model on a data set.");
  fit->footer(kFooter);
  fit->add_option("MODEL", flags->model, "the compiled model, M.so")->required();
  fit->add_option("--train", flags->train, "training data")->required()->option_text("F[,F]");
  fit->add_option("--validation", flags->validation, "validation data")->option_text("F[,F]");
  fit->add_option(
         "--validation-split", flags->validation_split,
         "this fraction of the training rows is set apart for validation, each class giving "
         "its share; chosen by --seed")
      ->check(CLI::Range(0.0, 0.999999))
      ->option_text("R");
  fit->add_option("--label", flags->label, "label column of CSV data (default: the last)")
      ->option_text("NAME");
  fit->add_option("--epochs", flags->epochs, "passes over the training data")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000000}))
      ->option_text("N");
  fit->add_option("--batch-size", flags->batch_size,
                  "one of the batch sizes the model was compiled for")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000000}))
      ->option_text("N");
  fit->add_option(
         "--seed", flags->seed,
         "decides the first weights, dropout, the split and the order of rows (default: 0)")
      ->option_text("S");
  fit->add_flag("--no-shuffle", flags->no_shuffle, "take the rows in the data's order");
  AddDeviceFlag(fit, &flags->device);
  fit->add_option("--threads", flags->threads,
                  "worker threads (default: one per core); the result does not depend on it")
      ->check(CLI::Range(0, 4096))
      ->option_text("N");
  fit->add_flag(
      "--force-parallel", flags->force_parallel,
      "split even the smallest work among the threads; slower, and the result is the same");
  fit->add_option("--early-stopping", flags->early_stopping,
                  "stop when a measure no longer improves, and return to the best weights: "
                  "patience=N, monitor=val_loss, min_delta=R, mode=min|max, "
                  "restore_best_weights=true|false, joined by commas; or on, or off")
      ->option_text("K=V,...");
  fit->add_option(
         "--reduce-lr", flags->reduce_lr,
         "lower the learning rate when a measure no longer improves: factor=R, patience=N, "
         "monitor=val_loss, min_delta=R, cooldown=N, min_scale=R; or on, or off")
      ->option_text("K=V,...");
  fit->add_option("--save", flags->save,
                  "write the trained state there, and checkpoints on the way")
      ->option_text("S.safetensors");
  fit->add_option("--resume", flags->resume,
                  "go on from this checkpoint (and save to it, unless --save names another)")
      ->option_text("S.safetensors");
  fit->add_option("--save-every", flags->save_every,
                  "checkpoint at the end of an epoch when this many seconds have passed since the "
                  "last one (default: 1)")
      ->check(CLI::Range(0.0, 1e9))
      ->option_text("SECONDS");
  fit->add_option("--log", flags->log, "one line per epoch: JSON lines, or CSV for *.csv")
      ->option_text("L.jsonl");
  fit->add_option("--plot", flags->plot, "learning curves as a picture")->option_text("curves.svg");
  return [flags] { return Run(*flags); };
}

}  // namespace graven::tools
