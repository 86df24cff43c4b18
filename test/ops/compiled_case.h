// What the rows of an op become as one model: an entry for each row and order of derivative, with
// arguments and what must come out.
#ifndef GRAVEN_TEST_OPS_COMPILED_CASE_H_
#define GRAVEN_TEST_OPS_COMPILED_CASE_H_

#include <string>
#include <vector>

#include "test/ops/row.h"

namespace graven::ops_test {

struct CompiledCase {
  std::string op;
  std::vector<Row> rows;
  bool isDouble;
  int order;  // the highest derivative to check

  std::string name() const { return op + (isDouble ? "_f64" : "_f32"); }
  // How far a real may be off, relative to max(1, |expected|).
  double tolerance() const { return isDouble ? 1e-11 : 2e-5; }
};

// Two for each op among `rows`, one in each precision.
std::vector<CompiledCase> compiledCases(const std::vector<Row> &rows, int order);

// One entry of the model.
struct Check {
  std::string name, row;
  std::vector<Tensor> arguments, expected;
};

// The checks of a case; `text` is the model that has their entries. Values are the interpreter's,
// in f64 whatever the precision.
std::vector<Check> checksOf(const CompiledCase &one, std::string &text);

// All rows with real arguments on floats of 16 bits, `precision`, values only: the exact results of
// the rounded arguments, as one model, `text`.
std::vector<Check> narrowChecks(mlir::FloatType precision, std::string &text);
// How far those may be off, relative to max(1, |expected|): half a unit in the last place, and what
// computing in f32 adds.
double narrowTolerance(mlir::FloatType precision);

}  // namespace graven::ops_test

#endif  // GRAVEN_TEST_OPS_COMPILED_CASE_H_
