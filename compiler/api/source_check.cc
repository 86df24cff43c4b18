#include "compiler/api/source_check.h"

#include "llvm/Support/ConvertUTF.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"

namespace graven::api {

mlir::LogicalResult checkSource(llvm::StringRef source, llvm::StringRef file_name,
                                mlir::MLIRContext *context) {
  unsigned line = 1, column = 0;
  auto fail = [&](const llvm::Twine &message) -> mlir::LogicalResult {
    return mlir::emitError(mlir::FileLineColLoc::get(context, file_name, line, column), message);
  };
  if (source.starts_with("ML\xefR")) {
    line = 0;
    return fail("this is MLIR bytecode; expected a model as text");
  }
  const auto *begin = reinterpret_cast<const llvm::UTF8 *>(source.data());
  if (!llvm::isLegalUTF8String(&begin, begin + source.size())) {
    size_t good = reinterpret_cast<const char *>(begin) - source.data();
    line = 1 + source.take_front(good).count('\n');
    column = 1;
    return fail("this line holds bytes that are no UTF-8; expected a model as text");
  }

  int depth = 0;
  for (size_t i = 0; i < source.size(); ++i) {
    char c = source[i];
    ++column;
    switch (c) {
      case '\n':
        ++line;
        column = 0;
        break;
      case '\0':
        return fail("a NUL byte stands here; expected a model as text");
      case '"':
        // To the closing quote; strings end with their line, which the parser reports.
        for (++i, ++column; i < source.size() && source[i] != '"' && source[i] != '\n';
             ++i, ++column)
          if (source[i] == '\\') ++i, ++column;
        if (i < source.size() && source[i] == '\n') --i, --column;
        break;
      case '/':
        if (source.substr(i).starts_with("//")) {
          i = source.find('\n', i);
          if (i == llvm::StringRef::npos) return mlir::success();
          --i;
        }
        break;
      case '(':
      case '[':
      case '{':
      case '<':
        if (source.substr(i).starts_with("{-#"))
          return fail("a section of other tools' data begins here; a model is its text alone");
        if (++depth > kMaxNesting)
          return fail("brackets are nested more than " + llvm::Twine(kMaxNesting) +
                      " deep here; no model needs that");
        break;
      case ')':
      case ']':
      case '}':
        --depth;
        break;
      case '>':
        if (i == 0 || source[i - 1] != '-') --depth;
        break;
      default:
        break;
    }
  }
  return mlir::success();
}

}  // namespace graven::api
