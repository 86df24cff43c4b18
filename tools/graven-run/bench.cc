#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <numeric>

#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "runtime/train/data/file.h"
#include "runtime/train/data/narrow_float.h"
#include "runtime/train/data/sampler.h"
#include "runtime/train/engine/session.h"
#include "runtime/train/status_macros.h"
#include "tools/graven-run/ceilings.h"
#include "tools/graven-run/command.h"
#include "tools/graven-run/profile.h"
#include "tools/graven-run/trace.h"

namespace graven::tools {
namespace {

using train::Port;
using train::Tensor;
using Clock = std::chrono::steady_clock;

// How many calls a trace shows.
constexpr int kTracedCalls = 5;

struct BenchFlags {
  std::string model, entry, trace;
  int64_t batch = 0;
  int threads = 0;
  double seconds = 1.0;
  bool profile = false, json = false, no_outputs = false;
  std::string device = "auto";
};

constexpr char kFooter[] = R"(
Inputs are random: numbers in [0, 1), integers in the range that the entry
declares. The state is what init makes of seed 0. After a warm-up, calls are
timed one by one until the given time is over; quote the median. A profile
probes this machine's multiply-add rate and memory bandwidth, which takes a
second or two, and shows what part of these limits each kernel reaches.

Examples:
  graven-run bench digits.so
  graven-run bench digits.so --entry predict --batch 1 --threads 1 --profile
  graven-run bench digits.so --seconds 0.2 --trace digits-trace.json
)";

Tensor RandomInput(const Port &port) {
  std::vector<int64_t> shape = port.shape;
  Tensor tensor = Tensor::Zeros(port.dtype, shape);
  int64_t lo = port.has_range ? port.range_lo : 0;
  int64_t hi = port.has_range ? port.range_hi : 2;
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    uint32_t bits = train::Philox4x32(
        {static_cast<uint32_t>(i), static_cast<uint32_t>(i >> 32), 0, 3}, {1, 2})[0];
    double unit = bits * 0x1p-32;
    int64_t whole = lo + static_cast<int64_t>(unit * static_cast<double>(hi - lo));
    switch (port.dtype) {
      case GRAVEN_F32:
        tensor.as<float>()[i] = static_cast<float>(bits >> 8) * 0x1p-24f;
        break;
      case GRAVEN_F64:
        tensor.as<double>()[i] = unit;
        break;
      case GRAVEN_F16:
        tensor.as<train::F16>()[i] = train::F16(unit);
        break;
      case GRAVEN_BF16:
        tensor.as<train::Bf16>()[i] = train::Bf16(unit);
        break;
      case GRAVEN_I32:
        tensor.as<int32_t>()[i] = static_cast<int32_t>(whole);
        break;
      case GRAVEN_I64:
        tensor.as<int64_t>()[i] = whole;
        break;
      case GRAVEN_I1:
        tensor.data[i] = static_cast<uint8_t>(bits & 1);
        break;
      case GRAVEN_UI8:
        tensor.data[i] = static_cast<uint8_t>(bits >> 24);
        break;
    }
  }
  return tensor;
}

std::string Time(double seconds) {
  if (seconds < 1e-3) return absl::StrFormat("%.2f us", seconds * 1e6);
  if (seconds < 1) return absl::StrFormat("%.3f ms", seconds * 1e3);
  return absl::StrFormat("%.3f s", seconds);
}

