#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <charconv>
#include <cstdio>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "runtime/train/data/file.h"
#include "runtime/train/data/idx.h"
#include "runtime/train/data/npy.h"
#include "runtime/train/engine/session.h"
#include "runtime/train/report/spelling.h"
#include "runtime/train/status_macros.h"
#include "tools/graven-run/command.h"

namespace graven::tools {
namespace {

using train::Port;
using train::Tensor;

struct CallFlags {
  std::string model, entry, state, save_state, folder;
  std::vector<std::string> inputs;
  int threads = 0;
  std::string device = "auto";
};

constexpr char kFooter[] = R"(
An input is NAME=TYPE=VALUES or NAME=@FILE:
  --input x=2x3xf32=5.1,3.5,1.4,6.7,3.0,5.2   shape, type, values row by row
  --input rate=f32=0.5                        a scalar
  --input x=8x4xf32=0                         one value for all elements
  --input x=@x.npy                            an npy or IDX file
Inputs with a batch axis decide how many rows the call brings. 'graven-run info'
lists entries and their inputs.

Without --state the call begins with a state of zeros. Results are printed and,
with -o, written as npy files named after them.

Examples:
  graven-run call iris.so init --input seed=2xi32=1,0 --save-state s.safetensors
  graven-run call iris.so predict --state s.safetensors --input x=@x.npy -o out
)";

absl::Status CheckName(const Port &port, const std::string &text) {
  return absl::InvalidArgumentError(
      absl::StrFormat("--input %s: expected %s=TYPE=VALUES or %s=@FILE, with type %s", text,
                      port.name, port.name, train::TypeText(port.dtype, port.shape)));
}

absl::StatusOr<Tensor> FromFile(const std::string &path) {
  GRAVEN_ASSIGN_OR_RETURN(std::string bytes, train::ReadMaybeGzip(path));
  if (train::LooksLikeNpy(bytes)) return train::ParseNpy(path, bytes);
  if (train::LooksLikeIdx(bytes)) return train::ParseIdx(path, bytes);
  return absl::InvalidArgumentError(path + ": is neither an npy nor an IDX file");
}

// Parses "2x4xf32=1,2,...".
absl::StatusOr<Tensor> FromValues(const Port &port, const std::string &text) {
  size_t equals = text.find('=');
  if (equals == std::string::npos) return CheckName(port, port.name + "=" + text);
  std::vector<std::string> parts = absl::StrSplit(text.substr(0, equals), 'x');
  GRAVEN_ASSIGN_OR_RETURN(graven_dtype dtype, train::ParseDtype(parts.back()));
  parts.pop_back();
  std::vector<int64_t> shape;
  for (const std::string &part : parts) {
    int64_t extent = 0;
    if (!absl::SimpleAtoi(part, &extent) || extent < 0 || shape.size() == GRAVEN_MAX_RANK) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "--input %s: '%s' is no shape; write it as 2x4xf32", port.name, text.substr(0, equals)));
    }
    shape.push_back(extent);
  }
  std::vector<std::string> words = absl::StrSplit(text.substr(equals + 1), ',', absl::SkipEmpty());
  GRAVEN_ASSIGN_OR_RETURN(int64_t count, train::ElementCount(shape));
  bool splat = words.size() == 1;
  if (!splat && static_cast<int64_t>(words.size()) != count) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--input %s: %s has %d elements, got %d values", port.name,
                        train::TypeText(dtype, shape), count, words.size()));
  }
  if (count > int64_t{1} << 31) {
    return absl::InvalidArgumentError(
        absl::StrFormat("--input %s: too large for the command line; use a file", port.name));
  }
  // Integers are read as such, so that every i64 is exact.
  bool real = train::IsFloat(dtype);
  Tensor values = Tensor::Zeros(real ? GRAVEN_F64 : GRAVEN_I64, shape);
  for (int64_t i = 0; i < count; ++i) {
    const std::string &word = words[splat ? 0 : i];
    const char *last = word.data() + word.size();
    std::from_chars_result parsed =
        real ? std::from_chars(word.data(), last, values.as<double>()[i])
             : std::from_chars(word.data(), last, values.as<int64_t>()[i]);
    if (parsed.ec != std::errc() || parsed.ptr != last) {
      return absl::InvalidArgumentError(absl::StrFormat("--input %s: '%s' is no %s", port.name,
                                                        word, real ? "number" : "whole number"));
    }
  }
  return train::Convert(std::move(values), dtype, "--input " + port.name);
}

