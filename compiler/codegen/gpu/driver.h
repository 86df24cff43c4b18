// Whether this machine has a GPU.
#ifndef GRAVEN_COMPILER_CODEGEN_GPU_DRIVER_H_
#define GRAVEN_COMPILER_CODEGEN_GPU_DRIVER_H_

namespace graven::codegen::gpu {

// Whether an NVIDIA driver that takes our PTX (from 525, CUDA 12.0, on) can be loaded and has a
// device of compute capability 8.0 or more. Nothing is linked, and no context is made.
bool hasUsableGpu();

}  // namespace graven::codegen::gpu

#endif  // GRAVEN_COMPILER_CODEGEN_GPU_DRIVER_H_
