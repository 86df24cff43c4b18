#include "compiler/codegen/cpu/target.h"

#include <algorithm>
#include <memory>
#include <system_error>

#include "compiler/codegen/host/llvm_targets.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

namespace graven::codegen::cpu {
namespace {

using strategy::Target;

// An instruction-set level: what code is generated for, and what the runtime must find.
struct Level {
  llvm::StringRef name;           // LLVM CPU name
  llvm::StringRef llvm_features;  // on top of it
  llvm::StringRef required;       // comma-separated, in LLVM's spelling, which the runtime shares
  int64_t vector_bytes;
  int64_t vector_registers;
  bool estimates;  // of 1/sqrt(x), good enough to be quicker than the exact instructions
  bool f16;        // instructions convert f16
  // Feature beyond `required` that some kernels use where the CPU has it: products of bf16.
  llvm::StringRef bf16_products;
};

// Highest first: a CPU is compiled for at the first level it covers.
constexpr Level kX86Levels[] = {
    {"x86-64-v4", "-prefer-256-bit",
     "avx,avx2,fma,bmi2,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl", 64, 32, true, true,
     "avx512bf16"},
    {"x86-64-v3", "", "avx,avx2,fma,bmi2,f16c", 32, 16, false, true, ""},
};
constexpr Level kAArch64Levels[] = {{"generic", "+neon", "neon", 16, 32, false, true, ""}};
constexpr Level kRiscvLevels[] = {{"generic-rv64", "+m,+a,+f,+d,+c", "", 8, 32, false, false, ""}};

struct Architecture {
  llvm::Triple::ArchType arch;
  llvm::ArrayRef<Level> levels;
  llvm::StringRef default_cpu;
};
const Architecture kArchitectures[] = {
    {llvm::Triple::x86_64, kX86Levels, "x86-64-v3"},
    {llvm::Triple::aarch64, kAArch64Levels, "generic"},
    {llvm::Triple::riscv64, kRiscvLevels, "generic-rv64"},
};

// Cache sizes that differ from the record's defaults, by the beginning of the CPU's name.
struct Caches {
  llvm::StringRef cpu_prefix;
  int64_t l1, l2, l3;
};
constexpr Caches kCaches[] = {
    {"znver4", 32 << 10, 1 << 20, 32 << 20},     {"znver5", 48 << 10, 1 << 20, 32 << 20},
    {"x86-64-v4", 32 << 10, 1 << 20, 32 << 20},  {"skylake-avx512", 32 << 10, 1 << 20, 16 << 20},
    {"icelake", 48 << 10, 1280 << 10, 16 << 20}, {"sapphirerapids", 48 << 10, 2 << 20, 32 << 20},
    {"neoverse", 64 << 10, 1 << 20, 32 << 20},
};

llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(std::make_error_code(std::errc::invalid_argument), message);
}

std::unique_ptr<llvm::MCSubtargetInfo> subtarget(const llvm::Triple &triple, llvm::StringRef cpu,
                                                 llvm::StringRef features) {
  std::string message;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target) return nullptr;
  return std::unique_ptr<llvm::MCSubtargetInfo>(
      target->createMCSubtargetInfo(triple, cpu, features));
}

const Architecture *findArchitecture(const llvm::Triple &triple) {
  for (const Architecture &each : kArchitectures)
    if (each.arch == triple.getArch()) return &each;
  return nullptr;
}

bool covers(const llvm::MCSubtargetInfo &cpu, const Level &level) {
  llvm::SmallVector<llvm::StringRef> names;
  level.required.split(names, ',', -1, /*KeepEmpty=*/false);
  return llvm::all_of(names,
                      [&](llvm::StringRef name) { return cpu.checkFeatures(("+" + name).str()); });
}

// "a, b and 3 more", nearest spellings of `name` first.
std::string suggestions(llvm::StringRef name, std::vector<std::string> known, size_t limit) {
  std::stable_sort(known.begin(), known.end(), [&](const auto &a, const auto &b) {
    return name.edit_distance(a) < name.edit_distance(b);
  });
  size_t hidden = known.size() > limit ? known.size() - limit : 0;
  known.resize(known.size() - hidden);
  std::string text = llvm::join(known, ", ");
  if (hidden) text += (" and " + llvm::Twine(hidden) + " more").str();
  return text;
}

