#include "test/ops/fixture.h"

#include "compiler/differentiate/passes.h"
#include "compiler/simplify/passes.h"
#include "mlir/IR/Diagnostics.h"

namespace graven::ops_test {

using namespace mlir;

MLIRContext &context() {
  static MLIRContext context = [] {
    DialectRegistry registry;
    registry.insert<graph::GraphDialect>();
    return MLIRContext(registry, MLIRContext::Threading::DISABLED);
  }();
  context.loadAllAvailableDialects();
  return context;
}

void lower(ModuleOp module, bool simplify) {
  ScopedDiagnosticHandler quiet(module.getContext(), [](Diagnostic &diagnostic) {
    return success(diagnostic.getSeverity() == DiagnosticSeverity::Warning);
  });
  PassManager pm(module.getContext());
  differentiate::addDifferentiatePasses(pm);
  if (simplify) simplify::addSimplifyPasses(pm);
  ASSERT_TRUE(succeeded(pm.run(module)));
}

graph::EntryOp entryOf(ModuleOp module) { return *module.getOps<graph::EntryOp>().begin(); }

std::vector<Tensor> allArguments(const Row &row, FloatType precision, graph::EntryOp entry) {
  std::vector<Tensor> arguments = argumentsOf(row, precision);
  for (size_t i = arguments.size(); i < entry.getEntryBlock().getNumArguments(); ++i)
    arguments.push_back(
        weightsFor(cast<RankedTensorType>(entry.getEntryBlock().getArgument(i).getType()), i));
  return arguments;
}

bool isFinite(const Tensor &tensor) {
  return llvm::all_of(tensor.reals, [](double value) { return std::isfinite(value); });
}

void expectClose(const Tensor &actual, const Tensor &expected, double tolerance) {
  ASSERT_TRUE(actual.type() == expected.type());
  for (int64_t i = 0; i < expected.size(); ++i) {
    double a = actual.at(i), e = expected.at(i);
    if (std::isnan(e))
      EXPECT_TRUE(std::isnan(a)) << "element " << i << " is " << a;
    else if (std::isinf(e))
      EXPECT_EQ(a, e) << "element " << i;
    else
      EXPECT_NEAR(a, e, tolerance * std::max(1.0, std::abs(e))) << "element " << i;
  }
}

}  // namespace graven::ops_test