absl::StatusOr<std::map<std::string, Tensor>> ParseInputs(const CallFlags &flags,
                                                          const std::vector<Port> &ports) {
  std::map<std::string, Tensor> inputs;
  std::vector<std::string> names;
  for (const Port &port : ports) names.push_back(port.name);
  for (const std::string &text : flags.inputs) {
    size_t equals = text.find('=');
    std::string name = text.substr(0, equals);
    const Port *port = nullptr;
    for (const Port &candidate : ports) {
      if (candidate.name == name) port = &candidate;
    }
    if (port == nullptr) {
      return absl::NotFoundError(absl::StrFormat(
          "--input: entry '%s' has no input '%s'%s; its inputs are: %s", flags.entry, name,
          train::DidYouMean(name, names), names.empty() ? "none" : absl::StrJoin(names, ", ")));
    }
    if (equals == std::string::npos) return CheckName(*port, text);
    std::string value = text.substr(equals + 1);
    Tensor tensor;
    if (!value.empty() && value[0] == '@') {
      GRAVEN_ASSIGN_OR_RETURN(tensor, FromFile(value.substr(1)));
    } else {
      GRAVEN_ASSIGN_OR_RETURN(tensor, FromValues(*port, value));
    }
    if (!inputs.emplace(name, std::move(tensor)).second) {
      return absl::InvalidArgumentError(
          absl::StrFormat("--input: '%s' is given more than once", name));
    }
  }
  for (const Port &port : ports) {
    if (inputs.count(port.name) == 0) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "input '%s' is missing; give --input %s=%s=VALUES or --input %s=@FILE", port.name,
          port.name, train::TypeText(port.dtype, port.shape), port.name));
    }
  }
  return inputs;
}

// How many rows the batched inputs bring; 0 when none is batched.
absl::StatusOr<int64_t> CountRows(const std::map<std::string, Tensor> &inputs,
                                  const std::vector<Port> &ports) {
  int64_t rows = 0;
  std::string from;
  for (const Port &port : ports) {
    const Tensor &tensor = inputs.at(port.name);
    if (!port.batched) continue;
    int64_t count = tensor.shape.empty() ? 0 : tensor.shape[0];
    if (count == 0) {
      return absl::InvalidArgumentError(absl::StrFormat("--input %s: brings no rows", port.name));
    }
    if (rows != 0 && count != rows) {
      return absl::InvalidArgumentError(absl::StrFormat("input '%s' brings %d rows, '%s' brings %d",
                                                        from, rows, port.name, count));
    }
    rows = count;
    from = port.name;
  }
  return rows;
}

std::string Preview(const Tensor &tensor) {
  constexpr int64_t kMost = 8;
  std::string text;
  int64_t count = tensor.elements();
  for (int64_t i = 0; i < std::min(count, kMost); ++i) {
    absl::StrAppendFormat(&text, "%s%.7g", i == 0 ? "" : " ", tensor.at(i));
  }
  return count > kMost ? text + " ..." : text;
}

absl::Status MakeFolder(const std::string &folder) {
  if (mkdir(folder.c_str(), 0777) == 0) return absl::OkStatus();
  struct stat info;
  if (stat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrFormat("-o: cannot make the folder %s: %s", folder, strerror(errno)));
}

