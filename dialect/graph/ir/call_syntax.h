// The one syntax of both languages:  %result = op(%values, option = word) : types
#ifndef GRAVEN_DIALECT_GRAPH_IR_CALL_SYNTAX_H_
#define GRAVEN_DIALECT_GRAPH_IR_CALL_SYNTAX_H_

#include "mlir/IR/OpImplementation.h"

namespace graven::graph {

// `(%a, %b, @name, literal, key = value) [: type]`. Options are the op's declared attributes; a
// misspelt one is answered with the nearest. Without a type every value is untyped. The result's
// name becomes the option `name` where the op has one.
mlir::ParseResult parseCall(mlir::OpAsmParser &parser, mlir::OperationState &state);
void printCall(mlir::Operation *op, mlir::OpAsmPrinter &printer);
void nameResults(mlir::Operation *op, mlir::OpAsmSetValueNameFn setName);

// The value of an option: a number, a word, a word with numbers as uniform(-0.1, 0.1), true or
// false, a type, lists.
mlir::ParseResult parseOptionValue(mlir::OpAsmParser &parser, mlir::Attribute &value);
void printOptionValue(mlir::Attribute value, mlir::OpAsmPrinter &printer);

// `[private] @name(%x: type [in [lo, hi)], %y) { ... }`
mlir::ParseResult parseFunction(mlir::OpAsmParser &parser, mlir::OperationState &state);
void printFunction(mlir::Operation *op, mlir::OpAsmPrinter &printer);
void nameArguments(mlir::Operation *op, mlir::Region &region, mlir::OpAsmSetValueNameFn setName);

// `(@model, %loss) as (%w, %dw) { ... }`
mlir::ParseResult parseForEach(mlir::OpAsmParser &parser, mlir::OperationState &state);
void printForEach(mlir::Operation *op, mlir::OpAsmPrinter &printer);

// "custom op 'nn.dens' is unknown; did you mean 'dense'?": the parser of every op that is not
// known.
mlir::ParseResult reportUnknownOp(mlir::OpAsmParser &parser, mlir::OperationState &state);

// The word among `words` nearest to `word` if it is near enough to be a slip of the pen, else "".
llvm::StringRef nearestWord(llvm::StringRef word, llvm::ArrayRef<llvm::StringRef> words);

}  // namespace graven::graph

#endif  // GRAVEN_DIALECT_GRAPH_IR_CALL_SYNTAX_H_
