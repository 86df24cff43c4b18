#include "test/ops/compiled_case.h"

#include <cmath>
#include <set>

#include "test/ops/compiled.h"
#include "test/ops/fixture.h"
#include "test/ops/interpreter.h"

namespace graven::ops_test {

std::vector<CompiledCase> compiledCases(const std::vector<Row> &rows, int order) {
  std::vector<CompiledCase> found;
  std::set<std::string> seen;
  for (const Row &model : rows) {
    if (!seen.insert(model.op).second) continue;
    CompiledCase one{model.op, {}, true, order};
    for (const Row &row : rows)
      if (row.op == model.op) one.rows.push_back(row);
    found.push_back(one);
    one.isDouble = false;
    found.push_back(one);
  }
  return found;
}

std::vector<Check> checksOf(const CompiledCase &one, std::string &text) {
  mlir::FloatType precision;
  if (one.isDouble)
    precision = mlir::Float64Type::get(&context());
  else
    precision = mlir::Float32Type::get(&context());
  std::vector<Check> checks;
  for (const Row &row : one.rows) {
    std::vector<Tensor> plain = argumentsOf(row, precision);
    bool differentiates = llvm::any_of(plain, [](const Tensor &t) { return t.isReal(); }) &&
                          llvm::all_of(plain, isFinite);
    for (int order = 0; order <= (differentiates ? one.order : 0); ++order) {
      auto module = moduleOf(row, precision, order);
      Check check{"row" + std::to_string(checks.size()),
                  row.name(),
                  allArguments(row, precision, entryOf(*module)),
                  {}};
      text += textOf(entryOf(*module), check.name);
      lower(*module, /*simplify=*/false);
      check.expected = interpret(entryOf(*module), check.arguments);
      checks.push_back(std::move(check));
    }
  }
  return checks;
}

std::vector<Check> narrowChecks(mlir::FloatType precision, std::string &text) {
  std::vector<Check> checks;
  for (const Row &row : opRows()) {
    std::vector<Tensor> arguments = argumentsOf(row, precision);
    if (llvm::none_of(arguments, [](const Tensor &t) { return t.isReal(); })) continue;
    auto module = sourceOf(row, precision);
    Check check{"row" + std::to_string(checks.size()), row.name(), arguments, {}};
    text += textOf(entryOf(*module), check.name);
    decompose(*module);
    check.expected = {interpret(entryOf(*module), arguments)[0]};
    checks.push_back(std::move(check));
  }
  return checks;
}

double narrowTolerance(mlir::FloatType precision) {
  int fraction = static_cast<int>(precision.getFPMantissaWidth()) - 1;
  return std::ldexp(1.0, -fraction - 1) + 2e-5;
}

}  // namespace graven::ops_test
