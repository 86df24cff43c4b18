// What the emulator's tests share: a module, its memory, and launches.
#ifndef GRAVEN_TEST_GPU_EMULATOR_KERNEL_RUNNER_H_
#define GRAVEN_TEST_GPU_EMULATOR_KERNEL_RUNNER_H_

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "test/gpu_emulator/emulator.h"

namespace graven::emulator {

/// Launches kernels whose operands are vectors.
class KernelRunner {
 public:
  explicit KernelRunner(const std::string &ptx) {
    std::string error;
    module_ = Module::load(ptx, &error);
    EXPECT_TRUE(module_) << error;
  }

  template <typename Element>
  KernelRunner &operand(std::vector<Element> &values) {
    memory_.add(values.data(), values.size() * sizeof(Element),
                "buffer " + std::to_string(pointers_.size()));
    pointers_.push_back(values.data());
    return *this;
  }

  Report launch(std::string_view kernel, Extents grid, Extents block, uint32_t shared_bytes = 0,
                const Options &options = {}) {
    if (!module_) return {{Finding{Kind::kBadLaunch, "", {}, {}, 0, "no module", ""}}};
    Launch launch;
    launch.kernel = kernel;
    launch.grid = grid;
    launch.block = block;
    launch.shared_bytes = shared_bytes;
    return module_->launch(launch, std::span<void *const>(pointers_), memory_, options);
  }

 private:
  std::unique_ptr<Module> module_;
  Memory memory_;
  std::vector<void *> pointers_;
};

/// `text` with the first `from` after `after` replaced; fails the test if it is not there.
inline std::string replaced(std::string text, std::string_view from, std::string_view to,
                            std::string_view after = "") {
  const size_t begin = text.find(after);
  const size_t at = begin == std::string::npos ? begin : text.find(from, begin);
  EXPECT_NE(at, std::string::npos) << "nothing to replace: " << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

/// A module with one kernel of that name: so many pointers as parameters, in %rd0, %rd1, ... as
/// global addresses; registers %p<8>, %rs<16>, %r<64>, %rd<32>; and these statements.
inline std::string one_kernel(unsigned pointers, const std::string &body,
                              const std::string &declarations = "", const std::string &name = "k") {
  std::string text = ".version 8.0\n.target sm_80\n.address_size 64\n" + declarations +
                     "\n.visible .entry " + name + "(";
  for (unsigned i = 0; i < pointers; ++i) {
    text += (i ? ", " : "") + std::string(".param .u64 p") + std::to_string(i);
  }
  text += ")\n{\n.reg .pred %p<8>;\n.reg .b16 %rs<16>;\n.reg .b32 %r<64>;\n.reg .b64 %rd<32>;\n";
  for (unsigned i = 0; i < pointers; ++i) {
    const std::string rd = "%rd" + std::to_string(i);
    text += "ld.param.u64 " + rd + ", [p" + std::to_string(i) + "];\ncvta.to.global.u64 " + rd +
            ", " + rd + ";\n";
  }
  return text + body + "\nret;\n}\n";
}

/// A file beside the tests.
inline std::string read_testdata(const std::string &name) {
  std::ifstream file(std::string(GRAVEN_EMULATOR_TESTDATA) + "/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_KERNEL_RUNNER_H_
