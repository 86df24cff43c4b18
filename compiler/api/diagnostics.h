// Gathers MLIR's diagnostics and renders them as compilers do.
#ifndef GRAVEN_COMPILER_API_DIAGNOSTICS_H_
#define GRAVEN_COMPILER_API_DIAGNOSTICS_H_

#include <string>

#include "llvm/ADT/StringRef.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

namespace graven::api {

// While it lives, collects the diagnostics of `context`: `file:line:column: error: sentence`, the
// line of the source with a caret below, then notes the same way. Errors beyond the twentieth are
// counted only.
class DiagnosticCollector {
 public:
  DiagnosticCollector(mlir::MLIRContext *context, llvm::StringRef source,
                      llvm::StringRef file_name);

  bool hasErrors() const { return errors_ > 0; }
  // Everything said so far, ended by a newline; "" when nothing was.
  std::string text() const;
  // An error that has no place in the text.
  void addError(llvm::StringRef message);

 private:
  void add(mlir::Diagnostic &diagnostic);
  void render(mlir::Location location, llvm::StringRef severity, llvm::StringRef message);

  llvm::StringRef source_, file_name_;
  std::string text_;
  std::string last_;  // the last main message: said once only
  int errors_ = 0;
  mlir::ScopedDiagnosticHandler handler_;
};

}  // namespace graven::api

#endif  // GRAVEN_COMPILER_API_DIAGNOSTICS_H_
