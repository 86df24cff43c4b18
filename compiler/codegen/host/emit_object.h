// From LLVM IR to the bytes of an object file.
#ifndef GRAVEN_COMPILER_CODEGEN_HOST_EMIT_OBJECT_H_
#define GRAVEN_COMPILER_CODEGEN_HOST_EMIT_OBJECT_H_

#include <string>

#include "compiler/strategy/target.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Error.h"

namespace llvm {
class Module;
}

namespace graven::codegen::host {

// Sets triple and data layout of `module` and optimizes it for `target`.
// With `joins_accesses`, neighbouring accesses to memory become wider ones.
llvm::Error optimizeModule(llvm::Module &module, const strategy::Target &target,
                           bool joins_accesses = false);

// Position-independent ELF object of an optimized `module`. Kernels may call memcpy and memset
// only; any other undefined symbol that is not one of `elsewhere` is an error that names it. Fatal
// errors inside LLVM become errors too.
llvm::Expected<std::string> emitObject(llvm::Module &module, const strategy::Target &target,
                                       const llvm::StringSet<> &elsewhere = {});

// The same code as text, for people.
llvm::Expected<std::string> emitAssembly(llvm::Module &module, const strategy::Target &target);

}  // namespace graven::codegen::host

#endif  // GRAVEN_COMPILER_CODEGEN_HOST_EMIT_OBJECT_H_
