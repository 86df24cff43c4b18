#include "test/compiler/codegen/toy/toy_backend.h"

#include "compiler/codegen/cpu/target.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/same_index.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/IR/OwningOpRef.h"

using namespace mlir;

namespace graven::codegen::toy {
namespace {

// A whole kernel is one step of the interpreter, which reads all inputs before it writes an output.
strategy::Plan plan(kernel::FusedOp fused, const strategy::Target &) {
  Block &body = fused.getBody().front();
  strategy::Plan plan;
  plan.stages = {{"", 1}};
  plan.same_index = strategy::sameIndexPairs(body);
  auto type = cast<RankedTensorType>(body.getTerminator()->getOperand(0).getType());
  plan.shape = strategy::shapeName(type.getShape());
  plan.config = "toy";
  return plan;
}

const strategy::Strategy kInterpreted = {
    "interpreted", [](kernel::FusedOp, const strategy::Target &) { return true; }, plan,
    [](kernel::FuncOp, const strategy::Target &, ModuleOp) { return success(); }};

// The artifact is opened on this machine; the figures say that kernels run on another.
llvm::Expected<strategy::Target> resolve(StringRef triple, StringRef cpu) {
  llvm::Expected<strategy::Target> target = cpu::resolveTarget(triple, cpu);
  if (!target) return target.takeError();
  target->device = "toy";
  target->required_features.clear();
  target->vector_bytes = 1;
  target->vector_registers = 2;
  target->has_fma = false;
  target->has_estimates = false;
  target->l1_bytes = 1 << 10;
  target->l2_bytes = 2 << 10;
  target->l3_bytes = 4 << 10;
  target->processors = 3;
  return target;
}

FailureOr<Code> emit(ModuleOp module, const strategy::Target &, llvm::LLVMContext &context) {
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(module.getLoc());
  OpBuilder builder = OpBuilder::atBlockEnd(kernels->getBody());
  for (auto kernel : module.getOps<kernel::FuncOp>()) builder.clone(*kernel);
  Image image;
  llvm::raw_string_ostream(image.bytes) << *kernels;
  Code code;
  code.host = std::make_unique<llvm::Module>("kernels", context);
  code.images.push_back(std::move(image));
  return code;
}

}  // namespace

const Backend kToyBackend = {"toy",
                             "an interpreter of kernels, for tests",
                             resolve,
                             []() -> strategy::StrategyTable { return kInterpreted; },
                             [](DialectRegistry &) {},
                             emit};

}  // namespace graven::codegen::toy
