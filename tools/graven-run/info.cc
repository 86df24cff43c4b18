#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "runtime/train/engine/session.h"
#include "runtime/train/engine/signature.h"
#include "runtime/train/status_macros.h"
#include "tools/graven-run/command.h"

namespace graven::tools {
namespace {

using nlohmann::ordered_json;
using train::Model;
using train::Port;

struct InfoFlags {
  std::string model;
  bool json = false, devices = false;
};

constexpr char kFooter[] = R"(
Shows what a compiled model offers and needs: entry points with their inputs and
outputs ('?' is the batch size), state, memory, kernels, the processor it was
compiled for, and the defaults of fit. The file is verified first, so this also
tells whether an artifact is sound; its device need not be here.

Without a model, or with --devices: the devices that models can run on here, or
why there is none of a kind.

Examples:
  graven-run info iris.so
  graven-run info --devices
)";

constexpr const char *kRoles[] = {"parameter", "slot", "statistic", "control", "metric"};

std::string RoleName(uint32_t role) { return role < 5 ? kRoles[role] : "?"; }

std::string Bytes(uint64_t bytes) {
  if (bytes < 10000) return absl::StrFormat("%d B", bytes);
  if (bytes < 10000 * 1024) return absl::StrFormat("%.1f KiB", bytes / 1024.0);
  return absl::StrFormat("%.1f MiB", bytes / 1048576.0);
}

std::string TensorText(const graven_tensor_record &tensor) {
  return train::TypeText(tensor.dtype,
                         std::vector<int64_t>(tensor.dims, tensor.dims + tensor.rank));
}

std::string PortText(const Port &port) {
  std::string type = train::TypeText(port.dtype, port.shape);
  if (port.batched) type = absl::StrCat("?", type.substr(type.find('x')));
  std::string text = absl::StrCat(port.name, ": ", type);
  if (port.has_range) absl::StrAppendFormat(&text, " in [%d, %d)", port.range_lo, port.range_hi);
  return text;
}

std::string PortsText(const std::vector<Port> &ports) {
  std::string text;
  for (const Port &port : ports) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", PortText(port));
  }
  return text;
}

const graven_kernel_record *Kernels(const Model &model) {
  const char *base = reinterpret_cast<const char *>(&model.table());
  return reinterpret_cast<const graven_kernel_record *>(base + model.table().kernels_offset);
}

void PrintEntries(const Model &model) {
  std::printf("\nEntries\n");
  for (uint32_t i = 0; i < model.entries().size(); ++i) {
    const graven_entry_record &entry = model.entries()[i];
    std::string batch;
    if (entry.batch > 0) {
      batch = absl::StrFormat(
          "  batch %s%d", (entry.flags & GRAVEN_ENTRY_PARTIAL) != 0 ? "up to " : "", entry.batch);
    }
    absl::PrintF("  %s(%s)", model.Text(entry.name), PortsText(model.Inputs(i)));
    std::string results = PortsText(model.Outputs(i));
    if (!results.empty()) absl::PrintF(" -> (%s)", results);
    absl::PrintF("\n   %s  %d commands, scratch %s\n", batch, entry.commands.count,
                 Bytes(entry.arena_bytes));
  }
}

void PrintStates(const Model &model) {
  std::printf("\nState\n");
  int64_t parameters = 0;
  for (const graven_state_record &state : model.states()) {
    absl::PrintF("  %-10s %-14s %s\n", RoleName(state.role), TensorText(state.tensor),
                 model.Text(state.name));
    if (state.role == GRAVEN_ROLE_PARAMETER) {
      int64_t count = 1;
      for (uint32_t axis = 0; axis < state.tensor.rank; ++axis) count *= state.tensor.dims[axis];
      parameters += count;
    }
  }
  absl::PrintF("  %d trainable numbers\n", parameters);
}

// Weights that are constants of the artifact.
void PrintFrozen(const train::FrozenRecord &frozen) {
  std::printf("\nWeights in the artifact\n");
  for (const train::FrozenRecord::State &state : frozen.states) {
    absl::PrintF("  %-14s %s\n", state.type, state.name);
  }
}

// "cpu"; "cuda (PTX for sm_80, cubin for sm_90)".
std::string DeviceText(const Model &model) {
  const graven_table_header &table = model.table();
  std::string forms;
  const char *base = reinterpret_cast<const char *>(&table);
  const auto *images = reinterpret_cast<const graven_image_record *>(base + table.images_offset);
  for (uint32_t i = 0; i < table.images_count; ++i) {
    if (images[i].kind == GRAVEN_IMAGE_OTHER) continue;
    absl::StrAppend(&forms, forms.empty() ? "" : ", ",
                    images[i].kind == GRAVEN_IMAGE_PTX ? "PTX" : "cubin", " for sm_",
                    images[i].architecture);
  }
  std::string device = model.Text(table.device);
  return forms.empty() ? device : absl::StrCat(device, " (", forms, ")");
}

