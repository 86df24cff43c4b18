// f32 sqrt and 1/sqrt from the machine's estimate.
//
// AVX-512's vrsqrt14ps gives 1/sqrt(x) with a relative error e below 2^-14; one correction leaves
// about e^2, beside the rounding of the result. The estimate is defined by a table: its scalar and
// vector forms, of all lengths, give the same bits. Special values and subnormal numbers come out as
// from the exact instructions. Division stays exact: vdivps is quicker than vrcp14ps with the
// corrections and the care for special quotients that it needs.
//
// Largest errors: sqrt 0.85, 1/sqrt 1.1 ULP; a root that is a number of the type comes out exact.
#include <limits>

#include "compiler/codegen/math/expand_math.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace graven::codegen {
namespace {

namespace vector = mlir::vector;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// `instruction` on a register of `x`'s length: 4, 8 or 16 lanes.
mlir::Value onRegister(const Scope &scope, llvm::StringRef instruction, mlir::Value x) {
  mlir::OpBuilder &b = scope.builder();
  auto type = llvm::cast<mlir::VectorType>(x.getType());
  int64_t lanes = type.getNumElements();
  // All lanes are computed, so that the value kept in lanes masked off never shows.
  mlir::Type mask_type = b.getIntegerType(lanes == 16 ? 16 : 8);
  mlir::Value mask = mlir::LLVM::ConstantOp::create(b, scope.loc(), mask_type,
                                                    b.getIntegerAttr(mask_type, -1));
  std::string name =
      ("llvm.x86.avx512." + instruction + ".ps." + llvm::Twine(lanes * 32)).str();
  return mlir::LLVM::CallIntrinsicOp::create(b, scope.loc(), type, b.getStringAttr(name),
                                             mlir::ValueRange{x, x, mask})
      .getResults();
}

// `instruction` on each element, for any shape.
Real estimate(llvm::StringRef instruction, Real x) {
  const Scope &scope = *x.scope;
  mlir::OpBuilder &b = scope.builder();
  mlir::Location loc = scope.loc();
  auto shape = llvm::dyn_cast<mlir::VectorType>(scope.realType());
  if (!shape) {
    auto quarter = mlir::VectorType::get({4}, scope.realType());
    mlir::Value wide = vector::BroadcastOp::create(b, loc, quarter, x.value);
    wide = onRegister(scope, instruction, wide);
    return scope.wrap(vector::ExtractOp::create(b, loc, wide, 0));
  }
  int64_t count = shape.getNumElements();
  auto flat = mlir::VectorType::get({count}, shape.getElementType());
  mlir::Value rest = x.value;
  if (flat != shape) rest = vector::ShapeCastOp::create(b, loc, flat, rest);
  mlir::Value all;
  for (int64_t at = 0; at < count;) {
    int64_t lanes = count - at > 8 ? 16 : count - at > 4 ? 8 : 4;
    int64_t used = std::min(lanes, count - at);
    mlir::Value part = rest;
    if (lanes != count) {
      llvm::SmallVector<int64_t> pick(lanes, vector::ShuffleOp::kPoisonIndex);
      for (int64_t lane = 0; lane < used; ++lane) pick[lane] = at + lane;
      part = vector::ShuffleOp::create(b, loc, rest, rest, pick);
    }
    part = onRegister(scope, instruction, part);
    llvm::SmallVector<int64_t> join;
    for (int64_t lane = 0; lane < at; ++lane) join.push_back(lane);
    for (int64_t lane = 0; lane < used; ++lane) join.push_back(at + lane);
    if (at == 0 && used == lanes) {
      all = part;
    } else if (at == 0) {
      all = vector::ShuffleOp::create(b, loc, part, part, join);
    } else {
      all = vector::ShuffleOp::create(b, loc, all, part, join);
    }
    at += used;
  }
  if (flat != shape) all = vector::ShapeCastOp::create(b, loc, shape, all);
  return scope.wrap(all);
}

// With y the estimate of 1/sqrt(x), s = x y and e = 1/2 - s y/2: sqrt(x) = s + s e + ...
Real expandSqrt(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real y = estimate("rsqrt14", x);
  Real s = x * y;
  Real e = fma(-s, y * 0.5, 0.5);
  // Their estimates are infinite and 0, and s is NaN.
  return select(x == 0.0 || x == kInfinity, x, fma(s, e, s));
}

// y + y e with e = (1 - x y^2) / 2.
Real expandRsqrt(const Scope &scope, llvm::ArrayRef<Real> operands) {
  Real x = operands[0];
  Real y = estimate("rsqrt14", x);
  Real e = fma(-(x * y), y, 1.0);
  // For zero, infinity and negative numbers the estimate is the result, and e is NaN.
  return select(isNan(e), y, fma(y * 0.5, e, y));
}

constexpr ElementaryFunction kFunctions[] = {
                                             {"math.sqrt", expandSqrt},
                                             {"math.rsqrt", expandRsqrt}};

}  // namespace

llvm::ArrayRef<ElementaryFunction> estimatedFunctions() { return kFunctions; }

}  // namespace graven::codegen
