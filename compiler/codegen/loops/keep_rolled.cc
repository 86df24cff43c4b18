#include "compiler/codegen/loops/keep_rolled.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace graven::codegen {

void keepRolled(Value carried) {
  MLIRContext *context = carried.getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(context, /*disable=*/BoolAttr::get(context, true), {}, {},
                                          {}, {}, {}, {});
  auto annotation = LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, unroll, {}, {}, {}, {}, {},
                                                  {}, {}, {}, {}, {}, {});
  // The branch that the loop becomes takes the attribute over.
  carried.getDefiningOp<scf::ForOp>()->setAttr("loop_annotation", annotation);
}

}  // namespace graven::codegen
