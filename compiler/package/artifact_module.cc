#include "compiler/package/artifact_module.h"

#include <system_error>
#include <vector>

#include "llvm/ADT/Twine.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/GlobalVariable.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

namespace graven::package {
namespace {

// A read-only global with `bytes` as content, aligned to `alignment`.
llvm::Constant *addBytes(llvm::Module &module, llvm::StringRef bytes, uint64_t alignment,
                         llvm::StringRef name) {
  llvm::Type *byte = llvm::Type::getInt8Ty(module.getContext());
  llvm::Constant *content = llvm::ConstantDataArray::getRaw(bytes, bytes.size(), byte);
  auto *global = new llvm::GlobalVariable(module, content->getType(), /*isConstant=*/true,
                                          llvm::GlobalValue::InternalLinkage, content, name);
  global->setAlignment(llvm::Align(alignment));
  return global;
}

// Makes the linker look for the device's part of the runtime.
void referToDevice(llvm::Module &module, const std::string &device) {
  auto *symbol = new llvm::GlobalVariable(module, llvm::Type::getInt8Ty(module.getContext()),
                                          /*isConstant=*/true, llvm::GlobalValue::ExternalLinkage,
                                          nullptr, GRAVEN_DEVICE_SYMBOL + device);
  auto *reference =
      new llvm::GlobalVariable(module, symbol->getType(), /*isConstant=*/true,
                               llvm::GlobalValue::InternalLinkage, symbol, "graven_device");
  llvm::appendToCompilerUsed(module, {reference});
}

}  // namespace

llvm::Error addArtifact(llvm::Module &module, const Model &model, const ArtifactUse &use) {
  llvm::LLVMContext &context = module.getContext();
  llvm::PointerType *pointer = llvm::PointerType::get(context, 0);
  llvm::IntegerType *i32 = llvm::Type::getInt32Ty(context);
  llvm::IntegerType *i64 = llvm::Type::getInt64Ty(context);

  for (llvm::Function &function : module)
    if (!function.isDeclaration()) {
      function.setVisibility(llvm::GlobalValue::DefaultVisibility);
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
    }
  std::vector<llvm::Constant *> addresses;
  for (const Kernel &kernel : model.kernels) {
    if (!model.images.empty()) break;
    llvm::Function *function = module.getFunction(kernel.symbol);
    if (!function || function->isDeclaration())
      return llvm::createStringError(std::make_error_code(std::errc::invalid_argument),
                                     "kernel '" + llvm::Twine(kernel.symbol) +
                                         "' has no code; this is a defect of the compiler: please "
                                         "report it with the model");
    addresses.push_back(function);
  }

  llvm::Constant *null = llvm::ConstantPointerNull::get(pointer);
  std::string table_bytes = writeTable(model);
  llvm::Constant *table = addBytes(module, table_bytes, 8, "graven_table");
  llvm::Constant *constants =
      model.constants.empty() || use.constants_apart
          ? null
          : addBytes(module, model.constants, GRAVEN_SEGMENT_ALIGNMENT, "graven_constants");
  llvm::Constant *kernels = null;
  if (!addresses.empty()) {
    auto *content =
        llvm::ConstantArray::get(llvm::ArrayType::get(pointer, addresses.size()), addresses);
    kernels =
        new llvm::GlobalVariable(module, content->getType(), /*isConstant=*/true,
                                 llvm::GlobalValue::InternalLinkage, content, "graven_kernels");
  }

  std::string image_bytes = writeImages(model);
  llvm::Constant *image =
      image_bytes.empty() ? null : addBytes(module, image_bytes, 8, "graven_image");

  if (use.into_program && image != null) referToDevice(module, model.device);

  // The fields of graven_artifact, in order.
  llvm::Constant *fields[] = {llvm::ConstantInt::get(i32, GRAVEN_ARTIFACT_MAGIC),
                              llvm::ConstantInt::get(i32, GRAVEN_ARTIFACT_FORMAT),
                              table,
                              llvm::ConstantInt::get(i64, table_bytes.size()),
                              kernels,
                              llvm::ConstantInt::get(i64, model.kernels.size()),
                              constants,
                              llvm::ConstantInt::get(i64, model.constants.size()),
                              image,
                              llvm::ConstantInt::get(i64, image_bytes.size())};
  auto *type = llvm::StructType::get(
      context, {i32, i32, pointer, i64, pointer, i64, pointer, i64, pointer, i64});
  new llvm::GlobalVariable(module, type, /*isConstant=*/true, llvm::GlobalValue::ExternalLinkage,
                           llvm::ConstantStruct::get(type, fields), artifactSymbol(model.name));
  return llvm::Error::success();
}

}  // namespace graven::package
