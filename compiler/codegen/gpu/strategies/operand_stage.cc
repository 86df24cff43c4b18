#include "compiler/codegen/gpu/strategies/operand_stage.h"

#include <numeric>

#include "compiler/codegen/gpu/matrix_instructions.h"
#include "compiler/codegen/loops/product_kernel.h"
#include "compiler/codegen/loops/rules.h"
#include "dialect/graph/ops/elementwise_scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

// Bytes that the second-level cache hands out together.
constexpr int64_t kSector = 32;
// Pieces of 16 bytes that all banks of shared memory give at a time.
constexpr int64_t kBankPieces = 8;

// Where an operand that is computed stands: element `place` of its row-major elements.
Point pointAt(Emitter &e, ArrayRef<int64_t> shape, const Index &place) {
  return Point::flat(shape, e.lanesFrom(place));
}

}  // namespace

OperandStage::OperandStage(KernelFunction &function, const BlockTiling &tiling, bool left,
                           Value shared)
    : f_(function),
      e_(function.emitter()),
      t_(tiling),
      left_(left),
      layout_(tiling.layout(left)),
      shared_(shared) {
  const GemmShape &g = t_.gemm;
  graph::DotGeneralOp dot = soleProduct(f_.body());
  operand_ = left != g.swapped ? dot.getLhs() : dot.getRhs();
  element_ = elementOf(operand_);
  if (auto argument = dyn_cast<BlockArgument>(operand_)) {
    pointer_ = f_.inputPointer(argument.getArgNumber());
    if (layout_.async) global_ = globalPointer(e_.builder(), e_.loc(), pointer_);
  }
  block_ = left ? t_.block_m : t_.block_n;
  length_ = left ? g.m : g.n;
  stride_x_ = left ? g.lhs_m : g.rhs_n;
  stride_k_ = left ? g.lhs_k : g.rhs_k;
  inner_ = (layout_.along_k ? t_.block_k : block_) / layout_.width;
  outer_ = layout_.along_k ? block_ : t_.block_k;
  // Elements that are turned are read 32 bytes (a sector) of a row at a time, from as many rows as
  // there are threads left in a warp: they come to different banks of shared memory.
  near_ = layout_.turned ? std::min<int64_t>(
                               inner_, std::max<int64_t>(kSector / (t_.bytes * layout_.width), 1))
                         : inner_;
  passes_ = std::max<int64_t>(inner_ * outer_ / t_.threads(), 1);
}

void OperandStage::begin(const Index &first, const Index &matrix, const Index &k_begin, int64_t k) {
  first_ = first;
  offset_ = outerOffset(e_, t_.gemm, matrix, !left_);
  k_begin_ = k_begin;
  k_ = k;
}

OperandStage::Place OperandStage::placeOf(int64_t pass) {
  // Number `pass` * threads + thread, as digits: pieces beside each other along the contiguous
  // axis, then across it, then the rest of the contiguous axis. All are powers of two.
  Index thread = f_.thread();
  int64_t threads = t_.threads(), square = near_ * outer_;
  Index near, outer, far;
  if (near_ >= threads) {
    int64_t along = near_ / threads;
    near = e_.add(thread, pass % along * threads);
    outer = Index::constant(pass / along % outer_);
    far = Index::constant(pass / along / outer_);
  } else {
    near = e_.modulo(thread, near_);
    Index rest = e_.divide(thread, near_);
    if (square <= threads) {
      outer = e_.modulo(rest, outer_);
      far = e_.add(e_.modulo(e_.divide(rest, outer_), inner_ / near_), pass * (threads / square));
    } else {
      int64_t across = square / threads;
      outer = e_.add(rest, pass % across * (threads / near_));
      far = Index::constant(pass / across);
    }
  }
  Index inner = e_.scale(e_.add(e_.scale(far, near_), near), layout_.width);
  return layout_.along_k ? Place{outer, inner} : Place{inner, outer};
}

Index OperandStage::globalX(const Index &x) {
  Index index = e_.add(first_, x);
  if (length_ % block_ == 0) return index;
  int64_t width = layout_.along_k ? 1 : layout_.width;
  index = e_.minimum(index, Index::constant(length_ - width));
  index.multiple = width;
  return index;
}

