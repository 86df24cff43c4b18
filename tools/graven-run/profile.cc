#include "tools/graven-run/profile.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace graven::tools {
namespace {

// The table shows this many kernels, and beyond them those that take at least 1 %.
constexpr size_t kMostKernels = 10;
constexpr size_t kNameColumns = 29;

const graven_command_record *Commands(const train::Model &model) {
  const graven_table_header &table = model.table();
  return reinterpret_cast<const graven_command_record *>(reinterpret_cast<const char *>(&table) +
                                                         table.commands_offset);
}

// Beginning and end of a name, which tell ops and configuration.
std::string Shortened(const std::string &name) {
  if (name.size() <= kNameColumns) return name;
  const size_t kept = kNameColumns - 2, head = kept / 2;
  return absl::StrCat(name.substr(0, head), "..", name.substr(name.size() - (kept - head)));
}

void PrintCeilings(const Ceilings &ceilings) {
  absl::PrintF("  %2d thread%s %8.1f GFLOP/s %7.1f GB/s\n", ceilings.threads,
               ceilings.threads == 1 ? ": " : "s:", ceilings.gflops, ceilings.gbs);
}

}  // namespace

std::string CommandName(const train::Model &model, uint32_t index) {
  const graven_command_record &command = Commands(model)[index];
  if (command.kind == GRAVEN_COMMAND_COPY) return "(copy)";
  if (command.kind == GRAVEN_COMMAND_FILL) return "(fill)";
  const graven_table_header &table = model.table();
  const auto *kernels = reinterpret_cast<const graven_kernel_record *>(
      reinterpret_cast<const char *>(&table) + table.kernels_offset);
  return model.Text(kernels[command.kernel].name);
}

std::vector<KernelProfile> SummarizeProfile(const train::Model &model, uint32_t entry,
                                            const std::vector<uint64_t> &times, int64_t calls,
                                            const Ceilings &ceilings) {
  struct Sums {
    KernelProfile profile;
    double flops = 0, bytes = 0, least = 0, least_by_memory = 0;
  };
  std::map<std::string, Sums> by_name;
  double total = 0;
  const graven_span span = model.entries()[entry].commands;
  for (uint32_t i = span.first; i < span.first + span.count; ++i) {
    const graven_command_record &command = Commands(model)[i];
    std::string name = CommandName(model, i);
    Sums &sums = by_name[name];
    const double flops = static_cast<double>(command.flops);
    const double bytes = static_cast<double>(command.bytes);
    const double rate = ceilings.gflops * (absl::StrContains(name, "_f64_") ? 0.5e9 : 1e9);
    const double compute = flops / rate, memory = bytes / (ceilings.gbs * 1e9);
    sums.flops += flops;
    sums.bytes += bytes;
    sums.least += std::max(compute, memory);
    if (memory >= compute) sums.least_by_memory += memory;
    sums.profile.seconds += static_cast<double>(times[i]) * 1e-9 / static_cast<double>(calls);
    ++sums.profile.launches;
    total += static_cast<double>(times[i]) * 1e-9 / static_cast<double>(calls);
  }
  std::vector<KernelProfile> kernels;
  for (auto &[name, sums] : by_name) {
    KernelProfile &kernel = sums.profile;
    kernel.name = name;
    kernel.bound_by_memory = 2 * sums.least_by_memory >= sums.least;
    if (total > 0) kernel.share = kernel.seconds / total;
    if (kernel.seconds > 0) {
      kernel.gflops = sums.flops / kernel.seconds * 1e-9;
      kernel.gbs = sums.bytes / kernel.seconds * 1e-9;
      if (ceilings.gflops > 0) kernel.roofline = sums.least / kernel.seconds;
    }
    kernels.push_back(std::move(kernel));
  }
  std::stable_sort(kernels.begin(), kernels.end(),
                   [](const auto &a, const auto &b) { return a.seconds > b.seconds; });
  return kernels;
}

void PrintProfile(const std::vector<KernelProfile> &kernels, const Ceilings &one,
                  const Ceilings &all) {
  const bool probed = all.gflops > 0;
  if (probed) {
    absl::PrintF("\nprobed: %s f32 multiply-adds; triad over %s%s\n", all.vector,
                 SizeText(all.triad_bytes), all.past_caches ? ", stores past caches" : "");
    PrintCeilings(one);
    if (all.threads != one.threads) PrintCeilings(all);
  }
  absl::PrintF("\n%9s %6s %4s %8s %7s %8s  %s\n", "us/call", "share", "runs", "GFLOP/s", "GB/s",
               probed ? "roofline" : "", "kernel");
  size_t shown = 0;
  double rest = 0, rest_share = 0;
  for (const KernelProfile &kernel : kernels) {
    // The tail would only hide what matters.
    if (shown >= kMostKernels && kernel.share < 0.01) {
      rest += kernel.seconds;
      rest_share += kernel.share;
      continue;
    }
    ++shown;
    const std::string roofline = probed ? absl::StrFormat("%6.1f%% %c", kernel.roofline * 100,
                                                          kernel.bound_by_memory ? 'm' : 'c')
                                        : std::string(9, ' ');
    absl::PrintF("%9.2f %5.1f%% %4d %8.2f %7.2f %s  %s\n", kernel.seconds * 1e6, kernel.share * 100,
                 kernel.launches, kernel.gflops, kernel.gbs, roofline, Shortened(kernel.name));
  }
  if (shown < kernels.size()) {
    absl::PrintF("%9.2f %5.1f%%  %d more kernels, each below 1%%\n", rest * 1e6, rest_share * 100,
                 kernels.size() - shown);
  }
  if (!probed) return;
  absl::PrintF(
      "roofline: least time by the ceilings of %d thread%s / time; c: computing,\n"
      "m: memory is the limit; above 100%%: operands came from caches\n",
      all.threads, all.threads == 1 ? "" : "s");
}

nlohmann::ordered_json CeilingsJson(const Ceilings &ceilings) {
  return {{"threads", ceilings.threads},
          {"gflops", ceilings.gflops},
          {"gbs", ceilings.gbs},
          {"vector", ceilings.vector},
          {"triad_bytes", ceilings.triad_bytes},
          {"stores_past_caches", ceilings.past_caches}};
}

nlohmann::ordered_json ProfileJson(const std::vector<KernelProfile> &kernels) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const KernelProfile &kernel : kernels) {
    list.push_back({{"name", kernel.name},
                    {"launches", kernel.launches},
                    {"seconds", kernel.seconds},
                    {"share", kernel.share},
                    {"gflops", kernel.gflops},
                    {"gbs", kernel.gbs},
                    {"roofline", kernel.roofline},
                    {"bound", kernel.bound_by_memory ? "memory" : "compute"}});
  }
  return list;
}

}  // namespace graven::tools
