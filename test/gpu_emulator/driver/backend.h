// Who runs kernels for the stand-in driver.
#ifndef GRAVEN_TEST_GPU_EMULATOR_DRIVER_BACKEND_H_
#define GRAVEN_TEST_GPU_EMULATOR_DRIVER_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace graven::standin {

// Device memory that exists: first byte -> size.
using MemoryMap = std::map<uint64_t, size_t>;

// One launch of a kernel. All parameters are pointers.
struct Launch {
  std::string kernel;
  uint32_t grid = 0, threads = 0, shared_bytes = 0;
  std::vector<uint64_t> parameters;
};

// A module's kernels.
class Kernels {
 public:
  virtual ~Kernels() = default;
  // Number of parameters of `kernel`, or -1 when there is none of that name.
  virtual int parameter_count(const std::string &kernel) const = 0;
  // Bytes of static shared memory of a kernel that exists.
  virtual uint32_t static_shared_bytes(const std::string &kernel) const = 0;
  // Runs a launch; "" or what went wrong.
  virtual std::string run(const Launch &launch, uint64_t seed, const MemoryMap &memory) = 0;
};

// Loads PTX; null with what is wrong in `log`. A program links one definition: one that runs
// nothing (recording_backend.cc), or the emulator.
std::unique_ptr<Kernels> load_kernels(const std::string &ptx, std::string *log);

}  // namespace graven::standin

#endif  // GRAVEN_TEST_GPU_EMULATOR_DRIVER_BACKEND_H_
