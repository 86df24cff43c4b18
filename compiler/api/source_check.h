// Refuses texts that MLIR's parser is not hardened against, before it sees them.
#ifndef GRAVEN_COMPILER_API_SOURCE_CHECK_H_
#define GRAVEN_COMPILER_API_SOURCE_CHECK_H_

#include "llvm/ADT/StringRef.h"
#include "mlir/IR/MLIRContext.h"

namespace graven::api {

// Brackets may nest this deep.
constexpr int kMaxNesting = 256;

// Emits a diagnostic and fails for bytecode, for text that is no UTF-8 or holds NUL bytes, for
// brackets nested deeper than kMaxNesting, and for blobs of other tools behind the text. Strings
// and comments are seen through.
mlir::LogicalResult checkSource(llvm::StringRef source, llvm::StringRef file_name,
                                mlir::MLIRContext *context);

}  // namespace graven::api

#endif  // GRAVEN_COMPILER_API_SOURCE_CHECK_H_
