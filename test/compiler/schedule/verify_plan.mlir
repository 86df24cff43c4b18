// RUN: graven-opt %s -verify-diagnostics --schedule-verify-plan

// One module of programs: the first is right, each of the others wrong in one way.
module attributes {plan.state_bytes = 128 : i64, plan.metric_bytes = 0 : i64, plan.constant_bytes = 64 : i64} {
graph.state @w : tensor<4xf32> role(parameter) {plan.place = #plan.range<state 0, offset = 0, bytes = 16, value = 0>}
graph.state @v : tensor<4xf32> role(parameter) {plan.place = #plan.range<state 0, offset = 64, bytes = 16, value = 0>}
plan.constant @constant_0 at <constant 0, offset = 0, bytes = 16, value = 0> = dense<[0.0, 1.0, 2.0, 3.0]> : tensor<4xf32>
kernel.func @square attributes {kind = "map", strategy = #kernel.strategy<"map", {}>, stages = [#kernel.stage<"", grid = 1>], same_index = [array<i64: 0, 0>]} {
^bb0(%a: tensor<4xf32>):
  %0 = multiply(%a, %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
}
kernel.func @add attributes {kind = "map", strategy = #kernel.strategy<"map", {}>, stages = [#kernel.stage<"", grid = 1>], same_index = [array<i64: 0, 0>]} {
^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
  %0 = add(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
}
kernel.func @staged attributes {kind = "map", strategy = #kernel.strategy<"map", {}>, stages = [#kernel.stage<"pack", grid = 1>, #kernel.stage<"main", grid = 3>], scratch_bytes = 64} {
^bb0(%a: tensor<4xf32>):
  %0 = exp(%a) : (tensor<4xf32>) -> tensor<4xf32>
  kernel.yield %0 : tensor<4xf32>
}

// This one is right.
plan.program @p0 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// A value that was overwritten.
plan.program @p1 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<arena 0, offset = 0, bytes = 16, value = 2>] scratch []
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<arena 0, offset = 0, bytes = 16, value = 5>] scratch []
  // expected-error @+1 {{reads value 2 from arena [0, 16), where value 5 lies}}
  plan.launch @square stage "" grid 1 args [#plan.range<arena 0, offset = 0, bytes = 16, value = 2>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// A part of a value that was overwritten.
plan.program @p2 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<arena 0, offset = 0, bytes = 16, value = 2>] scratch []
  plan.fill <arena 0, offset = 0, bytes = 4, value = 5> with 0
  // expected-error @+1 {{reads value 2 from arena [0, 16), where value 5 lies}}
  plan.copy <arena 0, offset = 0, bytes = 16, value = 2> to <output 0, offset = 0, bytes = 16, value = 2>
}

// A value before it is made.
plan.program @p3 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{reads value 2 from arena [0, 16), where nothing was written}}
  plan.copy <arena 0, offset = 0, bytes = 16, value = 2> to <output 0, offset = 0, bytes = 16, value = 2>
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<arena 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// Half of a value only.
plan.program @p4 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  plan.fill <arena 0, offset = 0, bytes = 8, value = 2> with 0
  // expected-error @+1 {{reads value 2 from arena [0, 16), where nothing was written}}
  plan.copy <arena 0, offset = 0, bytes = 16, value = 2> to <output 0, offset = 0, bytes = 16, value = 2>
}

// A state's new value for its old one.
plan.program @p5 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>, #plan.range<state 0, offset = 0, bytes = 16, value = 5>]} {
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<state 0, offset = 0, bytes = 16, value = 5>] scratch []
  // expected-error @+1 {{reads value 3 from state [0, 16), where value 5 lies}}
  plan.launch @add stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// A state that the program does not list.
plan.program @p6 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{reads value 4 from state [64, 80), where nothing was written}}
  plan.launch @add stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 64, bytes = 16, value = 4>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// Beyond the arena.
plan.program @p7 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{reaches arena [192, 208), beyond the 192 bytes there}}
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<arena 0, offset = 192, bytes = 16, value = 2>] scratch []
}

// Beyond an input.
plan.program @p8 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{reaches input 0 [8, 24), beyond the 16 bytes there}}
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 8, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// An output that is not there.
plan.program @p9 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{refers to output 1 of 1}}
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 1, offset = 0, bytes = 16, value = 2>] scratch []
}

