#include "test/runtime/train/logistic_model.h"

#include <cmath>
#include <cstring>

namespace graven::testing {

const char kLogisticSignature[] =
    R"({"name":"logistic","fit":{"batch_size":16,"epochs":8,"validation_split":0.2}})";

namespace {

constexpr int64_t kF = kLogisticFeatures, kC = kLogisticClasses;

// A number in [-0.5, 0.5) that depends on all arguments (splitmix64).
float Noise(uint64_t seed, uint64_t step, uint64_t index) {
  uint64_t z = seed * 0x9E3779B97F4A7C15u + step * 0xBF58476D1CE4E5B9u + index + 1;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return static_cast<float>((z ^ (z >> 31)) >> 40) * 0x1p-24f - 0.5f;
}

template <typename T>
T *As(void *buffer) {
  return static_cast<T *>(buffer);
}

// buffers: seed in, seed state, kernel, bias, momentum, count, sum, squares, step, lr_scale
void Init(void *const *b, int64_t, int64_t) {
  memcpy(b[1], b[0], 8);
  uint64_t seed;
  memcpy(&seed, b[0], 8);
  for (int64_t i = 0; i < kF * kC; ++i) {
    As<float>(b[2])[i] = Noise(seed, 0, static_cast<uint64_t>(i));
    As<float>(b[4])[i] = 0;
  }
  memset(b[3], 0, kC * sizeof(float));
  *As<float>(b[5]) = 0;
  memset(b[6], 0, kF * sizeof(float));
  memset(b[7], 0, kF * sizeof(float));
  *As<int32_t>(b[8]) = 0;
  *As<float>(b[9]) = 1;
}

// buffers: x, rows, count, sum, squares
void Adapt(void *const *b, int64_t, int64_t) {
  int32_t rows = *As<int32_t>(b[1]);
  *As<float>(b[2]) += static_cast<float>(rows);
  for (int64_t i = 0; i < rows * kF; ++i) {
    float x = As<float>(b[0])[i];
    As<float>(b[3])[i % kF] += x;
    As<float>(b[4])[i % kF] += x * x;
  }
}

// The statistics, kernel and bias of the five buffers from `at` on.
struct Weights {
  const float *count, *sum, *squares, *kernel, *bias;
};

Weights WeightsAt(void *const *b, int at) {
  return {As<float>(b[at]), As<float>(b[at + 1]), As<float>(b[at + 2]), As<float>(b[at + 3]),
          As<float>(b[at + 4])};
}

// Standardized features and log-probabilities of one row.
void Forward(const Weights &w, const float *x, float *standard, float *scores, float *logp) {
  float count = *w.count > 0 ? *w.count : 1.0f;
  for (int64_t f = 0; f < kF; ++f) {
    float mean = w.sum[f] / count;
    float variance = w.squares[f] / count - mean * mean;
    standard[f] = *w.count > 0 ? (x[f] - mean) / std::sqrt(std::fmax(variance, 1e-6f)) : x[f];
  }
  float most = -INFINITY, total = 0;
  for (int64_t c = 0; c < kC; ++c) {
    scores[c] = w.bias[c];
    for (int64_t f = 0; f < kF; ++f) scores[c] += standard[f] * w.kernel[f * kC + c];
    most = std::fmax(most, scores[c]);
  }
  for (int64_t c = 0; c < kC; ++c) total += std::exp(scores[c] - most);
  for (int64_t c = 0; c < kC; ++c) logp[c] = scores[c] - most - std::log(total);
}

void Count(const float *logp, int32_t label, double *metrics[4]) {
  int64_t best = 0;
  for (int64_t c = 1; c < kC; ++c) best = logp[c] > logp[best] ? c : best;
  *metrics[0] += best == label ? 1.0 : 0.0;
  *metrics[1] += 1.0;
  *metrics[2] -= logp[label];
  *metrics[3] += 1.0;
}

// buffers: x, label, rows, count, sum, squares, kernel, bias, 4 metrics
void Eval(void *const *b, int64_t, int64_t) {
  Weights w = WeightsAt(b, 3);
  double *metrics[4] = {As<double>(b[8]), As<double>(b[9]), As<double>(b[10]), As<double>(b[11])};
  float standard[kF], scores[kC], logp[kC];
  for (int32_t row = 0; row < *As<int32_t>(b[2]); ++row) {
    Forward(w, As<float>(b[0]) + row * kF, standard, scores, logp);
    Count(logp, As<int32_t>(b[1])[row], metrics);
  }
}

// buffers: as Eval, then momentum, step, lr_scale, seed, loss out
void Train(void *const *b, int64_t, int64_t) {
  Weights w = WeightsAt(b, 3);
  double *metrics[4] = {As<double>(b[8]), As<double>(b[9]), As<double>(b[10]), As<double>(b[11])};
  int32_t rows = *As<int32_t>(b[2]);
  float gradient[kF * kC] = {}, bias_gradient[kC] = {}, loss = 0;
  float standard[kF], scores[kC], logp[kC];
  for (int32_t row = 0; row < rows; ++row) {
    Forward(w, As<float>(b[0]) + row * kF, standard, scores, logp);
    int32_t label = As<int32_t>(b[1])[row];
    Count(logp, label, metrics);
    loss -= logp[label] / static_cast<float>(rows);
    for (int64_t c = 0; c < kC; ++c) {
      float d = (std::exp(logp[c]) - (c == label ? 1.0f : 0.0f)) / static_cast<float>(rows);
      bias_gradient[c] += d;
      for (int64_t f = 0; f < kF; ++f) gradient[f * kC + c] += d * standard[f];
    }
  }
  float rate = 0.2f * *As<float>(b[14]);
  uint64_t seed;
  memcpy(&seed, b[15], 8);
  auto step = static_cast<uint64_t>(++*As<int32_t>(b[13]));
  for (int64_t i = 0; i < kF * kC; ++i) {
    float noisy = gradient[i] + 0.01f * Noise(seed, step, static_cast<uint64_t>(i));
    float &momentum = As<float>(b[12])[i];
    momentum = 0.9f * momentum + noisy;
    As<float>(b[6])[i] -= rate * momentum;
  }
  for (int64_t c = 0; c < kC; ++c) As<float>(b[7])[c] -= rate * bias_gradient[c];
  *As<float>(b[16]) = loss;
}

// buffers: x, count, sum, squares, kernel, bias, scores
void Predict(void *const *b, int64_t lo, int64_t hi) {
  Weights w = WeightsAt(b, 1);
  float standard[kF], logp[kC];
  for (int64_t row = lo; row < hi; ++row) {
    Forward(w, As<float>(b[0]) + row * kF, standard, As<float>(b[6]) + row * kC, logp);
  }
}

}  // namespace

void BuildLogisticModel(TableBuilder *b, const char *signature) {
  using B = TableBuilder;
  const int64_t batch = kLogisticBatch;
  const uint64_t x_bytes = batch * kF * 4, y_bytes = batch * 4;
  b->model_name = "logistic";
  b->signature = signature;
  uint32_t kernel = b->state("kernel", GRAVEN_F32, {kF, kC}, GRAVEN_ROLE_PARAMETER);
  uint32_t bias = b->state("bias", GRAVEN_F32, {kC}, GRAVEN_ROLE_PARAMETER);
  uint32_t momentum = b->state("kernel.momentum", GRAVEN_F32, {kF, kC}, GRAVEN_ROLE_SLOT);
  uint32_t count = b->state("norm.count", GRAVEN_F32, {}, GRAVEN_ROLE_STATISTIC);
  uint32_t sum = b->state("norm.sum", GRAVEN_F32, {kF}, GRAVEN_ROLE_STATISTIC);
  uint32_t squares = b->state("norm.squares", GRAVEN_F32, {kF}, GRAVEN_ROLE_STATISTIC);
  uint32_t step = b->state("step", GRAVEN_I32, {}, GRAVEN_ROLE_CONTROL);
  uint32_t scale = b->state("lr_scale", GRAVEN_F32, {}, GRAVEN_ROLE_CONTROL);
  uint32_t seed = b->state("seed", GRAVEN_I32, {2}, GRAVEN_ROLE_CONTROL);
  uint32_t hits = b->state("accuracy.sum", GRAVEN_F64, {}, GRAVEN_ROLE_METRIC);
  uint32_t tries = b->state("accuracy.count", GRAVEN_F64, {}, GRAVEN_ROLE_METRIC);
  uint32_t loss = b->state("loss.sum", GRAVEN_F64, {}, GRAVEN_ROLE_METRIC);
  uint32_t losses = b->state("loss.count", GRAVEN_F64, {}, GRAVEN_ROLE_METRIC);
  b->metric("accuracy", hits, tries);
  b->metric("loss", loss, losses);
  uint32_t k_init = b->kernel("init", Init), k_adapt = b->kernel("adapt", Adapt);
  uint32_t k_train = b->kernel("train", Train), k_eval = b->kernel("eval", Eval);
  uint32_t k_predict = b->kernel("predict", Predict);

  auto x_input = [&] { b->input("x", GRAVEN_F32, {batch, kF}, GRAVEN_PORT_BATCHED); };
  auto label_input = [&] {
    b->input("label", GRAVEN_I32, {batch}, GRAVEN_PORT_BATCHED | GRAVEN_PORT_HAS_RANGE, 0, kC);
    b->rows_input();
  };

  b->input("seed", GRAVEN_I32, {2});
  b->launch(
      k_init, 1,
      {B::input_operand(0, 8), b->write_state(seed), b->write_state(kernel), b->write_state(bias),
       b->write_state(momentum), b->write_state(count), b->write_state(sum),
       b->write_state(squares), b->write_state(step), b->write_state(scale)});
  b->entry("init", 0, 0, 0);

  x_input();
  b->rows_input();
  b->launch(k_adapt, 1,
            {B::input_operand(0, x_bytes), B::input_operand(1, 4), b->write_state(count),
             b->write_state(sum), b->write_state(squares)});
  b->entry("adapt", batch, GRAVEN_ENTRY_PARTIAL, 0);

  x_input();
  label_input();
  b->output("loss", GRAVEN_F32, {});
  b->launch(
      k_train, 1,
      {B::input_operand(0, x_bytes), B::input_operand(1, y_bytes), B::input_operand(2, 4),
       b->read_state(count), b->read_state(sum), b->read_state(squares), b->write_state(kernel),
       b->write_state(bias), b->write_state(hits), b->write_state(tries), b->write_state(loss),
       b->write_state(losses), b->write_state(momentum), b->write_state(step), b->read_state(scale),
       b->read_state(seed), B::output_operand(0, 4)});
  b->entry("train_step", batch, GRAVEN_ENTRY_PARTIAL, 0);

  x_input();
  label_input();
  b->launch(k_eval, 1,
            {B::input_operand(0, x_bytes), B::input_operand(1, y_bytes), B::input_operand(2, 4),
             b->read_state(count), b->read_state(sum), b->read_state(squares),
             b->read_state(kernel), b->read_state(bias), b->write_state(hits),
             b->write_state(tries), b->write_state(loss), b->write_state(losses)});
  b->entry("eval_step", batch, GRAVEN_ENTRY_PARTIAL, 0);

  x_input();
  b->output("scores", GRAVEN_F32, {batch, kC}, GRAVEN_PORT_BATCHED);
  b->launch(k_predict, batch,
            {B::input_operand(0, x_bytes), b->read_state(count), b->read_state(sum),
             b->read_state(squares), b->read_state(kernel), b->read_state(bias),
             B::output_operand(0, batch * kC * 4)});
  b->entry("predict", batch, GRAVEN_ENTRY_PARTIAL, 0);

  b->fill(b->write_state(hits), 0);
  b->fill(b->write_state(tries), 0);
  b->fill(b->write_state(loss), 0);
  b->fill(b->write_state(losses), 0);
  b->entry("reset_metrics", 0, 0, 0);
}

}  // namespace graven::testing
