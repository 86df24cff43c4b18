// Resolves what the user says about the machine (`--target`, `--cpu`) to a Target record.
#ifndef GRAVEN_COMPILER_CODEGEN_CPU_TARGET_H_
#define GRAVEN_COMPILER_CODEGEN_CPU_TARGET_H_

#include <string>
#include <vector>

#include "compiler/strategy/target.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace graven::codegen::cpu {

// Resolves `triple` ("": the machine this program runs on; "aarch64-linux-gnu", ...) and `cpu`
// ("": x86-64-v3 on x86-64, generic elsewhere; "native"; or a name that LLVM knows).
// Errors name what was not understood, what would have been, and the nearest spelling.
llvm::Expected<strategy::Target> resolveTarget(llvm::StringRef triple, llvm::StringRef cpu);

// The CPU names that `resolveTarget` accepts for `triple`, sorted; for messages and --help.
std::vector<std::string> acceptedCpus(llvm::StringRef triple);

}  // namespace graven::codegen::cpu

#endif  // GRAVEN_COMPILER_CODEGEN_CPU_TARGET_H_
