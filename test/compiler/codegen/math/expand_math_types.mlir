// RUN: graven-opt --codegen-expand-math --verify-diagnostics %s

func.func @half(%x: f16) -> f16 {
  // expected-error @+1 {{has no expansion for 'f16': expected f32 or f64}}
  %0 = math.exp %x : f16
  return %0 : f16
}
