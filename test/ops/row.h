// One row for each op (and for some, several): what it is applied to and what must come out. Every
// test of ops walks the same rows: the interpreter against the reference, gradients against finite
// differences, artifacts against the interpreter.
#ifndef GRAVEN_TEST_OPS_ROW_H_
#define GRAVEN_TEST_OPS_ROW_H_

#include <functional>
#include <optional>
#include <string>

#include "dialect/graph/build/expr.h"
#include "mlir/IR/BuiltinOps.h"
#include "test/ops/tensor.h"

namespace graven::ops_test {

using graph::Expr;
using graph::GraphBuilder;

// What an argument is made of. Reals have the precision under test.
enum class Kind { kReal, kCondition, kByte, kInt, kLong };

struct Argument {
  Kind kind;
  std::vector<int64_t> shape;
  double low = -2, high = 2;   // numbers are spread over [low, high)
  std::vector<double> values;  // the numbers, where they are given one by one
};

Argument real(std::vector<int64_t> shape, double low = -2, double high = 2);
Argument integer(std::vector<int64_t> shape, double low = -9, double high = 9);
Argument condition(std::vector<int64_t> shape);
Argument given(Kind kind, std::vector<int64_t> shape, std::vector<double> values);

struct Row {
  using Build = std::function<Expr(GraphBuilder &, llvm::ArrayRef<Expr>)>;
  // From the arguments' tensors and the result's type.
  using Reference = std::function<Tensor(const std::vector<Tensor> &, mlir::RankedTensorType)>;

  std::string op;     // "tanh"; of a composition, a name of its own
  std::string facet;  // sets rows of one op apart
  std::vector<Argument> arguments;
  Build build;
  Reference reference;             // none: the interpreter is the reference
  std::vector<double> kinks = {};  // no real comes nearer than 0.05 to one
  double tolerance = 1e-12;        // forward, f64, relative to max(1, |expected|)
  double step = 1e-3;              // of the finite difference
  bool passesGradient = true;      // false: its gradient is zero by definition, whatever a
                                   // difference says (stop_gradient, argmax at a tie)

  std::string name() const { return facet.empty() ? op : op + "_" + facet; }
};

// References.
Row::Reference pointwise(double (*f)(double));
Row::Reference pointwise(double (*f)(double, double));
Row::Reference expects(std::vector<double> values);

// Shapes that elementwise rows are repeated for: a scalar, lengths 1 and 0, odd ones and primes.
std::vector<std::vector<int64_t>> elementwiseShapes();
std::string nameOf(llvm::ArrayRef<int64_t> shape);

// One function for each family, in the file of the family's name.
std::vector<Row> elementwiseRows();
std::vector<Row> structureRows();
std::vector<Row> reductionRows();
std::vector<Row> contractionRows();
std::vector<Row> indexingRows();
std::vector<Row> randomRows();
std::vector<Row> compositeRows();
// Expressions of several ops, for derivatives of second order.
std::vector<Row> compositionRows();
// The rows of all ops.
const std::vector<Row> &opRows();

// The numbers of a row's arguments, the same in every run. Reals are `precision`; no two numbers of
// a row's real arguments are equal.
std::vector<Tensor> argumentsOf(const Row &row, mlir::FloatType precision);

// A module with one entry @row of the row's arguments that returns its value; composites are
// decomposed. With `order` > 0 it takes one more real argument of the result's shape, the weights
// w, and returns Σ w y; with 1 then the gradients of that by every real argument, with 2 these,
// then with one more argument v for each of them s = Σ v · gradient, then the gradients of s.
mlir::OwningOpRef<mlir::ModuleOp> moduleOf(const Row &row, mlir::FloatType precision, int order);

// Replaces the module's composites by their definitions.
void decompose(mlir::ModuleOp module);
// `moduleOf` of order 0, with its composites.
mlir::OwningOpRef<mlir::ModuleOp> sourceOf(const Row &row, mlir::FloatType precision);

// Numbers for arguments that `moduleOf` adds.
Tensor weightsFor(mlir::RankedTensorType type, int which);

}  // namespace graven::ops_test

#endif  // GRAVEN_TEST_OPS_ROW_H_
