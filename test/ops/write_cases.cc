// Writes the rows of ops as artifacts for GPUs and cases for gpu_cases:
//
//   ops_write_cases FOLDER [REGEX]      # of ops whose name (such as tanh_f32) the expression
//   matches
//
// makes FOLDER/tanh_f32.so and FOLDER/tanh_f32.cases, and rows_f16 and rows_bf16 of all ops. Prints
// a line for each; one that does not compile is told on stderr, and the exit status is 1.
#include <cstdio>
#include <fstream>
#include <regex>

#include "compiler/api/compile.h"
#include "llvm/Support/FormatVariadic.h"
#include "test/gpu_cases/case_file.h"
#include "test/ops/compiled.h"
#include "test/ops/compiled_case.h"
#include "test/ops/fixture.h"

namespace graven::ops_test {
namespace {

gpu_cases::Buffer bufferOf(const Tensor &tensor, double tolerance) {
  std::vector<char> bytes = encode(tensor);
  gpu_cases::Buffer buffer;
  buffer.expected.assign(bytes.begin(), bytes.end());
  if (!tensor.isReal()) {
    buffer.element = "integers";
    return buffer;
  }
  buffer.element = llvm::formatv("{0}", tensor.element);
  buffer.tolerance = tolerance;
  return buffer;
}

bool write(const std::string &name, const std::string &text, const std::vector<Check> &checks,
           double tolerance, const std::string &folder) {
  CompileOptions options;
  options.file_name = name + ".mlir";
  options.device = "cuda";
  absl::StatusOr<Artifact> artifact = compile(text, options);
  if (!artifact.ok()) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(),
                 std::string(artifact.status().message()).c_str());
    return false;
  }
  std::ofstream(folder + "/" + name + ".so", std::ios::binary) << artifact->bytes;
  std::ofstream file(folder + "/" + name + ".cases", std::ios::binary);
  for (const Check &check : checks) {
    gpu_cases::Case made;
    made.kind = gpu_cases::Kind::kEntry;
    made.name = name + " " + check.row + " " + check.name;
    made.module = name + ".so";
    made.function = check.name;
    for (const Tensor &argument : check.arguments) {
      made.buffers.push_back(bufferOf(argument, 0));
      made.buffers.back().before = std::move(made.buffers.back().expected);
      made.buffers.back().expected.clear();
    }
    for (const Tensor &tensor : check.expected) made.buffers.push_back(bufferOf(tensor, tolerance));
    file << gpu_cases::encode(made);
  }
  std::printf("%s: %zu cases\n", name.c_str(), checks.size());
  return file.good();
}

int writeAll(const std::string &folder, const std::string &expression) {
  const std::regex wanted(expression);
  int status = 0;
  for (const auto &[rows, order] : {std::pair{opRows(), 1}, {compositionRows(), 2}}) {
    for (const CompiledCase &one : compiledCases(rows, order))
      if (std::regex_search(one.name(), wanted)) {
        std::string text;
        std::vector<Check> checks = checksOf(one, text);
        if (!write(one.name(), text, checks, one.tolerance(), folder)) status = 1;
      }
  }
  for (mlir::FloatType type : {mlir::FloatType(mlir::Float16Type::get(&context())),
                               mlir::FloatType(mlir::BFloat16Type::get(&context()))}) {
    std::string name = llvm::formatv("rows_{0}", mlir::Type(type)), text;
    if (!std::regex_search(name, wanted)) continue;
    std::vector<Check> checks = narrowChecks(type, text);
    // What is expected is rounded, too.
    if (!write(name, text, checks, 2 * narrowTolerance(type), folder)) status = 1;
  }
  return status;
}

}  // namespace
}  // namespace graven::ops_test

int main(int count, char **arguments) {
  if (count < 2 || count > 3) {
    std::fputs("usage: ops_write_cases FOLDER [REGEX]\n", stderr);
    return 2;
  }
  return graven::ops_test::writeAll(arguments[1], count > 2 ? arguments[2] : "");
}
