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
