#include <cstdio>
#include <memory>

#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "runtime/train/callbacks/monitor.h"
#include "runtime/train/fit/fit.h"
#include "runtime/train/fit/trained.h"
#include "runtime/train/report/progress.h"
#include "runtime/train/status_macros.h"
#include "tools/graven-run/command.h"

namespace graven::tools {
namespace {

struct EvaluateFlags {
  std::string model, state, data, label;
  int64_t batch_size = 0;
  int threads = 0;
  bool json = false;
  std::string device = "auto";
};

constexpr char kFooter[] = R"(
Dropout and other noise of training are off, and nothing is learned. Class names
and the order of CSV columns are those of the run that wrote the state.

Examples:
  graven-run evaluate iris.so --state iris.safetensors --data test.csv
  graven-run evaluate digits.so --state digits.safetensors
      --data t10k-images.gz,t10k-labels.gz --json
)";

absl::Status Run(const EvaluateFlags &flags) {
  GRAVEN_ASSIGN_OR_RETURN(
      train::TrainedSession trained,
      train::OpenTrained(flags.model, flags.state, flags.threads, flags.device));
  GRAVEN_ASSIGN_OR_RETURN(train::Dataset data,
                          train::LoadFor(trained, "eval_step", flags.data, flags.label));
  GRAVEN_ASSIGN_OR_RETURN(train::Measures measures,
                          train::Evaluate(trained.session.get(), data, flags.batch_size));
  if (flags.json) {
    nlohmann::ordered_json line;
    line["rows"] = data.rows;
    for (const auto &[name, value] : measures) line[name] = train::NumberToJson(value);
    std::printf("%s\n", line.dump().c_str());
    return absl::OkStatus();
  }
  absl::PrintF("%d rows", data.rows);
  for (const auto &[name, value] : measures) {
    absl::PrintF(" - %s: %s", name, train::FormatMeasure(value));
  }
  std::printf("\n");
  return absl::OkStatus();
}

}  // namespace

Action AddEvaluate(CLI::App &app) {
  auto flags = std::make_shared<EvaluateFlags>();
  CLI::App *evaluate = app.add_subcommand("evaluate", "Measure a trained model on a data set.");
  evaluate->footer(kFooter);
  evaluate->add_option("MODEL", flags->model, "the compiled model, M.so")->required();
  evaluate
      ->add_option("--state", flags->state,
                   "the trained state, as fit saved it; none where the "
                   "the artifact holds its weights")
      ->option_text("S.safetensors");
  evaluate->add_option("--data", flags->data, "data with labels")->required()->option_text("F[,F]");
  evaluate
      ->add_option("--label", flags->label, "label column of CSV data (default: as in training)")
      ->option_text("NAME");
  evaluate
      ->add_option("--batch-size", flags->batch_size,
                   "one of the compiled batch sizes (default: the largest)")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000000}))
      ->option_text("N");
  AddDeviceFlag(evaluate, &flags->device);
  evaluate->add_option("--threads", flags->threads, "worker threads (default: one per core)")
      ->check(CLI::Range(0, 4096))
      ->option_text("N");
  evaluate->add_flag("--json", flags->json, "print one JSON object");
  return [flags] { return Run(*flags); };
}

}  // namespace graven::tools
