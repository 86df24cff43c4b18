// Compiles the text of one kernel.fused through strategy and code generation, loads the machine
// code and runs it on data.
#ifndef GRAVEN_TEST_COMPILER_CODEGEN_CPU_KERNEL_HARNESS_H_
#define GRAVEN_TEST_COMPILER_CODEGEN_CPU_KERNEL_HARNESS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "compiler/strategy/target.h"
#include "dialect/kernel/kernel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "test/compiler/codegen/kernel_data.h"

namespace graven::codegen::cpu {

class CompiledKernel {
 public:
  // `text`: an entry with one kernel.fused. `only`: the strategy to use, with parameters as
  // forceStrategy() reads them; empty: the table's choice. `cpu`: as for resolveTarget. `adjust`
  // may change the target, say its caches. A failure is reported to GoogleTest and leaves ok()
  // false.
  CompiledKernel(const std::string &text, const std::string &only = "",
                 const std::string &cpu = "native",
                 const std::function<void(strategy::Target &)> &adjust = nullptr);
  ~CompiledKernel();

  bool ok() const { return handle_ != nullptr; }
  kernel::FuncOp func() { return func_; }
  std::string strategy() { return func_.getStrategy().getName().str(); }
  mlir::Block &body() { return func_.getBody().front(); }

  using Bytes = codegen::Bytes;
  static Bytes encode(mlir::Type tensor, const Numbers &numbers) {
    return codegen::encode(tensor, numbers);
  }
  static Numbers decode(mlir::Type tensor, const Bytes &bytes) {
    return codegen::decode(tensor, bytes);
  }
  std::vector<Numbers> randomInputs(unsigned seed, double low = -2, double high = 2) {
    return codegen::randomInputs(func_, seed, low, high);
  }

  // Runs every stage; workgroups are taken `chunk` at a time (0: all in one call), the last first.
  // Where `in_place` is a pair (input, output), the two share memory. Inputs and outputs begin
  // `skip` bytes behind a multiple of 64.
  std::vector<Bytes> run(const std::vector<Bytes> &inputs, int64_t chunk = 0,
                         std::pair<int64_t, int64_t> in_place = {-1, -1}, int64_t skip = 8);
  // One call of a stage's function over its whole grid, for measurements.
  void launch(void *const *buffers);
  size_t stages() const { return stages_.size(); }
  // Share number `share` of `shares` equal ones of a stage's grid.
  void launchPart(size_t stage, void *const *buffers, int64_t share, int64_t shares);

  // Runs the kernel on random inputs and compares with the interpreter: floats within `tolerance`
  // relative to the largest output (or absolute below 1), everything else exactly. Also runs it one
  // workgroup at a time, in aligned memory, and with every pair of same_index sharing memory, and
  // demands equal bits.
  void check(unsigned seed, double tolerance, double low = -2, double high = 2);

 private:
  std::unique_ptr<mlir::MLIRContext> context_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  kernel::FuncOp func_;
  void *handle_ = nullptr;
  using Function = void (*)(void *const *, int64_t, int64_t);
  std::vector<std::pair<Function, int64_t>> stages_;
};

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_TEST_COMPILER_CODEGEN_CPU_KERNEL_HARNESS_H_
