// RUN: graven-opt %s -expand-name-layers -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: nn.model @net
nn.model @net {
  // CHECK: %x = input(shape = [4])
  input(shape = [4])
  // CHECK: %dense = dense(%x, units = 8)
  dense(units = 8)
  // CHECK: %hidden = dense(%dense, units = 8)
  %hidden = dense(units = 8)
  // CHECK: %gated = apply(@gated, %hidden)
  %gated = apply(@gated)
  // CHECK: %[[T:.*]] = graph.tanh(%gated)
  %t = graph.tanh(%gated)
  // CHECK: %dense_1 = dense(%[[T]], units = 3)
  dense(units = 3)
  // CHECK: %add = add(%hidden, %gated)
  add(%hidden, %gated)
}

// CHECK-LABEL: nn.layer @gated
nn.layer @gated(%x) {
  // CHECK: %parameter = parameter(%x, shape = [-1])
  %0 = parameter(%x, shape = [-1])
  %y = multiply(%x, %0)
  return(%y)
}

// -----

nn.model @twice {
  input(shape = [4])
  // expected-note @+1 {{the other}}
  dense(units = 3, name = a)
  // expected-error @+1 {{has the name 'a' of another line}}
  dense(units = 3, name = a)
}
