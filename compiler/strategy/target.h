// What the phases above code generation know about the machine: plain data, no LLVM.
//
// `fuse` and `strategy` decide by these numbers alone; `compiler/codegen/cpu/target.h` fills them
// in from a triple and a CPU name.
#ifndef GRAVEN_COMPILER_STRATEGY_TARGET_H_
#define GRAVEN_COMPILER_STRATEGY_TARGET_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace graven::strategy {

// What generated code may do to floating-point results; docs/numerics.md has the promises.
enum class Numerics {
  kFast,    // elementary functions of f32 by quicker formulas
  kStrict,  // the same bits on every CPU
};

// How matrix products of f32 read their operands; docs/numerics.md has the bounds.
enum class Matmul {
  kF32,   // as they are
  kTf32,  // rounded to 11 bits, where the device has instructions for such products
};

// One machine to compile for, and how. Sizes are in bytes.
struct Target {
  std::string device = "cpu";  // name of its backend
  // The machine that opens the artifact; on device cpu the one that runs kernels.
  std::string triple;  // LLVM triple: "x86_64-unknown-linux-gnu"
  std::string cpu;     // as the user named it, resolved: "x86-64-v3", "znver4"
  // The instruction-set level that code is generated for. On x86-64 this is the highest
  // microarchitecture level (x86-64-v3 or v4) that `cpu` covers, so that what the artifact needs is
  // exactly what `required_features` says; `cpu` itself steers scheduling only.
  std::string instruction_set;
  std::string llvm_features;  // LLVM's feature string on top of `instruction_set`
  // Names that the runtime checks before it runs the artifact: avx, avx2, fma, avx512f, neon, ...
  std::vector<std::string> required_features;

  int64_t vector_bytes = 32;      // one vector register
  int64_t vector_registers = 16;  // architectural vector registers
  bool has_fma = true;            // always true for an accepted target
  // Whether vrsqrt14ps exists: estimates of 1/sqrt(x) with an error of 2^-14; and vscalefps,
  // vgetexpps, vgetmantps, which put numbers together and take them apart.
  bool has_estimates = false;
  // Whether instructions convert between f32 and f16, or bf16, exactly as docs/numerics.md says.
  bool has_f16_conversions = false;
  bool has_bf16_conversions = false;
  // LLVM's feature with vdpbf16ps, products of pairs of bf16, where the machine has it. It is not
  // among what `instruction_set` has; code that uses it says so (codegen::Code).
  std::string bf16_products;
  bool has_tf32_products = false;  // what Matmul::kTf32 asks for
  // Whether a kernel can have subnormal numbers flushed to zero, operands and results.
  bool has_flush = false;
  int64_t l1_bytes = 32 << 10;   // data cache of one core
  int64_t l2_bytes = 512 << 10;  // of one core
  int64_t l3_bytes = 8 << 20;    // shared

  // Devices whose workgroups are several threads, which exchange values through shared memory.
  int64_t architecture = 0;  // least compute capability, ten times: 80
  int64_t warp_threads = 1;  // threads that run in step
  int64_t shared_bytes = 0;  // shared memory that a workgroup may have
  int64_t processors = 1;    // that run workgroups at the same time, on a usual device

  // What a test or an experiment decides in the compiler's place: kernels that the strategy of this
  // name can compute get it, with these parameters, by the names that plans print. Values are
  // obeyed unchecked.
  struct Forced {
    std::string strategy;
    std::vector<std::pair<std::string, int64_t>> params;
  } forced;
  // The same for kernels of one kind ("row"), in front of `forced`; the first of a kind counts.
  std::vector<std::pair<std::string, Forced>> forced_by_kind;
  // This target with what is forced for kernels of `kind` in `forced`.
  Target forKind(std::string_view kind) const {
    for (const auto &[name, choice] : forced_by_kind)
      if (name == kind) {
        Target target = *this;
        target.forced = choice;
        return target;
      }
    return *this;
  }
  // The value that is forced for a strategy's parameter, else `chosen`.
  int64_t forcedOr(std::string_view strategy, std::string_view param, int64_t chosen) const {
    if (strategy != forced.strategy) return chosen;
    for (const auto &[name, value] : forced.params)
      if (name == param) return value;
    return chosen;
  }

  // Lanes of an element of `element_bytes` in one vector register; at least 1.
  int64_t lanes(int64_t element_bytes) const {
    return vector_bytes > element_bytes ? vector_bytes / element_bytes : 1;
  }

  // Chosen by the user, not by the machine.
  Numerics numerics = Numerics::kFast;
  bool strict() const { return numerics == Numerics::kStrict; }
  Matmul matmul = Matmul::kF32;
  bool tf32() const { return matmul == Matmul::kTf32 && has_tf32_products && !strict(); }
};

}  // namespace graven::strategy

#endif  // GRAVEN_COMPILER_STRATEGY_TARGET_H_