// A misaligned place.
plan.program @p10 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{has arena [8, 24), whose offset is no multiple of 64}}
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<arena 0, offset = 8, bytes = 16, value = 2>] scratch []
}

// A write to an input.
plan.program @p11 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{writes to input 0 [0, 16), which is read-only}}
  plan.fill <input 0, offset = 0, bytes = 16, value = 5> with 0
}

// A write to a constant.
plan.program @p12 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{writes to constant [0, 16), which is read-only}}
  plan.fill <constant 0, offset = 0, bytes = 16, value = 5> with 0
}

// A write without a value.
plan.program @p13 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{writes to arena [0, 16) without naming the value}}
  plan.fill <arena 0, offset = 0, bytes = 16, value = 0> with 0
}

// Operands that share memory without leave.
plan.program @p14 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{has operands 1 and 2 overlap in state [0, 16), which @add does not allow}}
  plan.launch @add stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>] results [#plan.range<state 0, offset = 0, bytes = 16, value = 5>] scratch []
}

// Operands that share a part.
plan.program @p15 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  plan.fill <arena 0, offset = 0, bytes = 64, value = 7> with 0
  plan.launch @square stage "" grid 1 args [#plan.range<arena 0, offset = 0, bytes = 16, value = 7>] results [#plan.range<arena 0, offset = 0, bytes = 16, value = 8>] scratch []
  // expected-error @+1 {{has operands 0 and 1 overlap in arena [0, 16), which @staged does not allow}}
  plan.launch @staged stage "pack" grid 1 args [#plan.range<arena 0, offset = 0, bytes = 16, value = 8>] results [#plan.range<arena 0, offset = 0, bytes = 16, value = 2>] scratch [#plan.range<arena 0, offset = 64, bytes = 64, value = 9>]
}

// A kernel of several stages in place.
plan.program @p16 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{overlap in state [0, 16), which @staged does not allow}}
  plan.launch @staged stage "pack" grid 1 args [#plan.range<state 0, offset = 0, bytes = 16, value = 3>] results [#plan.range<state 0, offset = 0, bytes = 16, value = 5>] scratch [#plan.range<arena 0, offset = 64, bytes = 64, value = 9>]
}

// Scratch over an operand.
plan.program @p17 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{has operands 1 and 2 overlap in arena [64, 128), which @staged does not allow}}
  plan.launch @staged stage "pack" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<arena 0, offset = 64, bytes = 16, value = 2>] scratch [#plan.range<arena 0, offset = 64, bytes = 64, value = 9>]
}

// Scratch outside the arena.
plan.program @p18 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{has its scratch in state [64, 128)}}
  plan.launch @staged stage "pack" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<arena 0, offset = 0, bytes = 16, value = 2>] scratch [#plan.range<state 0, offset = 64, bytes = 64, value = 9>]
}

// Too little scratch.
plan.program @p19 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{gives @staged 0 of 64 bytes of scratch}}
  plan.launch @staged stage "pack" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// A stage left out.
plan.program @p20 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{runs stage "main" of @staged where stage 0 is due}}
  plan.launch @staged stage "main" grid 3 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch [#plan.range<arena 0, offset = 64, bytes = 64, value = 9>]
}

// A stage missing at the end.
// expected-error @+1 {{stands where stage 1 of @staged is due}}
plan.program @p21 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  plan.launch @staged stage "pack" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch [#plan.range<arena 0, offset = 64, bytes = 64, value = 9>]
}

// A command between stages.
plan.program @p22 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  plan.launch @staged stage "pack" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch [#plan.range<arena 0, offset = 64, bytes = 64, value = 9>]
  // expected-error @+1 {{stands where stage 1 of @staged is due}}
  plan.fill <arena 0, offset = 0, bytes = 16, value = 7> with 0
  plan.launch @staged stage "main" grid 3 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch [#plan.range<arena 0, offset = 64, bytes = 64, value = 9>]
}

// Stages on different ranges.
plan.program @p23 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  plan.launch @staged stage "pack" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<arena 0, offset = 0, bytes = 16, value = 2>] scratch [#plan.range<arena 0, offset = 64, bytes = 64, value = 9>]
  // expected-error @+1 {{stands where stage 1 of @staged is due}}
  plan.launch @staged stage "main" grid 3 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch [#plan.range<arena 0, offset = 64, bytes = 64, value = 9>]
}

// A grid that is not the kernel's.
plan.program @p24 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{has a grid of 2; stage "" of @square has 1}}
  plan.launch @square stage "" grid 2 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// A missing argument.
