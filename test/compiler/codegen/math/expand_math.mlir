// RUN: graven-opt --codegen-expand-math %s | FileCheck %s

// Nothing of the math dialect is left but what every target has as an instruction.
// CHECK-LABEL: func @vector
// CHECK-NOT: math.{{exp|log|tanh|erf|sin|cos|powf|rsqrt}}
// CHECK: math.fma {{.*}} : vector<16xf32>
// CHECK: return
func.func @vector(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x : vector<16xf32>
  %1 = math.log1p %0 : vector<16xf32>
  %2 = math.tanh %1 : vector<16xf32>
  %3 = math.erfc %2 : vector<16xf32>
  %4 = math.rsqrt %3 : vector<16xf32>
  return %4 : vector<16xf32>
}

// The dialect's own function too.
// CHECK-LABEL: func @own
// CHECK-NOT: element.logistic
// CHECK: arith.divf {{.*}} : f64
// CHECK: return
func.func @own(%x: f64) -> f64 {
  %0 = element.logistic %x : f64
  return %0 : f64
}

// erfc of f32 is computed in f64.
// CHECK-LABEL: func @widened
// CHECK: arith.extf {{.*}} : vector<8xf32> to vector<8xf64>
// CHECK: arith.truncf {{.*}} : vector<8xf64> to vector<8xf32>
func.func @widened(%x: vector<8xf32>) -> vector<8xf32> {
  %0 = math.erfc %x : vector<8xf32>
  return %0 : vector<8xf32>
}

// Large angles are reduced in a branch that is rarely taken.
// CHECK-LABEL: func @scalar
// CHECK-NOT: math.{{sin|powf}}
// CHECK: scf.if
// CHECK: return
func.func @scalar(%x: f64, %y: f64) -> f64 {
  %0 = math.sin %x : f64
  %1 = math.powf %0, %y : f64
  return %1 : f64
}

// Instructions stay.
// CHECK-LABEL: func @kept
// CHECK: math.sqrt
// CHECK: math.floor
func.func @kept(%x: f32) -> f32 {
  %0 = math.sqrt %x : f32
  %1 = math.floor %0 : f32
  return %1 : f32
}
