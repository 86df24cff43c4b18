#include "dialect/graph/ir/call_syntax.h"

#include <charconv>
#include <limits>

#include "dialect/graph/ir/graph.h"

using namespace mlir;

namespace graven::graph {
namespace {

bool isWord(StringRef text) {
  if (text.empty() || !(isalpha(text[0]) || text[0] == '_')) return false;
  return llvm::all_of(text, [](char c) { return isalnum(c) || c == '_'; }) && text != "true" &&
         text != "false";
}

// A list of integers becomes one dense attribute; other lists stay as they are.
Attribute compact(Attribute value) {
  auto list = dyn_cast<ArrayAttr>(value);
  if (!list) return value;
  SmallVector<int64_t> numbers;
  for (Attribute element : list) {
    auto number = dyn_cast<IntegerAttr>(element);
    if (!number || isa<BoolAttr>(element)) return value;
    numbers.push_back(number.getInt());
  }
  return DenseI64ArrayAttr::get(value.getContext(), numbers);
}

// The shortest digits that read back as the same number, with the decimal point by which MLIR knows
// a float (before an exponent, where there is one).
std::string shortest(double number) {
  char text[32];
  char *end = std::to_chars(text, text + sizeof text, number).ptr;
  std::string digits(text, end);
  if (digits.find('.') == std::string::npos)
    digits.insert(std::min(digits.find('e'), digits.size()), ".0");
  return digits;
}

// `word(1, 2.5)`: a word with numbers, kept as that text.
ParseResult parseNumbersAfter(OpAsmParser &parser, StringRef word, Attribute &value) {
  std::string text = word.str() + "(";
  auto parseNumber = [&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    Attribute number;
    if (parser.parseAttribute(number)) return failure();
    if (!isa<FloatAttr, IntegerAttr>(number)) return parser.emitError(loc, "expected a number");
    if (text.back() != '(') text += ", ";
    text += shortest(numberOf(number));
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, parseNumber)) return failure();
  value = parser.getBuilder().getStringAttr(text + ")");
  return success();
}

// Whether `text` prints without quotes: a word, or a word with numbers.
bool isPlain(StringRef text) {
  auto [word, numbers] = text.split('(');
  if (!isWord(word)) return false;
  return numbers.data() == nullptr || numbers.empty() ||
         (numbers.consume_back(")") && llvm::all_of(numbers, [](char c) {
            return isdigit(c) || StringRef("+-.e, ").contains(c);
          }));
}

// `inf`, `-inf` or `nan`, for which MLIR's own literals are hexadecimal digits.
OptionalParseResult parseNotFinite(OpAsmParser &parser, Attribute &value) {
  bool negative = StringRef(parser.getCurrentLocation().getPointer()).starts_with("-inf");
  if (negative && failed(parser.parseOptionalMinus())) return failure();
  StringRef word;
  if (failed(parser.parseOptionalKeyword(&word, {"inf", "nan"}))) return std::nullopt;
  constexpr double kInf = std::numeric_limits<double>::infinity();
  double number = word == "nan" ? std::numeric_limits<double>::quiet_NaN() : kInf;
  value = parser.getBuilder().getF64FloatAttr(negative ? -number : number);
  return success();
}

}  // namespace

ParseResult parseOptionValue(OpAsmParser &parser, Attribute &value) {
  Builder &b = parser.getBuilder();
  StringRef word;
  if (OptionalParseResult parsed = parseNotFinite(parser, value); parsed.has_value())
    return *parsed;
  if (succeeded(parser.parseOptionalKeyword(&word, {"true", "false"}))) {
    value = b.getBoolAttr(word == "true");
    return success();
  }
  // `none` is a type to MLIR and a word to us.
  if (succeeded(parser.parseOptionalKeyword("none"))) {
    value = b.getStringAttr("none");
    return success();
  }
  Type type;
  if (OptionalParseResult parsed = parser.parseOptionalType(type); parsed.has_value()) {
    if (failed(*parsed)) return failure();
    value = TypeAttr::get(type);
    return success();
  }
  if (succeeded(parser.parseOptionalKeyword(&word))) {
    SMLoc open = parser.getCurrentLocation();
    if (*open.getPointer() == '(') return parseNumbersAfter(parser, word, value);
    value = b.getStringAttr(word);
    return success();
  }
  if (parser.parseAttribute(value)) return failure();
  value = compact(value);
  return success();
}

