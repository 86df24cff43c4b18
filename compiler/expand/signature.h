// What the runtime's `fit` and the C header want to know of a model, as the module's attribute
// `graph.signature`.
#ifndef GRAVEN_COMPILER_EXPAND_SIGNATURE_H_
#define GRAVEN_COMPILER_EXPAND_SIGNATURE_H_

#include <optional>

#include "compiler/expand/rules.h"

namespace graven::expand {

// The train part of a model, sorted by kind; empty where it has none.
struct TrainPart {
  mlir::Operation *loss = nullptr;
  mlir::Operation *optimizer = nullptr;
  llvm::SmallVector<mlir::Operation *> metrics;
  nn::FitOp fit;

  static TrainPart of(nn::ModelOp model);
};

// {name, loss, input = {name, shape, dtype}, classes, fit = {...}, normalization, metrics}; what is
// not known is left out. `classes`: how many there are, 0 where the target is no class number.
mlir::DictionaryAttr signatureOf(llvm::StringRef name, nn::ModelOp model, const TrainPart &train,
                                 int64_t classes, bool adapts, llvm::ArrayRef<std::string> metrics,
                                 mlir::MLIRContext *context);

}  // namespace graven::expand

#endif  // GRAVEN_COMPILER_EXPAND_SIGNATURE_H_
