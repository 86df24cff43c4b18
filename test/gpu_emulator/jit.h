// Compiles translated kernels to host code.
#ifndef GRAVEN_TEST_GPU_EMULATOR_JIT_H_
#define GRAVEN_TEST_GPU_EMULATOR_JIT_H_

#include <memory>
#include <string>

#include "test/gpu_emulator/thread.h"
#include "test/gpu_emulator/translate.h"

namespace graven::emulator {

class Jit {
 public:
  Jit();
  ~Jit();
  /// The compiled function; null and a sentence in `error` if LLVM fails.
  KernelFunction compile(Translation translation, std::string *error);

 private:
  struct Session;
  std::unique_ptr<Session> session_;
};

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_JIT_H_