plan.program @p25 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{has 1 arguments; @add has 2}}
  plan.launch @add stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// A missing result.
plan.program @p26 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{has 0 results; @square has 1}}
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [] scratch []
}

// An operand of the wrong size.
plan.program @p27 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{gives input 0 [0, 8) for a 'tensor<4xf32>', which takes 16 bytes}}
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 8, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// A kernel that is not there.
plan.program @p28 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{runs @cube, which is no kernel}}
  plan.launch @cube stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// A copy onto itself.
plan.program @p29 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{copies state [0, 16) onto itself}}
  plan.copy <state 0, offset = 0, bytes = 16, value = 3> to <state 0, offset = 0, bytes = 16, value = 3>
}

// A copy that renames.
plan.program @p30 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  // expected-error @+1 {{copies value 1 and calls it 2}}
  plan.copy <input 0, offset = 0, bytes = 16, value = 1> to <output 0, offset = 0, bytes = 16, value = 2>
}

// A result never written.
// expected-error @+1 {{reads value 2 from output 0 [0, 16), where nothing was written}}
plan.program @p31 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
}

// A result in another place.
// expected-error @+1 {{has its result 0 in arena [0, 16)}}
plan.program @p32 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<arena 0, offset = 0, bytes = 16, value = 2>]} {
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<arena 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// No result at all.
// expected-error @+1 {{declares 0 of its 1 results}}
plan.program @p33 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = []} {
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// A state changed in silence.
plan.program @p34 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
  // expected-error @+1 {{changes state [0, 16), which the program does not declare}}
  plan.copy <output 0, offset = 0, bytes = 16, value = 2> to <state 0, offset = 0, bytes = 16, value = 2>
}

// A new value where no state lies.
// expected-error @+1 {{declares a new value in state [0, 8), where no state lies}}
plan.program @p35 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>, #plan.range<state 0, offset = 0, bytes = 8, value = 5>]} {
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
  plan.fill <state 0, offset = 0, bytes = 8, value = 5> with 0
}

// A declared new value that was overwritten.
// expected-error @+1 {{reads value 5 from state [0, 16), where value 6 lies}}
plan.program @p36 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>, #plan.range<state 0, offset = 0, bytes = 16, value = 5>]} {
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
  plan.fill <state 0, offset = 0, bytes = 16, value = 5> with 0
  plan.fill <state 0, offset = 0, bytes = 16, value = 6> with 0
}

// A start with something in the arena.
// expected-error @+1 {{expects value 7 in arena [0, 16), which holds nothing at the start}}
plan.program @p37 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<arena 0, offset = 0, bytes = 16, value = 7>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// A start with a state that is none.
// expected-error @+1 {{expects value 7 in state [0, 32), where no state or constant lies}}
plan.program @p38 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 32, value = 7>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}

// A start with one value in two states.
// expected-error @+1 {{expects values 3 and 3 to lie in state [0, 16) and state [64, 80) at the start}}
plan.program @p39 attributes {
    public_name = "p", batch = 0 : i64, arg_names = ["x"], arg_types = [tensor<4xf32>], result_names = ["y"], result_types = [tensor<4xf32>], arena_bytes = 192 : i64, liveness_bound = 0 : i64,
    initial = [#plan.range<input 0, offset = 0, bytes = 16, value = 1>, #plan.range<state 0, offset = 0, bytes = 16, value = 3>, #plan.range<state 0, offset = 64, bytes = 16, value = 3>],
    final = [#plan.range<output 0, offset = 0, bytes = 16, value = 2>]} {
  plan.launch @square stage "" grid 1 args [#plan.range<input 0, offset = 0, bytes = 16, value = 1>] results [#plan.range<output 0, offset = 0, bytes = 16, value = 2>] scratch []
}}