absl::Status Run(const BenchFlags &flags) {
  if (!flags.trace.empty()) {
    GRAVEN_RETURN_IF_ERROR(train::CheckWritable(flags.trace, "--trace"));
  }
  GRAVEN_ASSIGN_OR_RETURN(auto model, train::Model::Open(flags.model, flags.device));
  std::string name = flags.entry;
  if (name.empty()) name = model->HasEntry("train_step") ? "train_step" : "predict";
  std::vector<int64_t> batches = model->Batches(name);
  int64_t batch = flags.batch != 0 || batches.empty() ? flags.batch : batches.back();
  GRAVEN_ASSIGN_OR_RETURN(uint32_t entry, model->FindEntry(name, batch));
  GRAVEN_ASSIGN_OR_RETURN(auto session, train::Session::Create(model, flags.threads));
  if (model->HasEntry("init")) GRAVEN_RETURN_IF_ERROR(session->Init(0));
  std::vector<Tensor> inputs, outputs;
  for (const Port &port : model->Inputs(entry)) inputs.push_back(RandomInput(port));
  for (const Port &port : model->Outputs(entry)) {
    outputs.push_back(Tensor::Zeros(port.dtype, port.shape));
  }
  std::vector<const void *> arguments;
  for (Tensor &input : inputs) arguments.push_back(input.data.data());
  std::vector<void *> results;
  for (Tensor &output : outputs) {
    results.push_back(flags.no_outputs ? nullptr : output.data.data());
  }

  // A tenth of the time, and at least three calls, to warm up.
  Clock::time_point start = Clock::now();
  auto elapsed = [&start] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  for (int i = 0; i < 3 || elapsed() < flags.seconds * 0.1; ++i) {
    GRAVEN_RETURN_IF_ERROR(session->Call(entry, batch, arguments, results));
  }
  std::vector<uint64_t> profile(model->table().commands_count);
  Ceilings one, all;
  // Only the processors' limits are probed.
  const bool probed = flags.profile && model->Text(model->table().device) == "cpu";
  if (probed) {
    one = ProbeCeilings(1);
    all = session->threads() > 1 ? ProbeCeilings(session->threads()) : one;
  }
  if (flags.profile) {
    GRAVEN_RETURN_IF_ERROR(train::ToStatus(
        graven_context_profile(session->context(), profile.data(), profile.size())));
  }
  std::vector<double> times;
  start = Clock::now();
  do {
    Clock::time_point before = Clock::now();
    GRAVEN_RETURN_IF_ERROR(session->Call(entry, batch, arguments, results));
    times.push_back(std::chrono::duration<double>(Clock::now() - before).count());
  } while (elapsed() < flags.seconds || times.size() < 5);
  // Waits for a device that is behind.
  GRAVEN_RETURN_IF_ERROR(session->SaveMetricMemory().status());
  const double mean = elapsed() / static_cast<double>(times.size());
  std::vector<KernelProfile> kernels;
  if (flags.profile) {
    // A second time, so that what disturbed one probe alone does not lower the ceilings.
    if (probed) {
      one = Higher(one, ProbeCeilings(1));
      all = session->threads() > 1 ? Higher(all, ProbeCeilings(session->threads())) : one;
    }
    kernels = SummarizeProfile(*model, entry, profile, static_cast<int64_t>(times.size()), all);
  }
  if (!flags.trace.empty()) {
    GRAVEN_RETURN_IF_ERROR(train::ToStatus(graven_context_profile(session->context(), nullptr, 0)));
    GRAVEN_ASSIGN_OR_RETURN(std::string trace, TraceCalls(*session, entry, kTracedCalls, [&] {
                              return session->Call(entry, batch, arguments, results);
                            }));
    GRAVEN_RETURN_IF_ERROR(train::WriteFileAtomically(flags.trace, trace));
  }
  std::sort(times.begin(), times.end());
  double median = times[times.size() / 2];
  if (flags.json) {
    nlohmann::ordered_json line = {{"model", model->name()},
                                   {"entry", name},
                                   {"batch", batch},
                                   {"threads", session->threads()},
                                   {"calls", times.size()},
                                   {"median_seconds", median},
                                   {"mean_seconds", mean},
                                   {"min_seconds", times.front()},
                                   {"max_seconds", times.back()}};
    if (probed) {
      line["ceilings"] = {CeilingsJson(one)};
      if (all.threads > 1) line["ceilings"].push_back(CeilingsJson(all));
    }
    if (flags.profile) line["kernels"] = ProfileJson(kernels);
    std::printf("%s\n", line.dump().c_str());
    return absl::OkStatus();
  }
  absl::PrintF("%s.%s", model->name(), name);
  if (batch > 0) absl::PrintF(", batch %d", batch);
  absl::PrintF(", %d threads%s, %d calls\n", session->threads(), flags.profile ? ", profiled" : "",
               times.size());
  absl::PrintF("median %s, min %s, max %s", Time(median), Time(times.front()), Time(times.back()));
  if (batch > 0) absl::PrintF(" (%.0f rows/s)", static_cast<double>(batch) / median);
  std::printf("\n");
  if (flags.profile) PrintProfile(kernels, one, all);
  if (!flags.trace.empty()) absl::PrintF("trace of %d calls -> %s\n", kTracedCalls, flags.trace);
  return absl::OkStatus();
}

}  // namespace

Action AddBench(CLI::App &app) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App *bench = app.add_subcommand("bench", "Time an entry point on random data.");
  bench->footer(kFooter);
  bench->add_option("MODEL", flags->model, "the compiled model, M.so")->required();
  bench->add_option("--entry", flags->entry, "the entry point (default: train_step, else predict)")
      ->option_text("E");
  bench->add_option("--batch", flags->batch, "rows per call (default: the largest compiled batch)")
      ->check(CLI::Range(int64_t{1}, int64_t{1000000000}))
      ->option_text("B");
  AddDeviceFlag(bench, &flags->device);
  bench->add_option("--threads", flags->threads, "worker threads (default: one per core)")
      ->check(CLI::Range(0, 4096))
      ->option_text("N");
  bench->add_option("--seconds", flags->seconds, "how long to measure (default: 1)")
      ->check(CLI::Range(0.0, 86400.0))
      ->option_text("S");
  bench->add_flag("--no-outputs", flags->no_outputs,
                  "leave results on the device: calls need not wait for it; quote the mean");
  bench->add_flag("--profile", flags->profile, "probe the machine, show each kernel against it");
  bench->add_option("--trace", flags->trace, "write a trace of some calls, for ui.perfetto.dev")
      ->option_text("T.json");
  bench->add_flag("--json", flags->json, "print one JSON object");
  return [flags] { return Run(*flags); };
}

}  // namespace graven::tools
