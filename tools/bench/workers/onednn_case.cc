// oneDNN as a contender: matrix products, alone and with bias and activation, forward and backward.
//
//   prepare KIND BATCH LO HI    KIND as in cases.py: gemm:nn:MxKxN, packed:nn:MxKxN,
//                               epilogue:relu:MxKxN, epilogue_pair:relu:MxKxN
// Of several ways to write the same the quickest is taken and named.
#include <dnnl.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/bench/workers/pipe.h"
#include "tools/bench/workers/tensors.h"

namespace {

using dnnl::algorithm;
using dnnl::memory;
using tag = memory::format_tag;
constexpr auto kFloat = memory::data_type::f32;

struct Problem {
  std::string family, what;
  long m = 0, k = 0, n = 0;
  double lo = 0, hi = 1;
};

struct Buffer {
  float *data;
  size_t count;
};

// One way to compute the problem: a closure that runs one step on this case's buffers.
struct Way {
  const char *name;
  std::function<void()> step;
};

struct Case {
  std::vector<Buffer> inputs, outputs, scratch;
  std::function<void()> step;
  ~Case() {
    for (auto *list : {&inputs, &outputs, &scratch})
      for (Buffer &b : *list) free(b.data);
  }
};

dnnl::engine engine;
dnnl::stream stream;
std::map<std::string, std::unique_ptr<Case>> cases;
std::string text;

Buffer make_output(size_t count) {
  return {static_cast<float *>(tensor_memory(count * sizeof(float))), count};
}

memory wrap(const memory::desc &desc, float *data) { return memory(desc, engine, data); }

memory::desc matrix(long rows, long columns, bool transposed = false) {
  return memory::desc({rows, columns}, kFloat, transposed ? tag::ba : tag::ab);
}

using Arguments = std::unordered_map<int, memory>;

std::function<void()> runner(dnnl::primitive primitive, Arguments arguments) {
  return [primitive, arguments] {
    primitive.execute(stream, arguments);
    stream.wait();
  };
}

algorithm activation_of(const std::string &what, bool from_output) {
  if (what == "relu")
    return from_output ? algorithm::eltwise_relu_use_dst_for_bwd : algorithm::eltwise_relu;
  if (what == "tanh")
    return from_output ? algorithm::eltwise_tanh_use_dst_for_bwd : algorithm::eltwise_tanh;
  if (what == "gelu") return algorithm::eltwise_gelu_erf;
  throw std::runtime_error("no activation " + what);
}

// y = x w, with bias and activation if asked for. `packed`: w lies as oneDNN likes it.
std::function<void()> product(memory::desc x, memory::desc w, memory::desc y, float *xp, float *wp,
                              float *yp, float *bias = nullptr, const std::string &what = "",
                              bool packed = false) {
  dnnl::primitive_attr attributes;
  if (!what.empty()) {
    dnnl::post_ops post;
    post.append_eltwise(1.0f, activation_of(what, false), 0.0f, 0.0f);
    attributes.set_post_ops(post);
  }
  memory::desc any({w.dims()[0], w.dims()[1]}, kFloat, tag::any);
  memory::desc b({1, y.dims()[1]}, kFloat, tag::ab);
  dnnl::matmul::desc desc = bias ? dnnl::matmul::desc(x, packed ? any : w, b, y)
                                 : dnnl::matmul::desc(x, packed ? any : w, y);
  dnnl::matmul::primitive_desc chosen(desc, attributes, engine);
  memory weights = wrap(w, wp);
  if (packed) {
    memory there(chosen.weights_desc(), engine);
    dnnl::reorder(weights, there).execute(stream, weights, there);
    stream.wait();
    weights = there;
  }
  Arguments arguments = {
      {DNNL_ARG_SRC, wrap(x, xp)}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, wrap(y, yp)}};
  if (bias) arguments.emplace(DNNL_ARG_BIAS, wrap(b, bias));
  return runner(dnnl::matmul(chosen), arguments);
}

std::vector<Way> gemm_ways(const Problem &p, Case &c) {
  bool ta = p.what == "tn", tb = p.what == "nt";
  float *a = c.inputs[0].data, *b = c.inputs[1].data, *y = c.outputs[0].data;
  if (p.family == "packed")
    return {{"matmul, weights reordered before",
             product(matrix(p.m, p.k), matrix(p.k, p.n), matrix(p.m, p.n), a, b, y, nullptr, "",
                     true)}};
  return {
      {"matmul", product(matrix(p.m, p.k, ta), matrix(p.k, p.n, tb), matrix(p.m, p.n), a, b, y)},
      {"sgemm", [=] {
         dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', p.m, p.n, p.k, 1.0f, a, ta ? p.m : p.k, b,
                    tb ? p.k : p.n, 0.0f, y, p.n);
       }}};
}

