#include "dialect/element/element.h"

#include "dialect/element/element_dialect.cpp.inc"
#define GET_OP_CLASSES
#include "dialect/element/element.cpp.inc"

namespace graven::element {

void ElementDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialect/element/element.cpp.inc"
      >();
}

}  // namespace graven::element
