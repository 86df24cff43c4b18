// The training step as a C programmer would write it, left to `cc -O3 -march=native -ffast-math`:
// loops over plain arrays, one thread. It says what compiling by hand without a library gives, and
// it is an independent check of the others' losses.
#include "tools/bench/workers/mlp.h"

enum { kParameters = kFeatures * kHidden + kHidden + kHidden * kClasses + kClasses, kRows = 4096 };

typedef struct layers {
  float *w1, *b1, *w2, *b2;  // one array of kParameters
} layers;

static float *p, *m, *v, *g;  // parameters, Adam's slots, gradient
static float *hidden, *mask, *logits, *dhidden;
static int64_t count;
static float last_loss;
static uint64_t random_state = 1;

static layers view(float *base) {
  layers n = {base, base + kFeatures * kHidden, NULL, NULL};
  n.w2 = n.b1 + kHidden;
  n.b2 = n.w2 + kHidden * kClasses;
  return n;
}

static const char *restart(int64_t batch) {
  layers n = view(p);
  memcpy(n.w1, data.w1, sizeof(float) * kFeatures * kHidden);
  memcpy(n.b1, data.b1, sizeof(float) * kHidden);
  memcpy(n.w2, data.w2, sizeof(float) * kHidden * kClasses);
  memcpy(n.b2, data.b2, sizeof(float) * kClasses);
  memset(m, 0, sizeof(float) * kParameters);
  memset(v, 0, sizeof(float) * kParameters);
  count = 0;
  (void)batch;
  return NULL;
}

// out[rows][columns] = x[rows][depth] w[depth][columns] + bias
static void dense(const float *restrict x, const float *restrict w, const float *restrict bias,
                  float *restrict out, int64_t rows, int depth, int columns) {
  for (int64_t r = 0; r < rows; ++r) {
    float *o = out + r * columns;
    memcpy(o, bias, sizeof(float) * (size_t)columns);
    for (int k = 0; k < depth; ++k) {
      float a = x[r * depth + k];
      for (int c = 0; c < columns; ++c) o[c] += a * w[k * columns + c];
    }
  }
}

// dw[depth][columns] = xᵀ d, db = sum of the rows of d
static void dense_gradient(const float *restrict x, const float *restrict d, float *restrict dw,
                           float *restrict db, int64_t rows, int depth, int columns) {
  memset(dw, 0, sizeof(float) * (size_t)depth * (size_t)columns);
  memset(db, 0, sizeof(float) * (size_t)columns);
  for (int k = 0; k < depth; ++k)
    for (int64_t r = 0; r < rows; ++r) {
      float a = x[r * depth + k];
      for (int c = 0; c < columns; ++c) dw[k * columns + c] += a * d[r * columns + c];
    }
  for (int64_t r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c) db[c] += d[r * columns + c];
}

static void forward(const float *x, int64_t rows, int training) {
  layers n = view(p);
  dense(x, n.w1, n.b1, hidden, rows, kFeatures, kHidden);
  float keep = training ? 1 - option.dropout : 1;
  for (int64_t i = 0; i < rows * kHidden; ++i) {
    float scale = 1 / keep;
    if (keep < 1) {
      random_state = random_state * 6364136223846793005u + 1442695040888963407u;
      scale = (float)(random_state >> 40) * 0x1p-24f < keep ? 1 / keep : 0;
    }
    mask[i] = hidden[i] > 0 ? scale : 0;
    hidden[i] *= mask[i];
  }
  dense(hidden, n.w2, n.b2, logits, rows, kHidden, kClasses);
}

static void train(const float *x, const int32_t *label, int64_t rows) {
  layers n = view(p), d = view(g);
  forward(x, rows, 1);
  float loss = 0, inverse = 1 / (float)rows;
  for (int64_t r = 0; r < rows; ++r) {  // logits become their gradient
    float *row = logits + r * kClasses, top = row[0], sum = 0;
    for (int c = 1; c < kClasses; ++c) top = row[c] > top ? row[c] : top;
    float hit = row[label[r]];
    for (int c = 0; c < kClasses; ++c) sum += row[c] = expf(row[c] - top);
    loss += logf(sum) - (hit - top);
    for (int c = 0; c < kClasses; ++c) row[c] *= inverse / sum;
    row[label[r]] -= inverse;
  }
  last_loss = loss * inverse;
  dense_gradient(hidden, logits, d.w2, d.b2, rows, kHidden, kClasses);
  for (int64_t r = 0; r < rows; ++r)
    for (int k = 0; k < kHidden; ++k) {
      float sum = 0;
      for (int c = 0; c < kClasses; ++c) sum += logits[r * kClasses + c] * n.w2[k * kClasses + c];
      dhidden[r * kHidden + k] = sum * mask[r * kHidden + k];
    }
  dense_gradient(x, dhidden, d.w1, d.b1, rows, kFeatures, kHidden);
  double t = (double)++count;
  float rate = (float)(1e-3 * sqrt(1 - pow(0.999, t)) / (1 - pow(0.9, t)));
  for (int64_t i = 0; i < kParameters; ++i) {
    m[i] = 0.9f * m[i] + 0.1f * g[i];
    v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
    p[i] -= rate * m[i] / (sqrtf(v[i]) + 1e-7f);
  }
}

static const char *step(const char *kind, int64_t batch, int64_t first) {
  const float *x = data.rows + first * kFeatures;
  if (kind[0] == 't')
    train(x, data.labels + first, batch);
  else
    forward(x, batch, 0);
  return NULL;
}

static const char *prepare(const char *kind, int64_t batch) {
  (void)kind;
  if (batch > kRows) return "batch too large";
  return option.threads > 1 ? "written for one thread" : NULL;
}

static float loss(void) { return last_loss; }

int main(int argc, char **argv) {
  option = parse_options(argc, argv);
  data = read_common(option.data);
  float **arrays[] = {&p, &m, &v, &g};
  for (int i = 0; i < 4; ++i)
    *arrays[i] = aligned_alloc(64, (sizeof(float) * kParameters + 63) / 64 * 64);
  float **values[] = {&hidden, &mask, &dhidden, &logits};
  for (int i = 0; i < 4; ++i) *values[i] = aligned_alloc(64, sizeof(float) * kRows * kHidden);
  restart(0);
  serve_network(__VERSION__, (network){prepare, step, restart, loss, NULL, NULL});
  return 0;
}
