// RUN: graven-opt %s --schedule-place-state --schedule-place-constants --schedule-assign-buffers --schedule-verify-plan | FileCheck %s

graph.state @w : tensor<4xf32> role(parameter)
graph.state @v : tensor<4xf32> role(parameter)
graph.state @count : tensor<4xf32> role(metric)

kernel.func @square attributes {kind = "map", strategy = #kernel.strategy<"map", {}>, stages = [#kernel.stage<"", grid = 1>], same_index = [array<i64: 0, 0>]} {
^bb0(%a: tensor<4xf32>):
  %0 = multiply(%a, %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
}
kernel.func @flip attributes {kind = "reference", strategy = #kernel.strategy<"reference", {}>, stages = [#kernel.stage<"", grid = 1>]} {
^bb0(%a: tensor<4xf32>):
  %0 = tanh(%a) : (tensor<4xf32>) -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
}
kernel.func @staged attributes {kind = "map", strategy = #kernel.strategy<"map", {}>, stages = [#kernel.stage<"pack", grid = 1>, #kernel.stage<"main", grid = 3>], scratch_bytes = 100, flops = 400, bytes = 40, same_index = [array<i64: 0, 0>]} {
^bb0(%a: tensor<4xf32>):
  %0 = exp(%a) : (tensor<4xf32>) -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
}
kernel.func @packing attributes {kind = "map", strategy = #kernel.strategy<"map", {}>, stages = [#kernel.stage<"pack", grid = 2, moves = 24>, #kernel.stage<"", grid = 3>], scratch_bytes = 64, flops = 400, bytes = 40, same_index = [array<i64: 0, 0>]} {
^bb0(%a: tensor<4xf32>):
  %0 = exp(%a) : (tensor<4xf32>) -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
}
kernel.func @none attributes {kind = "map", strategy = #kernel.strategy<"map", {}>, stages = [#kernel.stage<"", grid = 0>]} {
^bb0(%a: tensor<0xf32>):
  %0 = exp(%a) : (tensor<0xf32>) -> tensor<0xf32>
  kernel.yield %0 : tensor<0xf32>
}

// A new value over the old one: the same kernel reads it, and may share.
// CHECK-LABEL: plan.program @in_place
// CHECK-SAME: arena_bytes = 0
// CHECK-SAME: final = [#plan.range<state 0, offset = 0, bytes = 16, value = 2>]
// CHECK-SAME: initial = [#plan.range<state 0, offset = 0, bytes = 16, value = 1>]
// CHECK: plan.launch @square {{.*}} args [#plan.range<state 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<state 0, offset = 0, bytes = 16, value = 2>]
// CHECK-NOT: plan.copy
graph.entry @in_place() attributes {result_names = []} {
  %w = read(@w) : () -> tensor<4xf32>
  %next = kernel.call @square(%w) : (tensor<4xf32>) -> tensor<4xf32>
  return(%next, writes = [@w]) : (tensor<4xf32>) -> ()
}

// The kernel may not share: into the arena, then copied.
// CHECK-LABEL: plan.program @apart
// CHECK-SAME: arena_bytes = 64
// CHECK: plan.launch @flip {{.*}} results [#plan.range<arena 0
// CHECK-NEXT: plan.copy <arena 0, {{.*}}> to <state 0, offset = 0,
graph.entry @apart() attributes {result_names = []} {
  %w = read(@w) : () -> tensor<4xf32>
  %next = kernel.call @flip(%w) : (tensor<4xf32>) -> tensor<4xf32>
  return(%next, writes = [@w]) : (tensor<4xf32>) -> ()
}

// A later kernel still reads the old value.
// CHECK-LABEL: plan.program @later_reader
// CHECK: plan.launch @square {{.*}} results [#plan.range<arena 0
// CHECK: plan.launch @flip {{.*}} args [#plan.range<state 0, {{.*}} results [#plan.range<output 0
// CHECK-NEXT: plan.copy <arena 0, {{.*}}> to <state 0, offset = 0,
graph.entry @later_reader() attributes {result_names = ["y"]} {
  %w = read(@w) : () -> tensor<4xf32>
  %next = kernel.call @square(%w) : (tensor<4xf32>) -> tensor<4xf32>
  %y = kernel.call @flip(%w) : (tensor<4xf32>) -> tensor<4xf32>
  return(%y, %next, writes = [@w]) : (tensor<4xf32>, tensor<4xf32>) -> ()
}

// Two states change places: one is set aside.
// CHECK-LABEL: plan.program @swap
// CHECK-SAME: arena_bytes = 64
// CHECK: plan.copy <state 0, offset = 0, bytes = 16, value = 1> to <arena 0, offset = 0, bytes = 16, value = 1>
// CHECK-NEXT: plan.copy <state 0, offset = 64, bytes = 16, value = 2> to <state 0, offset = 0, bytes = 16, value = 2>
// CHECK-NEXT: plan.copy <arena 0, offset = 0, bytes = 16, value = 1> to <state 0, offset = 64, bytes = 16, value = 1>
graph.entry @swap() attributes {result_names = []} {
  %w = read(@w) : () -> tensor<4xf32>
  %v = read(@v) : () -> tensor<4xf32>
  return(%v, %w, writes = [@w, @v]) : (tensor<4xf32>, tensor<4xf32>) -> ()
}

// A state moves on while a kernel makes its new value: the old one is read first.
// CHECK-LABEL: plan.program @shift
// CHECK: plan.launch @square {{.*}} results [#plan.range<arena 0
// CHECK-NEXT: plan.copy <state 0, offset = 0, {{.*}}> to <state 0, offset = 64,
// CHECK-NEXT: plan.copy <arena 0, {{.*}}> to <state 0, offset = 0,
graph.entry @shift() attributes {result_names = []} {
  %w = read(@w) : () -> tensor<4xf32>
  %next = kernel.call @square(%w) : (tensor<4xf32>) -> tensor<4xf32>
  return(%next, %w, writes = [@w, @v]) : (tensor<4xf32>, tensor<4xf32>) -> ()
}

// Written and returned: in the state, copied to the result. The old value leaves before.
// CHECK-LABEL: plan.program @written_and_returned
// CHECK: plan.copy <state 0, offset = 0, bytes = 16, value = 1> to <output 1
// CHECK-NEXT: plan.launch @square {{.*}} results [#plan.range<state 0, offset = 0, bytes = 16, value = 2>]
// CHECK-NEXT: plan.copy <state 0, offset = 0, bytes = 16, value = 2> to <output 0
graph.entry @written_and_returned() attributes {result_names = ["new", "old"]} {
  %w = read(@w) : () -> tensor<4xf32>
  %next = kernel.call @square(%w) : (tensor<4xf32>) -> tensor<4xf32>
  return(%next, %w, %next, writes = [@w]) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> ()
}

// One value in two states and two results.
// CHECK-LABEL: plan.program @everywhere
// CHECK: plan.launch @flip {{.*}} results [#plan.range<state 0, offset = 0,
// CHECK-NEXT: plan.copy <state 0, offset = 0, {{.*}}> to <output 0
// CHECK-NEXT: plan.copy <state 0, offset = 0, {{.*}}> to <output 1
// CHECK-NEXT: plan.copy <state 0, offset = 0, {{.*}}> to <state 0, offset = 64,
graph.entry @everywhere(%x: tensor<4xf32>) attributes {result_names = ["a", "b"]} {
  %y = kernel.call @flip(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return(%y, %y, %y, %y, writes = [@w, @v]) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> ()
}

// No kernel at all: an argument, a constant, a fill; states set to what they were, to zero.
// CHECK-LABEL: plan.program @still
// CHECK-SAME: arena_bytes = 0
// CHECK: plan.copy <input 0, {{.*}}> to <output 0
// CHECK-NEXT: plan.copy <constant 0, {{.*}}> to <output 1
// CHECK-NEXT: plan.fill <output 2, {{.*}}> with 1
// CHECK-NEXT: plan.fill <metric 0, offset = 0, {{.*}}> with 0
// CHECK-NEXT: }
graph.entry @still(%x: tensor<4xf32>) attributes {result_names = ["x", "table", "ones"]} {
  %table = constant([1.0, 2.0]) : () -> tensor<2xf32>
  %ones = constant(1, shape = [3], dtype = i1) : () -> tensor<3xi1>
  %zeros = constant(0.0, shape = [4]) : () -> tensor<4xf32>
  %w = read(@w) : () -> tensor<4xf32>
  return(%x, %table, %ones, %zeros, %w, writes = [@count, @w]) : (tensor<4xf32>, tensor<2xf32>, tensor<3xi1>, tensor<4xf32>, tensor<4xf32>) -> ()
}

// A chain of maps runs in one buffer, and the last one writes the result.
// CHECK-LABEL: plan.program @chain
// CHECK-SAME: arena_bytes = 64
// CHECK-SAME: liveness_bound = 64
// CHECK: results [#plan.range<arena 0, offset = 0, bytes = 16, value = [[A:[0-9]+]]>]
// CHECK-NEXT: plan.launch @square {{.*}} args [#plan.range<arena 0, offset = 0, bytes = 16, value = [[A]]>] results [#plan.range<arena 0, offset = 0, bytes = 16, value = [[B:[0-9]+]]>]
// CHECK-NEXT: plan.launch @square {{.*}} args [#plan.range<arena 0, offset = 0, bytes = 16, value = [[B]]>] results [#plan.range<output 0
graph.entry @chain(%x: tensor<4xf32>) attributes {result_names = ["y"]} {
  %0 = kernel.call @flip(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = kernel.call @square(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = reshape(%1, shape = [4]) : (tensor<4xf32>) -> tensor<4xf32>
  %y = kernel.call @square(%2) : (tensor<4xf32>) -> tensor<4xf32>
  return(%y) : (tensor<4xf32>) -> ()
}

// Stages follow one another on the same ranges, scratch included; what they cost is shared out.
// What may share memory does so over all stages.
// CHECK-LABEL: plan.program @stages
// CHECK-SAME: arena_bytes = 128
// CHECK: plan.launch @staged stage "pack" grid 1 args [[ARGS:.*]] results [[RESULTS:.*]] scratch [#plan.range<arena 0, offset = [[AT:[0-9]+]], bytes = 100, value = [[S:[0-9]+]]>] {bytes = 10 : i64, flops = 100 : i64}
// CHECK-NEXT: plan.launch @staged stage "main" grid 3 args [[ARGS]] results [[RESULTS]] scratch [#plan.range<arena 0, offset = [[AT]], bytes = 100, value = [[S]]>] {bytes = 30 : i64, flops = 300 : i64}
// CHECK-NOT: plan.copy
graph.entry @stages() attributes {result_names = []} {
  %w = read(@w) : () -> tensor<4xf32>
  %next = kernel.call @staged(%w) : (tensor<4xf32>) -> tensor<4xf32>
  return(%next, writes = [@w]) : (tensor<4xf32>) -> ()
}

// Nothing of nothing.
// CHECK-LABEL: plan.program @empty
// CHECK: plan.launch @none
// CHECK-NEXT: }
graph.entry @empty(%x: tensor<0xf32>) attributes {result_names = ["y", "x"]} {
  %y = kernel.call @none(%x) : (tensor<0xf32>) -> tensor<0xf32>
  return(%y, %x) : (tensor<0xf32>, tensor<0xf32>) -> ()
}

// What users see travels on; results without a name get one.
// CHECK-LABEL: plan.program @predict$16
// CHECK-SAME: arg_names = ["x", "rows"]
// CHECK-SAME: arg_ranges = [unit, array<i64: 1, 17>]
// CHECK-SAME: arg_types = [tensor<4xf32>, tensor<i32>]
// CHECK-SAME: batch = 16 : i64
// CHECK-SAME: partial
// CHECK-SAME: public_name = "predict"
// CHECK-SAME: result_names = ["y", "result1"]
graph.entry @predict$16(%x: tensor<4xf32>, %rows: tensor<i32>) attributes {batch = 16 : i64, partial, arg_ranges = [unit, array<i64: 1, 17>], result_names = ["y"]} {
  return(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> ()
}

// A stage that only moves bytes carries none of the kernel's operations.
// CHECK-LABEL: plan.program @packed
// CHECK: plan.launch @packing stage "pack" grid 2 {{.*}} {bytes = 24 : i64}
// CHECK-NEXT: plan.launch @packing {{.*}}grid 3 {{.*}} {bytes = 40 : i64, flops = 400 : i64}
graph.entry @packed() attributes {result_names = []} {
  %w = read(@w) : () -> tensor<4xf32>
  %next = kernel.call @packing(%w) : (tensor<4xf32>) -> tensor<4xf32>
  return(%next, writes = [@w]) : (tensor<4xf32>) -> ()
}
