#include "compiler/codegen/host/emit_shards.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "compiler/codegen/host/emit_object.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/Cloning.h"

namespace graven::codegen::host {
namespace {

// A shard of fewer instructions is not worth the passes' set-up; more shards than this balance no
// better.
constexpr unsigned kShardInstructions = 1000, kMostShards = 16;

// The number of each function's shard: the largest functions first, each to the smallest shard.
struct Cut {
  llvm::StringMap<unsigned> shard_of;
  unsigned shards = 1;
};

Cut cutModule(const llvm::Module &module) {
  struct Sized {
    const llvm::Function *function;
    unsigned instructions;
  };
  std::vector<Sized> functions;
  unsigned total = 0;
  for (const llvm::Function &function : module) {
    if (function.isDeclaration()) continue;
    functions.push_back({&function, function.getInstructionCount()});
    total += functions.back().instructions;
  }
  llvm::stable_sort(functions,
                    [](const Sized &a, const Sized &b) { return a.instructions > b.instructions; });
  Cut cut;
  cut.shards = std::clamp(total / kShardInstructions, 1u, kMostShards);
  std::vector<unsigned> sizes(cut.shards);
  for (const Sized &each : functions) {
    auto smallest = std::min_element(sizes.begin(), sizes.end());
    *smallest += each.instructions;
    cut.shard_of[each.function->getName()] = static_cast<unsigned>(smallest - sizes.begin());
  }
  return cut;
}

// Makes what one shard defines visible to the others, and to nobody else.
void exposeSymbols(llvm::Module &module) {
  auto expose = [](llvm::GlobalValue &value) {
    if (value.isDeclaration() || !value.hasLocalLinkage()) return;
    if (!value.hasName()) value.setName("graven_data");
    value.setLinkage(llvm::GlobalValue::ExternalLinkage);
    value.setVisibility(llvm::GlobalValue::HiddenVisibility);
    value.setDSOLocal(true);
  };
  for (llvm::Function &function : module) expose(function);
  for (llvm::GlobalVariable &variable : module.globals()) expose(variable);
}

// What the shards may leave to one another.
llvm::StringSet<> definedNames(const llvm::Module &module) {
  llvm::StringSet<> names;
  for (const llvm::GlobalValue &value : module.global_values())
    if (!value.isDeclaration()) names.insert(value.getName());
  return names;
}

}  // namespace

llvm::Expected<std::vector<std::string>> emitShards(llvm::Module &module,
                                                    const strategy::Target &target,
                                                    unsigned threads) {
  exposeSymbols(module);
  const Cut cut = cutModule(module);
  const llvm::StringSet<> names = definedNames(module);
  // A context serves one thread, so every shard but the first, which keeps the data, moves to a
  // context of its own by way of bitcode.
  std::vector<llvm::SmallVector<char, 0>> bitcode(cut.shards);
  for (unsigned shard = 1; shard < cut.shards; ++shard) {
    llvm::ValueToValueMapTy map;
    std::unique_ptr<llvm::Module> part =
        llvm::CloneModule(module, map, [&](const llvm::GlobalValue *value) {
          return llvm::isa<llvm::Function>(value) && cut.shard_of.lookup(value->getName()) == shard;
        });
    llvm::raw_svector_ostream out(bitcode[shard]);
    llvm::WriteBitcodeToFile(*part, out);
  }
  for (llvm::Function &function : module)
    if (!function.isDeclaration() && cut.shard_of.lookup(function.getName()) != 0)
      function.deleteBody();

  auto compileShard = [&](llvm::Module &part) -> llvm::Expected<std::string> {
    if (llvm::Error failure = optimizeModule(part, target)) return std::move(failure);
    return emitObject(part, target, names);
  };
  std::vector<std::optional<llvm::Expected<std::string>>> results(cut.shards);
  std::atomic<unsigned> next{1};
  auto work = [&] {
    for (unsigned shard; (shard = next.fetch_add(1)) < cut.shards;) {
      llvm::LLVMContext context;
      auto part = llvm::parseBitcodeFile(
          llvm::MemoryBufferRef(llvm::StringRef(bitcode[shard].data(), bitcode[shard].size()),
                                "shard"),
          context);
      if (!part) {
        results[shard].emplace(part.takeError());
      } else {
        results[shard].emplace(compileShard(**part));
      }
    }
  };
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < std::min(threads, cut.shards); ++i) helpers.emplace_back(work);
  results[0].emplace(compileShard(module));
  work();
  for (std::thread &helper : helpers) helper.join();

  std::vector<std::string> objects;
  llvm::Error failures = llvm::Error::success();
  for (std::optional<llvm::Expected<std::string>> &result : results) {
    if (!*result) {
      failures = llvm::joinErrors(std::move(failures), result->takeError());
    } else {
      objects.push_back(std::move(**result));
    }
  }
  if (failures) return std::move(failures);
  return objects;
}

}  // namespace graven::codegen::host
