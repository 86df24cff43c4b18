// RUN: graven-opt --codegen-expand-math="fast=true estimates=true" %s | FileCheck %s
// RUN: graven-opt --codegen-expand-math="estimates=true" %s | FileCheck %s --check-prefix=STRICT

// Roots of f32 come from the estimate, for any number of lanes; f64 and division stay exact.
// CHECK-LABEL: func @roots
// CHECK: llvm.x86.avx512.rsqrt14.ps.512
// CHECK: llvm.x86.avx512.rsqrt14.ps.128
// CHECK: math.sqrt {{.*}} : f64
// CHECK: arith.divf {{.*}} : f32
// STRICT-LABEL: func @roots
// STRICT-NOT: rsqrt14
// STRICT: math.sqrt {{.*}} : vector<16xf32>
// STRICT: math.sqrt {{.*}} : f32
func.func @roots(%x: vector<16xf32>, %y: f32, %z: f64) -> (vector<16xf32>, f32, f64, f32) {
  %0 = math.sqrt %x : vector<16xf32>
  %1 = math.sqrt %y : f32
  %2 = math.sqrt %z : f64
  %3 = arith.divf %1, %y : f32
  return %0, %1, %2, %3 : vector<16xf32>, f32, f64, f32
}

// Twenty lanes take a register of 16 and one of 4.
// CHECK-LABEL: func @uneven
// CHECK: llvm.x86.avx512.rsqrt14.ps.512
// CHECK: llvm.x86.avx512.rsqrt14.ps.128
// CHECK-NOT: rsqrt14
// CHECK: return
func.func @uneven(%x: vector<4x5xf32>) -> vector<4x5xf32> {
  %0 = math.rsqrt %x : vector<4x5xf32>
  return %0 : vector<4x5xf32>
}
