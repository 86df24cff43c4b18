#include "test/ops/compiled.h"

#include <unistd.h>

#include <fstream>

#include "compiler/api/compile.h"
#include "gtest/gtest.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OwningOpRef.h"

namespace graven::ops_test {

using namespace mlir;

std::string textOf(graph::EntryOp entry, const std::string &name) {
  OpBuilder b(entry.getContext());
  Type untyped = graph::UntypedType::get(entry.getContext());
  SmallVector<Attribute> types;
  for (BlockArgument argument : entry.getEntryBlock().getArguments())
    types.push_back(TypeAttr::get(argument.getType()));
  OwningOpRef<graph::FuncOp> function =
      graph::FuncOp::create(b, entry.getLoc(), b.getStringAttr(name), StringAttr(),
                            b.getArrayAttr(types), entry.getArgNamesAttr(), ArrayAttr());
  Block &block = function->getBody().emplaceBlock();
  IRMapping mapping;
  for (BlockArgument argument : entry.getEntryBlock().getArguments())
    mapping.map(argument, block.addArgument(untyped, argument.getLoc()));
  b.setInsertionPointToEnd(&block);
  for (Operation &op : entry.getEntryBlock())
    for (OpResult result : b.clone(op, mapping)->getResults()) result.setType(untyped);
  std::string text;
  llvm::raw_string_ostream out(text);
  function->print(out);
  out << "\n";
  return text;
}

CompiledModel::CompiledModel(const std::string &text) {
  CompileOptions options;
  options.file_name = "rows.mlir";
  options.cpu = "native";
  absl::StatusOr<Artifact> artifact = compile(text, options);
  if (!artifact.ok()) {
    ADD_FAILURE() << artifact.status().message() << "\n" << text;
    return;
  }
  char path[] = "/tmp/graven_rows_XXXXXX";
  int file = mkstemp(path);
  if (file < 0) {
    ADD_FAILURE() << "cannot make a temporary file";
    return;
  }
  close(file);
  std::ofstream(path, std::ios::binary) << artifact->bytes;
  bool opened = check(graven_model_open(path, &model_), "opening");
  unlink(path);
  if (opened && check(graven_state_create(model_, &state_), "making a state"))
    check(graven_context_create(model_, nullptr, &context_), "making a context");
}

CompiledModel::~CompiledModel() {
  graven_context_destroy(context_);
  graven_state_destroy(state_);
  graven_model_destroy(model_);
}

bool CompiledModel::check(graven_status status, const char *what) {
  if (status == GRAVEN_OK) return true;
  ADD_FAILURE() << what << ": " << graven_status_name(status) << ": " << graven_last_error();
  return false;
}

std::vector<Tensor> CompiledModel::call(const std::string &name,
                                        const std::vector<Tensor> &arguments,
                                        ArrayRef<RankedTensorType> results) {
  std::vector<Tensor> tensors;
  int32_t entry = graven_model_find_entry(model_, name.c_str(), 0);
  if (entry < 0) {
    ADD_FAILURE() << "the artifact has no entry " << name;
    return tensors;
  }
  std::vector<std::vector<char>> inputs, outputs;
  std::vector<const void *> inputPointers;
  std::vector<void *> outputPointers;
  for (const Tensor &argument : arguments) inputs.push_back(encode(argument));
  for (RankedTensorType type : results) outputs.push_back(encode(zeros(type)));
  for (auto &bytes : inputs) inputPointers.push_back(bytes.data());
  for (auto &bytes : outputs) outputPointers.push_back(bytes.data());
  if (!check(graven_call(context_, state_, entry, 0, inputPointers.data(), outputPointers.data()),
             name.c_str()))
    return tensors;
  for (auto [bytes, type] : llvm::zip_equal(outputs, results))
    tensors.push_back(decode(bytes.data(), type));
  return tensors;
}

}  // namespace graven::ops_test
