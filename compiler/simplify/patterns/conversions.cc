// Changes of element type that change nothing, or change twice.
#include "compiler/simplify/patterns/identities.h"

namespace graven::simplify {
namespace {

using namespace graph;
using namespace mlir;

unsigned bitsOf(Type type) { return type.getIntOrFloatBitWidth(); }

// Whether every value of `from` is one of `to` of the same kind, so that a conversion from `to`
// does to it what one from `from` would. Between kinds it might not: floats saturate, integers
// wrap.
bool keepsValues(Type from, Type to) {
  if (from == to) return true;
  if (from.isInteger(1)) return true;  // 0 and 1 are the same in every type
  if (isa<FloatType>(from) && isa<FloatType>(to)) return bitsOf(from) < bitsOf(to);
  return isa<IntegerType>(from) && isa<IntegerType>(to) && !to.isInteger(1) &&
         bitsOf(from) < bitsOf(to);
}

// A conversion to the same type is none; one through a wider type goes straight.
Value simplifyConvert(ConvertOp op, GraphBuilder &g) {
  Expr x(g, op.getX());
  if (op.getType() == x.type()) return x;
  auto inner = op.getX().getDefiningOp<ConvertOp>();
  if (!inner || !keepsValues(typeOf(inner.getX()).getElementType(), x.element())) return {};
  return convert(Expr(g, inner.getX()), typeOf(op).getElementType());
}

}  // namespace

void addConversionIdentities(Identities &identities) { identities.add<ConvertOp>(simplifyConvert); }

}  // namespace graven::simplify
