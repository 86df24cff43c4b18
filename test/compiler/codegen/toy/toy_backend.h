// A third device, registered by tests alone: its image is the text of the kernels as `strategy`
// left them, and the device (test/runtime/device/toy) computes that op by op. It proves that
// nothing above `codegen` knows which device it serves.
#ifndef GRAVEN_TEST_COMPILER_CODEGEN_TOY_TOY_BACKEND_H_
#define GRAVEN_TEST_COMPILER_CODEGEN_TOY_TOY_BACKEND_H_

#include "compiler/codegen/backend.h"

namespace graven::codegen::toy {

// Named "toy". Its figures are none of the other devices': one lane, three processors, little
// memory.
extern const Backend kToyBackend;

}  // namespace graven::codegen::toy

#endif  // GRAVEN_TEST_COMPILER_CODEGEN_TOY_TOY_BACKEND_H_