std::function<void()> backward_of_activation(const Problem &p, float *saved, float *dy, float *dz) {
  algorithm kind = activation_of(p.what, true);
  memory::desc flat = matrix(p.m, p.n);
  dnnl::eltwise_forward::primitive_desc forward(
      dnnl::eltwise_forward::desc(dnnl::prop_kind::forward_training, kind, flat, 0.0f, 0.0f),
      engine);
  dnnl::eltwise_backward::primitive_desc chosen(
      dnnl::eltwise_backward::desc(kind, flat, flat, 0.0f, 0.0f), engine, forward);
  return runner(dnnl::eltwise_backward(chosen),
                {{p.what == "gelu" ? DNNL_ARG_SRC : DNNL_ARG_DST, wrap(flat, saved)},
                 {DNNL_ARG_DIFF_DST, wrap(flat, dy)},
                 {DNNL_ARG_DIFF_SRC, wrap(flat, dz)}});
}

std::function<void()> activation(const Problem &p, float *z, float *y) {
  memory::desc flat = matrix(p.m, p.n);
  dnnl::eltwise_forward::primitive_desc chosen(
      dnnl::eltwise_forward::desc(dnnl::prop_kind::forward_training, activation_of(p.what, false),
                                  flat, 0.0f, 0.0f),
      engine);
  return runner(dnnl::eltwise_forward(chosen),
                {{DNNL_ARG_SRC, wrap(flat, z)}, {DNNL_ARG_DST, wrap(flat, y)}});
}

// Sums over rows: the bias's gradient.
std::function<void()> column_sums(long rows, long columns, float *dz, float *db) {
  memory::desc from = matrix(rows, columns), to = matrix(1, columns);
  dnnl::reduction::primitive_desc chosen(
      dnnl::reduction::desc(algorithm::reduction_sum, from, to, 0.0f, 0.0f), engine);
  return runner(dnnl::reduction(chosen),
                {{DNNL_ARG_SRC, wrap(from, dz)}, {DNNL_ARG_DST, wrap(to, db)}});
}

// Gradients of weights and bias in one primitive.
std::function<void()> weights_gradient(const Problem &p, float *x, float *dz, float *dw,
                                       float *db) {
  memory::desc from = matrix(p.m, p.k), to = matrix(p.m, p.n);
  memory::desc w({p.n, p.k}, kFloat, tag::ba), b({p.n}, kFloat, tag::a);
  dnnl::inner_product_forward::primitive_desc forward(
      dnnl::inner_product_forward::desc(dnnl::prop_kind::forward_training, from, w, b, to), engine);
  dnnl::inner_product_backward_weights::primitive_desc chosen(
      dnnl::inner_product_backward_weights::desc(from, w, b, to), engine, forward);
  return runner(dnnl::inner_product_backward_weights(chosen), {{DNNL_ARG_SRC, wrap(from, x)},
                                                               {DNNL_ARG_DIFF_DST, wrap(to, dz)},
                                                               {DNNL_ARG_DIFF_WEIGHTS, wrap(w, dw)},
                                                               {DNNL_ARG_DIFF_BIAS, wrap(b, db)}});
}

// Inputs x, w, b and, backward, dy; outputs y and, backward, dx, dw, db.
std::vector<Way> epilogue_ways(const Problem &p, Case &c) {
  float *x = c.inputs[0].data, *w = c.inputs[1].data, *b = c.inputs[2].data;
  float *y = c.outputs[0].data;
  memory::desc xd = matrix(p.m, p.k), wd = matrix(p.k, p.n), yd = matrix(p.m, p.n);
  auto fused = product(xd, wd, yd, x, w, y, b, p.what);
  if (p.family == "epilogue") return {{"matmul with post-ops", fused}};
  float *dy = c.inputs[3].data;
  float *dx = c.outputs[1].data, *dw = c.outputs[2].data, *db = c.outputs[3].data;
  c.scratch = {make_output(p.m * p.n), make_output(p.m * p.n)};
  float *z = c.scratch[0].data, *dz = c.scratch[1].data;
  bool keeps_z = p.what == "gelu";
  std::vector<std::function<void()>> shared;
  if (keeps_z) {
    shared = {product(xd, wd, yd, x, w, z, b), activation(p, z, y)};
  } else {
    shared = {fused};
  }
  shared.push_back(backward_of_activation(p, keeps_z ? z : y, dy, dz));
  shared.push_back(product(yd, matrix(p.n, p.k, true), xd, dz, w, dx));
  auto all = [](std::vector<std::function<void()>> parts) {
    return [parts] {
      for (auto &part : parts) part();
    };
  };
  auto products = shared, inner = shared;
  products.push_back(product(matrix(p.k, p.m, true), yd, wd, x, dz, dw));
  products.push_back(column_sums(p.m, p.n, dz, db));
  inner.push_back(weights_gradient(p, x, dz, dw, db));
  return {{"matmul and reduction", all(products)}, {"inner product's gradient", all(inner)}};
}

