// Optimizers apply one formula to each parameter. Seen alone each is a small kernel; together they
// are one pass over all parameters.
#include "compiler/fuse/passes.h"
#include "dialect/kernel/kernel.h"
#include "llvm/Support/MathExtras.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace graven::fuse {

#define GEN_PASS_DEF_MERGEUPDATES
#include "compiler/fuse/passes.h.inc"

namespace {

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

// A map of elementwise ops over tensors of one shape and scalars spread over it, whose results only
// the end of the entry reads.
bool isUpdate(kernel::FusedOp fused) {
  if (fused.getKind() != "map" || fused.getSegments()) return false;
  ArrayRef<int64_t> space = shapeOf(fused.getOutputs().front());
  if (space.empty()) return false;
  for (Value input : fused.getInputs())
    if (!shapeOf(input).empty() && shapeOf(input) != space) return false;
  for (Operation &op : fused.getBody().front().without_terminator()) {
    if (isa<graph::BroadcastOp>(op)) {
      if (!shapeOf(op.getOperand(0)).empty()) return false;
    } else if (auto constant = dyn_cast<graph::ConstantOp>(op)) {
      if (isa<ArrayAttr, DenseElementsAttr>(constant.getValue())) return false;
    } else if (!isa<graph::ElementwiseOpInterface>(op)) {
      return false;
    }
  }
  return llvm::all_of(fused->getUsers(),
                      [](Operation *user) { return user->hasTrait<OpTrait::IsTerminator>(); });
}

// Everything that must agree for two updates to be one formula: ops, options but shapes, how values
// flow, and which scalars come in.
std::string formulaOf(kernel::FusedOp fused) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::DenseMap<Value, unsigned> number;
  Block &block = fused.getBody().front();
  for (auto [argument, input] : llvm::zip(block.getArguments(), fused.getInputs())) {
    number[argument] = number.size();
    os << cast<RankedTensorType>(input.getType()).getElementType();
    if (shapeOf(input).empty()) os << " scalar " << input.getAsOpaquePointer();
    os << ';';
  }
  for (Operation &op : block) {
    os << op.getName() << '(';
    for (Value operand : op.getOperands()) os << number[operand] << ',';
    for (NamedAttribute attribute : op.getAttrs())
      if (attribute.getName() != "shape")
        os << attribute.getName().getValue() << '=' << attribute.getValue() << ',';
    os << ')';
    for (Value result : op.getResults()) number[result] = number.size();
  }
  return text;
}

void merge(MutableArrayRef<kernel::FusedOp> updates) {
  kernel::FusedOp first = updates.front(), last = updates.back();
  OpBuilder b(last);
  SmallVector<Value> shared, inputs, yielded;
  SmallVector<Type> types;
  SmallVector<Location> locs;
  Region region;
  Block *body = new Block;
  region.push_back(body);
  OpBuilder inBody(first.getContext());
  inBody.setInsertionPointToEnd(body);

  IRMapping scalars;
  for (Value input : first.getInputs()) {
    if (!shapeOf(input).empty() || scalars.contains(input)) continue;
    shared.push_back(input);
    scalars.map(input, body->addArgument(input.getType(), input.getLoc()));
  }
  SmallVector<IRMapping> mappings(updates.size());
  for (auto [update, mapping] : llvm::zip(updates, mappings)) {
    locs.push_back(update.getLoc());
    for (auto [argument, input] :
         llvm::zip(update.getBody().front().getArguments(), update.getInputs())) {
      if (shapeOf(input).empty()) {
        mapping.map(argument, scalars.lookup(input));
        continue;
      }
      inputs.push_back(input);
      mapping.map(argument, body->addArgument(input.getType(), input.getLoc()));
    }
  }
  for (auto [update, mapping] : llvm::zip(updates, mappings)) {
    Block &block = update.getBody().front();
    for (Operation &op : block.without_terminator()) inBody.clone(op, mapping);
    for (Value value : block.getTerminator()->getOperands())
      yielded.push_back(mapping.lookup(value));
    llvm::append_range(types, update.getOutputs().getTypes());
  }
  kernel::YieldOp::create(inBody, last.getLoc(), yielded);

  SmallVector<Value> operands(shared);
  operands.append(inputs);
  auto merged = kernel::FusedOp::create(
      b, b.getFusedLoc(locs), types, operands, b.getStringAttr("segments"),
      b.getI64IntegerAttr(updates.size()), b.getI64IntegerAttr(shared.size()));
  merged.getBody().takeBody(region);
  size_t at = 0;
  for (kernel::FusedOp update : updates) {
    for (Value output : update.getOutputs()) output.replaceAllUsesWith(merged.getResult(at++));
    update.erase();
  }
}

// Merges updates of one formula, in as many kernels as their buffers ask for.
void mergeClass(MutableArrayRef<kernel::FusedOp> updates) {
  kernel::FusedOp first = updates.front();
  int64_t scalars =
      llvm::count_if(first.getInputs(), [](Value input) { return shapeOf(input).empty(); });
  int64_t each = first.getNumOperands() - scalars + first.getNumResults();
  size_t most = std::max<int64_t>((kernel::kMostBuffers - scalars) / each, 1);
  for (size_t parts = llvm::divideCeil(updates.size(), most); parts > 0; --parts) {
    size_t count = llvm::divideCeil(updates.size(), parts);
    if (count > 1) merge(updates.take_front(count));
    updates = updates.drop_front(count);
  }
}

class MergeUpdatesPass : public impl::MergeUpdatesBase<MergeUpdatesPass> {
  void runOnOperation() override {
    llvm::StringMap<size_t> index;
    SmallVector<SmallVector<kernel::FusedOp>> classes;
    for (auto fused : getOperation().getOps<kernel::FusedOp>()) {
      if (!isUpdate(fused)) continue;
      auto [slot, fresh] = index.try_emplace(formulaOf(fused), classes.size());
      if (fresh) classes.emplace_back();
      classes[slot->second].push_back(fused);
    }
    for (SmallVector<kernel::FusedOp> &updates : classes) mergeClass(updates);
  }
};

}  // namespace
}  // namespace graven::fuse
