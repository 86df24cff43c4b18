#include "compiler/report/collector.h"

#include "compiler/report/tags.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace graven::report {
namespace {

// Takes the remarks of `fuse` as they are made.
class RemarkReader : public remark::detail::MLIRRemarkStreamerBase {
 public:
  explicit RemarkReader(Report &report) : report_(report) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    std::optional<Tag> at = tagOf(remark.getLocation(), kOpTag);
    if (!at) return;
    Refusal refusal;
    for (const remark::detail::Remark::Arg &arg : remark.getArgs()) {
      if (arg.key == "Reason") refusal.reason = arg.val;
      auto from = arg.hasAttribute() ? dyn_cast<LocationAttr>(arg.getAttribute()) : LocationAttr();
      if (!from) continue;
      if (std::optional<Tag> tag = tagOf(Location(from), kOpTag)) refusal.from = tag->index;
    }
    std::vector<Refusal> &apart = report_.entries[at->entry].ops[at->index].apart;
    bool known =
        llvm::any_of(apart, [&](const Refusal &each) { return each.from == refusal.from; });
    if (!known) apart.push_back(std::move(refusal));
  }

 private:
  Report &report_;
};

// What one core of the target does at best, by its description alone: three billion cycles a
// second, two vector units that multiply and add, one vector from the second cache in each cycle,
// and memory as of a common server.
Ceilings nominalCeilings(const strategy::Target &target) {
  constexpr double kCyclesPerSecond = 3e9;
  constexpr int kVectorUnits = 2;
  Ceilings ceilings;
  ceilings.flops_per_second = kCyclesPerSecond * kVectorUnits * 2 * target.lanes(4);
  ceilings.cache_bytes_per_second = kCyclesPerSecond * target.vector_bytes;
  ceilings.memory_bytes_per_second = 20e9;
  ceilings.cache_bytes = target.l2_bytes;
  return ceilings;
}

}  // namespace

const Collector::Step Collector::kSteps[] = {{"import", collectSource},
                                             {"simplify", collectGraphs},
                                             {"fuse", collectKernels},
                                             {"strategy", collectStrategies},
                                             {"schedule", collectPlans}};

Collector::Collector(MLIRContext *context, StringRef source, StringRef file,
                     const strategy::Target &target) {
  report_.source = source.str();
  report_.file = file.str();
  report_.triple = target.triple;
  report_.cpu = target.cpu;
  report_.instruction_set = target.instruction_set;
  report_.numerics = target.strict() ? "strict" : "fast";
  report_.ceilings = nominalCeilings(target);
  // Fails only where somebody listens already; then the report says no reasons.
  remark::RemarkCategories categories;
  categories.missed = "fuse";
  (void)remark::enableOptimizationRemarks(*context, std::make_unique<RemarkReader>(report_),
                                          std::make_unique<remark::RemarkEmittingPolicyAll>(),
                                          categories);
}

void Collector::afterPhase(StringRef phase, ModuleOp module) {
  for (const Step &step : kSteps)
    if (step.phase == phase) step.collect(module, report_);
}

}  // namespace graven::report
