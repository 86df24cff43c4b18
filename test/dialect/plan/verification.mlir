// RUN: graven-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{names 0 of its 1 arguments}}
plan.program @p attributes {
    public_name = "p", batch = 0 : i64, arg_names = [], arg_types = [tensor<4xf32>], result_names = [],
    result_types = [], arena_bytes = 0 : i64, liveness_bound = 0 : i64, initial = [], final = []} {
}

// -----

// expected-error @+1 {{names 1 of its 0 results}}
plan.program @p attributes {
    public_name = "p", batch = 0 : i64, arg_names = [], arg_types = [], result_names = ["y"],
    result_types = [], arena_bytes = 0 : i64, liveness_bound = 0 : i64, initial = [], final = []} {
}

// -----

plan.program @p attributes {
    public_name = "p", batch = 0 : i64, arg_names = [], arg_types = [], result_names = [],
    result_types = [], arena_bytes = 0 : i64, liveness_bound = 0 : i64, initial = [], final = []} {
  // expected-error @+1 {{copies 16 bytes to 32}}
  plan.copy <arena 0, offset = 0, bytes = 16, value = 2> to <output 0, offset = 0, bytes = 32, value = 2>
}

// -----

plan.program @p attributes {
    public_name = "p", batch = 0 : i64, arg_names = [], arg_types = [], result_names = [],
    result_types = [], arena_bytes = 0 : i64, liveness_bound = 0 : i64, initial = [], final = []} {
  // expected-error @+1 {{fills with 256, which is no byte}}
  plan.fill <output 0, offset = 0, bytes = 16, value = 3> with 256
}

// -----

plan.program @p attributes {
    public_name = "p", batch = 0 : i64, arg_names = [], arg_types = [], result_names = [],
    result_types = [], arena_bytes = 0 : i64, liveness_bound = 0 : i64, initial = [], final = []} {
  // expected-error @+1 {{has a negative grid}}
  plan.launch @k stage "" grid -1 args [] results [] scratch []
}

// -----

plan.program @p attributes {
    public_name = "p", batch = 0 : i64, arg_names = [], arg_types = [], result_names = [],
    result_types = [], arena_bytes = 0 : i64, liveness_bound = 0 : i64, initial = [], final = []} {
  // expected-error @+1 {{has more than one range of scratch}}
  plan.launch @k stage "" grid 1 args [] results [] scratch [#plan.range<arena 0, offset = 0, bytes = 16, value = 1>, #plan.range<arena 0, offset = 64, bytes = 16, value = 2>]
}

// -----

plan.program @p attributes {
    public_name = "p", batch = 0 : i64, arg_names = [], arg_types = [], result_names = [],
    result_types = [], arena_bytes = 0 : i64, liveness_bound = 0 : i64, initial = [], final = []} {
  // expected-error @+1 {{is no command; a program holds launch, copy and fill}}
  graph.state @w : tensor<4xf32> role(parameter)
}
