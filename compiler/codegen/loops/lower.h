// From kernel bodies in scf, vector, arith, math and llvm ops to the LLVM dialect.
#ifndef GRAVEN_COMPILER_CODEGEN_LOOPS_LOWER_H_
#define GRAVEN_COMPILER_CODEGEN_LOOPS_LOWER_H_

#include "compiler/strategy/target.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace mlir {
class DialectRegistry;
}

namespace graven::codegen {

// Appends the passes that turn a module of `func.func` or `llvm.func` kernels over scf, cf, vector,
// arith, math, index, memref-free llvm ops into the LLVM dialect alone. Elementary functions become
// arithmetic (--codegen-expand-math) first, so that no call to libm is left; what they may do is
// `target`'s to say.
void buildLowerToLlvmPipeline(mlir::OpPassManager &passes, const strategy::Target &target);

// Runs these passes on `kernels`; diagnostics go to the module's context.
llvm::LogicalResult lowerToLlvmDialect(mlir::ModuleOp kernels, const strategy::Target &target);

// Adds the dialects, interfaces and translations that lowering and translation need.
void registerLowerToLlvm(mlir::DialectRegistry &registry);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_LOOPS_LOWER_H_
