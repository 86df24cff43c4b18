// Pull emission: the value of any tensor of a kernel at any place, as code.
//
// A strategy opens loops and asks `at(value, point)` for what it needs to store. The emitter walks
// back from there: elementwise ops emit themselves, movement ops map the point, reductions open
// loops, inputs are loaded. What does not change within a loop is emitted before it, at the loop
// level where it is known, and what was emitted once is not emitted again.
//
//   emitter.loop(lo, hi, step, [&](Index i) {
//     Point point = Point::flat(shape, i);
//     emitter.store(pointer, element, i, emitter.at(output, point));
//   });
#ifndef GRAVEN_COMPILER_CODEGEN_LOOPS_EMITTER_H_
#define GRAVEN_COMPILER_CODEGEN_LOOPS_EMITTER_H_

#include <functional>
#include <map>
#include <vector>

#include "compiler/codegen/loops/point.h"
#include "llvm/ADT/DenseMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"

namespace graven::codegen {

class Emitter {
 public:
  // Where an axis of an operand comes from: an axis of the result, or an index of its own.
  struct Source {
    int64_t axis = -1;
    Index index;
  };

  // Emits at `builder`'s insertion point, which is loop level 0. Tables of constants go to `module`
  // as private globals, named after `symbol`.
  Emitter(mlir::OpBuilder &builder, mlir::Location loc, mlir::ModuleOp module,
          llvm::StringRef symbol);

  mlir::OpBuilder &builder() { return builder_; }
  mlir::Location loc() const { return loc_; }
  int64_t lanes() const { return lanes_; }
  // Changes the number of elements computed at a time; for use between loops.
  void setLanes(int64_t lanes) { lanes_ = lanes; }

  // Says that all memory is aligned to `bytes` (a power of two), so that accesses are known to be
  // as aligned as their index; at first to one element.
  void assumeAligned(int64_t bytes) { aligned_ = bytes; }
  // Whether division by what is the same all along an axis may become multiplication (off at
  // first).
  void allowReciprocals(bool allow) { reciprocals_ = allow; }

  // Values ---------------------------------------------------------------------------------------

  // The element of `value` at `point`: a scalar where all lanes are known to hold the same, else a
  // vector of `lanes()`. i1 is a bit, ui8 a signless i8, f16 and bf16
  // are f32.
  mlir::Value at(mlir::Value value, const Point &point);
  // The same, always a vector (a scalar where lanes() is 1).
  mlir::Value vectorAt(mlir::Value value, const Point &point);
  // Loop level at which at(value, point) is emitted.
  int depthOf(mlir::Value value, const Point &point);

  // Says that what is asked for next is number `number` of `count` neighbouring vectors that are
  // all asked for at this loop level (at first one of one): what serves several is emitted once.
  struct Run {
    int64_t number = 0, count = 1;
  };
  void setRun(Run run) { run_ = run; }
  Run run() const { return run_; }
  // Emits a value at loop level `depth`, or at the innermost condition, once for each key. What it
  // is made of must be known there.
  mlir::Value once(std::vector<uintptr_t> key, int depth, llvm::function_ref<mlir::Value()> emit) {
    return memoized(std::move(key), level(depth), emit);
  }

  // The quotient of a vector and a scalar that is known at loop level `depth`, to 1.5 units in the
  // last place (2.5 where it is about the smallest normal number): two multiplications.
  mlir::Value divideBy(mlir::Value vector, mlir::Value scalar, int depth);
  bool allowsReciprocals() const { return reciprocals_; }

  // Says that `value` lies in memory, row-major, from `pointer` on.
  void bindMemory(mlir::Value value, mlir::Value pointer);
  // Says how to get `value` at a point; what depends on it is emitted at loop level `depth` or
  // deeper, where 0 allows hoisting as far as the point does.
  using Given = std::function<mlir::Value(const Point &)>;
  void give(mlir::Value value, int depth, Given given);
  // Takes the last word on `value` back.
  void forget(mlir::Value value);
  bool isGiven(mlir::Value value) const { return given_.contains(value); }

  // Memory ---------------------------------------------------------------------------------------

  // Elements of type `element` (as tensors name it) at `index` elements from `pointer`. Masked
  // lanes read as 0 and are not written. An f32 stored as f16 or bf16 is rounded to nearest.
  mlir::Value load(mlir::Value pointer, mlir::Type element, const Index &index);
  void store(mlir::Value pointer, mlir::Type element, const Index &index, mlir::Value value);
  // From now on whole, aligned vectors stored from `pointer` on, which is aligned to a vector, go
  // past the caches; fence() must follow before another thread reads them. An empty list ends it.
  void stream(llvm::ArrayRef<mlir::Value> pointers) {
    streamed_.assign(pointers.begin(), pointers.end());
  }
  // Brings the line of memory at `index` into a cache, if it lies anywhere. kPassing: into the
  // first one, where it pushes out as little as possible of what is there.
  enum class Level { kFirst, kSecond, kPassing };
  static constexpr int64_t kLine = 64;  // its bytes
  void prefetch(mlir::Value pointer, mlir::Type element, const Index &index,
                Level level = Level::kSecond);
  mlir::Value pointerTo(mlir::Value pointer, mlir::Type element, const Index &index);
  // Address of a private table that holds `values`.
  mlir::Value table(mlir::DenseElementsAttr values);

