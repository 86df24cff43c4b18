// The passes of the phase `fuse`.
#ifndef GRAVEN_COMPILER_FUSE_PASSES_TD
#define GRAVEN_COMPILER_FUSE_PASSES_TD

include "mlir/Pass/PassBase.td"

def FormKernels : Pass<"fuse-form-kernels", "::graven::graph::EntryOp"> {
  let summary = "Every computation of an entry stands in a kernel.fused";
  let description = [{
    Grows kernels around heroes: a contraction takes the elementwise ops that follow it, reductions
    over last axes share a row kernel with what leads to and follows from them, reductions over first
    axes become column kernels, elementwise ops of one shape become maps. Constants, counters, random
    numbers and broadcasts are repeated in each kernel that wants them instead of being stored; a mask
    decided by random numbers is stored, in one byte an element.

    The optimizer's update of a parameter, where it is all that reads the parameter's gradient, is
    computed with the contraction or column reduction that makes the gradient: the gradient is never
    stored, and new parameter and slots are written where the old ones lay. Where a gradient has
    another reader (the norm that clipping wants), or is made from another parameter that changes in
    the same step, the update stays apart.

    Outside kernels remain reads of state, stored constants and reshapes, which move no data.
  }];
  let dependentDialects = ["::graven::kernel::KernelDialect"];
}

def MergeUpdates : Pass<"fuse-merge-updates", "::graven::graph::EntryOp"> {
  let summary = "Equal updates of many parameters are one kernel";
  let description = [{
    Maps that compute the same formula on tensors of different shapes, and whose results nobody but
    the end of the entry wants, become one kernel of kind `segments`: the optimizer's update of all
    parameters is one launch and one piece of code; or a few, equally large, where one would have
    more buffers than a kernel may have.
  }];
  let dependentDialects = ["::graven::kernel::KernelDialect"];
}

#endif
