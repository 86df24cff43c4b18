#include <cstdio>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "runtime/train/data/file.h"
#include "runtime/train/data/npy.h"
#include "runtime/train/fit/fit.h"
#include "runtime/train/fit/trained.h"
#include "runtime/train/status_macros.h"
#include "tools/graven-run/command.h"

namespace graven::tools {
namespace {

struct PredictFlags {
  std::string model, state, data, label, output;
  int64_t batch_size = 0;
  int threads = 0;
  std::string device = "auto";
};

constexpr char kFooter[] = R"(
An .npy file takes the values as they are; with several outputs, each goes to a
file of its own, OUT.NAME.npy. A .csv file takes one column per value and, where
the state knows class names, the name of the class with the largest value.

Examples:
  graven-run predict iris.so --state iris.safetensors --data new.csv -o out.csv
  graven-run predict digits.so --state digits.safetensors --data images.gz
      -o scores.npy
)";

// A CSV cell, quoted where it must be.
std::string Cell(const std::string &text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

// One column per value of every output, and the class of the first output that has one value per
// class.
std::string CsvText(const std::vector<train::Prediction> &predictions,
                    const std::vector<std::string> &classes) {
  const train::Prediction *scores = nullptr;
  std::string text;
  for (const train::Prediction &prediction : predictions) {
    int64_t count = prediction.values.row_elements();
    bool per_class = classes.size() > 1 && count == static_cast<int64_t>(classes.size());
    if (per_class && scores == nullptr) scores = &prediction;
    for (int64_t i = 0; i < count; ++i) {
      std::string column = per_class    ? absl::StrCat(prediction.name, ".", classes[i])
                           : count == 1 ? prediction.name
                                        : absl::StrCat(prediction.name, ".", i);
      absl::StrAppend(&text, text.empty() ? "" : ",", Cell(column));
    }
  }
  text += scores != nullptr ? ",class\n" : "\n";
  int64_t rows = predictions.empty() ? 0 : predictions[0].values.shape[0];
  for (int64_t row = 0; row < rows; ++row) {
    const char *separator = "";
    for (const train::Prediction &prediction : predictions) {
      int64_t count = prediction.values.row_elements();
      for (int64_t i = 0; i < count; ++i) {
        absl::StrAppendFormat(&text, "%s%.9g", separator, prediction.values.at(row * count + i));
        separator = ",";
      }
    }
    if (scores != nullptr) {
      size_t best = 0;
      for (size_t i = 1; i < classes.size(); ++i) {
        int64_t first = row * static_cast<int64_t>(classes.size());
        if (scores->values.at(first + i) > scores->values.at(first + best)) best = i;
      }
      absl::StrAppend(&text, ",", Cell(classes[best]));
    }
    text += "\n";
  }
  return text;
}

absl::Status Run(const PredictFlags &flags) {
  bool csv = absl::EndsWithIgnoreCase(flags.output, ".csv");
  if (!csv && !absl::EndsWithIgnoreCase(flags.output, ".npy")) {
    return absl::InvalidArgumentError(
        absl::StrFormat("-o: %s ends neither in .npy nor in .csv", flags.output));
  }
  GRAVEN_RETURN_IF_ERROR(train::CheckWritable(flags.output, "-o"));
  GRAVEN_ASSIGN_OR_RETURN(
      train::TrainedSession trained,
      train::OpenTrained(flags.model, flags.state, flags.threads, flags.device));
  GRAVEN_ASSIGN_OR_RETURN(train::Dataset data,
                          train::LoadFor(trained, "predict", flags.data, flags.label));
  GRAVEN_ASSIGN_OR_RETURN(std::vector<train::Prediction> predictions,
                          train::Predict(trained.session.get(), data, flags.batch_size));
  if (csv) {
    GRAVEN_RETURN_IF_ERROR(
        train::WriteFileAtomically(flags.output, CsvText(predictions, trained.data.classes)));
    absl::PrintF("%d rows: %s\n", data.rows, flags.output);
    return absl::OkStatus();
  }
  for (const train::Prediction &prediction : predictions) {
    std::string path = flags.output;
    if (predictions.size() > 1) {
      path = absl::StrCat(path.substr(0, path.size() - 4), ".", prediction.name, ".npy");
    }
    GRAVEN_RETURN_IF_ERROR(train::WriteNpy(path, prediction.values));
    absl::PrintF("%s: %s -> %s\n", prediction.name,
                 train::TypeText(prediction.values.dtype, prediction.values.shape), path);
  }
  return absl::OkStatus();
}

}  // namespace

Action AddPredict(CLI::App &app) {
  auto flags = std::make_shared<PredictFlags>();
  CLI::App *predict = app.add_subcommand("predict", "Apply a trained model to a data set.");
  predict->footer(kFooter);
  predict->add_option("MODEL", flags->model, "the compiled model, M.so")->required();
  predict
      ->add_option("--state", flags->state,
                   "the trained state, as fit saved it; none where the "
                   "the artifact holds its weights")
      ->option_text("S.safetensors");
  predict->add_option("--data", flags->data, "data; labels, if any, are not used")
      ->required()
      ->option_text("F");
  predict->add_option("-o,--output", flags->output, "where the predictions go")
      ->required()
      ->option_text("OUT.npy|OUT.csv");
  predict
      ->add_option("--label", flags->label,
                   "label column of CSV data, left out (default: as in training)")
      ->option_text("NAME");
  predict
      ->add_option("--batch-size", flags->batch_size,
                   "one of the compiled batch sizes (default: the largest)")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000000}))
      ->option_text("N");
  AddDeviceFlag(predict, &flags->device);
  predict->add_option("--threads", flags->threads, "worker threads (default: one per core)")
      ->check(CLI::Range(0, 4096))
      ->option_text("N");
  return [flags] { return Run(*flags); };
}

}  // namespace graven::tools
