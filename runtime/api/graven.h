// Graven's C interface: load a compiled model, hold its state, call its entry points.
//
// A *model* is the immutable artifact: entry points, signature, kernels. A *state* is everything
// that a model learns and remembers: parameters, optimizer slots, statistics, seed and step. A
// *context* is what one caller needs to run: scratch memory, metric accumulators, a worker pool.
// One model serves any number of states and contexts; a state takes many readers or one writer, a
// context one call at a time, and a violation is answered with GRAVEN_BUSY, never with a race.
//
// Memory for inputs and outputs is the caller's: dense, row-major, aligned to the element.
// Outputs that are larger than the caches are written faster at multiples of 64 bytes.
// Functions return a status; graven_last_error() tells, per thread, what went wrong and what to do.
// Nothing here aborts the process. No function but the *_open, *_create, *_clone and *_load ones
// allocates.
#ifndef GRAVEN_RUNTIME_API_GRAVEN_H_
#define GRAVEN_RUNTIME_API_GRAVEN_H_

#include <stddef.h>
#include <stdint.h>

#include "graven/artifact_format.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define GRAVEN_ABI_VERSION 1

// Every symbol carries the ABI version, so that programs linked from parts built at different times
// share equal cores and keep unequal ones apart.
#define GRAVEN_SYMBOL(name) graven1_##name
#define graven_status_name GRAVEN_SYMBOL(status_name)
#define graven_last_error GRAVEN_SYMBOL(last_error)
#define graven_device_describe GRAVEN_SYMBOL(device_describe)
#define graven_model_open GRAVEN_SYMBOL(model_open)
#define graven_model_open_on GRAVEN_SYMBOL(model_open_on)
#define graven_model_create GRAVEN_SYMBOL(model_create)
#define graven_model_create_on GRAVEN_SYMBOL(model_create_on)
#define graven_model_destroy GRAVEN_SYMBOL(model_destroy)
#define graven_model_runs_behind GRAVEN_SYMBOL(model_runs_behind)
#define graven_model_table GRAVEN_SYMBOL(model_table)
#define graven_model_text GRAVEN_SYMBOL(model_text)
#define graven_model_find_state GRAVEN_SYMBOL(model_find_state)
#define graven_model_find_entry GRAVEN_SYMBOL(model_find_entry)
#define graven_model_states GRAVEN_SYMBOL(model_states)
#define graven_model_entries GRAVEN_SYMBOL(model_entries)
#define graven_model_ports GRAVEN_SYMBOL(model_ports)
#define graven_model_metrics GRAVEN_SYMBOL(model_metrics)
#define graven_state_create GRAVEN_SYMBOL(state_create)
#define graven_state_destroy GRAVEN_SYMBOL(state_destroy)
#define graven_state_clone GRAVEN_SYMBOL(state_clone)
#define graven_state_get GRAVEN_SYMBOL(state_get)
#define graven_state_set GRAVEN_SYMBOL(state_set)
#define graven_state_save GRAVEN_SYMBOL(state_save)
#define graven_state_load GRAVEN_SYMBOL(state_load)
#define graven_state_metadata GRAVEN_SYMBOL(state_metadata)
#define graven_pool_create GRAVEN_SYMBOL(pool_create)
#define graven_pool_destroy GRAVEN_SYMBOL(pool_destroy)
#define graven_pool_threads GRAVEN_SYMBOL(pool_threads)
#define graven_context_create GRAVEN_SYMBOL(context_create)
#define graven_context_destroy GRAVEN_SYMBOL(context_destroy)
#define graven_context_metric GRAVEN_SYMBOL(context_metric)
#define graven_context_get_metrics GRAVEN_SYMBOL(context_get_metrics)
#define graven_context_set_metrics GRAVEN_SYMBOL(context_set_metrics)
#define graven_context_profile GRAVEN_SYMBOL(context_profile)
#define graven_context_trace GRAVEN_SYMBOL(context_trace)
#define graven_call GRAVEN_SYMBOL(call)
#define graven_call_raw GRAVEN_SYMBOL(call_raw)

