#include "compiler/differentiate/passes.h"
#include "compiler/differentiate/reverse.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace graven::differentiate {

#define GEN_PASS_DEF_APPENDGRADIENTSPASS
#include "compiler/differentiate/passes.h.inc"

namespace {

// A state has one value in an entry wherever it is read, so its first read stands for all: a
// request may name another read than the loss uses.
void mergeReads(graph::EntryOp entry) {
  DenseMap<StringRef, graph::ReadOp> first;
  for (auto read : llvm::make_early_inc_range(entry.getEntryBlock().getOps<graph::ReadOp>())) {
    auto [found, isNew] = first.try_emplace(read.getState(), read);
    if (isNew) continue;
    read.replaceAllUsesWith(found->second.getResult());
    read.erase();
  }
}

struct AppendGradients : impl::AppendGradientsPassBase<AppendGradients> {
  void runOnOperation() override {
    for (auto entry : getOperation().getOps<graph::EntryOp>()) {
      auto requests = llvm::to_vector(entry.getEntryBlock().getOps<graph::GradientOp>());
      if (requests.empty()) continue;
      mergeReads(entry);
      for (graph::GradientOp request : requests)
        if (failed(serveRequest(request))) return signalPassFailure();
    }
  }
};

}  // namespace
}  // namespace graven::differentiate
