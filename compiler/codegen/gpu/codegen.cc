#include "compiler/codegen/gpu/codegen.h"

#include "compiler/codegen/gpu/assemble.h"
#include "compiler/codegen/gpu/driver.h"
#include "compiler/codegen/gpu/lower.h"
#include "compiler/codegen/gpu/ptx.h"
#include "compiler/codegen/gpu/strategies/strategies.h"
#include "compiler/codegen/gpu/target.h"
#include "compiler/codegen/loops/rules.h"
#include "dialect/kernel/kernel.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

// What a kernel does with its buffers: the comments above its entry.
std::vector<EntryNote> notesOf(kernel::FuncOp kernel) {
  std::vector<std::string> lines;
  auto note = [&](int64_t bytes, StringRef access) {
    lines.push_back(
        ("operand " + Twine(lines.size()) + ": " + Twine(bytes) + " bytes, " + access).str());
  };
  auto bytes = [](Type type) {
    auto tensor = cast<RankedTensorType>(type);
    return productOf(tensor.getShape()) * bytesOf(tensor.getElementType());
  };
  // A stage may read what an earlier one has written.
  bool stages = kernel.getStages().size() > 1;
  for (Type type : kernel.getInputTypes()) note(bytes(type), "read");
  for (Type type : kernel.getOutputTypes()) note(bytes(type), stages ? "read write" : "write");
  if (kernel.getScratchBytes() > 0) note(kernel.getScratchBytes(), "read write");
  std::vector<EntryNote> notes;
  for (auto stage : kernel.getStages().getAsRange<kernel::StageAttr>()) {
    std::string symbol = kernel.getSymName().str();
    if (!stage.getName().empty()) symbol += "_" + stage.getName().str();
    notes.push_back({symbol, lines});
  }
  return notes;
}

FailureOr<Code> emit(ModuleOp module, const strategy::Target &target, llvm::LLVMContext &context) {
  FailureOr<std::string> ptx = emitPtx(module, target);
  if (failed(ptx)) return failure();
  Code code;
  code.host = std::make_unique<llvm::Module>("graven_kernels", context);
  code.images.push_back(
      {ImageKind::kPtx, static_cast<uint32_t>(target.architecture), std::move(*ptx)});
  return code;
}

}  // namespace

const Backend kBackend = {"cuda",
                          "NVIDIA GPUs of compute capability 8.0 and up",
                          resolveTarget,
                          strategies,
                          registerLowerToPtx,
                          emit,
                          hasUsableGpu,
                          assemblePtx};

FailureOr<std::string> emitPtx(ModuleOp module, const strategy::Target &target) {
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(module.getLoc());
  if (failed(emitKernels(module, strategies(), target, *kernels))) return failure();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = lowerToLlvm(*kernels, target, context);
  if (!code) return failure();
  std::vector<EntryNote> notes;
  for (auto kernel : module.getOps<kernel::FuncOp>())
    for (EntryNote &note : notesOf(kernel)) notes.push_back(std::move(note));
  llvm::Expected<std::string> ptx = printPtx(*code, target, notes);
  if (!ptx) return module.emitError() << llvm::toString(ptx.takeError());
  return *ptx;
}

}  // namespace graven::codegen::gpu
