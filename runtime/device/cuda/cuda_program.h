// A model's kernels in a GPU: the module that the driver makes of the artifact's image.
#ifndef GRAVEN_RUNTIME_DEVICE_CUDA_CUDA_PROGRAM_H_
#define GRAVEN_RUNTIME_DEVICE_CUDA_CUDA_PROGRAM_H_

#include "runtime/core/artifact_verifier.h"
#include "runtime/device/cuda/cuda_driver.h"

namespace graven1::cuda {

// What a GPU can do, and what messages call it.
struct Gpu {
  char name[32];         // "cuda:0"
  char model[64];        // "NVIDIA H100 80GB HBM3"
  int32_t major, minor;  // compute capability
  int32_t multiprocessors;
  int32_t most_shared_bytes;  // of one workgroup
  uint64_t memory_bytes;
};

struct Kernel {
  Function function;
  uint32_t threads;
  uint32_t shared_bytes;
};

struct Program {
  Table table;
  Module module;
  Kernel *kernels;  // one per kernel record
};

// Loads the image that suits `gpu` best: the cubin of its architecture, else the newest PTX that it
// runs. The context must be current. Fails with INCOMPATIBLE where there is no such image or the
// driver refuses it, with the log of its compiler, and where a kernel exceeds what the GPU has.
graven_status load_program(const Driver &driver, const Gpu &gpu, const graven_artifact &artifact,
                           Program **program);
void unload_program(const Driver &driver, Program *program);

// Fills `gpu` by what the driver says of device `ordinal`.
graven_status describe_gpu(const Driver &driver, uint32_t ordinal, Gpu *gpu, DeviceNumber *number);

}  // namespace graven1::cuda

#endif  // GRAVEN_RUNTIME_DEVICE_CUDA_CUDA_PROGRAM_H_
