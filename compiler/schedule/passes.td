// The passes of `schedule`, in the order in which they run.
#ifndef GRAVEN_COMPILER_SCHEDULE_PASSES_TD
#define GRAVEN_COMPILER_SCHEDULE_PASSES_TD

include "mlir/Pass/PassBase.td"

def PlaceStatePass : Pass<"schedule-place-state", "::mlir::ModuleOp"> {
  let summary = "Gives every state its place, the same for all entries";
  let description = [{
    Sets `plan.place` on each graph.state: parameters first, then slots, statistics and control, each
    in the order of the module, at multiples of 64; states of role metric in a segment of their own.
    Sets `plan.state_bytes` and `plan.metric_bytes` on the module.
  }];
  let dependentDialects = ["::graven::plan::PlanDialect"];
}

def PlaceConstantsPass : Pass<"schedule-place-constants", "::mlir::ModuleOp"> {
  let summary = "Moves the tensors that entries hold into the constants segment, equal ones once";
  let description = [{
    Makes a plan.constant for each distinct constant of an entry and reads it instead. A constant all
    of whose bytes are equal and which only leaves the entry stays: it becomes a fill.
  }];
  let dependentDialects = ["::graven::plan::PlanDialect"];
}

def OrderKernelsPass : Pass<"schedule-order-kernels", "::mlir::ModuleOp"> {
  let summary = "Orders the kernels of each entry";
  let description = [{
    Kernels that read the old value of a state go before the kernel that makes its new value, where
    dependencies allow, so that the new value can be written in place. Within that freedom a greedy
    order that frees memory early is taken if it needs less than the given one.
  }];
}

def AssignBuffersPass : Pass<"schedule-assign-buffers", "::mlir::ModuleOp"> {
  let summary = "Gives every value a byte range and turns each entry into a plan.program";
  let description = [{
    New values of states are written in place where every other reader of the old value has run and
    the kernel itself may share the two; results go to the caller's memory. What remains lies in the
    arena, at offsets that come within 2 % of the bytes alive at one time. Copies and fills do the
    rest: sources that a copy would clobber are read first.
  }];
  let dependentDialects = ["::graven::plan::PlanDialect"];
}

def VerifyPlanPass : Pass<"schedule-verify-plan", "::mlir::ModuleOp"> {
  let summary = "Replays each program and refuses one that reads what is not there";
  let description = [{
    A write stamps its bytes with the value it writes; a read demands it. Also refused: ranges out of
    bounds or misaligned, writes to read-only memory, operands of one launch that overlap without
    leave of the kernel, launches that do not fit their kernel, changed state that is not declared.
  }];
}

#endif
