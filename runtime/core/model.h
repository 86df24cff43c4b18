// The immutable model: a verified artifact and what can be worked out from it once.
#ifndef GRAVEN_RUNTIME_CORE_MODEL_H_
#define GRAVEN_RUNTIME_CORE_MODEL_H_

#include <stdint.h>

#include "graven/graven.h"
#include "runtime/core/artifact_verifier.h"
#include "runtime/device/device.h"

namespace graven1 {

// An operand with its segment resolved to an index into a context's base addresses.
struct BoundOperand {
  uint64_t offset;
  uint32_t base;
};

// The order of a context's base addresses: four segments, then inputs, then outputs.
enum Base : uint32_t { kBaseConstant, kBaseState, kBaseMetric, kBaseArena, kBaseInputs };

struct EntryFacts {
  bool reads_state;
  bool writes_state;
  uint32_t data_inputs;  // ports that the caller supplies
};

}  // namespace graven1

struct graven_model {
  graven_artifact artifact;
  graven1::Table table;
  const graven1::Device *device;
  bool loaded;                      // `program` is to be unloaded
  void *program;                    // what the device made of the kernels
  char *constants;                  // constant_bytes, where kernels can read them
  graven1::BoundOperand *operands;  // one per operand record
  graven1::EntryFacts *entries;     // one per entry record
  uint32_t *states_by_name;         // state indices, sorted by name
  uint32_t base_outputs;            // index of the first output's base address
  uint32_t base_count;
  uint32_t most_operands;  // of any command
  uint64_t staging_bytes;  // what the staged ports of any entry can need
  // Opened from a file: the library, the descriptor that it was mapped from, the weights' mapping
  // (null where there are none), and who closes all of it.
  void *library;
  int descriptor;
  void *weights;
  size_t weights_bytes;
  void (*close)(const graven_model &model);
};

namespace graven1 {

// Verifies `artifact`, whose record is copied, and makes a model that runs on `device`, which it
// closes in the end, and even when it fails.
graven_status create_model(const graven_artifact *artifact, const Device *device,
                           graven_model **model);
// The same on the device that `wish` names, see open_device.
graven_status create_model_on(const graven_artifact *artifact, const char *wish,
                              graven_model **model);
// The same from the shared object at `path`. Its code is read once, into memory of this process
// alone; the digest is checked there and the very same bytes are mapped, so that neither a damaged
// file nor one that changes meanwhile reaches the dynamic loader. Weights are mapped from the file:
// who replaces an artifact in use renames another over it, since writing into it changes the
// weights, and cutting it off takes them away.
graven_status open_model(const char *path, const char *wish, graven_model **model);

// Frees a model with all that it has on its device, and closes its library.
void free_model(graven_model *model);

// Index of the state called `name[0, bytes)`, or -1.
int32_t find_state(const graven_model &model, const char *name, size_t bytes);

// The size of `bytes` in staging memory: rounded up to the segment alignment.
inline uint64_t staged(uint64_t bytes) {
  return (bytes + GRAVEN_SEGMENT_ALIGNMENT - 1) & ~uint64_t{GRAVEN_SEGMENT_ALIGNMENT - 1};
}

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_MODEL_H_
