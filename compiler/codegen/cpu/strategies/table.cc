#include "compiler/codegen/cpu/strategies/strategies.h"

namespace graven::codegen::cpu {

strategy::StrategyTable strategies() {
  static const strategy::Strategy table[] = {
      kDotStrategy,       kContractionStrategy, kSegmentsStrategy,
      kRowStrategy,       kColumnStrategy,      kScatterStrategy,
      kTransposeStrategy, kMapStrategy,         kReferenceStrategy,
  };
  return table;
}

}  // namespace graven::codegen::cpu