void printOptionValue(Attribute value, OpAsmPrinter &printer) {
  if (auto number = dyn_cast<FloatAttr>(value); number && number.getValue().isFinite()) {
    printer << shortest(number.getValueAsDouble());
    return;
  }
  if (auto number = dyn_cast<FloatAttr>(value)) {
    printer << (number.getValue().isNaN()        ? "nan"
                : number.getValue().isNegative() ? "-inf"
                                                 : "inf");
    return;
  }
  if (auto list = dyn_cast<ArrayAttr>(value);
      list && !list.empty() && !isa<SymbolRefAttr>(list[0])) {
    printer << "[";
    llvm::interleaveComma(list, printer, [&](Attribute item) { printOptionValue(item, printer); });
    printer << "]";
    return;
  }
  if (auto word = dyn_cast<StringAttr>(value); word && isPlain(word)) {
    printer << word.getValue();
  } else if (auto numbers = dyn_cast<DenseI64ArrayAttr>(value)) {
    printer << "[";
    llvm::interleaveComma(numbers.asArrayRef(), printer);
    printer << "]";
  } else if (auto integer = dyn_cast<IntegerAttr>(value); integer && !isa<BoolAttr>(value)) {
    printer << integer.getValue().getSExtValue();
  } else if (isa<DenseElementsAttr>(value)) {
    printer << value;
  } else {
    printer.printAttributeWithoutType(value);
  }
}

namespace {

ParseResult reportUnknownOption(OpAsmParser &parser, SMLoc loc, StringRef key,
                                ArrayRef<StringRef> known) {
  InFlightDiagnostic error = parser.emitError(loc, "has no option '") << key << "'";
  if (StringRef near = nearestWord(key, known); !near.empty())
    return error << "; did you mean '" << near << "'?";
  if (known.empty()) return error << "; it has none";
  error << "; it has";
  llvm::interleave(
      known, [&](StringRef name) { error << " '" << name << "'"; }, [&] { error << ","; });
  return failure();
}

}  // namespace

