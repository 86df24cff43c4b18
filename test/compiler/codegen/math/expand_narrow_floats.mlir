// RUN: graven-opt %s --codegen-expand-narrow-floats | FileCheck %s --check-prefixes=CHECK,NONE
// RUN: graven-opt %s --codegen-expand-narrow-floats="f16=true" | FileCheck %s --check-prefixes=CHECK,F16
// RUN: graven-opt %s --codegen-expand-narrow-floats="f16=true canonical-nan=true" | FileCheck %s --check-prefixes=CHECK,STRICT

// CHECK-LABEL: func.func @widen
// NONE-NOT: arith.extf
// F16: arith.extf %{{.*}} : vector<4xf16> to vector<4xf32>
// STRICT: arith.extf %{{.*}} : vector<4xf16> to vector<4xf32>
// CHECK: arith.bitcast %{{.*}} : bf16 to i16
// CHECK-NOT: arith.extf %{{.*}} : bf16
func.func @widen(%x: vector<4xf16>, %y: bf16) -> (vector<4xf32>, f32) {
  %a = arith.extf %x : vector<4xf16> to vector<4xf32>
  %b = arith.extf %y : bf16 to f32
  return %a, %b : vector<4xf32>, f32
}

// CHECK-LABEL: func.func @narrow
// NONE-NOT: arith.truncf
// F16: arith.truncf %{{.*}} : vector<4xf32> to vector<4xf16>
// STRICT: arith.truncf %{{.*}} : vector<4xf32> to vector<4xf16>
// STRICT: arith.constant dense<32256> : vector<4xi32>
// CHECK: arith.constant 32704 : i32
// CHECK-NOT: arith.truncf %{{.*}} : f32 to bf16
func.func @narrow(%x: vector<4xf32>, %y: f32) -> (vector<4xf16>, bf16) {
  %a = arith.truncf %x : vector<4xf32> to vector<4xf16>
  %b = arith.truncf %y : f32 to bf16
  return %a, %b : vector<4xf16>, bf16
}
