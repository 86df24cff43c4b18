// Machine code of one module made by several threads.
#ifndef GRAVEN_COMPILER_CODEGEN_HOST_EMIT_SHARDS_H_
#define GRAVEN_COMPILER_CODEGEN_HOST_EMIT_SHARDS_H_

#include <string>
#include <vector>

#include "compiler/strategy/target.h"
#include "llvm/Support/Error.h"

namespace llvm {
class Module;
}

namespace graven::codegen::host {

// Optimizes `module` and returns its code as ELF objects to be linked together, made by up to
// `threads` threads (0: as many as there are processors). Symbols that the objects share are
// hidden. How the module is cut depends on the module alone, so do the bytes. Errors are those of
// optimizeModule and emitObject. `module` is used up.
llvm::Expected<std::vector<std::string>> emitShards(llvm::Module &module,
                                                    const strategy::Target &target,
                                                    unsigned threads);

}  // namespace graven::codegen::host

#endif  // GRAVEN_COMPILER_CODEGEN_HOST_EMIT_SHARDS_H_
