// LLVM's code generators, as a process needs them.
#ifndef GRAVEN_COMPILER_CODEGEN_HOST_LLVM_TARGETS_H_
#define GRAVEN_COMPILER_CODEGEN_HOST_LLVM_TARGETS_H_

namespace graven::codegen::host {

// Registers LLVM's code generators once per process; thread-safe.
void initializeLlvmTargets();

}  // namespace graven::codegen::host

#endif  // GRAVEN_COMPILER_CODEGEN_HOST_LLVM_TARGETS_H_