StringRef nearestWord(StringRef word, ArrayRef<StringRef> words) {
  StringRef best;
  unsigned least = std::min<unsigned>(3, word.size() / 2 + 1);
  for (StringRef candidate : words) {
    unsigned distance = candidate.edit_distance(word);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

ParseResult reportUnknownOp(OpAsmParser &parser, OperationState &state) {
  StringRef dialect = state.name.getDialectNamespace(), word = state.name.stripDialect();
  SmallVector<StringRef> same, other;
  for (RegisteredOperationName name : parser.getContext()->getRegisteredOperations()) {
    StringRef space = name.getDialectNamespace();
    if (space == dialect) same.push_back(name.stripDialect());
    // The same word in the other language, where a prefix was forgotten.
    else if ((space == "graph" || space == "nn") && name.stripDialect() == word)
      other.push_back(name.getStringRef());
  }
  // The parser begins each message with "custom op '...' ".
  InFlightDiagnostic error = parser.emitError(parser.getNameLoc(), "is unknown");
  if (!other.empty()) return error << "; did you mean '" << other.front() << "'?";
  if (StringRef near = nearestWord(word, same); !near.empty())
    return error << "; did you mean '" << near << "'?";
  return error;
}

ParseResult parseCall(OpAsmParser &parser, OperationState &state) {
  ArrayRef<StringAttr> declared = state.name.getRegisteredInfo()->getAttributeNames();
  SmallVector<StringRef> known;
  for (StringAttr name : declared) known.push_back(name.getValue());
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SMLoc operandsLoc = parser.getCurrentLocation();
  bool options = false;

  auto parseArgument = [&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    OpAsmParser::UnresolvedOperand operand;
    if (OptionalParseResult parsed = parser.parseOptionalOperand(operand); parsed.has_value()) {
      if (failed(*parsed)) return failure();
      if (options) return parser.emitError(loc, "values come before options");
      operands.push_back(operand);
      return success();
    }
    StringAttr symbol;
    if (succeeded(parser.parseOptionalSymbolName(symbol))) {
      for (StringRef name : {"callee", "state", "layer", "model"}) {
        if (!llvm::is_contained(known, name)) continue;
        state.addAttribute(name, FlatSymbolRefAttr::get(symbol));
        return success();
      }
      return parser.emitError(loc, "takes no @name");
    }
    StringRef key, truth;
    Attribute value;
    OptionalParseResult notFinite = parseNotFinite(parser, value);
    if (notFinite.has_value() && failed(*notFinite)) return failure();
    if (!value && succeeded(parser.parseOptionalKeyword(&truth, {"true", "false"})))
      value = parser.getBuilder().getBoolAttr(truth == "true");
    if (value || failed(parser.parseOptionalKeyword(&key))) {
      if (!value && parser.parseAttribute(value)) return failure();
      if (!llvm::is_contained(known, "value"))
        return parser.emitError(loc, "takes no bare number; write option = value");
      state.addAttribute("value", value);
      return success();
    }
    options = true;
    if (!llvm::is_contained(known, key)) return reportUnknownOption(parser, loc, key, known);
    if (state.attributes.get(key))
      return parser.emitError(loc, "option '") << key << "' is given twice";
    if (parser.parseEqual() || parseOptionValue(parser, value)) return failure();
    state.addAttribute(key, value);
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, parseArgument))
    return failure();

  if (parser.getNumResults() && !state.attributes.get("name") &&
      llvm::is_contained(known, "name")) {
    StringRef name = parser.getResultName(0).first;
    if (!name.empty() && !isdigit(name[0]))
      state.addAttribute("name", parser.getBuilder().getStringAttr(name));
  }

  if (succeeded(parser.parseOptionalColon())) {
    FunctionType type;
    if (parser.parseType(type) ||
        parser.resolveOperands(operands, type.getInputs(), operandsLoc, state.operands))
      return failure();
    state.addTypes(type.getResults());
    return success();
  }
  Type untyped = UntypedType::get(parser.getContext());
  if (parser.resolveOperands(operands, untyped, state.operands)) return failure();
  // A layer written without `%name =` still has its one result.
  size_t results =
      state.name.hasTrait<OpTrait::OneResult>() ? 1 : static_cast<size_t>(parser.getNumResults());
  state.addTypes(SmallVector<Type>(results, untyped));
  return success();
}

void printCall(Operation *op, OpAsmPrinter &printer) {
  printer << "(";
  bool first = true;
  auto separate = [&] {
    if (!first) printer << ", ";
    first = false;
  };
  for (NamedAttribute attribute : op->getAttrs()) {
    if (!isa<FlatSymbolRefAttr>(attribute.getValue())) continue;
    separate();
    printer << attribute.getValue();
  }
  for (Value operand : op->getOperands()) {
    separate();
    printer << operand;
  }
  // A lone value stands where an operand would, before the options.
  Attribute bare = op->getNumOperands() ? Attribute() : op->getAttr("value");
  if (bare) {
    separate();
    printOptionValue(bare, printer);
  }
  for (StringAttr key : op->getRegisteredInfo()->getAttributeNames()) {
    Attribute value = op->getAttr(key);
    if (!value || isa<FlatSymbolRefAttr>(value) || (bare && key == "value")) continue;
    // The result's own name carries it.
    if (key == "name" && op->getNumResults() == 1) continue;
    separate();
    printer << key.getValue() << " = ";
    printOptionValue(value, printer);
  }
  printer << ")";
  auto isTyped = [](Type type) { return !isa<UntypedType>(type); };
  if (llvm::any_of(op->getOperandTypes(), isTyped) || llvm::any_of(op->getResultTypes(), isTyped)) {
    printer << " : ";
    printer.printFunctionalType(op);
  }
}

void nameResults(Operation *op, OpAsmSetValueNameFn setName) {
  if (op->getNumResults() == 0) return;
  if (auto name = op->getAttrOfType<StringAttr>("name")) setName(op->getResult(0), name.getValue());
}

ParseResult parseFunction(OpAsmParser &parser, OperationState &state) {
  Builder &b = parser.getBuilder();
  if (succeeded(parser.parseOptionalKeyword("private")))
    state.addAttribute("sym_visibility", b.getStringAttr("private"));
  StringAttr name;
  if (parser.parseSymbolName(name, "sym_name", state.attributes)) return failure();
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Attribute> types, names, ranges;
  bool anyRange = false;
  Type untyped = UntypedType::get(parser.getContext());
  auto parseArgument = [&]() -> ParseResult {
    OpAsmParser::Argument argument;
    if (parser.parseArgument(argument)) return failure();
    if (succeeded(parser.parseOptionalColon()) && parser.parseType(argument.type)) return failure();
    Attribute range = b.getUnitAttr();
    if (succeeded(parser.parseOptionalKeyword("in"))) {
      int64_t low, high;
      if (parser.parseLSquare() || parser.parseInteger(low) || parser.parseComma() ||
          parser.parseInteger(high) || parser.parseRParen())
        return failure();
      range = b.getDenseI64ArrayAttr({low, high});
      anyRange = true;
    }
    types.push_back(TypeAttr::get(argument.type ? argument.type : untyped));
    names.push_back(b.getStringAttr(argument.ssaName.name.drop_front()));
    ranges.push_back(range);
    argument.type = untyped;
    arguments.push_back(argument);
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, parseArgument))
    return failure();
  state.addAttribute("arg_types", b.getArrayAttr(types));
  state.addAttribute("arg_names", b.getArrayAttr(names));
  if (anyRange) state.addAttribute("arg_ranges", b.getArrayAttr(ranges));
  return parser.parseRegion(*state.addRegion(), arguments);
}

