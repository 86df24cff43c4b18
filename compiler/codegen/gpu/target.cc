#include "compiler/codegen/gpu/target.h"

#include "compiler/codegen/cpu/target.h"

namespace graven::codegen::gpu {

llvm::Expected<strategy::Target> resolveTarget(llvm::StringRef triple, llvm::StringRef cpu) {
  llvm::Expected<strategy::Target> target = cpu::resolveTarget(triple, cpu);
  if (!target) return target.takeError();
  target->device = "cuda";
  target->required_features.clear();
  target->vector_bytes = 16;  // the widest access of one thread
  target->vector_registers = 255;
  target->has_estimates = false;
  target->has_f16_conversions = true;
  target->has_bf16_conversions = false;
  target->has_tf32_products = true;
  target->l1_bytes = 128 << 10;
  target->l2_bytes = 40 << 20;  // shared by all processors
  target->l3_bytes = 40 << 20;
  target->architecture = 80;
  target->warp_threads = 32;
  target->shared_bytes = 99 << 10;  // what 8.6 and 8.9 have too
  target->processors = 108;
  return target;
}

std::string chipOf(const strategy::Target &target) {
  return "sm_" + std::to_string(target.architecture);
}

}  // namespace graven::codegen::gpu
