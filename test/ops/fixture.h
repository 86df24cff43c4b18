// What the tests over rows share: one context, quiet about the warnings that gradients of constants
// give, and the phases that make a row's module executable.
#ifndef GRAVEN_TEST_OPS_FIXTURE_H_
#define GRAVEN_TEST_OPS_FIXTURE_H_

#include <cmath>

#include "gtest/gtest.h"
#include "test/ops/row.h"

namespace graven::ops_test {

// A context with the graph dialect.
mlir::MLIRContext &context();

// Runs `differentiate`, and `simplify` if asked, on the module; a failure fails the test.
void lower(mlir::ModuleOp module, bool simplify);

graph::EntryOp entryOf(mlir::ModuleOp module);

// The row's arguments, and weights for those that `moduleOf` added.
std::vector<Tensor> allArguments(const Row &row, mlir::FloatType precision, graph::EntryOp entry);

// Whether every element is a finite number.
bool isFinite(const Tensor &tensor);

// Expects equal types and elements that differ by no more than tolerance · max(1, |expected|);
// NaN equals NaN.
void expectClose(const Tensor &actual, const Tensor &expected, double tolerance);

// Names of parametrized tests.
inline std::string nameOfRow(const testing::TestParamInfo<Row> &info) { return info.param.name(); }
// Printed by GoogleTest where a row fails.
inline void PrintTo(const Row &row, std::ostream *out) { *out << row.name(); }

}  // namespace graven::ops_test

#endif  // GRAVEN_TEST_OPS_FIXTURE_H_
