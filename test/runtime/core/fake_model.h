// Artifacts built by hand for the tests of the runtime: a writer of tables, and one small model
// with handwritten kernels.
#ifndef GRAVEN_TEST_RUNTIME_CORE_FAKE_MODEL_H_
#define GRAVEN_TEST_RUNTIME_CORE_FAKE_MODEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "graven/graven.h"

namespace graven::testing {

// Builds an artifact record by record. The artifact points into this object.
class TableBuilder {
 public:
  graven_text text(const std::string &text);
  static graven_tensor_record tensor(graven_dtype dtype, std::vector<int64_t> dims);

  // Each returns the index of the new record.
  uint32_t state(const std::string &name, graven_dtype dtype, std::vector<int64_t> dims,
                 graven_role role);
  uint32_t input(const std::string &name, graven_dtype dtype, std::vector<int64_t> dims,
                 uint32_t flags = 0, int64_t lo = 0, int64_t hi = 0);
  uint32_t rows_input();
  uint32_t output(const std::string &name, graven_dtype dtype, std::vector<int64_t> dims,
                  uint32_t flags = 0);
  // A function; for another device than the CPU the kernel of that name in the image.
  uint32_t kernel(const std::string &name, graven_kernel_fn function, uint32_t threads = 1);
  // A kernel of the image, which `image` brings.
  uint32_t image_kernel(const std::string &name, uint32_t threads, uint32_t shared_bytes);
  // The image's next part.
  void image(graven_image_kind kind, uint32_t architecture, const std::string &bytes);
  uint32_t metric(const std::string &name, uint32_t numerator, uint32_t denominator);

  // Ports and commands given since the last entry belong to the entry that this ends.
  uint32_t entry(const std::string &name, int64_t batch, uint32_t flags, uint64_t arena_bytes);

  struct Operand {
    graven_segment segment;
    uint32_t slot;
    uint64_t offset, bytes;
    uint32_t access;
  };
  Operand read_state(uint32_t state) const;
  Operand write_state(uint32_t state) const;
  static Operand input_operand(uint32_t slot, uint64_t bytes);
  static Operand output_operand(uint32_t slot, uint64_t bytes);
  static Operand arena(uint64_t offset, uint64_t bytes, uint32_t access);
  Operand constant(const std::vector<float> &values);

  void launch(uint32_t kernel, int64_t grid, const std::vector<Operand> &operands,
              uint64_t flops = 1000, uint64_t bytes = 1000);
  void copy(const Operand &from, const Operand &to);
  void fill(const Operand &to, uint8_t byte);

  std::string model_name = "fake";
  std::string target;  // empty: this machine's
  std::string device = "cpu";
  std::string cpu_features;  // e.g. "sse2"
  std::string signature = "{}";
  uint64_t layout_digest = 0x1234;

  // Lays the table out, with its digest. The pointer is valid until the next build.
  const graven_artifact *build();
  // The table of the last build, for tests that damage it; `seal` renews its digest.
  std::vector<uint64_t> &words() { return table_; }
  graven_table_header &header() { return *reinterpret_cast<graven_table_header *>(table_.data()); }
  void seal();
  graven_artifact &artifact() { return artifact_; }

 private:
  graven_span add_operands(const std::vector<Operand> &operands);

  std::string strings_;
  std::vector<graven_state_record> states_;
  std::vector<graven_port_record> inputs_, outputs_, ports_;
  std::vector<graven_operand_record> operands_;
  std::vector<graven_command_record> commands_;
  std::vector<graven_kernel_record> kernels_;
  std::vector<graven_entry_record> entries_;
  std::vector<graven_metric_record> metrics_;
  std::vector<graven_image_record> images_;
  std::vector<uint64_t> image_;
  std::vector<graven_kernel_fn> functions_;
  uint32_t first_command_ = 0;
  uint64_t state_bytes_ = 0, metric_bytes_ = 0, arena_bytes_ = 0;
  struct alignas(64) Line {
    float values[16];
  };
  std::vector<Line> constants_;
  std::vector<uint64_t> table_;
  graven_artifact artifact_ = {};
};

// A model y = w * x + b, elementwise over 4 features, with batch 8:
//   init(): w = 1 2 3 4, b = 0.5; the flag (i1) = 1; step = 0
//   predict(x: 8x4xf32) -> y: 8x4xf32, partial
//   train_step(x: 8x4xf32, label: 8xi32 in [0, 3), rows) -> sum: f32, partial
//       adds every valid element of x to w, counts the step, adds to the metric loss
//   exact(x: 8x4xf32) -> y: 8x4xf32, takes exactly 8 rows; goes through the arena, a copy and a
//   fill reset_metrics()
// For GPUs its kernels are in test/runtime/device/affine_kernels.ptx.
// States: w 4xf32 and b f32 (parameter), w.slot 4xf64 (slot), flag 3xi1 (statistic), step i64
// (control), loss.sum and loss.count f64 (metric).
void build_affine_model(TableBuilder *builder);
constexpr int64_t kAffineBatch = 8, kAffineFeatures = 4;

// A model with one entry run() -> out: 2*gridxf32 that computes an order-sensitive f32 chain per
// element from a seed state, on a grid of `grid` workgroups. `subnormal` elements make it depend on
// the thread's float mode.
void build_chain_model(TableBuilder *builder, int64_t grid);

// An owned temporary folder, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string path(const std::string &name) const { return path_ + "/" + name; }
  const std::string &path() const { return path_; }
  // Names of the files in it, sorted.
  std::vector<std::string> files() const;

 private:
  std::string path_;
};

std::string read_file(const std::string &path);
void write_file(const std::string &path, const std::string &content);

}  // namespace graven::testing

#endif  // GRAVEN_TEST_RUNTIME_CORE_FAKE_MODEL_H_
