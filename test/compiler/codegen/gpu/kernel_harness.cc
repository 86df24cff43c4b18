#include "test/compiler/codegen/gpu/kernel_harness.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <regex>

#include "compiler/codegen/gpu/codegen.h"
#include "compiler/strategy/force_strategy.h"
#include "compiler/strategy/passes.h"
#include "llvm/ADT/STLExtras.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

constexpr int64_t kAlignment = 256;  // of a device's allocations

// Memory of one operand, surrounded by what no kernel may touch.
struct Buffer {
  explicit Buffer(size_t bytes) : bytes(bytes) {
    size_t size = llvm::alignTo(bytes, kAlignment) + kAlignment;
    memory.reset(static_cast<char *>(std::aligned_alloc(kAlignment, size)));
    memset(memory.get(), 0xA5, size);
  }
  struct Free {
    void operator()(char *pointer) const { std::free(pointer); }
  };
  std::unique_ptr<char, Free> memory;
  size_t bytes;
};

constexpr const char *kAssembler = "/usr/local/cuda/bin/ptxas";

}  // namespace

EmulatedKernel::EmulatedKernel(const std::string &text, const std::string &only,
                               const std::function<void(strategy::Target &)> &adjust) {
  DialectRegistry registry;
  registry.insert<graph::GraphDialect, kernel::KernelDialect>();
  kBackend.registerDialects(registry);
  context_ = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context_->loadAllAvailableDialects();
  text_ = parseSourceString<ModuleOp>(text, context_.get());
  if (!text_) {
    ADD_FAILURE() << "does not parse:\n" << text;
    return;
  }
  llvm::Expected<strategy::Target> target = kBackend.resolve("", "");
  if (!target) {
    ADD_FAILURE() << llvm::toString(target.takeError());
    return;
  }
  if (adjust) adjust(*target);
  if (llvm::Error error = strategy::forceStrategy(only, *target)) {
    ADD_FAILURE() << llvm::toString(std::move(error));
    return;
  }
  std::vector<strategy::Strategy> table;
  for (const strategy::Strategy &strategy : kBackend.strategies())
    if (only.empty() || strategy.name == target->forced.strategy) table.push_back(strategy);
  PassManager passes(context_.get());
  strategy::addStrategyPasses(passes, {*target, table});
  if (failed(passes.run(*text_))) {
    ADD_FAILURE() << "no strategy for:\n" << text;
    return;
  }
  func_ = *text_->getOps<kernel::FuncOp>().begin();
  if (getenv("GRAVEN_DUMP_KERNELS")) {
    OwningOpRef<ModuleOp> out = ModuleOp::create(text_->getLoc());
    if (succeeded(emitKernels(*text_, kBackend.strategies(), *target, *out))) out->dump();
  }
  FailureOr<std::string> ptx = emitPtx(*text_, *target);
  if (failed(ptx)) {
    ADD_FAILURE() << "no code for:\n" << text;
    return;
  }
  ptx_ = *ptx;
  if (getenv("GRAVEN_DUMP_PTX")) fprintf(stderr, "%s\n", ptx_.c_str());
  std::string error;
  module_ = emulator::Module::load(ptx_, &error);
  if (!module_) ADD_FAILURE() << error;
}

EmulatedKernel::~EmulatedKernel() = default;

std::vector<Bytes> EmulatedKernel::run(const std::vector<Bytes> &inputs,
                                       const emulator::Options &options,
                                       std::pair<int64_t, int64_t> in_place) {
  std::string findings;
  std::vector<Bytes> outputs = run(*module_, inputs, options, in_place, &findings);
  if (!findings.empty()) ADD_FAILURE() << findings;
  return outputs;
}

std::string EmulatedKernel::faultOf(const std::string &ptx, const std::vector<Bytes> &inputs) {
  std::string findings;
  std::unique_ptr<emulator::Module> changed = emulator::Module::load(ptx, &findings);
  if (!changed) return findings;
  std::vector<Bytes> outputs = run(*changed, inputs, {}, {-1, -1}, &findings);
  if (findings.empty() && outputs != run(inputs)) return "wrong result";
  return findings;
}

std::vector<Bytes> EmulatedKernel::run(emulator::Module &module, const std::vector<Bytes> &inputs,
                                       const emulator::Options &options,
                                       std::pair<int64_t, int64_t> in_place,
                                       std::string *findings) {
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<void *> operands;
  emulator::Memory memory;
  auto add = [&](size_t bytes, const std::string &name) {
    buffers.push_back(std::make_unique<Buffer>(bytes));
    operands.push_back(buffers.back()->memory.get());
    memory.add(operands.back(), bytes, name);
  };
  for (auto [number, input] : llvm::enumerate(inputs)) {
    add(input.size(), "input " + std::to_string(number));
    if (!input.empty()) memcpy(operands.back(), input.data(), input.size());
  }
  size_t first_output = operands.size();
  for (auto [number, type] : llvm::enumerate(func_.getOutputTypes())) {
    if (in_place.second == static_cast<int64_t>(number))
      operands.push_back(operands[in_place.first]);
    else
      add(bytesOfTensor(type), "output " + std::to_string(number));
  }
  if (func_.getScratchBytes()) add(func_.getScratchBytes(), "scratch");
  for (auto stage : func_.getStages().getAsRange<kernel::StageAttr>()) {
    if (stage.getGrid() == 0) continue;
    std::string name = func_.getSymName().str();
    if (!stage.getName().empty()) name += "_" + stage.getName().str();
    emulator::Launch launch;
    launch.kernel = name;
    launch.grid.x = stage.getGrid();
    launch.block.x = stage.getThreads();
    launch.shared_bytes = stage.getSharedBytes();
    emulator::Report report =
        module.launch(launch, std::span<void *const>(operands), memory, options);
    if (!report.ok()) *findings += report.text();
  }
  std::vector<Bytes> outputs;
  for (auto [number, type] : llvm::enumerate(func_.getOutputTypes())) {
    char *place = static_cast<char *>(operands[first_output + number]);
    outputs.emplace_back(place, place + bytesOfTensor(type));
  }
  return outputs;
}

