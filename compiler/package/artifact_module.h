// Adds the artifact to the module that holds its kernels, so that one object file is the whole
// model.
#ifndef GRAVEN_COMPILER_PACKAGE_ARTIFACT_MODULE_H_
#define GRAVEN_COMPILER_PACKAGE_ARTIFACT_MODULE_H_

#include "compiler/package/table_writer.h"
#include "llvm/Support/Error.h"

namespace llvm {
class Module;
}

namespace graven::package {

// Adds `model`'s table, constants, kernel pointers and the exported graven_artifact to `module`,
// which defines every function that `model.kernels` names. All else becomes internal, so that
// objects of several models can be linked into one program. An error names a kernel without code.
//
// With `constants_apart` the constants are left out: they will follow the ELF file (see
// finishSharedArtifact).
llvm::Error addArtifact(llvm::Module &module, const Model &model, bool constants_apart = false);

}  // namespace graven::package

#endif  // GRAVEN_COMPILER_PACKAGE_ARTIFACT_MODULE_H_
