// Conversions between f32 and f16 or bf16 in integer arithmetic, for machines without instructions
// for them; LLVM would call a library.
#include "compiler/codegen/math/expression.h"
#include "compiler/codegen/math/passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Pass/PassRegistry.h"

namespace graven::codegen {
namespace {

namespace arith = mlir::arith;

// Conversions of one op; 16-bit patterns travel in the lower half of the scope's 32-bit integers.

// NaN: positive, quiet, without payload.
constexpr int64_t kF16Nan = 0x7e00, kBf16Nan = 0x7fc0;

// A bf16 is the upper half of an f32.
Real fromBf16(Int bits) { return fromBits(bits << 16); }

// Round to nearest even: adding half a unit (less one, where the last bit kept is 0) carries into
// the upper half exactly when that is to go up, over exponents and into infinity.
Int toBf16(Real x) {
  Int bits = bitsOf(x);
  Int last = shiftRightUnsigned(bits, 16) & 1;
  Int rounded = shiftRightUnsigned(bits + last + 0x7fff, 16);
  return select(isNan(x), x.scope->integer(kBf16Nan), rounded);
}

// Moved into the place of an f32's fields, exponent and mantissa are those of x 2^-112; the product
// with 2^112 is exact, for subnormal numbers too.
Real fromF16(Int bits) {
  Real magnitude = fromBits((bits & 0x7fff) << 13) * 0x1p112;
  // Infinity and NaN have the largest exponent there is.
  Int special = bitsOf(magnitude) | 0x7f800000;
  Int pattern = select(lessThan(bits & 0x7fff, 0x7c00), bitsOf(magnitude), special);
  return fromBits(pattern | ((bits & 0x8000) << 16));
}

// Normal results are rounded as for bf16, after the exponent's bias is changed. Subnormal ones are
// rounded by an addition: next to 1/2 the unit of f32 is 2^-24, that of the subnormal numbers.
Int toF16(Real x) {
  const Scope &scope = *x.scope;
  Int all = bitsOf(x);
  Int bits = all & 0x7fffffff;
  Int last = shiftRightUnsigned(bits, 13) & 1;
  constexpr int64_t kBias = int64_t{112} << 23;
  Int normal = shiftRightUnsigned(bits + last + (0xfff - kBias), 13);
  Int subnormal = bitsOf(fromBits(bits) + 0.5) + -int64_t{0x3f000000};
  Int result = select(lessThan(bits, 0x38800000), subnormal, normal);
  // 65520 and what is above rounds to infinity.
  result = select(lessThan(bits, 0x477ff000), result, scope.integer(0x7c00));
  result = result | (shiftRightUnsigned(all, 16) & 0x8000);
  return select(isNan(x), scope.integer(kF16Nan), result);
}

class ExpandNarrowFloatsPass
    : public mlir::PassWrapper<ExpandNarrowFloatsPass, mlir::OperationPass<>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExpandNarrowFloatsPass)

  ExpandNarrowFloatsPass() = default;
  ExpandNarrowFloatsPass(const ExpandNarrowFloatsPass &other) : PassWrapper(other) {}
  explicit ExpandNarrowFloatsPass(NarrowFloatOptions options) {
    f16_ = options.f16;
    bf16_ = options.bf16;
    canonical_nan_ = options.canonical_nan;
  }

  llvm::StringRef getArgument() const override { return "codegen-expand-narrow-floats"; }
  llvm::StringRef getDescription() const override {
    return "Rewrite conversions of f16 and bf16 into integer arithmetic; afterwards none needs a "
           "library";
  }
  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, mlir::math::MathDialect, mlir::vector::VectorDialect>();
  }

  void runOnOperation() override {
    llvm::SmallVector<mlir::Operation *> work;
    getOperation()->walk([&](mlir::Operation *op) {
      if (!llvm::isa<arith::ExtFOp, arith::TruncFOp>(op)) return;
      bool extends = llvm::isa<arith::ExtFOp>(op);
      mlir::Value narrow = extends ? op->getOperand(0) : op->getResult(0);
      mlir::Value wide = extends ? op->getResult(0) : op->getOperand(0);
      mlir::Type element = mlir::getElementTypeOrSelf(narrow.getType());
      bool keeps = (element.isF16() && f16_) || (element.isBF16() && bf16_);
      if (keeps && (extends || !canonical_nan_)) return;
      if ((element.isF16() || element.isBF16()) &&
          mlir::getElementTypeOrSelf(wide.getType()).isF32())
        work.push_back(op);
    });
    for (mlir::Operation *op : work) {
      mlir::OpBuilder b(op);
      mlir::Location loc = op->getLoc();
      bool extends = llvm::isa<arith::ExtFOp>(op);
      mlir::Value x = op->getOperand(0);
      mlir::Type result = op->getResult(0).getType();
      Scope scope(b, loc, extends ? result : x.getType());
      mlir::Type half = scope.like(b.getIntegerType(16));
      mlir::Value value;
      if (extends) {
        bool f16 = mlir::getElementTypeOrSelf(x.getType()).isF16();
        mlir::Value bits = arith::BitcastOp::create(b, loc, half, x);
        Int wide{{&scope, arith::ExtUIOp::create(b, loc, scope.intType(), bits)}};
        value = (f16 ? fromF16(wide) : fromBf16(wide)).value;
      } else {
        bool f16 = mlir::getElementTypeOrSelf(result).isF16();
        Real real = scope.wrap(x);
        mlir::Value bits;
        if (f16 ? f16_ : bf16_) {
          // Chosen among integers: LLVM holds all NaNs for equal.
          mlir::Value native = arith::TruncFOp::create(b, loc, result, x);
          mlir::Value pattern = arith::BitcastOp::create(b, loc, half, native);
          Int nan = scope.integer(f16 ? kF16Nan : kBf16Nan);
          mlir::Value quiet = arith::TruncIOp::create(b, loc, half, nan.value);
          bits = arith::SelectOp::create(b, loc, isNan(real).value, quiet, pattern);
        } else {
          bits = arith::TruncIOp::create(b, loc, half, (f16 ? toF16(real) : toBf16(real)).value);
        }
        value = arith::BitcastOp::create(b, loc, result, bits);
      }
      op->getResult(0).replaceAllUsesWith(value);
      op->erase();
    }
  }

 private:
  Option<bool> f16_{*this, "f16", llvm::cl::desc("the machine converts f16"),
                    llvm::cl::init(false)};
  Option<bool> bf16_{*this, "bf16", llvm::cl::desc("the machine converts bf16"),
                     llvm::cl::init(false)};
  Option<bool> canonical_nan_{*this, "canonical-nan",
                              llvm::cl::desc("instructions for these make other NaNs than wanted"),
                              llvm::cl::init(false)};
};

}  // namespace

std::unique_ptr<mlir::Pass> createExpandNarrowFloatsPass(NarrowFloatOptions options) {
  return std::make_unique<ExpandNarrowFloatsPass>(options);
}

void registerExpandNarrowFloatsPass() { mlir::PassRegistration<ExpandNarrowFloatsPass>(); }

}  // namespace graven::codegen
