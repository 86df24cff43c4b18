// RUN: graven-opt %s --schedule-order-kernels | FileCheck %s

graph.state @w : tensor<4xf32> role(parameter)
kernel.func @square attributes {kind = "map", strategy = #kernel.strategy<"map", {}>, stages = [#kernel.stage<"", grid = 1>], same_index = [array<i64: 0, 0>]} {
^bb0(%a: tensor<4xf32>):
  %0 = multiply(%a, %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
}
kernel.func @spread attributes {kind = "map", strategy = #kernel.strategy<"map", {}>, stages = [#kernel.stage<"", grid = 1>]} {
^bb0(%a: tensor<4xf32>):
  %0 = broadcast(%a, shape = [64, 4]) : (tensor<4xf32>) -> tensor<64x4xf32>
  kernel.yield %0 : tensor<64x4xf32>
}
kernel.func @gather attributes {kind = "column", strategy = #kernel.strategy<"column", {}>, stages = [#kernel.stage<"", grid = 1>]} {
^bb0(%a: tensor<64x4xf32>):
  %0 = sum(%a, axis = 0) : (tensor<64x4xf32>) -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
}

// The reader of the old value goes before the kernel that makes the new one.
// CHECK-LABEL: graph.entry @readers_first
graph.entry @readers_first(%x: tensor<4xf32>) attributes {result_names = ["y"]} {
  %w = read(@w) : () -> tensor<4xf32>
  // CHECK: %[[OLD:.*]] = read(@w)
  // CHECK: %[[Y:.*]] = kernel.call @spread(%[[OLD]])
  // CHECK: %[[NEW:.*]] = kernel.call @square(%x)
  // CHECK: return(%[[Y]], %[[NEW]]
  %next = kernel.call @square(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %y = kernel.call @spread(%w) : (tensor<4xf32>) -> tensor<64x4xf32>
  return(%y, %next, writes = [@w]) : (tensor<64x4xf32>, tensor<4xf32>) -> ()
}

// Unless the reader needs the new value too.
// CHECK-LABEL: graph.entry @no_choice
graph.entry @no_choice(%x: tensor<4xf32>) attributes {result_names = ["y"]} {
  %w = read(@w) : () -> tensor<4xf32>
  // CHECK: %[[NEW:.*]] = kernel.call @square(%x)
  // CHECK: %[[AGAIN:.*]] = reshape(%[[NEW]]
  // CHECK: kernel.call @square(%[[AGAIN]])
  %next = kernel.call @square(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %again = reshape(%next, shape = [4]) : (tensor<4xf32>) -> tensor<4xf32>
  %y = kernel.call @square(%again) : (tensor<4xf32>) -> tensor<4xf32>
  return(%y, %next, writes = [@w]) : (tensor<4xf32>, tensor<4xf32>) -> ()
}

// Two wide values one after the other instead of both at once.
// CHECK-LABEL: graph.entry @frugal
graph.entry @frugal(%x: tensor<4xf32>, %y: tensor<4xf32>) attributes {result_names = ["a", "b"]} {
  // CHECK: kernel.call @spread(%x)
  // CHECK-NEXT: kernel.call @gather
  // CHECK-NEXT: kernel.call @spread(%y)
  // CHECK-NEXT: kernel.call @gather
  %wide = kernel.call @spread(%x) : (tensor<4xf32>) -> tensor<64x4xf32>
  %wider = kernel.call @spread(%y) : (tensor<4xf32>) -> tensor<64x4xf32>
  %a = kernel.call @gather(%wide) : (tensor<64x4xf32>) -> tensor<4xf32>
  %b = kernel.call @gather(%wider) : (tensor<64x4xf32>) -> tensor<4xf32>
  return(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> ()
}
