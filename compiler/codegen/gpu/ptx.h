// PTX, the text of a GPU's kernels.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_PTX_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_PTX_H_

#include <string>
#include <vector>

#include "compiler/strategy/target.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace llvm {
class Module;
}

namespace graven::codegen::gpu {

// Lines of comment above the entry of one kernel.
struct EntryNote {
  std::string symbol;
  std::vector<std::string> lines;
};

// Optimizes `module` and prints it as PTX of ISA 8.0, which drivers from 525 (CUDA 12.0) on take.
// Kernels call nothing; an external function is an error that names it.
llvm::Expected<std::string> printPtx(llvm::Module &module, const strategy::Target &target,
                                     llvm::ArrayRef<EntryNote> notes);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_PTX_H_
