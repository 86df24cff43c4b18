// Puts trained values beside a model's text, as attributes of the module.
#ifndef GRAVEN_COMPILER_IMPORT_ATTACH_WEIGHTS_H_
#define GRAVEN_COMPILER_IMPORT_ATTACH_WEIGHTS_H_

#include "compiler/import/safetensors.h"
#include "mlir/IR/BuiltinOps.h"

namespace graven::import {

// Sets the module's attribute `graph.weights`: a dictionary of state names and dense resources,
// which `expand` makes constants of. The resources point into the bytes that `weights` was read
// from, which must outlive the module. What the file knows about the data of its training (class
// names, columns) becomes `graph.weights_metadata`. `name` is the file's, for errors, which are
// reported at the module.
mlir::LogicalResult attachWeights(mlir::ModuleOp module, const Safetensors &weights,
                                  llvm::StringRef name);

}  // namespace graven::import

#endif  // GRAVEN_COMPILER_IMPORT_ATTACH_WEIGHTS_H_
