// RUN: graven-opt %s | graven-opt | FileCheck %s

// CHECK-LABEL: func.func @numbers
// CHECK: element.logistic %{{.*}} : f32
// CHECK: element.logistic %{{.*}} : vector<4x8xf64>
func.func @numbers(%x: f32, %v: vector<4x8xf64>) -> (f32, vector<4x8xf64>) {
  %0 = element.logistic %x : f32
  %1 = element.logistic %v : vector<4x8xf64>
  return %0, %1 : f32, vector<4x8xf64>
}
