#include "dialect/graph/ir/shape_rules.h"

using namespace mlir;

namespace graven::graph {

static ParseResult parseWord(OpAsmParser &parser, StringAttr &word) {
  StringRef text;
  if (parser.parseKeyword(&text)) return failure();
  word = parser.getBuilder().getStringAttr(text);
  return success();
}
static void printWord(OpAsmPrinter &printer, Operation *, StringAttr word) {
  printer << word.getValue();
}

static ParseResult parseInit(OpAsmParser &parser, Attribute &value) {
  return parseOptionValue(parser, value);
}
static void printInit(OpAsmPrinter &printer, Operation *, Attribute value) {
  printOptionValue(value, printer);
}

LogicalResult StateOp::verify() {
  static constexpr StringRef kRoles[] = {"parameter", "slot", "statistic", "control", "metric"};
  if (!llvm::is_contained(kRoles, getRole()))
    return emitOpError() << "has no role '" << getRole()
                         << "'; roles are parameter, slot, statistic, control and metric";
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !type.hasStaticShape() || !isElementType(type.getElementType()))
    return emitOpError() << "expects a tensor of static shape and element type f16, bf16, f32, "
                            "f64, i1, i32, i64 or ui8, got "
                         << getType();
  return success();
}

ParseResult EntryOp::parse(OpAsmParser &parser, OperationState &state) {
  Builder &b = parser.getBuilder();
  StringAttr name;
  SmallVector<OpAsmParser::Argument> arguments;
  if (parser.parseSymbolName(name, "sym_name", state.attributes) ||
      parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren, /*allowType=*/true))
    return failure();
  SmallVector<Attribute> names;
  for (OpAsmParser::Argument &argument : arguments)
    names.push_back(b.getStringAttr(argument.ssaName.name.drop_front()));
  state.addAttribute("arg_names", b.getArrayAttr(names));
  if (parser.parseOptionalAttrDictWithKeyword(state.attributes)) return failure();
  if (!state.attributes.get("result_names")) state.addAttribute("result_names", b.getArrayAttr({}));
  return parser.parseRegion(*state.addRegion(), arguments);
}

void EntryOp::print(OpAsmPrinter &printer) {
  printer << " ";
  printer.printSymbolName(getSymName());
  printer << "(";
  llvm::interleaveComma(getEntryBlock().getArguments(), printer,
                        [&](BlockArgument argument) { printer.printRegionArgument(argument); });
  printer << ")";
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {"sym_name", "arg_names"});
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

StringRef EntryOp::getDefaultDialect() { return "graph"; }

void EntryOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  nameArguments(*this, region, setName);
}

LogicalResult EntryOp::verify() {
  if (getArgNames().size() != getEntryBlock().getNumArguments())
    return emitOpError() << "names " << getArgNames().size() << " of its "
                         << getEntryBlock().getNumArguments() << " arguments";
  return success();
}

}  // namespace graven::graph

using namespace graven::graph;
#define GET_OP_CLASSES
#include "dialect/graph/ops/control.cpp.inc"