void EmulatedKernel::check(unsigned seed, double tolerance, double low, double high, double grid) {
  if (!ok()) return;
  SCOPED_TRACE(func_.getSymName().str());
  std::vector<Numbers> inputs = randomInputs(func_, seed, low, high);
  std::vector<Bytes> encoded;
  for (auto [type, numbers] : llvm::zip(func_.getInputTypes(), inputs)) {
    if (grid && isa<FloatType>(cast<RankedTensorType>(type).getElementType()))
      for (double &number : numbers) number = std::round(number / grid) * grid;
    encoded.push_back(encode(type, numbers));
  }
  std::vector<Numbers> expected = interpreted(body(), inputs);
  emulator::Options options;
  options.seed = seed;
  std::vector<Bytes> outputs = run(encoded, options);
  expectOutputs(func_, outputs, expected, tolerance);
  options.seed = seed + 1;
  EXPECT_EQ(outputs, run(encoded, options)) << "bits depend on the order of warps";
  for (auto pair : func_.getSameIndex().getAsRange<DenseI64ArrayAttr>())
    EXPECT_EQ(outputs, run(encoded, options, {pair[0], pair[1]}))
        << "input " << pair[0] << " and output " << pair[1] << " cannot share memory";
}

int64_t countOf(StringRef text, StringRef piece) {
  int64_t count = 0;
  for (size_t at = text.find(piece); at != StringRef::npos; at = text.find(piece, at + 1)) ++count;
  return count;
}

std::vector<std::vector<std::string>> innermostLoops(const std::string &ptx) {
  static const std::regex label("(\\$L\\w+):.*"), branch(".*bra\\S*\\s+(\\$L\\w+);.*");
  std::vector<std::vector<std::string>> loops;
  std::map<std::string, size_t> labels;  // places in `lines` of the labels before here
  std::vector<std::string> lines;
  size_t last = 0;   // where the last loop ended
  std::string open;  // an instruction that goes on
  for (StringRef rest = ptx; !rest.empty();) {
    auto [line, tail] = rest.split('\n');
    rest = tail;
    std::string text = line.split("//").first.trim().str();
    std::smatch match;
    if (std::regex_match(text, match, label)) labels[match[1]] = lines.size();
    // Matrix products stand in several lines.
    if (!open.empty() || StringRef(text).starts_with("mma.")) {
      open += (open.empty() ? "" : " ") + text;
      if (!StringRef(open).ends_with(";")) continue;
      text = std::exchange(open, "");
    }
    bool is_instruction = StringRef(text).ends_with(";") && text[0] != '.';
    if (is_instruction) lines.push_back(text);
    if (!std::regex_match(text, match, branch) || !labels.count(match[1])) continue;
    size_t first = labels[match[1]];
    if (first >= last) loops.emplace_back(lines.begin() + first, lines.end());
    last = lines.size();
  }
  return loops;
}

bool hasAssembler() { return access(kAssembler, X_OK) == 0; }

std::vector<Assembled> assembled(const std::string &ptx, const std::string &chip) {
  std::vector<Assembled> kernels;
  if (!hasAssembler()) return kernels;
  std::string path = testing::TempDir() + "graven_" + std::to_string(getpid()) + ".ptx";
  std::ofstream(path) << ptx;
  std::string command =
      std::string(kAssembler) + " -v -arch=" + chip + " -o /dev/null " + path + " 2>&1";
  FILE *pipe = popen(command.c_str(), "r");
  std::string text;
  char line[4096];
  static const std::regex entry("Compiling entry function '(\\w+)'");
  static const std::regex spill("(\\d+) bytes spill stores, (\\d+) bytes spill loads");
  static const std::regex registers("Used (\\d+) registers");
  while (pipe && fgets(line, sizeof line, pipe)) {
    text += line;
    std::string each = line;
    std::smatch match;
    if (std::regex_search(each, match, entry)) kernels.push_back({match[1]});
    if (kernels.empty()) continue;
    if (std::regex_search(each, match, spill))
      kernels.back().spilled_bytes = std::max(std::stoll(match[1]), std::stoll(match[2]));
    if (std::regex_search(each, match, registers)) kernels.back().registers = std::stoll(match[1]);
  }
  int status = pipe ? pclose(pipe) : -1;
  unlink(path.c_str());
  EXPECT_EQ(status, 0) << text;
  return kernels;
}

}  // namespace graven::codegen::gpu
