// The artifact: what `graven-compile` writes and the core runtime reads.
//
// One exported symbol per model, `graven_model_<name>`, of type `graven_artifact`. It points at a
// relocatable *table*: a flat blob of fixed-size records that refer to one another by index and to
// text by offset into a string pool, so that every reference can be bounds-checked before use.
// Machine code is reached through `kernels` where kernels are functions of the process, else
// through `image`, which a device loads.
//
// This header is the only thing that `compiler/` and `runtime/` share. C99, no dependency.
// All integers are little-endian; every record is 8-byte aligned within the table.
#ifndef GRAVEN_RUNTIME_CORE_ARTIFACT_FORMAT_H_
#define GRAVEN_RUNTIME_CORE_ARTIFACT_FORMAT_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GRAVEN_ARTIFACT_MAGIC 0x4e565247u /* "GRVN" */
#define GRAVEN_ARTIFACT_FORMAT 2u
#define GRAVEN_MAX_RANK 8
/* Before a device's name, the symbol that brings its part of the runtime into a program. */
#define GRAVEN_DEVICE_SYMBOL "graven1_device_"
#define GRAVEN_SEGMENT_ALIGNMENT 64u

// A kernel computes the workgroups [lo, hi) of its grid. `buffers[i]` is the address of operand i
// of the launch, in the order of the launch's operand records. Kernels are pure functions of
// memory: no allocation, no library calls but memcpy and memset, safe to run concurrently on
// disjoint ranges.
typedef void (*graven_kernel_fn)(void *const *buffers, int64_t lo, int64_t hi);

typedef enum graven_dtype {
  GRAVEN_F32 = 1,
  GRAVEN_F64 = 2,
  GRAVEN_I1 = 3,  // one byte per element, 0 or 1
  GRAVEN_I32 = 4,
  GRAVEN_I64 = 5,
  GRAVEN_UI8 = 6,
  GRAVEN_F16 = 7,  // IEEE 754 binary16
  GRAVEN_BF16 = 8  // the upper 16 bits of an f32
} graven_dtype;

// Where a byte range lives.
typedef enum graven_segment {
  GRAVEN_SEGMENT_CONSTANT = 0,  // in the artifact, read-only
  GRAVEN_SEGMENT_STATE = 1,     // one layout for all entries; owned by a graven_state
  GRAVEN_SEGMENT_METRIC = 2,    // metric accumulators; owned by a graven_context
  GRAVEN_SEGMENT_ARENA = 3,     // scratch; undefined between calls; owned by a graven_context
  GRAVEN_SEGMENT_INPUT = 4,     // offset counts from the start of input `slot`
  GRAVEN_SEGMENT_OUTPUT = 5     // offset counts from the start of output `slot`
} graven_segment;

typedef enum graven_role {
  GRAVEN_ROLE_PARAMETER = 0,
  GRAVEN_ROLE_SLOT = 1,       // optimizer state
  GRAVEN_ROLE_STATISTIC = 2,  // running means, normalization
  GRAVEN_ROLE_CONTROL = 3,    // seed, step, lr_scale
  GRAVEN_ROLE_METRIC = 4
} graven_role;

typedef enum graven_port_kind {
  GRAVEN_PORT_DATA = 0,
  GRAVEN_PORT_ROWS = 1  // i32 scalar, filled by the runtime with the number of valid rows
} graven_port_kind;

typedef enum graven_command_kind {
  GRAVEN_COMMAND_LAUNCH = 0,
  GRAVEN_COMMAND_COPY = 1,  // operands: [0] source, [1] destination, of equal size
  GRAVEN_COMMAND_FILL = 2   // operands: [0] destination, set to `fill_byte`
} graven_command_kind;

enum { GRAVEN_OPERAND_READ = 1u, GRAVEN_OPERAND_WRITE = 2u };
enum {
  GRAVEN_PORT_BATCHED = 1u,   // axis 0 is the batch axis: a call may bring fewer rows
  GRAVEN_PORT_HAS_RANGE = 2u  // the checked call tests range_lo <= v < range_hi
};
enum { GRAVEN_ENTRY_PARTIAL = 1u };  // takes any 1 <= n <= batch rows; else exactly `batch`

typedef struct graven_text {  // UTF-8, NUL-terminated in the pool; `bytes` excludes the NUL
  uint32_t offset;            // from the start of the string pool
  uint32_t bytes;
} graven_text;

typedef struct graven_span {  // a run of records
  uint32_t first;
  uint32_t count;
} graven_span;

typedef struct graven_tensor_record {
  uint32_t dtype;  // graven_dtype
  uint32_t rank;
  int64_t dims[GRAVEN_MAX_RANK];  // row-major, dense; unused dims are 0
  uint64_t bytes;
} graven_tensor_record;

typedef struct graven_state_record {
  graven_text name;  // "hidden.kernel", "hidden.kernel.adam.m"
  graven_tensor_record tensor;
  uint32_t role;     // graven_role
  uint32_t segment;  // STATE, or METRIC for role metric
  uint64_t offset;   // multiple of 64
} graven_state_record;

typedef struct graven_port_record {
  graven_text name;
  graven_tensor_record tensor;  // with the compiled batch size in dims[0] when batched
  uint32_t kind;                // graven_port_kind
  uint32_t flags;               // GRAVEN_PORT_*
  int64_t range_lo, range_hi;
} graven_port_record;

