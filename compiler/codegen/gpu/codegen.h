// NVIDIA GPUs as a device: kernels are PTX that the driver loads.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_CODEGEN_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_CODEGEN_H_

#include "compiler/codegen/backend.h"

namespace graven::codegen::gpu {

extern const Backend kBackend;

// PTX of every kernel of `module`, which is not changed; diagnostics go to its context. One text
// for all kernels, each with its operands told above it.
mlir::FailureOr<std::string> emitPtx(mlir::ModuleOp module, const strategy::Target &target);

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_CODEGEN_H_
