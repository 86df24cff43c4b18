#include "test/compiler/codegen/cpu/kernel_harness.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "compiler/codegen/cpu/codegen.h"
#include "compiler/codegen/cpu/lower.h"
#include "compiler/codegen/cpu/strategies/strategies.h"
#include "compiler/codegen/cpu/target.h"
#include "compiler/codegen/host/emit_object.h"
#include "compiler/codegen/loops/lower.h"
#include "compiler/package/link.h"
#include "compiler/strategy/force_strategy.h"
#include "compiler/strategy/passes.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace graven::codegen::cpu {
namespace {

// The bytes of a shared object with the functions of `kernels`.
llvm::Expected<std::string> compile(ModuleOp kernels, const strategy::Target &target) {
  OwningOpRef<ModuleOp> out = ModuleOp::create(kernels.getLoc());
  auto failed = [](const char *what) {
    return llvm::createStringError(std::errc::invalid_argument, what);
  };
  if (mlir::failed(emitKernels(kernels, target, *out))) return failed("emitting kernels failed");
  if (getenv("GRAVEN_DUMP_KERNELS")) out->dump();
  if (mlir::failed(out->verify())) return failed("the emitted code does not verify");
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = lowerToLlvm(*out, target, context);
  if (!module) return failed("lowering failed");
  for (llvm::Function &function : *module)
    if (!function.isDeclaration()) {
      function.setVisibility(llvm::GlobalValue::DefaultVisibility);
      function.setDSOLocal(false);
    }
  if (llvm::Error error = host::optimizeModule(*module, target)) return error;
  if (getenv("GRAVEN_DUMP_ASSEMBLY")) {
    auto assembly = host::emitAssembly(*module, target);
    if (!assembly) return assembly.takeError();
    fprintf(stderr, "%s\n", assembly->c_str());
    return failed("printed");
  }
  auto object = host::emitObject(*module, target);
  if (!object) return object.takeError();
  return package::linkSharedObject({*object}, target);
}

}  // namespace

CompiledKernel::CompiledKernel(const std::string &text, const std::string &only,
                               const std::string &cpu,
                               const std::function<void(strategy::Target &)> &adjust) {
  DialectRegistry registry;
  registry.insert<graph::GraphDialect, kernel::KernelDialect>();
  registerLowerToLlvm(registry);
  context_ = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context_->loadAllAvailableDialects();
  module_ = parseSourceString<ModuleOp>(text, context_.get());
  if (!module_) {
    ADD_FAILURE() << "does not parse:\n" << text;
    return;
  }
  auto target = resolveTarget("", cpu);
  if (!target) {
    ADD_FAILURE() << llvm::toString(target.takeError());
    return;
  }
  if (adjust) adjust(*target);
  strategy::Device chosen = {*target, strategies()};
  if (llvm::Error error = strategy::forceStrategy(only, chosen.target)) {
    ADD_FAILURE() << llvm::toString(std::move(error));
    return;
  }
  std::vector<strategy::Strategy> table;
  for (const strategy::Strategy &strategy : strategies())
    if (only.empty() || strategy.name == chosen.target.forced.strategy) table.push_back(strategy);
  chosen.table = table;
  PassManager passes(context_.get());
  strategy::addStrategyPasses(passes, chosen);
  if (failed(passes.run(*module_))) {
    ADD_FAILURE() << "no strategy for:\n" << text;
    return;
  }
  func_ = *module_->getOps<kernel::FuncOp>().begin();
  auto shared = compile(*module_, *target);
  if (!shared) {
    ADD_FAILURE() << llvm::toString(shared.takeError()) << "\n" << text;
    return;
  }
  static int number = 0;
  std::string path = testing::TempDir() + "graven_kernel_" + std::to_string(getpid()) + "_" +
                     std::to_string(number++) + ".so";
  FILE *file = fopen(path.c_str(), "wb");
  if (!file || fwrite(shared->data(), 1, shared->size(), file) != shared->size()) {
    ADD_FAILURE() << "cannot write " << path;
    return;
  }
  fclose(file);
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) ADD_FAILURE() << dlerror();
  unlink(path.c_str());
  if (!handle) return;
  for (auto stage : func_.getStages().getAsRange<kernel::StageAttr>()) {
    std::string name = func_.getSymName().str();
    if (!stage.getName().empty()) name += "_" + stage.getName().str();
    auto function = reinterpret_cast<Function>(dlsym(handle, name.c_str()));
    if (!function) {
      ADD_FAILURE() << "no function " << name;
      return;
    }
    stages_.push_back({function, stage.getGrid()});
  }
  handle_ = handle;
}

