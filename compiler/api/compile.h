// The compiler as a function: model text in, artifact or diagnostics out.
//
// The only header that a program which embeds the compiler includes; it shows nothing of MLIR. Any
// number of threads may compile at once. Nothing in a model text ends the process; what remains is
// a defect inside LLVM, against which graven-compile compiles in a child process.
//
//   graven::CompileOptions options;
//   options.file_name = "iris.mlir";
//   absl::StatusOr<graven::Artifact> artifact = graven::compile(text, options);
//   if (!artifact.ok()) std::cerr << artifact.status().message();
#ifndef GRAVEN_COMPILER_API_COMPILE_H_
#define GRAVEN_COMPILER_API_COMPILE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace graven {

// What compile() shall make.
enum class Output {
  kShared,    // model.so: for graven_model_open
  kObject,    // model.o: for a linker
  kArchive,   // model.a: the object and the core runtime; with `header`
  kLlvm,      // LLVM IR after optimization
  kAssembly,  // machine code as text
  kIr,        // the IR at the end of the phase `compile_to`
};

// What generated code may do to floating-point results: docs/numerics.md.
enum class Numerics {
  kFast,    // elementary functions of f32 by quicker formulas
  kStrict,  // the same bits on every CPU
};

// How matrix products of f32 read their operands: docs/numerics.md.
enum class Matmul {
  kF32,   // as they are
  kTf32,  // rounded to 11 bits on devices with instructions for such products; needs kFast
};

struct CompileOptions {
  std::string file_name = "<model>";  // for diagnostics; its stem names a model without nn.model
  Output output = Output::kShared;
  std::string compile_to;      // with kIr: the phase to stop after
  std::string device = "cpu";  // one of compilerDevices(), or "auto"
  // Architectures ("sm_90") whose machine code the artifact shall carry beside the form that every
  // device of the kind takes. Needs the device's assembler (ptxas), on whose version bytes depend.
  std::vector<std::string> device_code;
  std::string target;  // LLVM triple; "": this machine's
  std::string cpu;     // "": the target's default; "native": this machine's
  Numerics numerics = Numerics::kFast;
  Matmul matmul = Matmul::kF32;
  // KIND:NAME or KIND:NAME:PARAM=NUMBER,...: kernels of that kind get the strategy of that name
  // where it can compute them; for experiments. Parameters are obeyed unchecked.
  std::vector<std::string> strategies;
  std::vector<int64_t> batches;      // variants to compile; empty: the model's own batch size
  std::vector<std::string> entries;  // entries to compile; empty: all
  unsigned threads = 0;              // for code generation; 0: as many as there are processors.
                                     // The bytes made do not depend on it.
  // Values of parameters and statistics that become constants of the artifact: a safetensors file's
  // bytes (a checkpoint of graven-run, say), and its name for messages. Empty: state stays state.
  std::string weights, weights_name;
  std::string core_archive;    // with kArchive: path of libgraven_core.a for the target
  bool report = false;         // make Artifact::report
  std::string report_profile;  // with `report`: JSON of graven-run bench --profile, or ""
  // Called at the end of each phase with its name and the IR as text.
  std::function<void(const std::string &phase, const std::string &ir)> after_phase;
};

// Figures about one compilation.
struct CompileStatistics {
  std::vector<std::pair<std::string, double>> seconds;  // for each phase, in order
  uint64_t kernels = 0;
  uint64_t state_bytes = 0, arena_bytes = 0, constant_bytes = 0, peak_bytes = 0;
  uint64_t training_bytes = 0;  // peak of train_step, the caller's arguments and results included
  uint64_t artifact_bytes = 0;
};

struct Artifact {
  std::string model_name;
  std::string bytes;     // the file asked for
  std::string header;    // with kArchive: the C header
  std::string report;    // with CompileOptions::report: a page (HTML) that shows what became of the
                         // model; but for the seconds it names, a function of source and options
  std::string warnings;  // rendered as errors are; "" when there are none
  CompileStatistics statistics;
};

// Compiles `source`. After an error the status holds every diagnostic, each as
// `file:line:column: error: sentence`, the line of the source and a caret, ended by newlines.
absl::StatusOr<Artifact> compile(const std::string &source, const CompileOptions &options);

// The phases in order: their names, as `compile_to` takes them, and one sentence for each.
std::vector<std::pair<std::string, std::string>> compilerPhases();

// The devices, as `device` takes them, and what each is.
std::vector<std::pair<std::string, std::string>> compilerDevices();

}  // namespace graven

#endif  // GRAVEN_COMPILER_API_COMPILE_H_