typedef enum graven_status {
  GRAVEN_OK = 0,
  GRAVEN_INVALID_ARGUMENT = 1,  // a null handle, a wrong size, a label out of range
  GRAVEN_NOT_FOUND = 2,         // no such file, entry, state
  GRAVEN_CORRUPT = 3,           // an artifact or checkpoint that is damaged
  GRAVEN_INCOMPATIBLE =
      4,  // another format version, another model's checkpoint, missing CPU features
  GRAVEN_OUT_OF_MEMORY = 5,
  GRAVEN_IO_ERROR = 6,      // the operating system refused a read or a write
  GRAVEN_BUSY = 7,          // the state or context is in use by another call
  GRAVEN_DEVICE_FAILED = 8  // a fault of the device or its driver; the model is lost
} graven_status;

typedef struct graven_model graven_model;
typedef struct graven_state graven_state;
typedef struct graven_context graven_context;
typedef struct graven_pool graven_pool;

const char *graven_status_name(graven_status status);
// The calling thread's last error as a sentence: what is wrong, where, what to do. "" when none.
const char *graven_last_error(void);

// --- devices -------------------------------------------------------------------------------------
typedef struct graven_device_info {
  char name[32];      // as graven_model_open_on takes it: "cpu", "cuda:0"
  int32_t available;  // 0: there is none of that kind, and the description says why
  int32_t reserved;
  uint64_t memory_bytes;   // of the device's own; 0 where it uses the program's
  char description[1024];  // one line
} graven_device_info;
// Describes number `index`, counted from 0, of the devices that this program can use; a kind of
// which there is no device has one entry all the same. NOT_FOUND beyond the last.
graven_status graven_device_describe(uint32_t index, graven_device_info *info);

// --- model ---------------------------------------------------------------------------------------
// Opens `model.so`: verifies its digest, its table and that this CPU has the features it needs,
// then maps it. The path is taken as it stands; no search path is used.
graven_status graven_model_open(const char *path, graven_model **model);
// The same on a certain device. Which kind of device a model runs on is decided when it is
// compiled; `device` is null or "auto" (the first of that kind), or a name with or without a
// number: "cpu", "cuda", "cuda:1"; "none" opens it to be looked at, where there may be no such
// device. The model's states and contexts lie in that device's memory. A device that works on its
// own may go on when a call has returned, unless the call has outputs that are wanted; whatever
// reads state or metrics waits for it, and reports its faults (GRAVEN_DEVICE_FAILED).
graven_status graven_model_open_on(const char *path, const char *device, graven_model **model);
// The same for an artifact linked into the program: `&graven_model_iris` from the generated header.
graven_status graven_model_create(const graven_artifact *artifact, graven_model **model);
graven_status graven_model_create_on(const graven_artifact *artifact, const char *device,
                                     graven_model **model);
// Contexts and states must be destroyed first. Null is allowed, here and in the other *_destroy.
void graven_model_destroy(graven_model *model);

// Whether the model's device works on its own: calls return before it has done them, and reading
// state or metrics waits for it. Then do so seldom. 0 or 1.
int32_t graven_model_runs_behind(const graven_model *model);

const graven_table_header *graven_model_table(const graven_model *model);
const char *graven_model_text(const graven_model *model, graven_text text);
const graven_state_record *graven_model_states(const graven_model *model, uint32_t *count);
const graven_entry_record *graven_model_entries(const graven_model *model, uint32_t *count);
const graven_port_record *graven_model_ports(const graven_model *model, uint32_t *count);
const graven_metric_record *graven_model_metrics(const graven_model *model, uint32_t *count);
// Index of the state called `name`, or -1.
int32_t graven_model_find_state(const graven_model *model, const char *name);
// Index of the smallest variant of entry `name` that takes `rows` rows (rows = 0: any), or -1.
int32_t graven_model_find_entry(const graven_model *model, const char *name, int64_t rows);

// --- state ---------------------------------------------------------------------------------------
// Zero-filled; call entry "init" to give parameters and seed their first values.
graven_status graven_state_create(const graven_model *model, graven_state **state);
void graven_state_destroy(graven_state *state);
graven_status graven_state_clone(const graven_state *state, graven_state **copy);
// Copies one state tensor out or in; `bytes` must equal the tensor's size. Row-major.
graven_status graven_state_get(const graven_state *state, const char *name, void *data,
                               size_t bytes);
graven_status graven_state_set(graven_state *state, const char *name, const void *data,
                               size_t bytes);
// Writes a checkpoint (safetensors): all state by name, `metadata` (pairs of keys and values, ended
// by a null key; may be null) and digests in __metadata__. Atomic: a temporary file in the same
// folder is written, fsynced and renamed, then the folder is fsynced.
graven_status graven_state_save(const graven_state *state, const char *path,
                                const char *const *metadata);