Index OperandStage::globalK(const Index &tile, const Index &k) {
  Index index = e_.add(e_.add(k_begin_, e_.scale(tile, t_.block_k)), k);
  // Where zeros take their place, steps behind the last are not read.
  if (k_ % t_.block_k == 0 || (t_.onTensorCores() && layout_.async)) return index;
  int64_t width = layout_.along_k ? layout_.width : 1;
  index = e_.minimum(index, e_.add(k_begin_, k_ - width));
  index.multiple = width;
  return index;
}

Value OperandStage::counts(const Index &tile, const Index &k) {
  if (!t_.onTensorCores() || k_ % t_.block_k == 0) return {};
  return e_.inside(e_.add(e_.scale(tile, t_.block_k), k), 0, k_);
}

Index OperandStage::globalPlace(const Index &x, const Index &k) {
  return e_.add(e_.add(offset_, e_.scale(x, stride_x_)), e_.scale(k, stride_k_));
}

Index OperandStage::place(const Index &slot, const Index &k, const Index &x) {
  const Index &row = layout_.rows_of_k ? x : k;
  Index column = layout_.rows_of_k ? k : x;
  if (layout_.pieces) {
    // Piece p of row r lies at p ^ r, where as many rows as fill the banks count as one.
    int64_t piece = t_.vector(), banks = std::min<int64_t>(layout_.pieces, kBankPieces);
    Index turn = e_.modulo(e_.divide(row, kBankPieces / banks), banks);
    Value place = arith::XOrIOp::create(
        e_.builder(), e_.loc(), e_.materialize(e_.divide(column, piece)), e_.materialize(turn));
    column = e_.add(e_.scale(e_.wrap(place, e_.depth()), piece), e_.modulo(column, piece));
  }
  Index index =
      e_.add(e_.add(e_.scale(slot, t_.tileElements()), column), e_.scale(row, layout_.pitch));
  return left_ ? index : e_.add(index, t_.leftElements());
}

Value OperandStage::fetch(const Index &x, const Index &k) {
  e_.setLanes(layout_.width);
  Index index = globalPlace(x, k);
  if (pointer_) return e_.load(pointer_, element_, e_.lanesFrom(index));
  return e_.vectorAt(operand_, pointAt(e_, shapeOf(operand_), index));
}

void OperandStage::put(Value value, const Index &slot, const Place &at) {
  e_.setLanes(layout_.width);
  Index index = place(slot, at.k, at.x);
  if (layout_.width == 1 || !layout_.turned) {
    e_.store(shared_, element_, e_.lanesFrom(index), value);
    return;
  }
  for (int64_t i = 0; i < layout_.width; ++i) {
    Value each = vector::ExtractOp::create(e_.builder(), e_.loc(), value, i);
    e_.store(shared_, element_, e_.add(index, i * layout_.pitch), each);
  }
}

void OperandStage::whenHere(function_ref<void()> body) {
  int64_t accesses = inner_ * outer_;
  if (accesses >= t_.threads()) return body();
  e_.when(e_.inside(f_.thread(), 0, accesses), body);
}

void OperandStage::start(const Index &tile, const Index &slot) {
  auto copy = [&] {
    for (int64_t pass = 0; pass < passes_; ++pass) {
      Place at = placeOf(pass);
      Value from = e_.pointerTo(global_, element_, globalPlace(globalX(at.x), globalK(tile, at.k)));
      Value to = e_.pointerTo(shared_, element_, place(slot, at.k, at.x));
      int64_t bytes = layout_.width * t_.bytes;
      Value filled;
      if (Value counted = counts(tile, at.k))
        filled = arith::SelectOp::create(e_.builder(), e_.loc(), counted, e_.integer(bytes, 32),
                                         e_.integer(0, 32));
      copyAsync(e_.builder(), e_.loc(), to, from, bytes, filled);
    }
  };
  if (layout_.async) return whenHere(copy);
  fetched_.clear();
  for (int64_t pass = 0; pass < passes_; ++pass) {
    Place at = placeOf(pass);
    Value value = fetch(globalX(at.x), globalK(tile, at.k));
    if (Value counted = counts(tile, at.k)) {
      Value zero = graph::scalarConstant(e_.builder(), e_.loc(), value.getType(), 0.0);
      value = arith::SelectOp::create(e_.builder(), e_.loc(), counted, value, zero);
    }
    fetched_.push_back(value);
  }
}

void OperandStage::finish(const Index &slot) {
  if (layout_.async) return;
  whenHere([&] {
    for (int64_t pass = 0; pass < passes_; ++pass) put(fetched_[pass], slot, placeOf(pass));
  });
}

}  // namespace graven::codegen::gpu
