// Graven as a contender on a GPU: opens an artifact, fills its parameters, and calls its entry
// `call`, which reads and writes state alone, so that nothing crosses the bus.
//
//   prepare KIND BATCH LO HI FILE    floats from [LO, HI), integers from [0, 2) or their range
//   burst KIND BATCH N               N calls, then waits for the GPU once
//   roundtrip KIND BATCH N           each call brings its inputs and waits for its results
//   enqueue KIND BATCH N             the host's time of a call that waits for nothing
//   digest KIND BATCH                a digest of each slot, see tensors.h
//   copy - BYTES N                   seconds of N copies from memory to memory of the GPU
//   drop KIND BATCH                  frees everything
#include "graven/graven.h"
#include "runtime/device/cuda/cuda_driver.h"
#include "runtime/device/registry.h"
#include "tools/bench/workers/pipe.h"
#include "tools/bench/workers/tensors.h"

namespace {

using graven1::cuda::Driver;

constexpr int kCases = 32, kPorts = 16;

struct Loaded {
  char kind[256];
  int64_t batch;
  graven_model *model;
  graven_state *state;
  graven_context *context;
  uint32_t entry;
  void *inputs[kPorts], *outputs[kPorts];
  uint32_t input_count, output_count;
};

Loaded cases[kCases];
char message[1024];

const char *failed(const char *what) {
  snprintf(message, sizeof message, "%s: %s", what, graven_last_error());
  return message;
}

Loaded *find(const char *kind, int64_t batch) {
  for (Loaded &each : cases)
    if (each.model && each.batch == batch && !strcmp(each.kind, kind)) return &each;
  return nullptr;
}

void drop(Loaded *l) {
  for (uint32_t i = 0; i < l->input_count; ++i) free(l->inputs[i]);
  for (uint32_t i = 0; i < l->output_count; ++i) free(l->outputs[i]);
  graven_context_destroy(l->context);
  graven_state_destroy(l->state);
  graven_model_destroy(l->model);
  memset(l, 0, sizeof *l);
}

size_t elements(const graven_tensor_record &tensor) {
  size_t count = 1;
  for (uint32_t d = 0; d < tensor.rank; ++d) count *= static_cast<size_t>(tensor.dims[d]);
  return count;
}

// Parameters, in the order of the text, hold the numbers that every contender has as inputs.
const char *fill_states(Loaded *l, double lo, double hi) {
  uint32_t count, input = 0;
  const graven_state_record *states = graven_model_states(l->model, &count);
  for (uint32_t i = 0; i < count; ++i) {
    const graven_state_record &state = states[i];
    if (state.role != GRAVEN_ROLE_PARAMETER) continue;
    const size_t size = elements(state.tensor);
    const bool real = state.tensor.dtype == GRAVEN_F32;
    if (!real && state.tensor.dtype != GRAVEN_I32) return "a parameter is neither f32 nor i32";
    void *data = real ? static_cast<void *>(uniform_floats(input, size, lo, hi))
                      : uniform_integers(input, size, 0, 2);
    if (!data) return "out of memory";
    ++input;
    const char *name = graven_model_text(l->model, state.name);
    const graven_status status = graven_state_set(l->state, name, data, state.tensor.bytes);
    free(data);
    if (status != GRAVEN_OK) return failed(name);
  }
  return nullptr;
}

const char *make_ports(Loaded *l, double lo, double hi) {
  uint32_t count;
  const graven_entry_record &entry = graven_model_entries(l->model, &count)[l->entry];
  const graven_port_record *ports = graven_model_ports(l->model, &count);
  if (entry.inputs.count > kPorts || entry.outputs.count > kPorts) return "too many ports";
  for (uint32_t i = 0; i < entry.inputs.count; ++i) {
    const graven_port_record &port = ports[entry.inputs.first + i];
    if (port.kind != GRAVEN_PORT_DATA) continue;
    if (port.tensor.dtype != GRAVEN_F32) return "an input is not f32";
    l->inputs[l->input_count] = uniform_floats(l->input_count, elements(port.tensor), lo, hi);
    if (!l->inputs[l->input_count++]) return "out of memory";
  }
  for (uint32_t i = 0; i < entry.outputs.count; ++i) {
    l->outputs[i] = tensor_memory(ports[entry.outputs.first + i].tensor.bytes);
    if (!l->outputs[i]) return "out of memory";
    ++l->output_count;
  }
  return nullptr;
}

const char *open_case(Loaded *l, const char *path, double lo, double hi) {
  if (graven_model_open(path, &l->model) != GRAVEN_OK) return failed("open");
  if (graven_state_create(l->model, &l->state) != GRAVEN_OK) return failed("state");
  if (graven_context_create(l->model, nullptr, &l->context) != GRAVEN_OK) return failed("context");
  const int32_t init = graven_model_find_entry(l->model, "init", 0);
  static const int32_t seed[2] = {1, 2};
  const void *inputs[] = {seed};
  if (init >= 0 && graven_call(l->context, l->state, static_cast<uint32_t>(init), 0, inputs,
                               nullptr) != GRAVEN_OK)
    return failed("init");
  int32_t entry = graven_model_find_entry(l->model, "call", 0);
  if (entry < 0) entry = graven_model_find_entry(l->model, "predict", l->batch);
  if (entry < 0) return "the artifact has neither an entry `call` nor `predict`";
  l->entry = static_cast<uint32_t>(entry);
  const char *wrong = fill_states(l, lo, hi);
  return wrong ? wrong : make_ports(l, lo, hi);
}

const char *prepare(const char *kind, int64_t batch, const char *rest, const char **) {
  Loaded *l = find(kind, batch);
  if (l) drop(l);
  for (Loaded &each : cases)
    if (!each.model) l = &each;
  if (!l) return "too many cases at once";
  double lo, hi;
  static char path[kLine];
  snprintf(l->kind, sizeof l->kind, "%s", kind);
  l->batch = batch;
  if (sscanf(rest, "%lf %lf %4095[^\n]", &lo, &hi, path) != 3) return "prepare: LO HI FILE";
  const char *wrong = open_case(l, path, lo, hi);
  if (wrong) drop(l);
  return wrong;
}

// Waits for all calls: reading state does. The smallest is read.
const char *wait(Loaded *l) {
  uint32_t count, least = 0;
  const graven_state_record *states = graven_model_states(l->model, &count);
  if (count == 0) return nullptr;
  for (uint32_t i = 1; i < count; ++i)
    if (states[i].tensor.bytes < states[least].tensor.bytes) least = i;
  void *data = tensor_memory(states[least].tensor.bytes);
  const graven_status status =
      data ? graven_state_get(l->state, graven_model_text(l->model, states[least].name), data,
                              states[least].tensor.bytes)
           : GRAVEN_OK;
  free(data);
  return !data ? "out of memory" : status != GRAVEN_OK ? failed("wait") : nullptr;
}

const char *call(Loaded *l, bool with_results) {
  void *none[kPorts] = {};
  return graven_call(l->context, l->state, l->entry, l->batch, l->inputs,
                     with_results ? l->outputs : none) != GRAVEN_OK
             ? failed(l->kind)
             : nullptr;
}

const char *run(const char *kind, int64_t batch, int64_t steps) {
  Loaded *l = find(kind, batch);
  if (!l) return "not prepared";
  const char *wrong = nullptr;
  for (int64_t i = 0; i < steps && !wrong; ++i) wrong = call(l, false);
  return wrong ? wrong : wait(l);
}

const char *answer_enqueue(Loaded *l, int64_t steps) {
  constexpr int64_t kMost = 4096, kQueued = 16;
  static double times[kMost];
  if (steps > kMost) steps = kMost;
  const char *wrong = nullptr;
  for (int64_t i = 0; i < steps && !wrong; ++i) {
    if (i % kQueued == 0) wrong = wait(l);
    const double start = now_seconds();
    if (!wrong) wrong = call(l, false);
    times[i] = now_seconds() - start;
  }
  if (wrong) return wrong;
  qsort(times, static_cast<size_t>(steps), sizeof(double), compare_doubles);
  printf("{\"p50\": %.9g, \"p99\": %.9g}\n", times[steps / 2], times[steps * 99 / 100]);
  return "";
}

const char *answer_roundtrip(Loaded *l, int64_t steps) {
  constexpr int64_t kMost = 4096;
  static double times[kMost];
  if (steps > kMost) steps = kMost;
  const char *wrong = nullptr;
  for (int64_t i = -steps / 10; i < steps && !wrong; ++i) {
    const double start = now_seconds();
    wrong = call(l, true);
    if (!wrong && l->output_count == 0) wrong = wait(l);
    if (i >= 0) times[i] = now_seconds() - start;
  }
  if (wrong) return wrong;
  qsort(times, static_cast<size_t>(steps), sizeof(double), compare_doubles);
  printf("{\"p50\": %.9g, \"p99\": %.9g}\n", times[steps / 2], times[steps * 99 / 100]);
  return "";
}

const char *answer_digest(Loaded *l) {
  const char *wrong = call(l, true);
  if (wrong) return wrong;
  uint32_t count;
  const graven_state_record *states = graven_model_states(l->model, &count);
  printf("{\"digests\": [");
  const char *comma = "";
  for (uint32_t i = 0; i < count; ++i) {
    const graven_state_record &state = states[i];
    if (state.role != GRAVEN_ROLE_SLOT || state.tensor.dtype != GRAVEN_F32) continue;
    float *data = static_cast<float *>(tensor_memory(state.tensor.bytes));
    if (data && graven_state_get(l->state, graven_model_text(l->model, state.name), data,
                                 state.tensor.bytes) == GRAVEN_OK) {
      printf("%s", comma);
      print_digest(data, elements(state.tensor));
      comma = ", ";
    }
    free(data);
  }
  printf("]}\n");
  return "";
}

// Copies within the GPU's memory, timed by its own events.
const char *answer_copy(size_t bytes, int64_t count) {
  static Driver driver;
  static graven1::cuda::Context context;
  if (!context) {
    graven1::cuda::DeviceNumber device;
    if (graven1::cuda::load_driver(&driver) != GRAVEN_OK) return failed("copy");
    if (driver.device_get(&device, 0) || driver.retain_context(&context, device))
      return "the GPU gives no context";
  }
  graven1::cuda::Current current(driver, context);
  graven1::cuda::Address from = 0, to = 0;
  graven1::cuda::Stream stream = nullptr;
  graven1::cuda::Event begin = nullptr, end = nullptr;
  float milliseconds = 0;
  bool good = !driver.allocate(&from, bytes) && !driver.allocate(&to, bytes) &&
              !driver.create_stream(&stream, 1) && !driver.create_event(&begin, 0) &&
              !driver.create_event(&end, 0) && !driver.set_bytes(from, 0x5a, bytes, stream);
  for (int64_t i = -2; good && i < count; ++i) {
    if (i == 0) good = !driver.record_event(begin, stream);
    good = good && !driver.copy_on_device(to, from, bytes, stream);
  }
  good = good && !driver.record_event(end, stream) && !driver.synchronize(stream) &&
         !driver.elapsed_time(&milliseconds, begin, end);
  if (begin) driver.destroy_event(begin);
  if (end) driver.destroy_event(end);
  if (stream) driver.destroy_stream(stream);
  if (from) driver.release(from);
  if (to) driver.release(to);
  if (!good) return "the GPU's driver refused a copy within its memory";
  printf("{\"seconds\": %.9g}\n", milliseconds / 1e3);
  return "";
}

const char *other(const char *command, const char *kind, int64_t batch, int64_t steps) {
  if (!strcmp(command, "copy")) return answer_copy(static_cast<size_t>(batch), steps);
  Loaded *l = find(kind, batch);
  if (!l) return "not prepared";
  if (!strcmp(command, "digest")) return answer_digest(l);
  if (!strcmp(command, "enqueue")) return answer_enqueue(l, steps);
  if (!strcmp(command, "roundtrip")) return answer_roundtrip(l, steps);
  if (!strcmp(command, "drop")) return drop(l), puts("{}"), "";
  return nullptr;
}

}  // namespace

int main() {
  graven1::link_every_device();
  contender c = {"0.1.0", prepare, run, other};
  serve(&c);
  return 0;
}
