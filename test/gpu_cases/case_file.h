// What a GPU is asked to compute and what must come out, as files that can be carried to a machine
// with a GPU: launches that the emulator has run, and calls of artifacts with reference values.
#ifndef GRAVEN_TEST_GPU_CASES_CASE_FILE_H_
#define GRAVEN_TEST_GPU_CASES_CASE_FILE_H_

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace graven::gpu_cases {

/// Memory of one operand.
struct Buffer {
  /// What it holds. "f16", "bf16", "f32", "f64": floats, which may be off by `tolerance` relative
  /// to max(1, |expected|). "bytes": anything; without a tolerance all bits count but those of a
  /// NaN, with one they are taken for f32, which may be off by it relative to the largest. Any
  /// other: all bits.
  std::string element = "bytes";
  double tolerance = 0;
  std::string before;    ///< content when it begins; empty for outputs of an entry
  std::string expected;  ///< content when it has ended; empty: not compared
};

/// A parameter of a kernel: an address within a buffer.
struct Parameter {
  uint32_t buffer = 0;
  uint64_t offset = 0;
};

enum class Kind : uint32_t {
  kKernel = 1,  ///< one launch of a kernel of a PTX file
  kEntry = 2,   ///< one call of an artifact's entry; buffers are its inputs, then its outputs
};

struct Case {
  Kind kind = Kind::kKernel;
  std::string name;
  std::string module;    ///< PTX or artifact: a path from the folder of the case file
  std::string function;  ///< the kernel or entry
  uint32_t grid[3] = {1, 1, 1};
  uint32_t block[3] = {1, 1, 1};
  uint32_t shared_bytes = 0;
  std::vector<Buffer> buffers;
  std::vector<Parameter> parameters;  ///< of a kernel
};

/// Appends the case to a file's content.
std::string encode(const Case &one);

/// Reads the next case; false at the end, or with `error` set where the file is damaged.
bool read_case(std::istream &file, Case *one, std::string *error);

/// "" or how `actual` differs from what the buffer expects; `*worst` grows to the largest error of
/// a float.
std::string difference(const Buffer &buffer, const std::string &actual, double *worst);

}  // namespace graven::gpu_cases

#endif  // GRAVEN_TEST_GPU_CASES_CASE_FILE_H_
