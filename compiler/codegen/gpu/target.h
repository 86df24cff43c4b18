// The GPU that code is generated for, as the phases above know it.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_TARGET_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_TARGET_H_

#include "compiler/strategy/target.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace graven::codegen::gpu {

// The figures of a GPU of compute capability 8.0, which later ones exceed, and of the machine
// (`triple`, `cpu` as on the CPU) that opens artifacts. That machine needs no feature of its own.
llvm::Expected<strategy::Target> resolveTarget(llvm::StringRef triple, llvm::StringRef cpu);

// The chip in LLVM's spelling: "sm_80".
std::string chipOf(const strategy::Target &target);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_TARGET_H_
