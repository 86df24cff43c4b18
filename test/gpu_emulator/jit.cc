#include "test/gpu_emulator/jit.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Utils/Mem2Reg.h"
#include "test/gpu_emulator/numbers.h"

namespace graven::emulator {
namespace {

struct Symbol {
  const char *name;
  void *address;
};

#define GRAVEN_EMULATOR_SYMBOL(name) {#name, reinterpret_cast<void *>(&name)}
const Symbol kSymbols[] = {
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_access),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_meet),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_copy),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_commit),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_wait),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_endless),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_trap),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_f16_to_f32),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_f64_to_f16),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_f64_to_bf16),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_f64_to_f16_rz),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_f64_to_bf16_rz),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_f32_to_tf32),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_ex2),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_lg2),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_rcp),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_sqrt),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_rsqrt),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_sin),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_cos),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_tanh),
    GRAVEN_EMULATOR_SYMBOL(graven_emulator_div),
};
#undef GRAVEN_EMULATOR_SYMBOL

void initialize_target() {
  static const bool once = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)once;
}

/// Enough to bring registers out of memory and to drop what is not used; more costs more than it
/// saves in kernels that run a few hundred times.
void simplify(llvm::Module &module) {
  llvm::PassBuilder builder;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SimplifyCFGPass());  // drops blocks that nothing reaches
  passes.addPass(llvm::PromotePass());
  passes.addPass(llvm::EarlyCSEPass());
  passes.addPass(llvm::SimplifyCFGPass());
  llvm::ModulePassManager all;
  all.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(passes)));
  all.run(module, modules);
}

std::string take(llvm::Error error) { return llvm::toString(std::move(error)); }

}  // namespace

struct Jit::Session {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::string error;
};

Jit::Jit() : session_(std::make_unique<Session>()) {
  initialize_target();
  auto machine = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!machine) {
    session_->error = take(machine.takeError());
    return;
  }
  machine->setCodeGenOptLevel(llvm::CodeGenOptLevel::Less);
  auto made = llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(*machine)).create();
  if (!made) {
    session_->error = take(made.takeError());
    return;
  }
  session_->jit = std::move(*made);
  llvm::orc::SymbolMap symbols;
  for (const Symbol &symbol : kSymbols) {
    symbols[session_->jit->mangleAndIntern(symbol.name)] = {
        llvm::orc::ExecutorAddr::fromPtr(symbol.address), llvm::JITSymbolFlags::Exported};
  }
  auto &library = session_->jit->getMainJITDylib();
  if (auto error = library.define(llvm::orc::absoluteSymbols(std::move(symbols)))) {
    session_->error = take(std::move(error));
  }
  // memcpy, fma and the like, where the host has no instruction for them.
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      session_->jit->getDataLayout().getGlobalPrefix());
  if (process) {
    library.addGenerator(std::move(*process));
  } else {
    session_->error = take(process.takeError());
  }
}

Jit::~Jit() = default;

KernelFunction Jit::compile(Translation translation, std::string *error) {
  if (!session_->error.empty()) {
    *error = session_->error;
    return nullptr;
  }
  const std::string name = translation.module->getName().str();
  translation.module->setDataLayout(session_->jit->getDataLayout());
  translation.module->setTargetTriple(session_->jit->getTargetTriple());
  simplify(*translation.module);
  llvm::orc::ThreadSafeModule module(std::move(translation.module), std::move(translation.context));
  if (auto failed = session_->jit->addIRModule(std::move(module))) {
    *error = take(std::move(failed));
    return nullptr;
  }
  auto symbol = session_->jit->lookup(name);
  if (!symbol) {
    *error = take(symbol.takeError());
    return nullptr;
  }
  return symbol->toPtr<KernelFunction>();
}

}  // namespace graven::emulator
