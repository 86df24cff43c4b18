// RUN: graven-opt %s --codegen-canonical-nan | FileCheck %s

// CHECK-LABEL: func.func @vector
// CHECK: %[[NAN:.*]] = arith.cmpf uno, %[[V:.*]], %[[V]] : vector<4xf32>
// CHECK: %[[BITS:.*]] = arith.bitcast %[[V]] : vector<4xf32> to vector<4xi32>
// CHECK: %[[ONE:.*]] = arith.constant dense<2143289344> : vector<4xi32>
// CHECK: %[[CHOSEN:.*]] = arith.select %[[NAN]], %[[ONE]], %[[BITS]]
// CHECK: llvm.store %[[CHOSEN]]
func.func @vector(%v: vector<4xf32>, %p: !llvm.ptr) {
  llvm.store %v, %p : vector<4xf32>, !llvm.ptr
  return
}

// CHECK-LABEL: func.func @masked_scalar_and_integer
// CHECK: arith.cmpf uno
// CHECK: llvm.intr.masked.store {{.*}} : vector<2xi64>
// CHECK: arith.constant 9221120237041090560 : i64
// CHECK: llvm.store {{.*}} : i64
// CHECK-NOT: arith.cmpf
func.func @masked_scalar_and_integer(%v: vector<2xf64>, %m: vector<2xi1>, %x: f64, %i: i32, %p: !llvm.ptr) {
  llvm.intr.masked.store %v, %p, %m {alignment = 8 : i32} : vector<2xf64>, vector<2xi1> into !llvm.ptr
  llvm.store %x, %p : f64, !llvm.ptr
  llvm.store %i, %p : i32, !llvm.ptr
  return
}