void printFunction(Operation *op, OpAsmPrinter &printer) {
  if (auto visibility = op->getAttrOfType<StringAttr>("sym_visibility"))
    printer << " " << visibility.getValue();
  printer << " ";
  printer.printSymbolName(op->getAttrOfType<StringAttr>("sym_name").getValue());
  printer << "(";
  auto types = op->getAttrOfType<ArrayAttr>("arg_types");
  auto ranges = op->getAttrOfType<ArrayAttr>("arg_ranges");
  llvm::interleaveComma(op->getRegion(0).getArguments(), printer, [&](BlockArgument argument) {
    printer << argument;
    unsigned index = argument.getArgNumber();
    if (Type type = cast<TypeAttr>(types[index]).getValue(); !isa<UntypedType>(type))
      printer << ": " << type;
    if (auto range = ranges ? dyn_cast<DenseI64ArrayAttr>(ranges[index]) : nullptr)
      printer << " in [" << range[0] << ", " << range[1] << ")";
  });
  printer << ") ";
  printer.printRegion(op->getRegion(0), /*printEntryBlockArgs=*/false);
}

void nameArguments(Operation *op, Region &region, OpAsmSetValueNameFn setName) {
  auto names = op->getAttrOfType<ArrayAttr>("arg_names");
  if (!names) return;
  for (auto [argument, name] : llvm::zip(region.getArguments(), names))
    setName(argument, cast<StringAttr>(name).getValue());
}

ParseResult parseForEach(OpAsmParser &parser, OperationState &state) {
  Builder &b = parser.getBuilder();
  StringAttr model;
  OpAsmParser::UnresolvedOperand loss;
  SmallVector<OpAsmParser::Argument> arguments;
  if (parser.parseLParen() || parser.parseSymbolName(model) || parser.parseComma() ||
      parser.parseOperand(loss) || parser.parseRParen() || parser.parseKeyword("as"))
    return failure();
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren)) return failure();
  if (arguments.size() != 2)
    return parser.emitError(loc,
                            "for_each_parameter names two values, the parameter and its "
                            "gradient: as (%w, %dw)");
  Type untyped = UntypedType::get(parser.getContext());
  state.addAttribute("model", FlatSymbolRefAttr::get(model));
  if (parser.resolveOperand(loss, untyped, state.operands)) return failure();
  SmallVector<Attribute> names;
  for (OpAsmParser::Argument &argument : arguments) {
    argument.type = untyped;
    names.push_back(b.getStringAttr(argument.ssaName.name.drop_front()));
  }
  state.addAttribute("arg_names", b.getArrayAttr(names));
  return parser.parseRegion(*state.addRegion(), arguments);
}

void printForEach(Operation *op, OpAsmPrinter &printer) {
  printer << "(" << op->getAttr("model") << ", " << op->getOperand(0) << ") as (";
  llvm::interleaveComma(op->getRegion(0).getArguments(), printer);
  printer << ") ";
  printer.printRegion(op->getRegion(0), /*printEntryBlockArgs=*/false);
}

}  // namespace graven::graph