void PrintText(const Model &model) {
  const graven_table_header &table = model.table();
  absl::PrintF("Model %s for %s\n", model.name(), model.Text(table.target));
  absl::PrintF("Device: %s\n", DeviceText(model));
  std::string features = model.Text(table.cpu_features);
  absl::PrintF("Needs CPU features: %s\n", features.empty() ? "none" : features);
  ordered_json signature = ordered_json::parse(model.signature(), nullptr, false);
  if (signature.is_object() && signature.contains("numerics")) {
    absl::PrintF("Numerics: %s%s\n", signature["numerics"].get<std::string>(),
                 signature.contains("matmul") ? ", matrix products of tf32" : "");
  }
  absl::PrintF("Memory: state %s, scratch %s, constants %s, metrics %s\n", Bytes(table.state_bytes),
               Bytes(table.arena_bytes), Bytes(table.constant_bytes), Bytes(table.metric_bytes));
  PrintEntries(model);
  absl::StatusOr<std::optional<train::FrozenRecord>> frozen = train::ParseFrozen(model.signature());
  if (frozen.ok() && frozen->has_value()) PrintFrozen(**frozen);
  if (!model.states().empty()) PrintStates(model);
  if (!model.metrics().empty()) {
    std::printf("\nMetrics\n");
    for (const std::string &name : model.metrics()) absl::PrintF("  %s\n", name);
  }
  if (table.kernels_count > 0) std::printf("\nKernels\n");
  for (uint32_t i = 0; i < table.kernels_count; ++i) {
    absl::PrintF("  %s\n", model.Text(Kernels(model)[i].name));
  }
  if (signature.is_object() && signature.contains("fit")) {
    absl::PrintF("\nDefaults of fit\n");
    for (const auto &[key, value] : signature["fit"].items()) {
      absl::PrintF("  %s = %s\n", key, value.dump());
    }
  }
}

ordered_json PortsJson(const std::vector<Port> &ports) {
  ordered_json list = ordered_json::array();
  for (const Port &port : ports) {
    ordered_json item = {{"name", port.name},
                         {"dtype", train::DtypeName(port.dtype)},
                         {"shape", port.shape},
                         {"batched", port.batched}};
    if (port.has_range) item["range"] = {port.range_lo, port.range_hi};
    list.push_back(std::move(item));
  }
  return list;
}

void PrintJson(const Model &model) {
  const graven_table_header &table = model.table();
  ordered_json info = {{"name", model.name()},
                       {"target", model.Text(table.target)},
                       {"device", model.Text(table.device)},
                       {"cpu_features", model.Text(table.cpu_features)},
                       {"state_bytes", table.state_bytes},
                       {"arena_bytes", table.arena_bytes},
                       {"constant_bytes", table.constant_bytes},
                       {"metric_bytes", table.metric_bytes}};
  for (uint32_t i = 0; i < model.entries().size(); ++i) {
    const graven_entry_record &entry = model.entries()[i];
    info["entries"].push_back({{"name", model.Text(entry.name)},
                               {"batch", entry.batch},
                               {"partial", (entry.flags & GRAVEN_ENTRY_PARTIAL) != 0},
                               {"arena_bytes", entry.arena_bytes},
                               {"commands", entry.commands.count},
                               {"inputs", PortsJson(model.Inputs(i))},
                               {"outputs", PortsJson(model.Outputs(i))}});
  }
  for (const graven_state_record &state : model.states()) {
    info["states"].push_back({{"name", model.Text(state.name)},
                              {"type", TensorText(state.tensor)},
                              {"role", RoleName(state.role)}});
  }
  info["metrics"] = model.metrics();
  info["kernels"] = ordered_json::array();
  for (uint32_t i = 0; i < table.kernels_count; ++i) {
    info["kernels"].push_back(model.Text(Kernels(model)[i].name));
  }
  ordered_json signature = ordered_json::parse(model.signature(), nullptr, false);
  if (signature.is_object()) info["signature"] = signature;
  std::printf("%s\n", info.dump(2).c_str());
}

void PrintDevices(bool json) {
  ordered_json list = ordered_json::array();
  graven_device_info device;
  if (!json) std::printf("Devices\n");
  for (uint32_t i = 0; graven_device_describe(i, &device) == GRAVEN_OK; ++i) {
    const bool available = device.available != 0;
    if (json) {
      list.push_back({{"name", device.name}, {"available", available}});
      if (device.memory_bytes != 0) list.back()["memory_bytes"] = device.memory_bytes;
      list.back()[available ? "description" : "reason"] = device.description;
      continue;
    }
    absl::PrintF("  %-8s %s%s", device.name, available ? "" : "none: ", device.description);
    if (device.memory_bytes != 0) absl::PrintF(", %s", Bytes(device.memory_bytes));
    std::printf("\n");
  }
  if (json) std::printf("%s\n", ordered_json({{"devices", list}}).dump(2).c_str());
}

absl::Status Run(const InfoFlags &flags) {
  if (flags.model.empty() || flags.devices) {
    PrintDevices(flags.json);
    return absl::OkStatus();
  }
  GRAVEN_ASSIGN_OR_RETURN(auto model, Model::Open(flags.model, "none"));
  if (flags.json) {
    PrintJson(*model);
  } else {
    PrintText(*model);
  }
  return absl::OkStatus();
}

}  // namespace

Action AddInfo(CLI::App &app) {
  auto flags = std::make_shared<InfoFlags>();
  CLI::App *info = app.add_subcommand("info", "Show what a compiled model offers and needs.");
  info->footer(kFooter);
  info->add_option("MODEL", flags->model, "the compiled model, M.so");
  info->add_flag("--devices", flags->devices, "list the devices of this machine");
  info->add_flag("--json", flags->json, "print JSON");
  return [flags] { return Run(*flags); };
}

}  // namespace graven::tools