// Where a value lies; for verification, profiles and `graven-run info`. `value` is the id that the
// plan verifier tracks: a write stamps the bytes with it, a read demands it. For a state read the
// id is the entry's id for that state's old value.
typedef struct graven_operand_record {
  uint32_t segment;
  uint32_t slot;  // input/output index for INPUT/OUTPUT, else 0
  uint64_t offset;
  uint64_t bytes;
  uint32_t value;
  uint32_t access;  // GRAVEN_OPERAND_READ | GRAVEN_OPERAND_WRITE
} graven_operand_record;

typedef struct graven_command_record {
  uint32_t kind;    // graven_command_kind
  uint32_t kernel;  // index into `kernels` and kernel_records
  int64_t grid;     // number of workgroups
  graven_span operands;
  uint64_t flops;  // estimates, from the compiler's cost model: decide serial against parallel
  uint64_t bytes;
  uint32_t fill_byte;
  uint32_t reserved;
} graven_command_record;

typedef struct graven_kernel_record {
  graven_text name;  // encodes strategy and configuration: matmul_bias_relu_f32_64x128x784_t8x32;
                     // the kernel's symbol in an image
  // Of one workgroup, on devices that run a workgroup with several threads; else 0.
  uint32_t threads;
  uint32_t shared_bytes;  // of dynamic shared memory
} graven_kernel_record;

typedef enum graven_image_kind {
  GRAVEN_IMAGE_PTX = 1,    // text, ended by a NUL that `bytes` counts
  GRAVEN_IMAGE_CUBIN = 2,  // ELF, for GPUs of `architecture` and later minor versions
  GRAVEN_IMAGE_OTHER = 3   // what the artifact's device alone understands
} graven_image_kind;

// The code of all kernels in one form, in the artifact's image.
typedef struct graven_image_record {
  uint32_t kind;          // graven_image_kind
  uint32_t architecture;  // the least one that runs it: 80 for sm_80; 0 where that says nothing
  uint64_t offset;        // from the start of the image, a multiple of 8
  uint64_t bytes;
} graven_image_record;

typedef struct graven_entry_record {
  graven_text name;  // init, train_step, eval_step, predict, reset_metrics, adapt, or the user's
  int64_t batch;     // compiled batch size; 0 where the entry has no batch axis
  uint32_t flags;    // GRAVEN_ENTRY_*
  uint32_t reserved;
  uint64_t arena_bytes;
  graven_span inputs;    // port records
  graven_span outputs;   // port records
  graven_span commands;  // in execution order
} graven_entry_record;

// A metric shown to the user: numerator / denominator, both f64 scalar states of role metric.
typedef struct graven_metric_record {
  graven_text name;  // "loss", "accuracy"
  uint32_t numerator;
  uint32_t denominator;  // state record indices
} graven_metric_record;

typedef struct graven_table_header {
  uint32_t magic;
  uint32_t format;
  uint64_t table_bytes;  // this header included
  uint64_t digest;       // XXH64, seed 0, of the table with this field zero
  graven_text model_name;
  graven_text signature;     // JSON: fit defaults and everything only tools need
  graven_text target;        // LLVM triple
  graven_text device;        // that runs the kernels: "cpu", "cuda"
  graven_text cpu_features;  // comma-separated names the CPU must have: "avx2,fma,avx512f"
  uint64_t state_bytes, metric_bytes, constant_bytes;
  uint64_t arena_bytes;    // maximum over entries
  uint64_t layout_digest;  // XXH64 of names, types and roles of all states but metrics: same model?
  // Byte offsets from the start of the table, and record counts.
  uint32_t strings_offset, strings_bytes;
  uint32_t states_offset, states_count;
  uint32_t ports_offset, ports_count;
  uint32_t operands_offset, operands_count;
  uint32_t commands_offset, commands_count;
  uint32_t kernels_offset, kernels_count;
  uint32_t entries_offset, entries_count;
  uint32_t metrics_offset, metrics_count;
  uint32_t images_offset, images_count;
} graven_table_header;

typedef struct graven_artifact {
  uint32_t magic;
  uint32_t format;
  const void *table;  // graven_table_header, 8-byte aligned
  uint64_t table_bytes;
  const graven_kernel_fn *kernels;  // null where there is an image
  uint64_t kernel_count;            // as many as the table has records
  const void *constants;  // 64-byte aligned; null where they are the file's weights (see below)
  uint64_t constant_bytes;
  const void *image;  // what the table's image records are parts of, 8-byte aligned; null of none
  uint64_t image_bytes;
} graven_artifact;

// A shared artifact is an ELF file, then weights, if it has any, then this trailer. The loader
// reads the ELF file, checks its digest, and only then hands it to dlopen. Weights are the
// constants of an artifact whose `constants` is null: they are mapped from the file, read-only, and
// their digest is checked there. Digests prove integrity, not origin.
#define GRAVEN_TRAILER_MAGIC "GRAVEN\x02\n"
typedef struct graven_trailer {
  uint64_t digest;          // XXH64, seed 0, of the first `file_bytes` of the file
  uint64_t file_bytes;      // of the ELF file, padding included: with weights, a multiple of 64
  uint64_t weights_digest;  // XXH64, seed 0, of the `weights_bytes` that follow; 0 of none
  uint64_t weights_bytes;   // 0: the constants, if any, are in the ELF file
  char symbol[104];         // NUL-terminated name of the exported graven_artifact
  char magic[8];
} graven_trailer;

#ifdef __cplusplus
}
#endif

#endif  // GRAVEN_RUNTIME_CORE_ARTIFACT_FORMAT_H_
