// Compiles the text of one kernel.fused for the GPU and runs its PTX in the emulator.
#ifndef GRAVEN_TEST_COMPILER_CODEGEN_GPU_KERNEL_HARNESS_H_
#define GRAVEN_TEST_COMPILER_CODEGEN_GPU_KERNEL_HARNESS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "compiler/strategy/target.h"
#include "dialect/kernel/kernel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "test/compiler/codegen/kernel_data.h"
#include "test/gpu_emulator/emulator.h"

namespace graven::codegen::gpu {

class EmulatedKernel {
 public:
  // `text`: an entry with one kernel.fused. `only`: the strategy to use, with parameters as
  // forceStrategy() reads them; empty: the table's choice. `adjust` may change the target. A
  // failure is reported to GoogleTest and leaves ok() false. Where the environment has
  // GRAVEN_DUMP_KERNELS or GRAVEN_DUMP_PTX, the kernel's code is printed to stderr.
  explicit EmulatedKernel(const std::string &text, const std::string &only = "",
                          const std::function<void(strategy::Target &)> &adjust = nullptr);
  ~EmulatedKernel();

  bool ok() const { return module_ != nullptr; }
  kernel::FuncOp func() { return func_; }
  std::string strategy() { return func_.getStrategy().getName().str(); }
  mlir::Block &body() { return func_.getBody().front(); }
  const std::string &ptx() const { return ptx_; }

  // Runs every stage on inputs encoded as machine code sees them. Where `in_place` is a pair
  // (input, output), the two share memory. What the emulator finds fails the test.
  std::vector<Bytes> run(const std::vector<Bytes> &inputs, const emulator::Options &options = {},
                         std::pair<int64_t, int64_t> in_place = {-1, -1});

  // Runs `ptx`, a changed text of this kernel, in its place: what the emulator found, or "wrong
  // result" where only outputs other than the kernel's own show a difference, or "" where nothing
  // does.
  std::string faultOf(const std::string &ptx, const std::vector<Bytes> &inputs);

  // Runs the kernel on random inputs and compares with the interpreter: floats within `tolerance`
  // relative to the largest element of an output (or absolute below 1), everything else exactly.
  // Also runs it with warps in another order, and with every pair of same_index sharing memory, and
  // demands equal bits. With `grid`, floats are multiples of it.
  void check(unsigned seed, double tolerance, double low = -2, double high = 2, double grid = 0);

 private:
  // Appends to `findings` what the emulator finds.
  std::vector<Bytes> run(emulator::Module &module, const std::vector<Bytes> &inputs,
                         const emulator::Options &options, std::pair<int64_t, int64_t> in_place,
                         std::string *findings);

  std::unique_ptr<mlir::MLIRContext> context_;
  mlir::OwningOpRef<mlir::ModuleOp> text_;
  kernel::FuncOp func_;
  std::string ptx_;
  std::unique_ptr<emulator::Module> module_;
};

// How often `piece` occurs in `text`.
int64_t countOf(llvm::StringRef text, llvm::StringRef piece);

// The loops of `ptx` that have none inside: from the label to the branch back, a line each
// instruction.
std::vector<std::vector<std::string>> innermostLoops(const std::string &ptx);

// What ptxas says about `ptx` for a chip ("sm_80"): for each kernel its registers, and bytes of
// spilled registers. Nothing where there is no ptxas; one that refuses the text fails the test.
struct Assembled {
  std::string kernel;
  int64_t registers = 0, spilled_bytes = 0;
};
bool hasAssembler();
std::vector<Assembled> assembled(const std::string &ptx, const std::string &chip);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_TEST_COMPILER_CODEGEN_GPU_KERNEL_HARNESS_H_