// Triples may leave out the vendor ("aarch64-linux-gnu"); only Linux artifacts can be linked.
llvm::Expected<llvm::Triple> normalizedTriple(llvm::StringRef text) {
  llvm::Triple triple(text.empty() ? llvm::sys::getDefaultTargetTriple()
                                   : llvm::Triple::normalize(text));
  if (!findArchitecture(triple))
    return error(llvm::Twine("unknown target '") + text +
                 "': expected the triple of an x86-64, aarch64 or riscv64 machine, such as "
                 "x86_64-linux-gnu, aarch64-linux-gnu or riscv64-linux-gnu");
  if (triple.getOS() == llvm::Triple::UnknownOS) triple.setOS(llvm::Triple::Linux);
  if (triple.getEnvironment() == llvm::Triple::UnknownEnvironment)
    triple.setEnvironment(llvm::Triple::GNU);
  if (!triple.isOSLinux())
    return error(llvm::Twine("target '") + text +
                 "' is not a Linux target: artifacts are ELF files for Linux");
  return triple;
}

}  // namespace

std::vector<std::string> acceptedCpus(llvm::StringRef text) {
  host::initializeLlvmTargets();
  llvm::Expected<llvm::Triple> triple = normalizedTriple(text);
  if (!triple) {
    llvm::consumeError(triple.takeError());
    return {};
  }
  std::vector<std::string> names;
  auto info = subtarget(*triple, "", "");
  if (!info) return names;
  llvm::ArrayRef<Level> levels = findArchitecture(*triple)->levels;
  for (const llvm::SubtargetSubTypeKV &each : info->getAllProcessorDescriptions()) {
    auto candidate = subtarget(*triple, each.Key, levels.back().llvm_features);
    if (candidate && covers(*candidate, levels.back())) names.push_back(each.Key);
  }
  std::sort(names.begin(), names.end());
  return names;
}

llvm::Expected<Target> resolveTarget(llvm::StringRef triple_text, llvm::StringRef cpu) {
  host::initializeLlvmTargets();
  llvm::Expected<llvm::Triple> triple = normalizedTriple(triple_text);
  if (!triple) return triple.takeError();
  const Architecture &architecture = *findArchitecture(*triple);

  Target target;
  target.triple = triple->str();
  target.cpu = cpu.empty() ? architecture.default_cpu.str() : cpu.str();
  std::string features;
  if (cpu == "native") {
    llvm::Triple host(llvm::sys::getDefaultTargetTriple());
    if (host.getArch() != triple->getArch())
      return error(llvm::Twine("--cpu=native needs a target of this machine's kind (") +
                   host.getArchName() + "), got '" + target.triple + "': name the CPU instead");
    target.cpu = llvm::sys::getHostCPUName().str();
    // A virtual machine may hide features that the CPU's name promises.
    std::vector<std::string> list;
    for (const auto &feature : llvm::sys::getHostCPUFeatures())
      list.push_back((llvm::Twine(feature.getValue() ? "+" : "-") + feature.getKey()).str());
    std::sort(list.begin(), list.end());
    features = llvm::join(list, ",");
  }

  auto any = subtarget(*triple, "", "");
  if (!any)
    return error(llvm::Twine("this build of LLVM cannot generate code for '") + target.triple +
                 "'");
  if (!any->isCPUStringValid(target.cpu))
    return error(
        llvm::Twine("unknown CPU '") + target.cpu + "' for " + triple->getArchName() +
        "; the nearest of those known: " + suggestions(target.cpu, acceptedCpus(target.triple), 8) +
        "; 'native' means this machine");
  if (features.empty()) features = architecture.levels.back().llvm_features.str();
  auto info = subtarget(*triple, target.cpu, features);
  const Level *level =
      llvm::find_if(architecture.levels, [&](const Level &each) { return covers(*info, each); });
  if (level == architecture.levels.end())
    return error(llvm::Twine("CPU '") + target.cpu + "' lacks instructions that kernels need (" +
                 architecture.levels.back().required + "): choose a newer one, such as " +
                 architecture.default_cpu);

  target.instruction_set = level->name.str();
  target.llvm_features = level->llvm_features.str();
  llvm::SmallVector<llvm::StringRef> required;
  level->required.split(required, ',', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef name : required) target.required_features.push_back(name.str());
  target.vector_bytes = level->vector_bytes;
  target.vector_registers = level->vector_registers;
  target.has_fma = true;
  target.has_estimates = level->estimates;
  target.has_f16_conversions = level->f16;
  if (!level->bf16_products.empty() && info->checkFeatures(("+" + level->bf16_products).str()))
    target.bf16_products = level->bf16_products.str();
  target.has_flush = triple->isX86();
  for (const Caches &each : kCaches)
    if (llvm::StringRef(target.cpu).starts_with(each.cpu_prefix)) {
      target.l1_bytes = each.l1;
      target.l2_bytes = each.l2;
      target.l3_bytes = each.l3;
      break;
    }
  return target;
}

}  // namespace graven::codegen::cpu
