// How one reduction of a row goes on: partial results in vectors, which are joined in the end.
#ifndef GRAVEN_COMPILER_CODEGEN_LOOPS_ROW_REDUCTION_H_
#define GRAVEN_COMPILER_CODEGEN_LOOPS_ROW_REDUCTION_H_

#include "compiler/codegen/loops/emitter.h"

namespace graven::codegen {

// Whether `op` makes one value of several: sum, prod, max, min, argmax.
bool isReduction(mlir::Operation *op);

// A partial result is one value for each lane, of argmax two: the largest element so far and its
// index (i32) in the row.
class RowReduction {
 public:
  // `strict`: extremes tell the signs of zeros.
  RowReduction(mlir::Operation *op, Emitter &emitter, bool strict)
      : op_(op), e_(emitter), strict_(strict) {}

  using Values = Emitter::Carry;
  // Values of a partial result.
  int64_t parts() const;
  // The partial result of nothing. `first`: the column that its first lane will get first.
  Values begin(const Index &first) { return beginAt(e_.lanesFrom(first)); }
  // The same; `columns`: those that the lanes will get first.
  Values beginAt(const Index &columns);
  // `partial` and one more element for each lane, of the columns from `column` on, which lie behind
  // those that `partial` has. Lanes that are masked stay as they are.
  Values add(mlir::ValueRange partial, mlir::Value element, const Index &column);
  // Of two partial results, whatever columns they have.
  Values join(mlir::ValueRange a, mlir::ValueRange b);
  // The partial result, of scalars, of all lanes: the vector is halved until one lane is left.
  Values joinLanes(Values partial);
  // The result that a partial result of all elements tells.
  static mlir::Value resultOf(mlir::ValueRange partial) { return partial.back(); }

 private:
  mlir::Value neutral();
  mlir::Value combine(mlir::Value element, mlir::Value partial);
  // Whether `a` is larger than `b`, NaN being larger than all numbers; and whether they are equal.
  mlir::Value larger(mlir::Value a, mlir::Value b);
  mlir::Value equal(mlir::Value a, mlir::Value b);

  mlir::Operation *op_;
  Emitter &e_;
  bool strict_;
};

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_LOOPS_ROW_REDUCTION_H_
