// The artifact's table, from plain structs: what `runtime/core/artifact_format.h` lays out in
// bytes.
#ifndef GRAVEN_COMPILER_PACKAGE_TABLE_WRITER_H_
#define GRAVEN_COMPILER_PACKAGE_TABLE_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "runtime/core/artifact_format.h"

namespace graven::package {

// A tensor's type: dense, row-major.
struct Tensor {
  graven_dtype dtype = GRAVEN_F32;
  std::vector<int64_t> dims;
  uint64_t bytes() const;  // size of the data
};

struct State {
  std::string name;  // "hidden.kernel"
  Tensor tensor;
  graven_role role = GRAVEN_ROLE_PARAMETER;
  uint64_t offset = 0;  // in the state segment, or the metric segment for role metric
};

struct Port {
  std::string name;
  Tensor tensor;
  graven_port_kind kind = GRAVEN_PORT_DATA;
  uint32_t flags = 0;  // GRAVEN_PORT_*
  int64_t range_low = 0, range_high = 0;
};

struct Operand {
  graven_segment segment = GRAVEN_SEGMENT_ARENA;
  uint32_t slot = 0;
  uint64_t offset = 0, bytes = 0;
  uint32_t value = 0;   // id that the plan verifier tracks
  uint32_t access = 0;  // GRAVEN_OPERAND_*
};

struct Command {
  graven_command_kind kind = GRAVEN_COMMAND_LAUNCH;
  uint32_t kernel = 0;  // index into Model::kernels
  int64_t grid = 0;
  std::vector<Operand> operands;
  uint64_t flops = 0, bytes = 0;
  uint32_t fill_byte = 0;
};

struct Entry {
  std::string name;
  int64_t batch = 0;
  uint32_t flags = 0;  // GRAVEN_ENTRY_*
  uint64_t arena_bytes = 0;
  std::vector<Port> inputs, outputs;
  std::vector<Command> commands;
};

struct Metric {
  std::string name;
  uint32_t numerator = 0, denominator = 0;  // indices into Model::states
};

// A function of the machine code.
struct Kernel {
  std::string symbol;
  uint32_t threads = 0;       // of one workgroup, where a workgroup has several; else 0
  uint32_t shared_bytes = 0;  // of dynamic shared memory
};

// Code of all kernels in a form that a device loads.
struct Image {
  graven_image_kind kind = GRAVEN_IMAGE_PTX;
  uint32_t architecture = 0;
  std::string bytes;  // of PTX: without a NUL at the end, which the artifact adds
};

// Everything of a compiled model but its machine code.
struct Model {
  std::string name;
  std::string signature;                  // JSON for tools
  std::string target;                     // LLVM triple
  std::string device = "cpu";             // that runs the kernels
  std::vector<std::string> cpu_features;  // needed at run time
  uint64_t state_bytes = 0, metric_bytes = 0;
  std::vector<State> states;
  std::vector<Kernel> kernels;
  std::vector<Entry> entries;
  std::vector<Metric> metrics;
  std::string constants;  // the constant segment
  // Kernels for a device that loads them; none where they are functions of the object file.
  std::vector<Image> images;

  uint64_t arenaBytes() const;  // maximum over entries
  // Largest sum of state, metrics, constants and arena of one call; inputs and outputs are the
  // caller's.
  uint64_t peakBytes() const;
};

// The blob that the table's image records are parts of.
std::string writeImages(const Model &model);

// The table's bytes, digests filled in. Depends on `model` alone.
std::string writeTable(const Model &model);

// The symbol that a model's artifact exports: "graven_model_iris". Characters that no C identifier
// has become '_'.
std::string artifactSymbol(llvm::StringRef model_name);

// Whether a shared artifact keeps the model's constants behind its ELF file, where they are mapped
// without a copy.
bool areWeightsApart(const Model &model);

// Makes a shared artifact of an ELF file: appends the weights (none: "") and the trailer.
llvm::Error finishSharedArtifact(std::string &elf, llvm::StringRef symbol, llvm::StringRef weights);

}  // namespace graven::package

#endif  // GRAVEN_COMPILER_PACKAGE_TABLE_WRITER_H_
