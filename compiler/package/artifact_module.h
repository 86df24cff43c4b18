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

struct ArtifactUse {
  bool constants_apart = false;  // they will follow the ELF file, see finishSharedArtifact
  bool into_program = false;
};

// Adds `model`'s table, constants, kernel pointers and the exported graven_artifact to `module`,
// which defines every function that `model.kernels` names. All else becomes internal, so that
// objects of several models can be linked into one program. An error names a kernel without code.
//
// A model that is `into_program` is linked with the runtime into one program: where its kernels are
// an image for a device, it refers to the symbol that brings this device's part of the runtime in
// (runtime/device/registry.h).
llvm::Error addArtifact(llvm::Module &module, const Model &model, const ArtifactUse &use = {});

}  // namespace graven::package

#endif  // GRAVEN_COMPILER_PACKAGE_ARTIFACT_MODULE_H_