CompiledKernel::~CompiledKernel() {
  if (handle_) dlclose(handle_);
}

std::vector<Bytes> CompiledKernel::run(const std::vector<Bytes> &inputs, int64_t chunk,
                                       std::pair<int64_t, int64_t> in_place, int64_t skip) {
  // Every buffer stands between guards that no kernel may touch, at an address aligned to its
  // element alone.
  constexpr int64_t kGuard = 64;
  std::vector<Bytes> memory;
  std::vector<int64_t> skips;
  auto allocate = [&](int64_t bytes, int64_t skip) {
    memory.emplace_back(bytes + 2 * kGuard + skip + 64, char(0xA5));
    uintptr_t base = reinterpret_cast<uintptr_t>(memory.back().data());
    skips.push_back((64 - base % 64) % 64 + kGuard + skip);
    return memory.back().data() + skips.back();
  };
  memory.reserve(64);
  std::vector<void *> buffers;
  std::vector<int64_t> sizes;
  for (const Bytes &input : inputs) {
    char *place = allocate(input.size(), skip);
    if (!input.empty()) memcpy(place, input.data(), input.size());
    buffers.push_back(place);
    sizes.push_back(input.size());
  }
  size_t first_output = buffers.size();
  for (auto [number, type] : llvm::enumerate(func_.getOutputTypes())) {
    if (in_place.second == static_cast<int64_t>(number))
      buffers.push_back(buffers[in_place.first]);
    else
      buffers.push_back(allocate(bytesOfTensor(type), skip));
    sizes.push_back(bytesOfTensor(type));
  }
  if (func_.getScratchBytes()) buffers.push_back(allocate(func_.getScratchBytes(), 0));
  for (auto [function, grid] : stages_) {
    int64_t step = chunk ? chunk : std::max<int64_t>(grid, 1);
    for (int64_t lo = (grid - 1) / step * step; lo >= 0 && grid; lo -= step)
      function(buffers.data(), lo, std::min(lo + step, grid));
  }
  for (size_t i = 0; i < memory.size(); ++i) {
    int64_t size = i < sizes.size() && in_place.first < 0 ? sizes[i] : -1;
    for (int64_t at = 0; at < skips[i]; ++at)
      EXPECT_EQ(memory[i][at], char(0xA5)) << "wrote before buffer " << i;
    if (size >= 0)
      for (size_t at = skips[i] + size; at < memory[i].size(); ++at)
        if (memory[i][at] != char(0xA5)) {
          ADD_FAILURE() << "wrote behind buffer " << i;
          break;
        }
  }
  std::vector<Bytes> outputs;
  for (size_t i = first_output; i < first_output + func_.getOutputTypes().size(); ++i) {
    char *place = static_cast<char *>(buffers[i]);
    outputs.emplace_back(place, place + sizes[i]);
  }
  return outputs;
}

void CompiledKernel::launch(void *const *buffers) {
  for (auto [function, grid] : stages_) function(buffers, 0, grid);
}

void CompiledKernel::launchPart(size_t stage, void *const *buffers, int64_t share, int64_t shares) {
  auto [function, grid] = stages_[stage];
  function(buffers, grid * share / shares, grid * (share + 1) / shares);
}

void CompiledKernel::check(unsigned seed, double tolerance, double low, double high) {
  if (!ok()) return;
  std::vector<Numbers> inputs = randomInputs(seed, low, high);
  std::vector<Bytes> encoded;
  for (auto [type, numbers] : llvm::zip(func_.getInputTypes(), inputs))
    encoded.push_back(encode(type, numbers));
  std::vector<Numbers> expected = interpreted(body(), inputs);
  std::vector<Bytes> outputs = run(encoded);
  SCOPED_TRACE(func_.getSymName().str());
  expectOutputs(func_, outputs, expected, tolerance);
  EXPECT_EQ(outputs, run(encoded, 1)) << "bits depend on how workgroups are divided";
  EXPECT_EQ(outputs, run(encoded, 3, {-1, -1}, 0)) << "bits depend on alignment";
  for (auto pair : func_.getSameIndex().getAsRange<DenseI64ArrayAttr>())
    EXPECT_EQ(outputs, run(encoded, 0, {pair[0], pair[1]}))
        << "input " << pair[0] << " and output " << pair[1] << " cannot share memory";
}

}  // namespace graven::codegen::cpu
