#include "compiler/codegen/host/emit_object.h"

#include <memory>
#include <mutex>
#include <system_error>

#include "compiler/codegen/host/llvm_targets.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Vectorize/LoadStoreVectorizer.h"
#include "runtime/core/artifact_format.h"

namespace graven::codegen::host {
namespace {

llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(std::make_error_code(std::errc::invalid_argument), message);
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createMachine(const strategy::Target &target) {
  initializeLlvmTargets();
  llvm::Triple triple(target.triple);
  std::string message;
  const llvm::Target *llvm_target = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!llvm_target) return error(message);
  llvm::TargetOptions options;
  // Contraction happens only where an instruction carries the flag: the emitter decides.
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  if (triple.isRISCV64()) options.MCOptions.ABIName = "lp64d";
  std::unique_ptr<llvm::TargetMachine> machine(llvm_target->createTargetMachine(
      triple, target.instruction_set, target.llvm_features, options, llvm::Reloc::PIC_,
      std::nullopt, llvm::CodeGenOptLevel::Default));
  if (!machine) return error("LLVM offers no code generator for '" + target.triple + "'");
  return machine;
}

// While one lives, crashes are caught in threads that run under a CrashRecoveryContext. The
// handlers of the process that were there before come back with the last one.
class CrashHandlers {
 public:
  CrashHandlers() {
    std::lock_guard<std::mutex> lock(mutex());
    if (count()++ == 0) llvm::CrashRecoveryContext::Enable();
  }
  ~CrashHandlers() {
    std::lock_guard<std::mutex> lock(mutex());
    if (--count() == 0) llvm::CrashRecoveryContext::Disable();
  }

 private:
  static std::mutex &mutex() {
    static std::mutex mutex;
    return mutex;
  }
  static int &count() {
    static int count = 0;
    return count;
  }
};

// Runs `work` so that a crash or fatal error inside LLVM comes back as an error. What LLVM had
// allocated by then is lost, which is the price of the process living on.
llvm::Error contained(llvm::StringRef what, llvm::function_ref<llvm::Error()> work) {
  llvm::Error result = llvm::Error::success();
  CrashHandlers handlers;
  llvm::CrashRecoveryContext recovery;
  bool finished = recovery.RunSafely([&] {
    if (llvm::Error failure = work())
      result = llvm::joinErrors(std::move(result), std::move(failure));
  });
  if (finished) return result;
  llvm::consumeError(std::move(result));
  return error("LLVM failed inside " + what +
               "; this is a defect of the compiler: please report it with the model");
}

llvm::Error checkUndefinedSymbols(llvm::StringRef object, const llvm::StringSet<> &elsewhere) {
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object, "kernels"));
  if (!file) return file.takeError();
  for (const llvm::object::SymbolRef &symbol : (*file)->symbols()) {
    llvm::Expected<uint32_t> flags = symbol.getFlags();
    if (!flags) return flags.takeError();
    if (!(*flags & llvm::object::SymbolRef::SF_Undefined)) continue;
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!name) return name.takeError();
    if (name->empty() || *name == "memcpy" || *name == "memset" || elsewhere.contains(*name) ||
        name->starts_with(GRAVEN_DEVICE_SYMBOL))
      continue;
    return error("the generated code calls '" + *name +
                 "', but kernels may call memcpy and memset only; this is a defect of the "
                 "compiler: please report it with the model");
  }
  return llvm::Error::success();
}

llvm::Expected<std::string> emit(llvm::Module &module, const strategy::Target &target,
                                 llvm::CodeGenFileType kind) {
  auto machine = createMachine(target);
  if (!machine) return machine.takeError();
  llvm::SmallVector<char, 0> bytes;
  llvm::Error failure = contained("code generation", [&]() -> llvm::Error {
    llvm::raw_svector_ostream stream(bytes);
    llvm::legacy::PassManager passes;
    if ((*machine)->addPassesToEmitFile(passes, stream, nullptr, kind))
      return error("LLVM cannot emit this kind of file for '" + target.triple + "'");
    passes.run(module);
    return llvm::Error::success();
  });
  if (failure) return failure;
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

llvm::Error optimizeModule(llvm::Module &module, const strategy::Target &target,
                           bool joins_accesses) {
  auto machine = createMachine(target);
  if (!machine) return machine.takeError();
  module.setTargetTriple(llvm::Triple(target.triple));
  module.setDataLayout((*machine)->createDataLayout());
  module.setPICLevel(llvm::PICLevel::BigPIC);
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (llvm::verifyModule(module, &stream))
    return error("invalid LLVM IR, which is a defect of the compiler: " + message);
  return contained("optimization", [&]() -> llvm::Error {
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager components;
    llvm::ModuleAnalysisManager modules;
    llvm::PipelineTuningOptions tuning;
    // Kernels arrive with their vectors chosen; the loop vectorizer serves scalar reference
    // strategies, the SLP vectorizer only costs time.
    tuning.LoopVectorization = true;
    tuning.LoopInterleaving = true;
    tuning.LoopUnrolling = true;
    tuning.SLPVectorization = false;
    llvm::PassBuilder builder(machine->get(), tuning);
    if (joins_accesses)
      builder.registerOptimizerLastEPCallback([](llvm::ModulePassManager &passes, auto...) {
        passes.addPass(llvm::createModuleToFunctionPassAdaptor(llvm::LoadStoreVectorizerPass()));
      });
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(components);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, components, modules);
    builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
    return llvm::Error::success();
  });
}

llvm::Expected<std::string> emitObject(llvm::Module &module, const strategy::Target &target,
                                       const llvm::StringSet<> &elsewhere) {
  llvm::Expected<std::string> object = emit(module, target, llvm::CodeGenFileType::ObjectFile);
  if (!object) return object.takeError();
  if (llvm::Error failure = checkUndefinedSymbols(*object, elsewhere)) return failure;
  return object;
}

llvm::Expected<std::string> emitAssembly(llvm::Module &module, const strategy::Target &target) {
  return emit(module, target, llvm::CodeGenFileType::AssemblyFile);
}

}  // namespace graven::codegen::host
