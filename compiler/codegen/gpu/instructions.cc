#include "compiler/codegen/gpu/instructions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace graven::codegen::gpu {
namespace {

Value number(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(static_cast<int32_t>(value)));
}

// A scalar's bits go through registers of 32.
Value shuffle(OpBuilder &b, Location loc, Value value, Value offset, NVVM::ShflKind kind) {
  Type type = value.getType();
  if (auto vector = dyn_cast<VectorType>(type)) {
    Value result = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    for (int64_t lane = 0; lane < vector.getNumElements(); ++lane) {
      Value element = vector::ExtractOp::create(b, loc, value, ArrayRef<int64_t>{lane});
      element = shuffle(b, loc, element, offset, kind);
      result = vector::InsertOp::create(b, loc, element, result, ArrayRef<int64_t>{lane});
    }
    return result;
  }
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  unsigned width = type.getIntOrFloatBitWidth();
  if (width == 64) {
    Value bits = isa<FloatType>(type) ? arith::BitcastOp::create(b, loc, i64, value) : value;
    Value half = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(32));
    Value low = arith::TruncIOp::create(b, loc, i32, bits);
    Value high = arith::TruncIOp::create(b, loc, i32, arith::ShRUIOp::create(b, loc, bits, half));
    low = arith::ExtUIOp::create(b, loc, i64, shuffle(b, loc, low, offset, kind));
    high = arith::ExtUIOp::create(b, loc, i64, shuffle(b, loc, high, offset, kind));
    bits = arith::OrIOp::create(b, loc, arith::ShLIOp::create(b, loc, high, half), low);
    return isa<FloatType>(type) ? arith::BitcastOp::create(b, loc, type, bits) : bits;
  }
  if (width < 32) {
    Type narrow = b.getIntegerType(width);
    Value bits = isa<FloatType>(type) ? arith::BitcastOp::create(b, loc, narrow, value) : value;
    bits = shuffle(b, loc, arith::ExtUIOp::create(b, loc, i32, bits), offset, kind);
    bits = arith::TruncIOp::create(b, loc, narrow, bits);
    return isa<FloatType>(type) ? arith::BitcastOp::create(b, loc, type, bits) : bits;
  }
  // No segments; sources behind the last lane are refused.
  Value everyone = number(b, loc, -1), last = number(b, loc, kWarp - 1);
  return NVVM::ShflOp::create(b, loc, type, everyone, value, offset, last, kind, UnitAttr());
}

}  // namespace

void barrier(OpBuilder &b, Location loc) { NVVM::BarrierOp::create(b, loc); }

void warpBarrier(OpBuilder &b, Location loc) {
  NVVM::SyncWarpOp::create(b, loc, number(b, loc, -1));
}

Value shuffleXor(OpBuilder &b, Location loc, Value value, int64_t distance) {
  return shuffle(b, loc, value, number(b, loc, distance), NVVM::ShflKind::bfly);
}

Value shuffleDown(OpBuilder &b, Location loc, Value value, int64_t distance) {
  return shuffle(b, loc, value, number(b, loc, distance), NVVM::ShflKind::down);
}

Value shuffleFrom(OpBuilder &b, Location loc, Value value, Value lane) {
  return shuffle(b, loc, value, lane, NVVM::ShflKind::idx);
}

Value ballot(OpBuilder &b, Location loc, Value condition) {
  return NVVM::VoteSyncOp::create(b, loc, b.getI32Type(), number(b, loc, -1), condition,
                                  NVVM::VoteSyncKind::ballot);
}

Value staticShared(OpBuilder &b, Location loc, ModuleOp module, StringRef symbol, int64_t bytes,
                   int64_t alignment) {
  std::string name;
  for (int number = 0; name.empty() || module.lookupSymbol(name); ++number)
    name = (symbol + "_shared" + Twine(number)).str();
  OpBuilder globals = OpBuilder::atBlockBegin(module.getBody());
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes);
  LLVM::GlobalOp::create(globals, loc, type, /*isConstant=*/false, LLVM::Linkage::Internal, name,
                         Attribute(), alignment, kSharedSpace);
  return LLVM::AddressOfOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext(), kSharedSpace),
                                   name);
}

Value dynamicShared(OpBuilder &b, Location loc, ModuleOp module, int64_t alignment) {
  constexpr StringRef kName = "graven_dynamic_shared";
  auto global = module.lookupSymbol<LLVM::GlobalOp>(kName);
  if (!global) {
    OpBuilder globals = OpBuilder::atBlockBegin(module.getBody());
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
    global =
        LLVM::GlobalOp::create(globals, loc, type, /*isConstant=*/false, LLVM::Linkage::External,
                               kName, Attribute(), alignment, kSharedSpace);
  }
  if (static_cast<int64_t>(global.getAlignment().value_or(0)) < alignment)
    global.setAlignment(alignment);
  return LLVM::AddressOfOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext(), kSharedSpace),
                                   kName);
}

Values stridedWarpReduce(OpBuilder &b, Location loc, Values values, int64_t width, int64_t stride,
                         Join join) {
  for (int64_t distance = width / 2; distance >= 1; distance /= 2) {
    Values others;
    for (Value value : values) others.push_back(shuffleXor(b, loc, value, distance * stride));
    values = join(values, others);
  }
  return values;
}

Values warpReduce(OpBuilder &b, Location loc, Values values, int64_t width, Join join) {
  return stridedWarpReduce(b, loc, std::move(values), width, 1, join);
}

}  // namespace graven::codegen::gpu