// Reads a checkpoint; the state is unchanged unless the whole file is sound and fits the model. A
// plain safetensors file (weights written by another program) is taken too: it must hold every
// parameter and statistic and nothing else than states; slots and control that it lacks keep their
// values.
graven_status graven_state_load(graven_state *state, const char *path);
// A metadata value of the checkpoint last loaded into `state`, or null; valid until the next load.
const char *graven_state_metadata(const graven_state *state, const char *key);

// --- pool and context ----------------------------------------------------------------------------
// A program's own threads: calls body(data, i) once for every 0 <= i < parts, on any threads, and
// returns when all are done.
typedef void (*graven_parallel_for)(void *self, int64_t parts,
                                    void (*body)(void *data, int64_t part), void *data);
typedef struct graven_pool_options {
  int32_t threads;         // the caller's included; 0: as many as the machine has cores
  int32_t force_parallel;  // tests only: never take the serial shortcut for small work
  // Null: the pool makes threads of its own. Else it makes none and has each parallel region run by
  // parallel_for(parallel_for_self, ...), in at most `threads` parts.
  graven_parallel_for parallel_for;
  void *parallel_for_self;
} graven_pool_options;
graven_status graven_pool_create(const graven_pool_options *options, graven_pool **pool);
void graven_pool_destroy(graven_pool *pool);
int32_t graven_pool_threads(const graven_pool *pool);

// `pool` may be null (serial), and may be shared by contexts: it runs one parallel region at a
// time, a second caller runs its own serially.
graven_status graven_context_create(const graven_model *model, graven_pool *pool,
                                    graven_context **context);
void graven_context_destroy(graven_context *context);
// numerator / denominator of the metric since the last call of entry "reset_metrics"; NaN when
// empty.
graven_status graven_context_metric(const graven_context *context, const char *name, double *value);
// Copies the memory of all metric accumulators out or in, so that a run stopped amid an epoch can
// go on counting where it was; `bytes` must equal the table's metric_bytes.
graven_status graven_context_get_metrics(const graven_context *context, void *data, size_t bytes);
graven_status graven_context_set_metrics(graven_context *context, const void *data, size_t bytes);

// Per-command wall time of subsequent calls is added to `nanoseconds[command index]`, counting from
// the start of the command records; null switches profiling off.
graven_status graven_context_profile(graven_context *context, uint64_t *nanoseconds, size_t count);

typedef enum graven_trace_kind {
  GRAVEN_TRACE_CALL = 0,     // a whole call; `number` is the entry
  GRAVEN_TRACE_COMMAND = 1,  // a command; `number` counts from the start of the command records
  GRAVEN_TRACE_PART = 2      // what one thread ran at a stretch of a launch: workgroups [lo, hi)
} graven_trace_kind;
typedef struct graven_trace_event {
  uint32_t kind;  // graven_trace_kind
  uint32_t number;
  int32_t thread;  // as the operating system counts
  uint32_t reserved;
  uint64_t begin, end;  // nanoseconds of CLOCK_MONOTONIC
  int64_t lo, hi;
} graven_trace_event;
typedef struct graven_trace {
  graven_trace_event *events;  // `capacity`, in the order of their ends
  uint64_t capacity;
  uint64_t count;  // events so far; those beyond `capacity` are not kept
} graven_trace;
// Subsequent calls add what they ran to `trace`, which the caller keeps and reads between calls;
// null switches tracing off.
graven_status graven_context_trace(graven_context *context, graven_trace *trace);

// --- call ----------------------------------------------------------------------------------------
// Calls entry number `entry` (graven_model_find_entry). `inputs` and `outputs` hold one pointer per
// DATA port of the entry, in order; ROWS ports are not listed: the runtime fills them. `rows` is
// the number of rows in batched ports (1 <= rows <= batch; ignored where batch is 0); missing rows
// are supplied by repeating row 0, and only `rows` rows are written to batched outputs. Outputs may
// be null when not wanted. The checked call tests handles, ranges and rows.
graven_status graven_call(graven_context *context, graven_state *state, uint32_t entry,
                          int64_t rows, const void *const *inputs, void *const *outputs);
// The same without the checks: every handle valid, every label in range, rows in bounds.
graven_status graven_call_raw(graven_context *context, graven_state *state, uint32_t entry,
                              int64_t rows, const void *const *inputs, void *const *outputs);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif  // GRAVEN_RUNTIME_API_GRAVEN_H_
