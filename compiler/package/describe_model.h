// The phase `package`: from programs, places and state to the artifact's description.
#ifndef GRAVEN_COMPILER_PACKAGE_DESCRIBE_MODEL_H_
#define GRAVEN_COMPILER_PACKAGE_DESCRIBE_MODEL_H_

#include "compiler/package/table_writer.h"
#include "compiler/strategy/target.h"
#include "mlir/IR/BuiltinOps.h"

namespace graven::package {

// Reads what `schedule` has left: graph.state with their places, plan.constant, one plan.program
// for each entry; and the module's attributes `graph.model` (name), `graph.signature` (a
// dictionary, kept as JSON for tools) and `graph.metrics` (an array of dictionaries with name,
// numerator, denominator). Located diagnostics after an error.
mlir::FailureOr<Model> describeModel(mlir::ModuleOp module, const strategy::Target &target);

// The symbol of the machine code of one stage of a kernel: the kernel's name, or `name_stage`.
std::string stageSymbol(llvm::StringRef kernel, llvm::StringRef stage);

}  // namespace graven::package

#endif  // GRAVEN_COMPILER_PACKAGE_DESCRIBE_MODEL_H_
