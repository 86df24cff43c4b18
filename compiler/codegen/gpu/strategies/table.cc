#include "compiler/codegen/gpu/strategies/strategies.h"

namespace graven::codegen::gpu {

strategy::StrategyTable strategies() {
  static const strategy::Strategy table[] = {
      kSegmentsStrategy,  kDotStrategy,    kContractionStrategy,
      kRowStrategy,       kColumnStrategy, kScatterStrategy,
      kTransposeStrategy, kMapStrategy,    kReferenceStrategy,
  };
  return table;
}

}  // namespace graven::codegen::gpu
