#include "compiler/codegen/gpu/ptx.h"

#include "compiler/codegen/gpu/target.h"
#include "compiler/codegen/host/emit_object.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"

namespace graven::codegen::gpu {
namespace {

// What the code generator is asked for: LLVM's own names of the device.
strategy::Target codeTarget(const strategy::Target &target) {
  strategy::Target code = target;
  code.triple = "nvptx64-nvidia-cuda";
  code.instruction_set = chipOf(target);
  code.llvm_features = "+ptx80";
  return code;
}

// Loads of some lanes, known by now, as loads of each: LLVM would read the whole vector where its
// alignment promises that this cannot trap, and so bytes behind the end of a tensor.
void loadKnownLanesAlone(llvm::Module &module) {
  llvm::SmallVector<llvm::IntrinsicInst *> loads;
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction))
        if (call->getIntrinsicID() == llvm::Intrinsic::masked_load) loads.push_back(call);
  for (llvm::IntrinsicInst *load : loads) {
    auto *type = llvm::cast<llvm::FixedVectorType>(load->getType());
    // Operands: address, mask, what the other lanes hold.
    auto *mask = llvm::dyn_cast<llvm::Constant>(load->getArgOperand(1));
    if (!mask || mask->isAllOnesValue()) continue;
    llvm::IRBuilder<> builder(load);
    llvm::Value *lanes = load->getArgOperand(2);
    const llvm::DataLayout &layout = module.getDataLayout();
    const llvm::Align whole = load->getParamAlign(0).valueOrOne();
    const uint64_t bytes = layout.getTypeStoreSize(type->getElementType());
    for (unsigned lane = 0; lane < type->getNumElements(); ++lane) {
      llvm::Constant *wanted = mask->getAggregateElement(lane);
      if (wanted && wanted->isNullValue()) continue;
      llvm::Value *address =
          builder.CreateConstInBoundsGEP1_64(type->getElementType(), load->getArgOperand(0), lane);
      llvm::Value *element = builder.CreateAlignedLoad(type->getElementType(), address,
                                                       llvm::commonAlignment(whole, lane * bytes));
      lanes = builder.CreateInsertElement(lanes, element, lane);
    }
    load->replaceAllUsesWith(lanes);
    load->eraseFromParent();
  }
}

constexpr llvm::StringLiteral kEntry = ".visible .entry ";

// `text` with each entry's note in front of it.
std::string annotate(llvm::StringRef text, llvm::ArrayRef<EntryNote> notes) {
  llvm::StringMap<const EntryNote *> by_symbol;
  for (const EntryNote &note : notes) by_symbol[note.symbol] = &note;
  std::string result;
  while (!text.empty()) {
    auto [line, rest] = text.split('\n');
    if (line.starts_with(kEntry)) {
      llvm::StringRef symbol =
          line.drop_front(kEntry.size()).take_until([](char c) { return c == '('; });
      if (const EntryNote *note = by_symbol.lookup(symbol))
        for (const std::string &each : note->lines) result += "// " + each + "\n";
    }
    result += line.str() + "\n";
    text = rest;
  }
  return result;
}

}  // namespace

llvm::Expected<std::string> printPtx(llvm::Module &module, const strategy::Target &target,
                                     llvm::ArrayRef<EntryNote> notes) {
  strategy::Target code = codeTarget(target);
  if (llvm::Error error = host::optimizeModule(module, code, /*joins_accesses=*/true)) return error;
  loadKnownLanesAlone(module);
  // The code generator would join accesses once more, and three neighbours to a load of four. It
  // passes by functions with this attribute; PTX knows no implicit floats.
  for (llvm::Function &function : module)
    if (!function.isDeclaration()) function.addFnAttr(llvm::Attribute::NoImplicitFloat);
  for (const llvm::Function &function : module)
    if (function.isDeclaration() && !function.isIntrinsic() && !function.use_empty())
      return llvm::createStringError(
          std::make_error_code(std::errc::invalid_argument),
          "the generated code calls '" + function.getName() +
              "', but kernels of a GPU call nothing; this is a defect of the compiler: please "
              "report it with the model");
  llvm::Expected<std::string> text = host::emitAssembly(module, code);
  if (!text) return text.takeError();
  return annotate(*text, notes);
}

}  // namespace graven::codegen::gpu
