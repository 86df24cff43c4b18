// Translates and compiles the kernels of PTX files, or runs one kernel with operands of its own, to
// look into what the emulator says:
//
//   ptx_emulate model.ptx                          # every kernel: compiled, in how many ms
//   ptx_emulate model.ptx KERNEL GRID THREADS [SHARED [SEED]]
//
// Operands have the sizes of the `// operand` comments and hold small numbers.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "test/gpu_emulator/emulator.h"

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

int compile_all(graven::emulator::Module &module) {
  int failures = 0;
  const auto start = Clock::now();
  for (const auto &kernel : module.kernels()) {
    const auto begin = Clock::now();
    std::string error;
    if (module.compile(kernel.name, &error)) {
      std::printf("%-40s %7.1f ms\n", kernel.name.c_str(), milliseconds_since(begin));
    } else {
      std::printf("%s: %s\n", kernel.name.c_str(), error.c_str());
      ++failures;
    }
  }
  std::printf("%zu kernels, %d not understood, %.0f ms\n", module.kernels().size(), failures,
              milliseconds_since(start));
  return failures != 0;
}

int run(graven::emulator::Module &module, int count, char **arguments) {
  const auto *kernel = module.find(arguments[2]);
  if (!kernel) {
    std::fprintf(stderr, "the module has no kernel %s\n", arguments[2]);
    return 1;
  }
  graven::emulator::Memory memory;
  std::vector<std::vector<float>> buffers;
  std::vector<void *> operands;
  for (unsigned i = 0; i < kernel->parameters; ++i) {
    const uint64_t bytes = i < kernel->operand_bytes.size() ? kernel->operand_bytes[i] : 1 << 20;
    auto &buffer = buffers.emplace_back(bytes / 4 + 16);
    for (size_t j = 0; j < buffer.size(); ++j) buffer[j] = static_cast<float>(j % 7) - 3;
    memory.add(buffer.data(), buffer.size() * 4, "");
    operands.push_back(buffer.data());
  }
  graven::emulator::Launch launch;
  launch.kernel = arguments[2];
  launch.grid.x = std::atoi(arguments[3]);
  launch.block.x = std::atoi(arguments[4]);
  launch.shared_bytes = count > 5 ? std::atoi(arguments[5]) : 0;
  graven::emulator::Options options;
  options.seed = count > 6 ? std::atoi(arguments[6]) : 0;
  std::string error;
  if (!module.compile(launch.kernel, &error)) {
    std::printf("%s\n", error.c_str());
    return 1;
  }
  const auto begin = Clock::now();
  const auto report = module.launch(launch, std::span<void *const>(operands), memory, options);
  std::printf("%s%.1f ms\n", report.text().c_str(), milliseconds_since(begin));
  return !report.ok();
}

}  // namespace

int main(int count, char **arguments) {
  if (count < 2 || (count > 2 && count < 5)) {
    std::fputs("usage: ptx_emulate FILE.ptx [KERNEL GRID THREADS [SHARED [SEED]]]\n", stderr);
    return 2;
  }
  std::ifstream file(arguments[1], std::ios::binary);
  const std::string ptx{std::istreambuf_iterator<char>(file), {}};
  std::string error;
  const auto module = graven::emulator::Module::load(ptx, &error);
  if (!module) {
    std::fprintf(stderr, "%s: %s\n", arguments[1], error.c_str());
    return 1;
  }
  return count == 2 ? compile_all(*module) : run(*module, count, arguments);
}
