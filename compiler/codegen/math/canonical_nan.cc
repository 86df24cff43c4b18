// One NaN in memory, whatever machine computed it.
//
// x86 makes negative NaNs, aarch64 positive ones, and the two choose differently whose payload
// survives when two NaNs meet. Nothing that Graven computes looks at the bits of a NaN in a
// register, so that it is enough to replace it on its way to memory.
#include "compiler/codegen/math/passes.h"
#include "llvm/ADT/APFloat.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/TypeUtilities.h"

namespace graven::codegen {
namespace {

namespace arith = mlir::arith;

// The operand that an op writes to memory.
mlir::OpOperand *storedBy(mlir::Operation *op) {
  if (auto store = llvm::dyn_cast<mlir::LLVM::StoreOp>(op)) return &store.getValueMutable();
  if (auto store = llvm::dyn_cast<mlir::LLVM::MaskedStoreOp>(op)) return &store.getValueMutable();
  if (auto store = llvm::dyn_cast<mlir::LLVM::masked_scatter>(op)) return &store.getValueMutable();
  return nullptr;
}

class CanonicalNanPass : public mlir::PassWrapper<CanonicalNanPass, mlir::OperationPass<>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CanonicalNanPass)

  llvm::StringRef getArgument() const override { return "codegen-canonical-nan"; }
  llvm::StringRef getDescription() const override { return "Store one NaN, whatever the machine"; }
  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect>();
  }

  void runOnOperation() override {
    getOperation()->walk([](mlir::Operation *op) {
      mlir::OpOperand *stored = storedBy(op);
      if (!stored) return;
      mlir::Value value = stored->get();
      auto element = llvm::dyn_cast<mlir::FloatType>(mlir::getElementTypeOrSelf(value.getType()));
      if (!element) return;
      mlir::OpBuilder b(op);
      mlir::Location loc = op->getLoc();
      // Chosen among integers: LLVM holds all NaNs for equal and would drop a choice among reals.
      mlir::Type type = b.getIntegerType(element.getWidth());
      mlir::TypedAttr nan = b.getIntegerAttr(
          type, llvm::APFloat::getQNaN(element.getFloatSemantics()).bitcastToAPInt());
      if (auto shaped = llvm::dyn_cast<mlir::VectorType>(value.getType())) {
        auto vector = mlir::VectorType::get(shaped.getShape(), type);
        nan = mlir::DenseElementsAttr::get(vector, mlir::Attribute(nan));
        type = vector;
      }
      mlir::Value is_nan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, value, value);
      mlir::Value bits = arith::BitcastOp::create(b, loc, type, value);
      stored->set(
          arith::SelectOp::create(b, loc, is_nan, arith::ConstantOp::create(b, loc, nan), bits));
    });
  }
};

}  // namespace

std::unique_ptr<mlir::Pass> createCanonicalNanPass() {
  return std::make_unique<CanonicalNanPass>();
}

}  // namespace graven::codegen
