// Where the variables of a kernel lie, and which of them (or which operand) each register's
// addresses come from.
#ifndef GRAVEN_TEST_GPU_EMULATOR_LAYOUT_H_
#define GRAVEN_TEST_GPU_EMULATOR_LAYOUT_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "test/gpu_emulator/ptx.h"
#include "test/gpu_emulator/thread.h"

namespace graven::emulator {

/// Host memory of the module's .global and .const variables, by name.
using Storage = std::map<std::string, std::unique_ptr<uint64_t[]>, std::less<>>;

struct Layout {
  /// One region for each parameter, then one for each variable that the kernel uses. A launch fills
  /// in the addresses of operands and the extent of dynamic shared memory.
  std::vector<Region> regions;
  std::map<std::string, unsigned, std::less<>> region_of;  ///< by name of parameter or variable
  /// Addresses of variables: host addresses, shared addresses, offsets into local memory.
  std::map<std::string, uint64_t, std::less<>> address_of;
  uint32_t shared_bytes = 0;    ///< static, from kSharedBegin
  int dynamic_region = -1;      ///< of .extern .shared, or -1
  uint32_t dynamic_offset = 0;  ///< its shared address
  uint32_t local_bytes = 0;     ///< for each thread
  /// Regions that a register's value may be an address into.
  std::map<std::string, std::set<unsigned>, std::less<>> origins;
};

Layout lay_out(const PtxModule &module, const Kernel &kernel, Storage *storage);

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_LAYOUT_H_
