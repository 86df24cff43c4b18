// RUN: graven-opt --codegen-expand-math="fast=true estimates=true" %s | FileCheck %s
// RUN: graven-opt --codegen-expand-math="fast=true" %s | FileCheck %s --check-prefix=PLAIN
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

// AVX-512 takes a number apart by two instructions, other machines by its bits; precise logarithms
// have no use for them.
// CHECK-LABEL: func @logarithm
// CHECK: llvm.x86.avx512.mask.getmant.ps.512
// CHECK: llvm.x86.avx512.mask.getexp.ps.512
// CHECK: return
// PLAIN-LABEL: func @logarithm
// PLAIN-NOT: llvm.x86
// PLAIN: arith.shrsi
// STRICT-LABEL: func @logarithm
// STRICT-NOT: getexp
// STRICT: return
func.func @logarithm(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.log %x : vector<16xf32>
  return %0 : vector<16xf32>
}

// Only f32 has fast formulas: erfc is not widened, f64 is as in strict code.
// CHECK-LABEL: func @types
// CHECK-NOT: f64
// CHECK: return
// STRICT-LABEL: func @types
// STRICT: arith.extf {{.*}} : f32 to f64
func.func @types(%x: f32) -> f32 {
  %0 = math.erfc %x : f32
  return %0 : f32
}

// Results past 1 are bounded by one instruction, and angles that are large, infinite or NaN leave for
// a branch.
// CHECK-LABEL: func @angle
// CHECK: llvm.x86.avx512.mask.range.ps.512
// CHECK: scf.if
// PLAIN-LABEL: func @angle
// PLAIN-NOT: llvm.x86
// PLAIN: scf.if
// STRICT-LABEL: func @angle
// STRICT-NOT: mask.range
// STRICT: return
func.func @angle(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.cos %x : vector<16xf32>
  return %0 : vector<16xf32>
}
