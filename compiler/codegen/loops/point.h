// Where in a tensor a vector of elements stands.
//
// Code is emitted for `lanes` elements at a time. An Index is one coordinate of all of them, a
// Point a coordinate for every axis. Arithmetic on them is emitted by the Emitter (emitter.h).
#ifndef GRAVEN_COMPILER_CODEGEN_LOOPS_POINT_H_
#define GRAVEN_COMPILER_CODEGEN_LOOPS_POINT_H_

#include <cstdint>
#include <cstdlib>
#include <numeric>

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "mlir/IR/Value.h"

namespace graven::codegen {

// One coordinate, never negative where an element is accessed: lane l stands at
// base + offset + l * step.
struct Index {
  mlir::Value base;  // i64, or null for 0; with `scattered` a vector of i64, one for each lane
  int64_t offset = 0;
  int64_t step = 0;      // difference between neighbouring lanes; 0 with `scattered`
  int64_t multiple = 1;  // a number known to divide `base`
  int depth = 0;         // loop level at which `base` is known: 0 is the function's
  bool scattered = false;

  bool isConstant() const { return !base && step == 0; }
  bool isUniform() const { return !scattered && step == 0; }
  // Largest number known to divide base + offset, whatever base is.
  int64_t divisor() const {
    if (!base) return offset ? std::abs(offset) : int64_t{1} << 40;
    return offset ? std::gcd(multiple, std::abs(offset)) : multiple;
  }

  static Index constant(int64_t value) {
    Index index;
    index.offset = value;
    return index;
  }
};

// A coordinate for every axis of `shape`. Consecutive axes may be told as one group by their flat
// row-major index, so that moving along them as if they were one axis costs no division.
struct Point {
  struct Group {
    int64_t axes;
    Index index;
  };
  llvm::SmallVector<int64_t, 4> shape;
  llvm::SmallVector<Group, 4> groups;

  // All axes in one group.
  static Point flat(llvm::ArrayRef<int64_t> shape, Index index) {
    Point point;
    point.shape.assign(shape.begin(), shape.end());
    if (!shape.empty()) point.groups.push_back({static_cast<int64_t>(shape.size()), index});
    return point;
  }
  // Whether all lanes stand at one place.
  bool isUniform() const {
    for (const Group &group : groups)
      if (!group.index.isUniform()) return false;
    return true;
  }
  // The innermost loop level that the coordinates depend on.
  int depth() const {
    int depth = 0;
    for (const Group &group : groups) depth = std::max(depth, group.index.depth);
    return depth;
  }
};

// Product of lengths; 1 of none.
inline int64_t productOf(llvm::ArrayRef<int64_t> lengths) {
  int64_t product = 1;
  for (int64_t length : lengths) product *= length;
  return product;
}

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_LOOPS_POINT_H_
