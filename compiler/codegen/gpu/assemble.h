// PTX to machine code, by the assembler of a CUDA toolkit where there is one.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_ASSEMBLE_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_ASSEMBLE_H_

#include <string>

#include "compiler/codegen/backend.h"

namespace graven::codegen::gpu {

// Path of ptxas: on PATH, in $CUDA_HOME/bin or $CUDA_PATH/bin, in /usr/local/cuda/bin; "" if none.
std::string findPtxas();

// The cubin of `ptx` for `architecture`: "sm_80", "sm_90", "sm_90a". Errors say that ptxas is
// missing, or what it said.
llvm::Expected<Image> assemblePtx(const Image &ptx, llvm::StringRef architecture);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_ASSEMBLE_H_
