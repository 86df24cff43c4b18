// The phase `strategy`: kernel.fused regions in, kernel.func with a plan and kernel.call out.
#ifndef GRAVEN_COMPILER_STRATEGY_PASSES_H_
#define GRAVEN_COMPILER_STRATEGY_PASSES_H_

#include <functional>
#include <memory>

#include "compiler/strategy/strategy.h"
#include "llvm/Support/Error.h"
#include "mlir/Pass/Pass.h"

namespace graven::strategy {

#define GEN_PASS_DECL
#include "compiler/strategy/passes.h.inc"

// A machine and what can be done on it.
struct Device {
  Target target;
  StrategyTable table;
};
// Finds what the options `device`, `target` and `cpu` name.
using DeviceResolver = std::function<llvm::Expected<Device>(
    llvm::StringRef device, llvm::StringRef target, llvm::StringRef cpu)>;

// --strategy-choose-strategies for a known device.
std::unique_ptr<mlir::Pass> createChooseStrategiesPass(const Device &device);
// The same for the device that the pass options name.
std::unique_ptr<mlir::Pass> createChooseStrategiesPass(DeviceResolver resolver);

// Registers the phase's passes for tools that take passes by name.
void registerPasses(DeviceResolver resolver);
// Appends the phase to a pipeline on modules.
void addStrategyPasses(mlir::OpPassManager &passes, const Device &device);

}  // namespace graven::strategy

#endif  // GRAVEN_COMPILER_STRATEGY_PASSES_H_
