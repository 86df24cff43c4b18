#include "test/runtime/core/fake_model.h"

#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/core/digest.h"
#include "runtime/core/text.h"

namespace graven::testing {
namespace {

uint64_t aligned(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

graven_text TableBuilder::text(const std::string &text) {
  graven_text made = {static_cast<uint32_t>(strings_.size()), static_cast<uint32_t>(text.size())};
  strings_ += text;
  strings_ += '\0';
  return made;
}

graven_tensor_record TableBuilder::tensor(graven_dtype dtype, std::vector<int64_t> dims) {
  graven_tensor_record made = {};
  made.dtype = dtype;
  made.rank = static_cast<uint32_t>(dims.size());
  made.bytes = graven1::element_type(dtype)->bytes;
  for (size_t i = 0; i < dims.size(); ++i) {
    made.dims[i] = dims[i];
    made.bytes *= static_cast<uint64_t>(dims[i]);
  }
  return made;
}

uint32_t TableBuilder::state(const std::string &name, graven_dtype dtype, std::vector<int64_t> dims,
                             graven_role role) {
  graven_state_record record = {};
  record.name = text(name);
  record.tensor = tensor(dtype, dims);
  record.role = role;
  bool metric = role == GRAVEN_ROLE_METRIC;
  record.segment = metric ? GRAVEN_SEGMENT_METRIC : GRAVEN_SEGMENT_STATE;
  uint64_t &end = metric ? metric_bytes_ : state_bytes_;
  record.offset = end;
  end += aligned(record.tensor.bytes);
  states_.push_back(record);
  return static_cast<uint32_t>(states_.size() - 1);
}

uint32_t TableBuilder::input(const std::string &name, graven_dtype dtype, std::vector<int64_t> dims,
                             uint32_t flags, int64_t lo, int64_t hi) {
  inputs_.push_back({text(name), tensor(dtype, dims), GRAVEN_PORT_DATA, flags, lo, hi});
  return static_cast<uint32_t>(inputs_.size() - 1);
}

uint32_t TableBuilder::rows_input() {
  inputs_.push_back({text("rows"), tensor(GRAVEN_I32, {}), GRAVEN_PORT_ROWS, 0, 0, 0});
  return static_cast<uint32_t>(inputs_.size() - 1);
}

uint32_t TableBuilder::output(const std::string &name, graven_dtype dtype,
                              std::vector<int64_t> dims, uint32_t flags) {
  outputs_.push_back({text(name), tensor(dtype, dims), GRAVEN_PORT_DATA, flags, 0, 0});
  return static_cast<uint32_t>(outputs_.size() - 1);
}

uint32_t TableBuilder::kernel(const std::string &name, graven_kernel_fn function,
                              uint32_t threads) {
  if (device != "cpu") return image_kernel(name, threads, 0);
  kernels_.push_back({text(name), 0, 0});
  functions_.push_back(function);
  return static_cast<uint32_t>(kernels_.size() - 1);
}

uint32_t TableBuilder::metric(const std::string &name, uint32_t numerator, uint32_t denominator) {
  metrics_.push_back({text(name), numerator, denominator});
  return static_cast<uint32_t>(metrics_.size() - 1);
}

uint32_t TableBuilder::entry(const std::string &name, int64_t batch, uint32_t flags,
                             uint64_t arena_bytes) {
  graven_entry_record record = {};
  record.name = text(name);
  record.batch = batch;
  record.flags = flags;
  record.arena_bytes = arena_bytes;
  arena_bytes_ = std::max(arena_bytes_, arena_bytes);
  auto move_ports = [&](std::vector<graven_port_record> &from) {
    graven_span span = {static_cast<uint32_t>(ports_.size()), static_cast<uint32_t>(from.size())};
    ports_.insert(ports_.end(), from.begin(), from.end());
    from.clear();
    return span;
  };
  record.inputs = move_ports(inputs_);
  record.outputs = move_ports(outputs_);
  record.commands = {first_command_, static_cast<uint32_t>(commands_.size()) - first_command_};
  first_command_ = static_cast<uint32_t>(commands_.size());
  entries_.push_back(record);
  return static_cast<uint32_t>(entries_.size() - 1);
}

TableBuilder::Operand TableBuilder::read_state(uint32_t state) const {
  const graven_state_record &record = states_[state];
  return {static_cast<graven_segment>(record.segment), 0, record.offset, record.tensor.bytes,
          GRAVEN_OPERAND_READ};
}

TableBuilder::Operand TableBuilder::write_state(uint32_t state) const {
  Operand made = read_state(state);
  made.access = GRAVEN_OPERAND_READ | GRAVEN_OPERAND_WRITE;
  return made;
}

TableBuilder::Operand TableBuilder::input_operand(uint32_t slot, uint64_t bytes) {
  return {GRAVEN_SEGMENT_INPUT, slot, 0, bytes, GRAVEN_OPERAND_READ};
}
TableBuilder::Operand TableBuilder::output_operand(uint32_t slot, uint64_t bytes) {
  return {GRAVEN_SEGMENT_OUTPUT, slot, 0, bytes, GRAVEN_OPERAND_WRITE};
}
TableBuilder::Operand TableBuilder::arena(uint64_t offset, uint64_t bytes, uint32_t access) {
  return {GRAVEN_SEGMENT_ARENA, 0, offset, bytes, access};
}

TableBuilder::Operand TableBuilder::constant(const std::vector<float> &values) {
  uint64_t offset = constants_.size() * sizeof(Line);
  for (size_t i = 0; i < values.size(); ++i) {
    if (i % 16 == 0) constants_.push_back({});
    constants_.back().values[i % 16] = values[i];
  }
  return {GRAVEN_SEGMENT_CONSTANT, 0, offset, values.size() * sizeof(float), GRAVEN_OPERAND_READ};
}

graven_span TableBuilder::add_operands(const std::vector<Operand> &operands) {
  graven_span span = {static_cast<uint32_t>(operands_.size()),
                      static_cast<uint32_t>(operands.size())};
  for (const Operand &o : operands) {
    operands_.push_back({static_cast<uint32_t>(o.segment), o.slot, o.offset, o.bytes, 0, o.access});
  }
  return span;
}

void TableBuilder::launch(uint32_t kernel, int64_t grid, const std::vector<Operand> &operands,
                          uint64_t flops, uint64_t bytes) {
  commands_.push_back(
      {GRAVEN_COMMAND_LAUNCH, kernel, grid, add_operands(operands), flops, bytes, 0, 0});
}

void TableBuilder::copy(const Operand &from, const Operand &to) {
  Operand source = from, destination = to;
  source.access = GRAVEN_OPERAND_READ;
  destination.access = GRAVEN_OPERAND_WRITE;
  commands_.push_back({GRAVEN_COMMAND_COPY, 0, 0, add_operands({source, destination}), 0, 0, 0, 0});
}

uint32_t TableBuilder::image_kernel(const std::string &name, uint32_t threads,
                                    uint32_t shared_bytes) {
  kernels_.push_back({text(name), threads, shared_bytes});
  return static_cast<uint32_t>(kernels_.size() - 1);
}

void TableBuilder::image(graven_image_kind kind, uint32_t architecture, const std::string &bytes) {
  images_.push_back({kind, architecture, image_.size() * 8, bytes.size()});
  size_t first = image_.size();
  image_.resize(first + (bytes.size() + 7) / 8);
  memcpy(image_.data() + first, bytes.data(), bytes.size());
}

void TableBuilder::fill(const Operand &to, uint8_t byte) {
  Operand destination = to;
  destination.access = GRAVEN_OPERAND_WRITE;
  commands_.push_back({GRAVEN_COMMAND_FILL, 0, 0, add_operands({destination}), 0, 0, byte, 0});
}

const graven_artifact *TableBuilder::build() {
  graven_table_header header = {};
  header.magic = GRAVEN_ARTIFACT_MAGIC;
  header.format = GRAVEN_ARTIFACT_FORMAT;
  header.model_name = text(model_name);
  header.signature = text(signature);
#if defined(__x86_64__)
  header.target = text(target.empty() ? "x86_64-pc-linux-gnu" : target);
#else
  header.target = text(target.empty() ? "aarch64-unknown-linux-gnu" : target);
#endif
  header.device = text(device);
  header.cpu_features = text(cpu_features);
  header.state_bytes = state_bytes_;
  header.metric_bytes = metric_bytes_;
  header.constant_bytes = constants_.size() * sizeof(Line);
  header.arena_bytes = arena_bytes_;
  header.layout_digest = layout_digest;

  std::string table(sizeof header, 0);
  auto section = [&](const auto &records, uint32_t *offset, uint32_t *count) {
    table.resize((table.size() + 7) / 8 * 8);
    *offset = static_cast<uint32_t>(table.size());
    *count = static_cast<uint32_t>(records.size());
    table.append(reinterpret_cast<const char *>(records.data()),
                 records.size() * sizeof(records[0]));
  };
  section(states_, &header.states_offset, &header.states_count);
  section(ports_, &header.ports_offset, &header.ports_count);
  section(operands_, &header.operands_offset, &header.operands_count);
  section(commands_, &header.commands_offset, &header.commands_count);
  section(kernels_, &header.kernels_offset, &header.kernels_count);
  section(entries_, &header.entries_offset, &header.entries_count);
  section(metrics_, &header.metrics_offset, &header.metrics_count);
  section(images_, &header.images_offset, &header.images_count);
  section(strings_, &header.strings_offset, &header.strings_bytes);
  table.resize((table.size() + 7) / 8 * 8);
  header.table_bytes = table.size();
  memcpy(table.data(), &header, sizeof header);
  table_.assign(table.size() / 8, 0);
  memcpy(table_.data(), table.data(), table.size());
  artifact_ = {GRAVEN_ARTIFACT_MAGIC, GRAVEN_ARTIFACT_FORMAT,
               table_.data(),         table.size(),
               functions_.data(),     kernels_.size(),
               constants_.data(),     constants_.size() * sizeof(Line),
               image_.data(),         image_.size() * 8};
  seal();
  return &artifact_;
}

void TableBuilder::seal() {
  header().digest = 0;
  graven1::Digest digest;
  digest.add(table_.data(), table_.size() * 8);
  header().digest = digest.value();
}

namespace {

// buffers: w, constant, b, flag, step
void affine_init(void *const *buffers, int64_t, int64_t) {
  memcpy(buffers[0], buffers[1], 4 * sizeof(float));
  *static_cast<float *>(buffers[2]) = 0.5f;
  memset(buffers[3], 1, 3);
  *static_cast<int64_t *>(buffers[4]) = 0;
}

// buffers: x, w, b, y; one workgroup a row
void affine_predict(void *const *buffers, int64_t lo, int64_t hi) {
  const float *x = static_cast<const float *>(buffers[0]);
  const float *w = static_cast<const float *>(buffers[1]);
  const float *b = static_cast<const float *>(buffers[2]);
  float *y = static_cast<float *>(buffers[3]);
  for (int64_t i = lo * kAffineFeatures; i < hi * kAffineFeatures; ++i) {
    y[i] = w[i % kAffineFeatures] * x[i] + *b;
  }
}

// buffers: x, rows, w, step, loss.sum, loss.count, sum
void affine_train(void *const *buffers, int64_t, int64_t) {
  const float *x = static_cast<const float *>(buffers[0]);
  int32_t rows = *static_cast<const int32_t *>(buffers[1]);
  float *w = static_cast<float *>(buffers[2]);
  float total = 0;
  for (int64_t i = 0; i < rows * kAffineFeatures; ++i) {
    w[i % kAffineFeatures] += x[i];
    total += x[i];
  }
  ++*static_cast<int64_t *>(buffers[3]);
  *static_cast<double *>(buffers[4]) += total;
  *static_cast<double *>(buffers[5]) += rows;
  *static_cast<float *>(buffers[6]) = total;
}

// buffers: seed, out
void chain(void *const *buffers, int64_t lo, int64_t hi) {
  float seed = *static_cast<const float *>(buffers[0]);
  float *out = static_cast<float *>(buffers[1]);
  for (int64_t i = lo; i < hi; ++i) {
    // Halving 1e-30 thirty times ends among the subnormals, which flush-to-zero would erase.
    volatile float value = seed * 1e-30f * static_cast<float>(i + 1);
    for (int k = 0; k < 30; ++k) value = value * 0.5f;
    volatile float chained = seed + static_cast<float>(i);
    for (int k = 0; k < 20; ++k) chained = chained * 1.0009765f + 0.1f;
    out[2 * i] = value;
    out[2 * i + 1] = chained;
  }
}

}  // namespace

void build_affine_model(TableBuilder *b) {
  using B = TableBuilder;
  const uint64_t x_bytes = kAffineBatch * kAffineFeatures * sizeof(float);
  b->model_name = "affine";
  uint32_t w = b->state("w", GRAVEN_F32, {kAffineFeatures}, GRAVEN_ROLE_PARAMETER);
  uint32_t bias = b->state("b", GRAVEN_F32, {}, GRAVEN_ROLE_PARAMETER);
  b->state("w.slot", GRAVEN_F64, {kAffineFeatures}, GRAVEN_ROLE_SLOT);
  uint32_t flag = b->state("flag", GRAVEN_I1, {3}, GRAVEN_ROLE_STATISTIC);
  uint32_t step = b->state("step", GRAVEN_I64, {}, GRAVEN_ROLE_CONTROL);
  uint32_t sum = b->state("loss.sum", GRAVEN_F64, {}, GRAVEN_ROLE_METRIC);
  uint32_t count = b->state("loss.count", GRAVEN_F64, {}, GRAVEN_ROLE_METRIC);
  b->metric("loss", sum, count);
  uint32_t init = b->kernel("init", affine_init, 4);
  uint32_t predict = b->kernel("predict", affine_predict, 4);
  uint32_t train = b->kernel("train", affine_train, 4);

  b->launch(init, 1,
            {b->write_state(w), b->constant({1, 2, 3, 4}), b->write_state(bias),
             b->write_state(flag), b->write_state(step)});
  b->entry("init", 0, 0, 0);

  b->input("x", GRAVEN_F32, {kAffineBatch, kAffineFeatures}, GRAVEN_PORT_BATCHED);
  b->output("y", GRAVEN_F32, {kAffineBatch, kAffineFeatures}, GRAVEN_PORT_BATCHED);
  b->launch(predict, kAffineBatch,
            {B::input_operand(0, x_bytes), b->read_state(w), b->read_state(bias),
             B::output_operand(0, x_bytes)});
  b->entry("predict", kAffineBatch, GRAVEN_ENTRY_PARTIAL, 0);

  b->input("x", GRAVEN_F32, {kAffineBatch, kAffineFeatures}, GRAVEN_PORT_BATCHED);
  b->input("label", GRAVEN_I32, {kAffineBatch}, GRAVEN_PORT_BATCHED | GRAVEN_PORT_HAS_RANGE, 0, 3);
  b->rows_input();
  b->output("sum", GRAVEN_F32, {});
  b->launch(
      train, 1,
      {B::input_operand(0, x_bytes), B::input_operand(2, 4), b->write_state(w),
       b->write_state(step), b->write_state(sum), b->write_state(count), B::output_operand(0, 4)});
  b->entry("train_step", kAffineBatch, GRAVEN_ENTRY_PARTIAL, 0);

  b->input("x", GRAVEN_F32, {kAffineBatch, kAffineFeatures}, GRAVEN_PORT_BATCHED);
  b->output("y", GRAVEN_F32, {kAffineBatch, kAffineFeatures}, GRAVEN_PORT_BATCHED);
  B::Operand whole = B::arena(64, x_bytes, GRAVEN_OPERAND_WRITE);
  b->launch(predict, kAffineBatch,
            {B::input_operand(0, x_bytes), b->read_state(w), b->read_state(bias), whole});
  b->fill(B::arena(64, 4, GRAVEN_OPERAND_WRITE), 0x40);  // y[0] = 3.0039...
  b->copy(whole, B::output_operand(0, x_bytes));
  b->entry("exact", kAffineBatch, 0, 64 + x_bytes);

  b->fill(b->write_state(sum), 0);
  b->fill(b->write_state(count), 0);
  b->entry("reset_metrics", 0, 0, 0);
}

void build_chain_model(TableBuilder *b, int64_t grid) {
  using B = TableBuilder;
  b->model_name = "chain";
  uint32_t seed = b->state("seed", GRAVEN_F32, {}, GRAVEN_ROLE_PARAMETER);
  uint32_t kernel = b->kernel("chain", chain);
  const uint64_t bytes = static_cast<uint64_t>(2 * grid) * sizeof(float);
  b->output("out", GRAVEN_F32, {2 * grid});
  b->launch(kernel, grid, {b->read_state(seed), B::output_operand(0, bytes)}, 1u << 20, 1u << 20);
  b->entry("run", 0, 0, 0);
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "graven_test_XXXXXX").string();
  if (!mkdtemp(pattern.data())) abort();
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TemporaryFolder::files() const {
  std::vector<std::string> names;
  for (const auto &entry : std::filesystem::directory_iterator(path_)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string read_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

void write_file(const std::string &path, const std::string &content) {
  std::ofstream(path, std::ios::binary)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
}

}  // namespace graven::testing