double median_seconds(const std::function<void()> &step) {
  step();
  double start = now_seconds();
  step();
  double once = now_seconds() - start;
  long steps = once > 0.01 ? 1 : static_cast<long>(0.01 / (once + 1e-8));
  std::vector<double> times(5);
  for (double &t : times) {
    start = now_seconds();
    for (long i = 0; i < steps; ++i) step();
    t = (now_seconds() - start) / static_cast<double>(steps);
  }
  qsort(times.data(), times.size(), sizeof(double), compare_doubles);
  return times[2];
}

Problem parse(const char *kind, const char *rest) {
  char family[64], what[64];
  Problem p;
  if (sscanf(kind, "%63[^:]:%63[^:]:%ldx%ldx%ld", family, what, &p.m, &p.k, &p.n) != 5)
    throw std::runtime_error("not a kind for oneDNN");
  if (sscanf(rest, "%lf %lf", &p.lo, &p.hi) != 2) throw std::runtime_error("prepare: LO HI");
  p.family = family;
  p.what = what;
  return p;
}

std::unique_ptr<Case> make(const Problem &p, const char **chosen) {
  auto c = std::make_unique<Case>();
  std::vector<size_t> in = {size_t(p.m * p.k), size_t(p.k * p.n)}, out = {size_t(p.m * p.n)};
  bool epilogue = p.family == "epilogue", pair = p.family == "epilogue_pair";
  if (epilogue || pair) in.push_back(p.n);
  if (pair) {
    in.push_back(p.m * p.n);
    out.insert(out.end(), {size_t(p.m * p.k), size_t(p.k * p.n), size_t(p.n)});
  }
  for (size_t i = 0; i < in.size(); ++i)
    c->inputs.push_back({uniform_floats(uint32_t(i), in[i], p.lo, p.hi), in[i]});
  for (size_t count : out) c->outputs.push_back(make_output(count));
  std::vector<Way> ways = epilogue || pair ? epilogue_ways(p, *c) : gemm_ways(p, *c);
  double best = 0;
  for (Way &way : ways) {
    double took = ways.size() > 1 ? median_seconds(way.step) : 0;
    if (c->step && took >= best) continue;
    best = took;
    c->step = way.step;
    *chosen = way.name;
  }
  return c;
}

std::string key(const char *kind, int64_t batch) {
  return std::string(kind) + " " + std::to_string(batch);
}

const char *prepare(const char *kind, int64_t batch, const char *rest, const char **chosen) try {
  cases[key(kind, batch)] = make(parse(kind, rest), chosen);
  return nullptr;
} catch (const std::exception &error) {
  text = error.what();
  return text.c_str();
}

const char *run(const char *kind, int64_t batch, int64_t steps) {
  auto found = cases.find(key(kind, batch));
  if (found == cases.end()) return "not prepared";
  const std::function<void()> &step = found->second->step;
  for (int64_t i = 0; i < steps; ++i) step();
  return nullptr;
}

const char *other(const char *command, const char *kind, int64_t batch, int64_t) {
  auto found = cases.find(key(kind, batch));
  if (found == cases.end()) return "not prepared";
  if (!strcmp(command, "drop")) {
    cases.erase(found);
    puts("{}");
    return "";
  }
  if (strcmp(command, "digest")) return nullptr;
  printf("{\"digests\": [");
  bool first = true;
  for (Buffer &b : found->second->outputs) {
    if (!first) printf(", ");
    print_digest(b.data, b.count);
    first = false;
  }
  printf("]}\n");
  return "";
}

}  // namespace

int main() {
  engine = dnnl::engine(dnnl::engine::kind::cpu, 0);
  stream = dnnl::stream(engine);
  const dnnl_version_t *version = dnnl_version();
  text = std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->patch);
  std::string kept = text;
  contender c = {kept.c_str(), prepare, run, other};
  serve(&c);
  return 0;
}
