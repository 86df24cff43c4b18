// RUN: graven-compile %s --device=cuda --emit=asm -o - | FileCheck %s
// RUN: graven-compile %s --device=cuda --numerics=strict --emit=asm -o - | FileCheck %s --check-prefix=STRICT

// CHECK: .version 8.0
// CHECK: .target sm_80

// Sixteen bytes a thread, whatever is fused. The output may lie where an input does, so both are read
// as memory that may change. The number of threads in a workgroup is fixed.
// CHECK:      // operand 0: 2097152 bytes, read
// CHECK-NEXT: // operand 1: 2097152 bytes, read
// CHECK-NEXT: // operand 2: 2097152 bytes, write
// CHECK-NEXT: .visible .entry [[NAME:multiply_tanh_f32_1024x512_v4]](
// CHECK-NEXT: .param .u64 .ptr .align 64 [[NAME]]_param_0,
// CHECK-NEXT: .param .u64 .ptr .align 64 [[NAME]]_param_1,
// CHECK-NEXT: .param .u64 .ptr .align 64 [[NAME]]_param_2
// CHECK:      .reqntid 128
// CHECK-NOT:  ld.global{{.*}}.b32 %
// CHECK:      ld.global.v4.b32
// CHECK:      ld.global.v4.b32
// CHECK-NOT:  st.global.b32
// CHECK:      st.global.v4.b32
// CHECK:      ret;
graph.func @product(%x: tensor<1024x512xf32>, %y: tensor<1024x512xf32>) {
  %z = multiply(%x, %y)
  %t = tanh(%z)
  return(%t)
}

// A length that no vector divides: whole vectors, and the rest one by one.
// CHECK:     .visible .entry negate_f32_262147_v4(
// CHECK:     ld.global.v4.b32
// CHECK:     st.global.v4.b32
// CHECK:     ld.global.b32
// CHECK:     st.global.b32
// CHECK:     ret;
graph.func @odd(%x: tensor<262147xf32>) {
  %y = negate(%x)
  return(%y)
}

// Roots: strict ones are rounded correctly, as the processor's are.
// STRICT:    .visible .entry {{.*}}sqrt_f32_
// STRICT:    sqrt.rn.f32
// STRICT-NOT: approx
// STRICT:    ret;
graph.func @root(%x: tensor<512x512xf32>) {
  %y = sqrt(%x)
  return(%y)
}

// What no output may overwrite, here for its size, comes through the read-only path.
// CHECK:      .visible .entry {{.*}}_f32_1024x512_v4(
// CHECK-NOT:  ld.global.v4
// CHECK:      ld.global.nc.v4.b32
// CHECK:      st.global.v4.b32
// CHECK:      ret;
graph.func @scaled(%x: tensor<512xf32>) {
  %y = broadcast(%x, shape = [1024, 512])
  return(%y)
}
