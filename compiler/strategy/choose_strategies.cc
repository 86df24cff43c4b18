#include "compiler/strategy/cost.h"
#include "compiler/strategy/force_strategy.h"
#include "compiler/strategy/kernel_name.h"
#include "compiler/strategy/pack_constants.h"
#include "compiler/strategy/passes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace graven::strategy {

#define GEN_PASS_DEF_CHOOSESTRATEGIES
#include "compiler/strategy/passes.h.inc"

namespace {

// Same region, same kind: one kernel serves both.
bool sameKernel(kernel::FuncOp kernel, kernel::FusedOp fused) {
  return kernel.getKind() == fused.getKind() && kernel.getSegments() == fused.getSegments() &&
         kernel.getShared() == fused.getShared() &&
         OperationEquivalence::isRegionEquivalentTo(&kernel.getBody(), &fused.getBody(),
                                                    OperationEquivalence::IgnoreLocations);
}

class ChooseStrategiesPass : public impl::ChooseStrategiesBase<ChooseStrategiesPass> {
 public:
  explicit ChooseStrategiesPass(DeviceResolver resolver) : resolver_(std::move(resolver)) {}
  ChooseStrategiesPass(const ChooseStrategiesPass &other)
      : ChooseStrategiesBase(other), resolver_(other.resolver_) {}