absl::Status Run(const CallFlags &flags) {
  GRAVEN_ASSIGN_OR_RETURN(auto model, train::Model::Open(flags.model, flags.device));
  GRAVEN_ASSIGN_OR_RETURN(uint32_t entry, model->FindEntry(flags.entry, 0));
  GRAVEN_ASSIGN_OR_RETURN(auto inputs, ParseInputs(flags, model->Inputs(entry)));
  GRAVEN_ASSIGN_OR_RETURN(int64_t rows, CountRows(inputs, model->Inputs(entry)));
  GRAVEN_ASSIGN_OR_RETURN(entry, model->FindEntry(flags.entry, rows));
  std::vector<const void *> arguments;
  for (const Port &port : model->Inputs(entry)) {
    Tensor &tensor = inputs.at(port.name);
    std::vector<int64_t> expected = port.shape;
    if (port.batched) expected[0] = rows;
    if (tensor.shape != expected) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "--input %s: expected %s, got %s", port.name, train::TypeText(port.dtype, expected),
          train::TypeText(tensor.dtype, tensor.shape)));
    }
    GRAVEN_ASSIGN_OR_RETURN(tensor,
                            train::Convert(std::move(tensor), port.dtype, "--input " + port.name));
    arguments.push_back(tensor.data.data());
  }
  if (!flags.save_state.empty()) {
    GRAVEN_RETURN_IF_ERROR(train::CheckWritable(flags.save_state, "--save-state"));
  }
  if (!flags.folder.empty()) GRAVEN_RETURN_IF_ERROR(MakeFolder(flags.folder));
  GRAVEN_ASSIGN_OR_RETURN(auto session, train::Session::Create(model, flags.threads));
  std::map<std::string, std::string> metadata;
  if (!flags.state.empty()) {
    GRAVEN_RETURN_IF_ERROR(session->Load(flags.state));
    // Class names and columns stay true; the position of the run that trained the state does not.
    std::string data = session->Metadata("train.data");
    if (!data.empty()) metadata["train.data"] = data;
  }
  std::vector<Port> outputs = model->Outputs(entry);
  std::vector<Tensor> results;
  for (const Port &port : outputs) {
    std::vector<int64_t> shape = port.shape;
    if (port.batched) shape[0] = rows;
    results.push_back(Tensor::Zeros(port.dtype, shape));
  }
  std::vector<void *> targets;
  for (Tensor &result : results) targets.push_back(result.data.data());
  GRAVEN_RETURN_IF_ERROR(session->Call(entry, rows, arguments, targets));
  for (size_t i = 0; i < outputs.size(); ++i) {
    absl::PrintF("%s: %s = %s\n", outputs[i].name,
                 train::TypeText(results[i].dtype, results[i].shape), Preview(results[i]));
    if (flags.folder.empty()) continue;
    GRAVEN_RETURN_IF_ERROR(
        train::WriteNpy(absl::StrCat(flags.folder, "/", outputs[i].name, ".npy"), results[i]));
  }
  GRAVEN_ASSIGN_OR_RETURN(train::Measures metrics, session->ReadMetrics());
  for (const auto &[name, value] : metrics) {
    absl::PrintF("metric %s = %.9g\n", name, value);
  }
  if (!flags.save_state.empty()) {
    GRAVEN_RETURN_IF_ERROR(session->Save(flags.save_state, metadata));
    absl::PrintF("state -> %s\n", flags.save_state);
  }
  return absl::OkStatus();
}

}  // namespace

Action AddCall(CLI::App &app) {
  auto flags = std::make_shared<CallFlags>();
  CLI::App *call = app.add_subcommand("call", "Call one entry point with values or files.");
  call->footer(kFooter);
  call->add_option("MODEL", flags->model, "the compiled model, M.so")->required();
  call->add_option("ENTRY", flags->entry, "the entry point")->required();
  call->add_option("--state", flags->state, "the state to begin with")
      ->option_text("S.safetensors");
  // One value per occurrence; commas belong to the values.
  call->add_option("--input", flags->inputs, "an input, as described below; one flag each")
      ->type_size(1)
      ->allow_extra_args(false)
      ->option_text("NAME=...");
  call->add_option("-o,--output", flags->folder, "folder for the results, made when missing")
      ->option_text("DIR");
  call->add_option("--save-state", flags->save_state, "write the state after the call")
      ->option_text("S.safetensors");
  AddDeviceFlag(call, &flags->device);
  call->add_option("--threads", flags->threads, "worker threads (default: one per core)")
      ->check(CLI::Range(0, 4096))
      ->option_text("N");
  return [flags] { return Run(*flags); };
}

}  // namespace graven::tools
