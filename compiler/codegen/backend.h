// What a device is to the compiler.
//
// Everything above `codegen` asks a backend by its name; a device is added by one folder here and
// one line in backends.cc (or, by a program of its own, with registerBackend).
#ifndef GRAVEN_COMPILER_CODEGEN_BACKEND_H_
#define GRAVEN_COMPILER_CODEGEN_BACKEND_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compiler/strategy/strategy.h"
#include "llvm/Support/Error.h"
#include "mlir/IR/BuiltinOps.h"

namespace llvm {
class LLVMContext;
class Module;
}  // namespace llvm

namespace mlir {
class DialectRegistry;
}

namespace graven::codegen {

// How a device gets the code of its kernels.
enum class ImageKind { kPtx, kCubin, kOther };

// Code of all kernels in a form that a device loads.
struct Image {
  ImageKind kind = ImageKind::kOther;
  uint32_t architecture = 0;  // the least one that runs it: 80 for sm_80; 0 where that says nothing
  std::string bytes;          // of PTX: text without a NUL at its end
};

// The code of a model's kernels: functions of `host`, or images that the device loads.
struct Code {
  // LLVM IR that becomes the artifact's object file, with the kernels' functions where there are no
  // images. Its functions carry the attributes of the machine that opens the artifact.
  std::unique_ptr<llvm::Module> host;
  // Features of the CPU that `host` needs beyond the target's `required_features`.
  std::vector<std::string> host_features;
  std::vector<Image> images;
};

struct Backend {
  llvm::StringRef name;      // value of --device, name of the runtime's device: "cpu", "cuda"
  llvm::StringRef sentence;  // what it is, for help
  // The machine that `triple` ("": this one) and `cpu` ("": the default) name, which opens
  // artifacts, and the device's own figures. Errors say what was not understood.
  llvm::Expected<strategy::Target> (*resolve)(llvm::StringRef triple, llvm::StringRef cpu);
  strategy::StrategyTable (*strategies)();
  // Adds dialects and translations that `emit` needs.
  void (*registerDialects)(mlir::DialectRegistry &registry);
  // Code of every kernel.func in `module`, one function for each stage: `<kernel>` or
  // `<kernel>_<stage>`. `module` is not changed. Diagnostics go to its context.
  mlir::FailureOr<Code> (*emit)(mlir::ModuleOp module, const strategy::Target &target,
                                llvm::LLVMContext &context);
  // Whether this machine has such a device, so that --device=auto may choose it.
  bool (*answers)() = [] { return false; };
  // Machine code for `architecture` ("sm_90") of an image that `emit` made, for artifacts that
  // shall carry both. Null: the device has no such form. Errors say what is missing.
  llvm::Expected<Image> (*assemble)(const Image &image, llvm::StringRef architecture) = nullptr;
};

// All backends, the default one first.
llvm::ArrayRef<const Backend *> backends();
// The backend called `name`, or null.
const Backend *findBackend(llvm::StringRef name);
// The backend that --device=`wish` asks for: its name, which a device's number may follow
// ("cuda:1", all of a kind are the same to the compiler), or "auto": the last of backends() of
// which this machine has a device. Else an error that lists those there are.
llvm::Expected<const Backend *> requireBackend(llvm::StringRef wish);
// Adds a backend that lives as long as the process; before the first compilation.
void registerBackend(const Backend &backend);

// LLVM attribute of functions that compute with subnormal numbers flushed to zero, which a back
// end whose targets have `has_flush` sees to.
inline constexpr llvm::StringLiteral kFlush = "graven-flush";

// Adds to `out` the functions of every kernel of `module` by the strategies of `table`. Those of
// kernels planned with the parameter "flush" get the attribute kFlush.
llvm::LogicalResult emitKernels(mlir::ModuleOp module, strategy::StrategyTable table,
                                const strategy::Target &target, mlir::ModuleOp out);

}  // namespace graven::codegen

#endif  // GRAVEN_COMPILER_CODEGEN_BACKEND_H_
