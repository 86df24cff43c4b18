// A back end that runs every launch on the emulator, with all of its checks. The environment
// variable GRAVEN_STANDIN_CHECKS=fast leaves out races and bytes never written.
#include <cstdlib>
#include <cstring>

#include "test/gpu_emulator/driver/backend.h"
#include "test/gpu_emulator/emulator.h"

namespace graven::standin {
namespace {

emulator::Options options() {
  emulator::Options made;
  const char *checks = getenv("GRAVEN_STANDIN_CHECKS");
  if (checks && strcmp(checks, "fast") == 0) made.checks = emulator::Checks::kFast;
  return made;
}

// The emulator's view of device memory, which all modules share.
class View {
 public:
  emulator::Memory &of(const MemoryMap &memory) {
    for (auto it = known_.begin(); it != known_.end();) {
      auto found = memory.find(it->first);
      const bool stays = found != memory.end() && found->second == it->second;
      if (!stays) memory_.remove(reinterpret_cast<const void *>(it->first));
      it = stays ? std::next(it) : known_.erase(it);
    }
    for (const auto &[address, bytes] : memory) {
      if (known_.emplace(address, bytes).second) {
        memory_.add(reinterpret_cast<const void *>(address), bytes);
      }
    }
    return memory_;
  }

 private:
  MemoryMap known_;
  emulator::Memory memory_;
};

class Emulated : public Kernels {
 public:
  explicit Emulated(std::unique_ptr<emulator::Module> module) : module_(std::move(module)) {}
  int parameter_count(const std::string &kernel) const override {
    const emulator::KernelInfo *info = module_->find(kernel);
    return info ? static_cast<int>(info->parameters) : -1;
  }
  uint32_t static_shared_bytes(const std::string &kernel) const override {
    return module_->find(kernel)->static_shared_bytes;
  }
  std::string run(const Launch &launch, uint64_t seed, const MemoryMap &memory) override {
    static View *view = new View;  // stays, as the machine does
    emulator::Options checked = options();
    checked.seed = seed;
    const emulator::Launch made = {.kernel = launch.kernel,
                                   .grid = {launch.grid},
                                   .block = {launch.threads},
                                   .shared_bytes = launch.shared_bytes};
    return module_
        ->launch(made, std::span<const uint64_t>(launch.parameters), view->of(memory), checked)
        .text();
  }

 private:
  std::unique_ptr<emulator::Module> module_;
};

}  // namespace

std::unique_ptr<Kernels> load_kernels(const std::string &ptx, std::string *log) {
  std::unique_ptr<emulator::Module> module = emulator::Module::load(ptx, log);
  return module ? std::make_unique<Emulated>(std::move(module)) : nullptr;
}

}  // namespace graven::standin