  void runOnOperation() override {
    llvm::Expected<Device> device = resolver_(device_name, target, cpu);
    if (!device) {
      getOperation().emitError() << llvm::toString(device.takeError());
      return signalPassFailure();
    }
    if (numerics == "strict") {
      device->target.numerics = Numerics::kStrict;
    } else if (numerics != "fast") {
      getOperation().emitError() << "unknown numerics '" << numerics
                                 << "': expected fast or strict";
      return signalPassFailure();
    }
    if (matmul == "tf32") {
      device->target.matmul = Matmul::kTf32;
    } else if (matmul != "f32") {
      getOperation().emitError() << "unknown matmul '" << matmul << "': expected f32 or tf32";
      return signalPassFailure();
    }
    if (!force.empty())
      if (llvm::Error error = forceStrategy(force, device->target)) {
        getOperation().emitError() << llvm::toString(std::move(error));
        return signalPassFailure();
      }
    const std::string &forced = device->target.forced.strategy;
    if (!forced.empty() &&
        llvm::none_of(device->table, [&](const Strategy &each) { return each.name == forced; })) {
      auto names = llvm::map_range(device->table, [](const Strategy &each) { return each.name; });
      getOperation().emitError() << "device '" << device->target.device
                                 << "' has no strategy named '" << forced
                                 << "'; its strategies are " << llvm::join(names, ", ");
      return signalPassFailure();
    }
    WalkResult result = getOperation().walk([&](kernel::FusedOp fused) {
      return failed(outline(fused, *device)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (result.wasInterrupted()) signalPassFailure();
    for (const auto &[kind, choice] : device->target.forced_by_kind)
      if (!obeyed_.contains(kind))
        emitRemark(UnknownLoc::get(&getContext()))
            << "the strategy '" << choice.strategy << "' that was asked for computes no kernel of "
            << "kind '" << kind << "' in this model";
    named_.clear();
    obeyed_.clear();
  }

 private:
  const Strategy *choose(kernel::FusedOp fused, const Target &target, StrategyTable table) {
    for (const Strategy &strategy : table)
      if (strategy.name == target.forced.strategy && strategy.matches(fused, target)) {
        obeyed_.insert(fused.getKind());
        return &strategy;
      }
    for (const Strategy &strategy : table) {
      if (!only.empty() && strategy.name != only) continue;
      if (strategy.matches(fused, target)) return &strategy;
    }
    return nullptr;
  }

  LogicalResult outline(kernel::FusedOp fused, const Device &device) {
    const Target target = device.target.forKind(fused.getKind());
    const Strategy *strategy = choose(fused, target, device.table);
    if (!strategy)
      return fused.emitOpError() << "of kind '" << fused.getKind() << "' is matched by "
                                 << (only.empty() ? "no strategy of device '"
                                                  : "no strategy named '")
                                 << (only.empty() ? device.target.device : only.getValue()) << "'";
    Plan plan = strategy->plan(fused, target);
    // Moments of parameters that are no longer used decay to subnormal numbers and stay there, at
    // which processors are slow.
    if (device.target.has_flush && !device.target.strict() && isUpdate(fused))
      plan.params.push_back({"flush", 1});
    std::string base = kernelName(fused, plan);
    SmallVector<kernel::FuncOp> &others = named_[base];
    kernel::FuncOp kernel;
    for (kernel::FuncOp other : others)
      if (sameKernel(other, fused)) kernel = other;
    OpBuilder b(fused);
    SmallVector<Value> inputs(fused.getInputs());
    for (const Plan::Packed &packed : plan.packed)
      inputs[packed.input] = packConstant(b, inputs[packed.input], packed);
    if (!kernel) {
      std::string name = base;
      for (int number = 2; SymbolTable::lookupSymbolIn(getOperation(), name); ++number)
        name = base + "_v" + std::to_string(number);
      kernel = makeKernel(fused, plan, *strategy, name);
      if (!plan.packed.empty())
        kernel.setStoredTypesAttr(
            b.getTypeArrayAttr(llvm::to_vector(ValueRange(inputs).getTypes())));
      others.push_back(kernel);
    }
    auto call = kernel::CallOp::create(b, fused.getLoc(), fused.getResultTypes(),
                                       kernel.getSymName(), inputs);
    // Packed constants leave the ones they were made from, which the artifact need not hold.
    SmallVector<Operation *> sources;
    for (const Plan::Packed &packed : plan.packed)
      if (Operation *source = fused.getInputs()[packed.input].getDefiningOp())
        sources.push_back(source);
    fused.replaceAllUsesWith(call);
    fused.erase();
    for (Operation *source : sources)
      while (source && source->use_empty()) {
        Operation *behind =
            source->getNumOperands() ? source->getOperand(0).getDefiningOp() : nullptr;
        source->erase();
        source = behind;
      }
    return success();
  }

  // Kernels stand in front of the first entry, in the order in which entries need them.
  kernel::FuncOp makeKernel(kernel::FusedOp fused, const Plan &plan, const Strategy &strategy,
                            StringRef name) {
    Operation *entry = fused;
    while (entry->getParentOp() != getOperation()) entry = entry->getParentOp();
    OpBuilder b(entry);
    SmallVector<NamedAttribute> params;
    for (const auto &[key, value] : plan.params)
      params.push_back(b.getNamedAttr(key, b.getI64IntegerAttr(value)));
    SmallVector<Attribute> stages, pairs;
    for (const Plan::Stage &stage : plan.stages)
      stages.push_back(kernel::StageAttr::get(b.getContext(), stage.name, stage.grid, stage.threads,
                                              stage.shared_bytes, stage.moves));
    for (auto [input, output] : plan.same_index)
      pairs.push_back(b.getDenseI64ArrayAttr({input, output}));
    Cost cost = costOf(fused);
    auto kernel = kernel::FuncOp::create(
        b, fused.getLoc(), b.getStringAttr(name), fused.getKindAttr(), fused.getSegmentsAttr(),
        fused.getSharedAttr(),
        kernel::StrategyAttr::get(b.getContext(), strategy.name, b.getDictionaryAttr(params)),
        b.getArrayAttr(stages), b.getI64IntegerAttr(plan.scratch_bytes), b.getArrayAttr(pairs),
        b.getI64IntegerAttr(cost.flops), b.getI64IntegerAttr(cost.bytes),
        /*stored_types=*/ArrayAttr());
    kernel.getBody().takeBody(fused.getBody());
    return kernel;
  }

  DeviceResolver resolver_;
  llvm::StringMap<SmallVector<kernel::FuncOp>> named_;
  llvm::StringSet<> obeyed_;  // kinds of which a kernel got what was forced
};

}  // namespace

std::unique_ptr<Pass> createChooseStrategiesPass(DeviceResolver resolver) {
  return std::make_unique<ChooseStrategiesPass>(std::move(resolver));
}

std::unique_ptr<Pass> createChooseStrategiesPass(const Device &device) {
  return createChooseStrategiesPass(
      [device](StringRef, StringRef, StringRef) -> llvm::Expected<Device> { return device; });
}

void registerPasses(DeviceResolver resolver) {
  registerPass([resolver] { return createChooseStrategiesPass(resolver); });
}

void addStrategyPasses(OpPassManager &passes, const Device &device) {
  passes.addPass(createChooseStrategiesPass(device));
}

}  // namespace graven::strategy
