/* Runs a model's entries on generated numbers, or trains a classifier, and writes the bits that
   come out: strict_test.py compares them between machines. driver entries OUT             every
   entry once; all outputs, one behind the other driver train DATA ROWS EPOCHS OUT   784 pixels and
   a label a row; the state as a checkpoint */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "strict.h"
#define TRY(call) \
  if ((call) != GRAVEN_OK) return fprintf(stderr, "%s\n", graven_last_error()), 1
enum { PIXELS = 784, BATCH = 32 };

static uint32_t random_state = 1;
static uint32_t next_random(void) {
  random_state = random_state * 1664525u + 1013904223u;
  return random_state >> 8;
}

/* Numbers in [-2, 2) with all their digits; where `special`, one in 64 is a NaN, an infinity or a
   zero with either sign. */
static double next_number(int special) {
  double number = (next_random() / 16777216.0 + next_random() / 281474976710656.0) * 4 - 2;
  uint32_t choice = next_random() % 256;
  if (!special || choice > 3) return number;
  const double sign = number < 0 ? -1 : 1;
  return choice == 0 ? copysign(NAN, sign) : choice == 1 ? INFINITY * sign : 0 * sign;
}

static size_t elements(const graven_port_record *port) {
  size_t count = 1;
  for (uint32_t i = 0; i < port->tensor.rank; ++i) count *= port->tensor.dims[i];
  return count;
}
static size_t bytes_of(const graven_port_record *port) { return port->tensor.bytes; }

static int run_entries(graven_model *model, graven_state *state, graven_context *context,
                       FILE *out) {
  uint32_t entries, ports;
  const graven_entry_record *entry = graven_model_entries(model, &entries);
  const graven_port_record *port = graven_model_ports(model, &ports);
  for (uint32_t e = 0; e < entries; ++e) {
    const char *name = graven_model_text(model, entry[e].name);
    if (!strcmp(name, "init") || !strcmp(name, "reset_metrics")) continue;
    void *inputs[8] = {0}, *outputs[8] = {0};
    for (uint32_t i = 0; i < entry[e].inputs.count; ++i) {
      const graven_port_record *in = port + entry[e].inputs.first + i;
      const int special = graven_model_text(model, in->name)[0] == 's';
      inputs[i] = malloc(bytes_of(in) + 1);
      for (size_t k = 0; k < elements(in); ++k) {
        if (in->tensor.dtype == GRAVEN_F32)
          ((float *)inputs[i])[k] = (float)next_number(special);
        else if (in->tensor.dtype == GRAVEN_F64)
          ((double *)inputs[i])[k] = next_number(special);
        else
          ((int32_t *)inputs[i])[k] = (int32_t)(next_random() % 7);
      }
    }
    for (uint32_t i = 0; i < entry[e].outputs.count; ++i)
      outputs[i] = calloc(1, bytes_of(port + entry[e].outputs.first + i) + 1);
    TRY(graven_call(context, state, e, 0, (const void *const *)inputs, outputs));
    fprintf(out, "%s ", name);
    for (uint32_t i = 0; i < entry[e].outputs.count; ++i)
      for (size_t k = 0; k < bytes_of(port + entry[e].outputs.first + i); ++k)
        fprintf(out, "%02x", ((unsigned char *)outputs[i])[k]);
    fprintf(out, "\n");
    for (int i = 0; i < 8; ++i) free(inputs[i]), free(outputs[i]);
  }
  return 0;
}

static int train(graven_model *model, graven_state *state, graven_context *context, FILE *data,
                 int rows, int epochs, const char *out) {
  float *x = malloc((size_t)rows * PIXELS * sizeof *x);
  int32_t *label = malloc(rows * sizeof *label);
  for (int i = 0; i < rows; ++i)
    if (fread(x + (size_t)i * PIXELS, sizeof *x, PIXELS, data) != PIXELS ||
        fread(label + i, sizeof *label, 1, data) != 1)
      return fprintf(stderr, "the data end early\n"), 1;
  const int32_t seed[2] = {5, 0};
  TRY(graven_call(context, state, graven_model_find_entry(model, "init", 0), 0,
                  (const void *[]){seed}, NULL));
  const int32_t step = graven_model_find_entry(model, "train_step", BATCH);
  for (int epoch = 0; epoch < epochs; ++epoch)
    for (int i = 0; i + BATCH <= rows; i += BATCH)
      TRY(graven_call(context, state, step, BATCH,
                      (const void *[]){x + (size_t)i * PIXELS, label + i}, NULL));
  TRY(graven_state_save(state, out, NULL));
  free(x), free(label);
  return 0;
}

int main(int argc, char **argv) {
  graven_model *model;
  graven_state *state;
  graven_context *context;
  TRY(graven_model_create(&graven_model_strict, &model));
  TRY(graven_state_create(model, &state));
  TRY(graven_context_create(model, NULL, &context));
  const int training = argc == 6 && !strcmp(argv[1], "train");
  FILE *file = argc < 3 ? NULL : fopen(argv[2], training ? "rb" : "w");
  if (!file) return fprintf(stderr, "what to do, or a file, is missing\n"), 1;
  const int result = training
                         ? train(model, state, context, file, atoi(argv[3]), atoi(argv[4]), argv[5])
                         : run_entries(model, state, context, file);
  fclose(file);
  return result;
}
