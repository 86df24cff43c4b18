#include "compiler/import/attach_weights.h"

#include "dialect/graph/ir/graph.h"
#include "llvm/ADT/StringSwitch.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace graven::import {
namespace {

// Metadata that programs which use the model ask for; what only training needs stays behind.
constexpr llvm::StringLiteral kKeptMetadata[] = {"train.data"};

Type elementType(StringRef dtype, Builder &b) {
  return llvm::StringSwitch<Type>(dtype)
      .Case("F16", b.getF16Type())
      .Case("BF16", b.getBF16Type())
      .Case("F32", b.getF32Type())
      .Case("F64", b.getF64Type())
      .Case("BOOL", b.getI1Type())
      .Case("I32", b.getI32Type())
      .Case("I64", b.getI64Type())
      .Case("U8", b.getIntegerType(8, /*isSigned=*/false))
      .Default(Type());
}

}  // namespace

LogicalResult attachWeights(ModuleOp module, const Safetensors &weights, StringRef name) {
  Builder b(module.getContext());
  SmallVector<NamedAttribute> values, metadata;
  for (const WeightTensor &tensor : weights.tensors) {
    Type element = elementType(tensor.dtype, b);
    if (!element)
      return module.emitError()
             << "the weights '" << name << "' hold '" << tensor.name << "' as " << tensor.dtype
             << "; states are of type F16, BF16, F32, F64, BOOL, I32, I64 or U8: "
                "convert the file";
    if (tensor.dtype == "BOOL" && llvm::any_of(tensor.data, [](char c) { return c & ~1; }))
      return module.emitError() << "the weights '" << name << "' are damaged: '" << tensor.name
                                << "' is of type BOOL and holds other bytes than 0 and 1; use "
                                   "another file";
    auto type = RankedTensorType::get(tensor.shape, element);
    ArrayRef<char> data(tensor.data.data(), tensor.data.size());
    auto resource = DenseResourceElementsAttr::get(
        type, tensor.name, UnmanagedAsmResourceBlob::allocateWithAlign(data, /*align=*/1));
    values.push_back(b.getNamedAttr(tensor.name, resource));
  }
  for (llvm::StringLiteral key : kKeptMetadata)
    if (auto found = weights.metadata.find(key.str()); found != weights.metadata.end())
      metadata.push_back(b.getNamedAttr(key, b.getStringAttr(found->second)));
  module->setAttr(graph::kWeights, b.getDictionaryAttr(values));
  module->setAttr(graph::kWeightsFile, b.getStringAttr(name));
  module->setAttr(graph::kWeightsMetadata, b.getDictionaryAttr(metadata));
  return success();
}

}  // namespace graven::import
