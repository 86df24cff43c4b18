// A contraction at a point: a loop over the contracted axes, in ascending order, with one fused
// multiply-add an element. The tiled strategies give the same bits.
#include "compiler/codegen/loops/rules.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace graven::codegen {
namespace {

using Source = Emitter::Source;

Value emitDotGeneral(Emitter &e, Operation *op, const Point &point) {
  auto dot = cast<graph::DotGeneralOp>(op);
  struct Side {
    Value value;
    ArrayRef<int64_t> batch, contract;
    SmallVector<Source> sources;
  };
  Side sides[] = {{dot.getLhs(), dot.getLhsBatch(), dot.getLhsContract(), {}},
                  {dot.getRhs(), dot.getRhsBatch(), dot.getRhsContract(), {}}};
  int64_t next = dot.getLhsBatch().size();
  for (Side &side : sides) {
    side.sources.resize(shapeOf(side.value).size());
    for (auto [number, axis] : llvm::enumerate(side.batch)) side.sources[axis].axis = number;
    for (int64_t axis = 0; axis < static_cast<int64_t>(side.sources.size()); ++axis)
      if (!llvm::is_contained(side.batch, axis) && !llvm::is_contained(side.contract, axis))
        side.sources[axis].axis = next++;
  }
  bool uniform = point.isUniform();
  Type type = e.vectorType(elementOf(dot.getLhs()), uniform ? 1 : e.lanes());
  std::function<Emitter::Carry(size_t, ValueRange)> nest = [&](size_t pair, ValueRange carried) {
    if (pair == dot.getLhsContract().size()) {
      Value factors[2];
      for (int i = 0; i < 2; ++i) {
        ArrayRef<int64_t> shape = shapeOf(sides[i].value);
        factors[i] = e.at(sides[i].value, e.remap(point, shape, sides[i].sources));
        if (!uniform) factors[i] = e.splat(factors[i]);
      }
      return Emitter::Carry{
          math::FmaOp::create(e.builder(), e.loc(), factors[0], factors[1], carried[0])};
    }
    int64_t length = shapeOf(dot.getLhs())[dot.getLhsContract()[pair]];
    return e.loop(Index::constant(0), Index::constant(length), 1, carried,
                  [&](Index index, ValueRange inner) {
                    for (Side &side : sides) side.sources[side.contract[pair]] = {-1, index};
                    return nest(pair + 1, inner);
                  });
  };
  Value zero = graph::scalarConstant(e.builder(), e.loc(), type, 0.0);
  return nest(0, zero)[0];
}

}  // namespace

void addContractionRules(RuleTable &table) { table.add<graph::DotGeneralOp>(emitDotGeneral); }

}  // namespace graven::codegen
