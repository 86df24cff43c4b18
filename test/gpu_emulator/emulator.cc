#include "test/gpu_emulator/emulator.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "test/gpu_cases/recorder.h"
#include "test/gpu_emulator/jit.h"
#include "test/gpu_emulator/layout.h"
#include "test/gpu_emulator/machine.h"
#include "test/gpu_emulator/ptx.h"
#include "test/gpu_emulator/shadow.h"
#include "test/gpu_emulator/translate.h"

namespace graven::emulator {
namespace {

/// The widest cell that no access to shared (or to other) memory has a part of.
unsigned granule_of(const CompiledKernel &kernel, bool shared) {
  unsigned granule = 16;
  for (const AccessSite &site : kernel.accesses) {
    if (!site.generic && (site.space == Space::kShared) != shared) continue;
    granule = std::min(granule, site.bytes);
  }
  return granule;
}

/// The launch as a case for a GPU, with its operands as they are. False if it cannot be kept.
bool describe(const Launch &launch, std::span<const uint64_t> parameters, const Memory &memory,
              gpu_cases::Case *one) {
  one->function = launch.kernel;
  const auto copy = [](uint32_t (&to)[3], const Extents &from) {
    to[0] = from.x, to[1] = from.y, to[2] = from.z;
  };
  copy(one->grid, launch.grid);
  copy(one->block, launch.block);
  one->shared_bytes = launch.shared_bytes;
  std::map<uint64_t, uint32_t> buffers;  // by their begin
  uint64_t total = 0;
  for (uint64_t parameter : parameters) {
    // One past the end is where an operand of no bytes lies.
    const Memory::Allocation *found = memory.find(parameter);
    if (!found) return false;
    const auto [place, fresh] = buffers.emplace(found->base, one->buffers.size());
    if (fresh) {
      total += found->bytes;
      if (total > gpu_cases::most_recorded_bytes()) return false;
      one->buffers.emplace_back();
      one->buffers.back().before.assign(reinterpret_cast<const char *>(found->base), found->bytes);
    }
    one->parameters.push_back({place->second, parameter - found->base});
  }
  return true;
}

/// What each operand holds now.
void note_results(std::span<const uint64_t> parameters, gpu_cases::Case *one) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    gpu_cases::Buffer &buffer = one->buffers[one->parameters[i].buffer];
    buffer.expected.assign(
        reinterpret_cast<const char *>(parameters[i] - one->parameters[i].offset),
        buffer.before.size());
  }
}

}  // namespace

class Module::State {
 public:
  std::string text;  // while launches are recorded
  PtxModule ptx;
  std::vector<KernelInfo> infos;
  Storage storage;
  std::map<std::string, CompiledKernel, std::less<>> compiled;
  std::unique_ptr<Jit> jit;
  MachineParts parts;

  const Kernel *kernel(std::string_view name) const {
    for (const Kernel &kernel : ptx.kernels) {
      if (kernel.name == name) return &kernel;
    }
    return nullptr;
  }

  const CompiledKernel *compile(const Kernel &kernel, std::string *error) {
    if (const auto it = compiled.find(kernel.name); it != compiled.end()) return &it->second;
    CompiledKernel result;
    result.module = &ptx;
    result.kernel = &kernel;
    result.layout = lay_out(ptx, kernel, &storage);
    Translation translation;
    Error failure;
    if (!translate(ptx, kernel, result.layout, &translation, &failure)) {
      *error = failure.str();
      if (failure.line >= 1 && failure.line <= ptx.lines.size()) {
        *error += "\n    " + ptx.lines[failure.line - 1];
      }
      return nullptr;
    }
    result.accesses = std::move(translation.accesses);
    result.meetings = std::move(translation.meetings);
    result.copies = translation.copies;
    result.shared_granule = granule_of(result, true);
    result.global_granule = granule_of(result, false);
    if (!jit) jit = std::make_unique<Jit>();
    result.function = jit->compile(std::move(translation), error);
    if (!result.function) return nullptr;
    return &compiled.emplace(kernel.name, std::move(result)).first->second;
  }
};

Module::Module(std::unique_ptr<State> state) : state_(std::move(state)) {}
Module::~Module() = default;

std::unique_ptr<Module> Module::load(std::string_view ptx, std::string *error) {
  auto state = std::make_unique<State>();
  if (gpu_cases::recording()) state->text = ptx;
  Error failure;
  if (!parse(ptx, &state->ptx, &failure)) {
    *error = failure.str();
    return nullptr;
  }
  for (const Kernel &kernel : state->ptx.kernels) {
    KernelInfo info;
    info.name = kernel.name;
    info.max_threads = kernel.max_threads;
    info.parameters = kernel.parameters.size();
    info.static_shared_bytes = lay_out(state->ptx, kernel, &state->storage).shared_bytes;
    for (const auto &[number, bounds] : kernel.bounds) {
      info.operand_bytes.resize(std::max<size_t>(info.operand_bytes.size(), number + 1));
      info.operand_bytes[number] = bounds.bytes;
    }
    state->infos.push_back(std::move(info));
  }
  return std::unique_ptr<Module>(new Module(std::move(state)));
}

std::vector<KernelInfo> Module::kernels() const { return state_->infos; }

const KernelInfo *Module::find(std::string_view kernel) const {
  for (const KernelInfo &info : state_->infos) {
    if (info.name == kernel) return &info;
  }
  return nullptr;
}

bool Module::compile(std::string_view kernel, std::string *error) {
  bool any = false;
  for (const Kernel &candidate : state_->ptx.kernels) {
    if (!kernel.empty() && candidate.name != kernel) continue;
    any = true;
    if (!state_->compile(candidate, error)) return false;
  }
  if (any) return true;
  *error = "the module has no kernel " + std::string(kernel);
  return false;
}

Report Module::launch(const Launch &launch, std::span<const uint64_t> parameters, Memory &memory,
                      const Options &options) {
  auto bad = [&](std::string text) {
    Report report;
    report.findings.push_back(
        {Kind::kBadLaunch, std::string(launch.kernel), {}, {}, 0, std::move(text), ""});
    return report;
  };
  const Kernel *kernel = state_->kernel(launch.kernel);
  if (!kernel) return bad("the module has no kernel of this name");
  std::string error;
  const CompiledKernel *compiled = state_->compile(*kernel, &error);
  if (!compiled) return bad(error);
  gpu_cases::Case one;
  const bool recorded = gpu_cases::recording() && options.checks == Checks::kFull &&
                        describe(launch, parameters, memory, &one);
  Report report = Machine(*compiled, launch, parameters, memory, options, &state_->parts).run();
  if (recorded && report.ok()) {
    note_results(parameters, &one);
    gpu_cases::record(state_->text, std::move(one));
  }
  return report;
}

Report Module::launch(const Launch &launch, std::span<void *const> pointers, Memory &memory,
                      const Options &options) {
  std::vector<uint64_t> parameters;
  for (void *pointer : pointers) parameters.push_back(reinterpret_cast<uint64_t>(pointer));
  return this->launch(launch, std::span<const uint64_t>(parameters), memory, options);
}

}  // namespace graven::emulator