  // Loops ----------------------------------------------------------------------------------------

  // for (i = from; i < to; i += step) body(i). `from` must be a multiple of `multiple`.
  void loop(Index from, Index to, int64_t step, llvm::function_ref<void(Index)> body,
            int64_t multiple = 1);
  // The same with values carried from one turn to the next; returns the last ones.
  using Carry = llvm::SmallVector<mlir::Value>;
  Carry loop(Index from, Index to, int64_t step, mlir::ValueRange initial,
             llvm::function_ref<Carry(Index, mlir::ValueRange)> body, int64_t multiple = 1);
  // Emits `body` where `condition` (an i1 scalar) holds. Nothing is hoisted out of it.
  void when(mlir::Value condition, llvm::function_ref<void()> body);
  // Value of one of two bodies, of `type`.
  mlir::Value choose(mlir::Value condition, mlir::Type type, llvm::function_ref<mlir::Value()> yes,
                     llvm::function_ref<mlir::Value()> no);
  // Current loop level.
  int depth() const { return depth_; }
  // Runs `body` with the lanes outside `mask` (a vector of i1; null: none) switched off.
  void masked(mlir::Value mask, int depth, llvm::function_ref<void()> body);
  mlir::Value mask() const { return mask_; }
  // The mask that keeps the first `count` lanes.
  mlir::Value firstLanes(const Index &count);

  // Indices --------------------------------------------------------------------------------------

  Index add(const Index &a, const Index &b);
  Index subtract(const Index &a, const Index &b);
  Index add(Index a, int64_t b);
  Index scale(const Index &a, int64_t factor);
  Index divide(const Index &a, int64_t divisor);
  Index modulo(const Index &a, int64_t divisor);
  Index minimum(const Index &a, const Index &b);  // uniform ones
  // `value` (i64, or a vector of i64) as an index known at loop level `depth`.
  Index wrap(mlir::Value value, int depth, int64_t multiple = 1);
  // The consecutive lanes from `first` on.
  Index lanesFrom(Index first);
  // The index as a value of type `element` (i32, i64): a scalar if uniform, else a vector.
  mlir::Value materialize(const Index &index, mlir::Type element = {});
  // i1, one for each lane (a scalar if uniform): low <= index < high.
  mlir::Value inside(const Index &index, int64_t low, int64_t high);

  // Points ---------------------------------------------------------------------------------------

  Index coordinate(const Point &point, int64_t axis);
  // Row-major number of the element.
  Index linear(const Point &point);
  // The point of an operand of `shape` each of whose axes has a source. Groups stay groups where
  // the axes allow it.
  Point remap(const Point &point, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<Source> sources);
  // The point with the same row-major number in another shape.
  Point reshape(const Point &point, llvm::ArrayRef<int64_t> shape);

  // Elements -------------------------------------------------------------------------------------

  mlir::Type vectorType(mlir::Type element, int64_t lanes) const;
  mlir::Value splat(mlir::Value scalar);
  // `values` brought to vectors if one of them is a vector.
  void unify(llvm::SmallVectorImpl<mlir::Value> &values);
  mlir::Value integer(int64_t value, unsigned width = 64);

 private:
  struct Scope {
    mlir::Operation *inner = nullptr;  // the op that holds the next scope
    bool conditional = false;
    std::map<std::vector<uintptr_t>, mlir::Value> memo;
  };
  // Emits at loop level `depth` for a while.
  class AtDepth;

  int level(int depth) const;  // `depth`, or the innermost conditional scope if that is deeper
  mlir::Value memoized(std::vector<uintptr_t> key, int depth,
                       llvm::function_ref<mlir::Value()> emit);
  void enter(mlir::Operation *op, mlir::Block *block, bool conditional,
             llvm::function_ref<void()> body);
  mlir::Value vectorOf(const Index &index, unsigned width);
  // A scalar op on uniform parts of indices, emitted once at the level where both are known.
  enum class Math { kAdd, kSubtract, kMultiply, kDivide, kModulo, kMinimum };
  mlir::Value compute(Math math, mlir::Value a, mlir::Value b, int depth);
  mlir::Value uniformValue(const Index &index);
  int minimumDepth(mlir::Value value);
  // Bytes that the address of the first of several elements is known to be a multiple of.
  int64_t alignmentOf(const Index &index, int64_t element_bytes) const;

  mlir::OpBuilder &builder_;
  mlir::Location loc_;
  mlir::ModuleOp module_;
  std::string symbol_;
  int64_t lanes_ = 1;
  Run run_;
  int64_t aligned_ = 1;
  mlir::Value mask_;
  int mask_depth_ = 0;
  int depth_ = 0;
  int tables_ = 0;
  bool reciprocals_ = false;
  std::vector<Scope> scopes_;
  llvm::SmallVector<mlir::Value, 2> streamed_;
  struct GivenValue {
    int depth;
    Given function;
    uintptr_t version;
  };
  llvm::DenseMap<mlir::Value, llvm::SmallVector<GivenValue, 1>> given_;
  llvm::DenseMap<mlir::Value, int> minimum_depths_;
  llvm::DenseMap<int64_t, mlir::Value> integers_;
  uintptr_t version_ = 0;
};

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_LOOPS_EMITTER_H_
